// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of NICs, and sentences about those that are no port and cannot become one.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "find.h"
#include "internal.h"

#define ALT_NAME	128	/* the kernel's ALTIFNAMSIZ */
#define PCI_CLASS_NET	0x02
#define PCI_VENDOR_VIRTIO	0x1af4

static const struct ur_nic nics[] = {
	{ 0x8086, 0x100e, "82540EM", "e1000" },
	{ 0x8086, 0x100f, "82545EM", "e1000" },
	{ 0x8086, 0x10d3, "82574L", "e1000e" },
	{ 0x8086, 0x10c9, "82576", "igb" },
	{ 0x8086, 0x10ca, "82576 virtual function", "igbvf" },
};

#define N_NICS	(sizeof(nics) / sizeof(nics[0]))

const struct ur_nic *ur_nic_of(unsigned vendor, unsigned device)
{
	size_t i;

	for (i = 0; i < N_NICS; i++)
		if (nics[i].vendor == vendor && nics[i].device == device)
			return &nics[i];
	return NULL;
}

const char *ur_nic_names(char names[UR_NIC_NAMES])
{
	size_t i, len = 0;

	for (i = 0; i < N_NICS && len < UR_NIC_NAMES; i++)
		len += (size_t)snprintf(names + len, UR_NIC_NAMES - len, "%s%s",
					i == 0 ? "Intel " :
					i + 1 == N_NICS ? " and " : ", ",
					nics[i].name);
	return names;
}

/* ------------------------------------------------------------------------
 * Files
 */

bool ur_link_name(const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *base;

	if (n <= 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	return snprintf(name, size, "%s", base) < (int)size;
}

/* Return: false, and an empty line: there is no such file. */
static bool first_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (!file)
		return false;
	if (!fgets(line, (int)size, file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static unsigned pci_number(const struct ur_paths *paths, const char *pci,
			   const char *file)
{
	char path[PATH_MAX], line[32];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", paths->sys,
		 pci, file);
	first_line(path, line, sizeof(line));
	return (unsigned)strtoul(line, NULL, 16);
}

/* ------------------------------------------------------------------------
 * PCI addresses
 */

/* At most that many hexadecimal digits, and the character after them. */
static const char *hex(const char *p, unsigned most, char end, unsigned *value)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t n = strspn(p, digits);

	if (!n || n > most || p[n] != end)
		return NULL;
	*value = (unsigned)strtoul(p, NULL, 16);
	return p + n + 1;
}

/* 0000:00:04.0, or 00:04.0 as lspci says it. */
static bool pci_address(const char *name, char pci[UR_PCI_LEN])
{
	unsigned domain, bus, dev, fn;
	const char *p = hex(name, 8, ':', &domain);

	if (p && strchr(p, ':'))
		p = hex(p, 2, ':', &bus);
	else if ((p = hex(name, 2, ':', &bus)))
		domain = 0;
	if (!p || !(p = hex(p, 2, '.', &dev)) || !hex(p, 1, '\0', &fn))
		return false;
	snprintf(pci, UR_PCI_LEN, "%04x:%02x:%02x.%x", domain, bus, dev, fn);
	return true;
}

/* ------------------------------------------------------------------------
 * Interfaces
 */

/* The first name of an interface, from an answer of the kernel. */
static bool name_of_answer(const struct nlmsghdr *h, ssize_t len,
			   char ifname[IF_NAMESIZE])
{
	const struct rtattr *a;
	int left;

	if (!NLMSG_OK(h, len) || h->nlmsg_type != RTM_NEWLINK)
		return false;
	a = IFLA_RTA((const struct ifinfomsg *)NLMSG_DATA(h));
	left = (int)IFLA_PAYLOAD(h);
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type != IFLA_IFNAME)
			continue;
		snprintf(ifname, IF_NAMESIZE, "%.*s", (int)RTA_PAYLOAD(a),
			 (const char *)RTA_DATA(a));
		return true;
	}
	return false;
}

/* if_nametoindex() takes alternative names, but short ones only. */
static bool first_name(const char *name, char ifname[IF_NAMESIZE])
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
		struct rtattr attr;
		char name[ALT_NAME];
	} ask = {
		.head = { .nlmsg_type = RTM_GETLINK,
			  .nlmsg_flags = NLM_F_REQUEST },
		.attr = { .rta_type = IFLA_ALT_IFNAME },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	size_t len = strlen(name) + 1;
	bool found = false;
	union {
		struct nlmsghdr head;
		char room[16384];
	} answer;
	ssize_t n;
	int fd;

	if (len > sizeof(ask.name))
		return false;
	memcpy(ask.name, name, len);
	ask.attr.rta_len = (unsigned short)RTA_LENGTH(len);
	ask.head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(ask.info)) +
					RTA_ALIGN(ask.attr.rta_len));
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return false;
	if (sendto(fd, &ask, ask.head.nlmsg_len, 0, (struct sockaddr *)&kernel,
		   sizeof(kernel)) > 0) {
		n = recv(fd, &answer, sizeof(answer), 0);
		found = n > 0 && name_of_answer(&answer.head, n, ifname);
	}
	close(fd);
	return found;
}

static bool is_interface(const struct ur_paths *paths, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class/net/%s", paths->sys, name);
	return !access(path, F_OK);
}

