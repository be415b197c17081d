// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/sysfs.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *root = "";

void sysfs_set_root(const char *path)
{
	root = path ? path : "";
}

const char *sysfs_root(void)
{
	return root;
}

const char *sysfs_path(char buf[SYSFS_PATH], const char *format, ...)
{
	size_t len = strlen(root);
	va_list args;

	if (len >= SYSFS_PATH)
		len = SYSFS_PATH - 1;
	memcpy(buf, root, len);
	va_start(args, format);
	vsnprintf(buf + len, SYSFS_PATH - len, format, args);
	va_end(args);
	return buf;
}

int sysfs_read(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");
	int err = 0;

	buf[0] = '\0';
	if (!file)
		return -errno;
	if (!fgets(buf, (int)size, file) && ferror(file))
		err = errno ? -errno : -EIO;
	fclose(file);
	buf[strcspn(buf, "\n")] = '\0';
	return err;
}

int sysfs_write(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	/* one write: the kernel takes each as a whole */
	if (write(fd, text, len) != (ssize_t)len)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

void sysfs_link(const char *path, char name[SYSFS_NAME])
{
	char target[SYSFS_PATH];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	name[0] = '\0';
	if (len < 0)
		return;
	target[len] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, SYSFS_NAME, "%.*s", SYSFS_NAME - 1,
		 slash ? slash + 1 : target);
}

bool sysfs_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(a, b);
}

void sysfs_list(const char *path, struct name_list *list)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	list->count = 0;
	if (!dir)
		return;
	while (list->count < SYSFS_LIST && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    strlen(entry->d_name) >= SYSFS_NAME)
			continue;
		strcpy(list->name[list->count++], entry->d_name);
	}
	closedir(dir);
	qsort(list->name, list->count, SYSFS_NAME, by_name);
}

/* ------------------------------------------------------------------------
 * PCI functions
 */

static unsigned read_hex(const char *address, const char *file)
{
	char path[SYSFS_PATH], text[32];

	sysfs_path(path, "/sys/bus/pci/devices/%s/%s", address, file);
	if (sysfs_read(path, text, sizeof(text)))
		return 0;
	return (unsigned)strtoul(text, NULL, 16);
}

static void first_name(const char *address, const char *folder,
		       char name[SYSFS_NAME])
{
	struct name_list list;
	char path[SYSFS_PATH];

	name[0] = '\0';
	sysfs_list(sysfs_path(path, "/sys/bus/pci/devices/%s/%s", address,
			      folder), &list);
	if (list.count)
		strcpy(name, list.name[0]);
}

int pci_read(struct pci_dev *dev, const char *name)
{
	char path[SYSFS_PATH], address[SYSFS_NAME];

	/* name may be dev->address */
	if (strlen(name) >= sizeof(address))
		return -ENODEV;
	strcpy(address, name);
	memset(dev, 0, sizeof(*dev));
	if (!address[0] || address[0] == '.' || strchr(address, '/') ||
	    !sysfs_exists(sysfs_path(path, "/sys/bus/pci/devices/%s", address)))
		return -ENODEV;

	strcpy(dev->address, address);
	sysfs_link(sysfs_path(path, "/sys/bus/pci/devices/%s/driver", address),
		   dev->driver);
	first_name(address, "net", dev->ifname);
	first_name(address, "userring", dev->node);
	dev->vendor = read_hex(address, "vendor");
	dev->device = read_hex(address, "device");
	return 0;
}

int pci_find(struct pci_dev *dev, const char *name)
{
	char path[SYSFS_PATH], address[SYSFS_NAME];

	if (pci_read(dev, name) == 0)
		return 0;

	/* 00:04.0, as lspci says it */
	if (strlen(name) < 32) {
		snprintf(address, sizeof(address), "0000:%s", name);
		if (pci_read(dev, address) == 0)
			return 0;
	}

	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	if (*name == '\0' || strchr(name, '/'))
		return -ENODEV;

	sysfs_link(sysfs_path(path, "/sys/class/userring/%s/device", name),
		   address);
	if (address[0])
		return pci_read(dev, address);

	if (!sysfs_exists(sysfs_path(path, "/sys/class/net/%s", name)))
		return -ENODEV;
	sysfs_link(sysfs_path(path, "/sys/class/net/%s/device", name), address);
	if (pci_read(dev, address))
		return -EINVAL;
	return 0;
}

