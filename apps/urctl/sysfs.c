// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../libuserring/src/find.h"

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

/* The PCI address of a node, userring0 or /dev/userring0; "" of none. */
static void address_of_node(const char *name, char address[SYSFS_NAME])
{
	char path[SYSFS_PATH];

	address[0] = '\0';
	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	if (*name && *name != '.' && !strchr(name, '/'))
		sysfs_link(sysfs_path(path, "/sys/class/userring/%s/device",
				      name), address);
}

int pci_find(struct pci_dev *dev, const char *name, struct ur_error *err)
{
	char sys[SYSFS_PATH], address[SYSFS_NAME], pci[UR_PCI_LEN];
	const struct ur_paths paths = { .sys = sysfs_path(sys, "/sys"),
					.dev = "/dev" };
	int ret;

	address_of_node(name, address);
	if (address[0] && pci_read(dev, address) == 0)
		return 0;
	if (strncmp(name, "/dev/", 5) == 0) {
		snprintf(err->text, sizeof(err->text),
			 "no node %.64s of userring: urctl status lists them",
			 name);
		return -ENODEV;
	}
	ret = ur_find_pci(&paths, name, pci, err);
	return ret ? ret : pci_read(dev, pci);
}

bool pci_foreign(const struct pci_dev *dev, const char *name,
		 struct ur_error *err)
{
	char sys[SYSFS_PATH];
	const struct ur_paths paths = { .sys = sysfs_path(sys, "/sys"),
					.dev = "/dev" };

	return strcmp(dev->driver, "userring") &&
	       ur_find_foreign(&paths, name, dev->address, err);
}

const char *pci_supported(const struct pci_dev *dev)
{
	const struct ur_nic *nic = ur_nic_of(dev->vendor, dev->device);

	return nic ? nic->name : NULL;
}

const char *pci_stock(const struct pci_dev *dev)
{
	const struct ur_nic *nic = ur_nic_of(dev->vendor, dev->device);

	return nic ? nic->stock : "";
}