/* What lies below a bond, a bridge or a VLAN, as a list. */
static bool lowers(const struct ur_paths *paths, const char *ifname, char *list,
		   size_t size)
{
	static const char lower[] = "lower_";
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	list[0] = '\0';
	snprintf(path, sizeof(path), "%s/class/net/%s", paths->sys, ifname);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, lower, strlen(lower)))
			snprintf(list + strlen(list), size - strlen(list),
				 "%s%s", list[0] ? ", " : "",
				 entry->d_name + strlen(lower));
	if (dir)
		closedir(dir);
	return list[0];
}

/* bridge, vlan, ...; "" if it is not known. */
static void kind_of(const struct ur_paths *paths, const char *ifname, char *kind,
		    size_t size)
{
	char path[PATH_MAX], line[48];
	FILE *file;

	kind[0] = '\0';
	snprintf(path, sizeof(path), "%s/class/net/%s/tun_flags", paths->sys,
		 ifname);
	if (!access(path, F_OK))
		snprintf(kind, size, " (tun or tap)");
	snprintf(path, sizeof(path), "%s/class/net/%s/uevent", paths->sys,
		 ifname);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "DEVTYPE=", 8))
			snprintf(kind, size, " (%s)", line + 8);
	}
	if (file)
		fclose(file);
}

/* An interface without a PCI device: says why, and which NICs work. */
static int no_pci_device(const struct ur_paths *paths, const char *name,
			 const char *ifname, struct ur_error *err)
{
	char path[PATH_MAX], on[128], bus[64], driver[64], kind[64];
	char names[UR_NIC_NAMES];
	bool usb, virtio;

	ur_nic_names(names);
	if (lowers(paths, ifname, on, sizeof(on)))
		return ur_fail(err, -ENODEV,
			       "%s is no NIC; it lies on %s: name one of these",
			       name, on);
	snprintf(path, sizeof(path), "%s/class/net/%s/device", paths->sys,
		 ifname);
	if (access(path, F_OK)) {
		kind_of(paths, ifname, kind, sizeof(kind));
		return ur_fail(err, -ENODEV,
			       "%s is a virtual interface%s, with no NIC behind it; userring drives %s NICs",
			       name, kind, names);
	}
	snprintf(path, sizeof(path), "%s/class/net/%s/device/subsystem",
		 paths->sys, ifname);
	if (!ur_link_name(path, bus, sizeof(bus)))
		strcpy(bus, "another");
	snprintf(path, sizeof(path), "%s/class/net/%s/device/driver",
		 paths->sys, ifname);
	if (!ur_link_name(path, driver, sizeof(driver)))
		strcpy(driver, "another driver");
	usb = !strcmp(bus, "usb");
	virtio = !strcmp(bus, "virtio");
	return ur_fail(err, -ENODEV,
		       "%s%s is driven by %s%s%s%s; userring drives %s NICs%s",
		       name, usb ? " is a USB NIC and" : "", driver,
		       usb || virtio ? "" : " on the bus ",
		       usb || virtio ? "" : bus,
		       virtio ? ", a NIC that only virtual machines have" : "",
		       names, virtio ? "; in QEMU: -device e1000e" : "");
}

/* ------------------------------------------------------------------------
 * Both
 */

int ur_find_pci(const struct ur_paths *paths, const char *name,
		char pci[UR_PCI_LEN], struct ur_error *err)
{
	char path[PATH_MAX], ifname[ALT_NAME], device[64];

	pci[0] = '\0';
	if (!*name || strchr(name, '/') || name[0] == '.' ||
	    strlen(name) >= ALT_NAME)
		return ur_fail(err, -EINVAL,
			       "\"%s\" is not a name of a port: say an interface (eth1), a PCI address (0000:00:04.0), a node (/dev/userring0), sim: or pcap:FILE",
			       name);
	if (pci_address(name, pci)) {
		snprintf(path, sizeof(path), "%s/bus/pci/devices/%s",
			 paths->sys, pci);
		if (access(path, F_OK))
			return ur_fail(err, -ENODEV,
				       "no PCI device %s: lspci -nn lists them",
				       pci);
		return 0;
	}
	snprintf(ifname, sizeof(ifname), "%s", name);
	if (!is_interface(paths, ifname) &&
	    (!first_name(name, ifname) || !is_interface(paths, ifname)))
		return ur_fail(err, -ENODEV,
			       "no interface %s: ip link lists them", name);
	snprintf(path, sizeof(path), "%s/class/net/%s/device", paths->sys,
		 ifname);
	if (!ur_link_name(path, device, sizeof(device)) ||
	    !pci_address(device, pci))
		return no_pci_device(paths, name, ifname, err);
	return 0;
}

bool ur_find_foreign(const struct ur_paths *paths, const char *name,
		     const char *pci, struct ur_error *err)
{
	unsigned vendor = pci_number(paths, pci, "vendor");
	unsigned device = pci_number(paths, pci, "device");
	unsigned class = pci_number(paths, pci, "class") >> 16;
	char path[PATH_MAX], driver[64], names[UR_NIC_NAMES];
	bool driven;

	if (ur_nic_of(vendor, device))
		return false;
	if (class && class != PCI_CLASS_NET) {
		ur_fail(err, -ENODEV,
			"%s (%04x:%04x) is a PCI device, but no NIC: ip link lists interfaces",
			name, vendor, device);
		return true;
	}
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", paths->sys,
		 pci);
	driven = ur_link_name(path, driver, sizeof(driver));
	ur_fail(err, -ENODEV,
		"%s (%04x:%04x) %s%s; userring drives %s NICs%s", name, vendor,
		device, driven ? "is driven by " : "has no driver",
		driven ? driver : "", ur_nic_names(names),
		vendor == PCI_VENDOR_VIRTIO ? "; in QEMU: -device e1000e" : "");
	return true;
}