const char *pci_supported(const struct pci_dev *dev)
{
	if (dev->vendor != 0x8086)
		return NULL;
	switch (dev->device) {
	case 0x100e:
		return "82540EM";
	case 0x100f:
		return "82545EM";
	case 0x10d3:
		return "82574L";
	case 0x10c9:
		return "82576";
	case 0x10ca:
		return "82576 virtual function";
	default:
		return NULL;
	}
}

/* ------------------------------------------------------------------------
 * Use of an interface
 */

static bool has_default_route(const char *ifname)
{
	char path[SYSFS_PATH], line[512];
	bool found = false;
	FILE *file;

	file = fopen(sysfs_path(path, "/proc/net/route"), "re");
	if (file) {
		char name[SYSFS_NAME], dest[16], mask[16];

		while (!found && fgets(line, sizeof(line), file))
			found = sscanf(line, "%63s %15s %*s %*s %*s %*s %*s %15s",
				       name, dest, mask) == 3 &&
				strcmp(name, ifname) == 0 &&
				strcmp(dest, "00000000") == 0 &&
				strcmp(mask, "00000000") == 0;
		fclose(file);
	}

	file = fopen(sysfs_path(path, "/proc/net/ipv6_route"), "re");
	if (file) {
		char name[SYSFS_NAME], dest[40], len[4];

		while (!found && fgets(line, sizeof(line), file))
			found = sscanf(line, "%39s %3s %*s %*s %*s %*s %*s %*s %*s %63s",
				       dest, len, name) == 3 &&
				strcmp(name, ifname) == 0 &&
				strcmp(len, "00") == 0 &&
				strspn(dest, "0") == 32;
		fclose(file);
	}
	return found;
}

/*
 * The first address that somebody gave to the interface while it is up;
 * link-local ones of IPv6 come by themselves.
 */
static bool up_with_address(const char *ifname, char *text, size_t size)
{
	struct ifaddrs *list, *a;
	bool found = false;

	if (getifaddrs(&list))
		return false;
	for (a = list; a && !found; a = a->ifa_next) {
		const void *ip;

		if (!a->ifa_addr || strcmp(a->ifa_name, ifname) != 0 ||
		    !(a->ifa_flags & IFF_UP))
			continue;
		if (a->ifa_addr->sa_family == AF_INET) {
			ip = &((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr;
		} else if (a->ifa_addr->sa_family == AF_INET6) {
			ip = &((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr;
			if (IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)ip))
				continue;
		} else {
			continue;
		}
		found = inet_ntop(a->ifa_addr->sa_family, ip, text,
				  (socklen_t)size);
	}
	freeifaddrs(list);
	return found;
}

bool ifname_in_use(const char *ifname, char *buf, size_t size)
{
	char path[SYSFS_PATH], name[SYSFS_NAME], address[INET6_ADDRSTRLEN];
	struct name_list list;
	size_t i;

	if (!ifname[0])
		return false;

	if (has_default_route(ifname)) {
		snprintf(buf, size, "%s carries the default route of this machine",
			 ifname);
		return true;
	}
	if (up_with_address(ifname, address, sizeof(address))) {
		snprintf(buf, size, "%s is up and has the address %s", ifname,
			 address);
		return true;
	}
	sysfs_link(sysfs_path(path, "/sys/class/net/%s/master", ifname), name);
	if (name[0]) {
		snprintf(buf, size, "%s is part of %s", ifname, name);
		return true;
	}
	sysfs_list(sysfs_path(path, "/sys/class/net/%s", ifname), &list);
	for (i = 0; i < list.count; i++) {
		if (strncmp(list.name[i], "upper_", 6) == 0) {
			snprintf(buf, size, "%s carries %s", ifname,
				 list.name[i] + 6);
			return true;
		}
	}
	return false;
}
