// SPDX-License-Identifier: BSD-2-Clause
/*
 * urctl doctor: goes through what must be there for a process to receive a
 * packet, in that order, and says of each what it found and what to type.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "urctl/urctl.h"
#include "urctl/why.h"

#define IFF_UP_BIT	0x1
#define IFF_PROMISC_BIT	0x100

#define LOOK_AGAIN_US	300000	/* long enough for any process that lives */

struct doctor {
	struct app *app;
	struct json json;
	unsigned problems;
	bool loaded;		/* the module is */
	unsigned nics;		/* supported NICs */
	unsigned ports;		/* of them, with userring */
};

/* One finding.  type is what to type, or "". */
static void say(struct doctor *d, enum level level, const char *type,
		const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct doctor *d, enum level level, const char *type,
		const char *format, ...)
{
	static const char *const names[] = { "ok", "note", "PROBLEM" };
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (level == PROBLEM)
		d->problems++;

	if (d->app->json) {
		json_open_object(&d->json, NULL);
		json_str(&d->json, "level", names[level]);
		json_str(&d->json, "text", text);
		json_str(&d->json, "type", type);
		json_close_object(&d->json);
		return;
	}
	printf("%-8s %s\n", names[level], text);
	if (*type)
		printf("%-8s type: %s\n", "", type);
}

/* ------------------------------------------------------------------------
 * The module
 */

static void kernel_release(char *release, size_t size)
{
	char path[SYSFS_PATH];

	sysfs_read(sysfs_path(path, "/proc/sys/kernel/osrelease"), release,
		   size);
}

/* Does depmod know it? */
static bool module_installed(const char *release)
{
	char path[SYSFS_PATH], line[1024];
	bool found = false;
	FILE *file;

	file = fopen(sysfs_path(path, "/lib/modules/%s/modules.dep", release),
		     "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strncmp(line, "userring.ko", 11) == 0 ||
			strstr(line, "/userring.ko") != NULL;
	fclose(file);
	return found;
}

static void check_lockdown(struct doctor *d)
{
	char path[SYSFS_PATH], text[128];

	if (sysfs_read(sysfs_path(path, "/sys/kernel/security/lockdown"), text,
		       sizeof(text)) || !text[0] || strstr(text, "[none]"))
		return;
	say(d, NOTE, "", "the kernel is locked down (Secure Boot): it loads only signed modules, %s",
	    text);
}

static void check_module(struct doctor *d)
{
	char path[SYSFS_PATH], release[128], version[64], type[256];
	bool headers, installed;

	kernel_release(release, sizeof(release));
	headers = sysfs_exists(sysfs_path(path, "/lib/modules/%s/build/Makefile",
					  release));
	d->loaded = sysfs_exists(sysfs_path(path, "/sys/module/userring"));

	if (d->loaded) {
		sysfs_read(sysfs_path(path, "/sys/module/userring/version"),
			   version, sizeof(version));
		say(d, GOOD, "", "the module userring%s%s is loaded",
		    version[0] ? " " : "", version);
		return;
	}

	installed = module_installed(release);
	if (installed) {
		say(d, PROBLEM, "sudo modprobe userring",
		    "the module userring is installed, but not loaded");
	} else if (headers) {
		say(d, PROBLEM, "make module && sudo insmod build/module/running/userring.ko",
		    "the module userring is not there for this kernel, %s; the headers to build it are (in the folder of its sources)",
		    release);
	} else {
		snprintf(type, sizeof(type), "sudo apt install linux-headers-%s",
			 release);
		say(d, PROBLEM, type,
		    "the module userring is not there for this kernel, %s, and neither are the headers to build it",
		    release);
	}
	check_lockdown(d);
}

/* ------------------------------------------------------------------------
 * Ports
 */

/* A number from a file of the interface, or -1. */
static long net_number(const char *ifname, const char *file, int base)
{
	char path[SYSFS_PATH], text[32], *end;
	long value;

	if (sysfs_read(sysfs_path(path, "/sys/class/net/%s/%s", ifname, file),
		       text, sizeof(text)))
		return -1;
	value = strtol(text, &end, base);
	return end == text ? -1 : value;
}

static void check_interface(struct doctor *d, const struct pci_dev *dev)
{
	long flags = net_number(dev->ifname, "flags", 16);
	char type[256];

	if (!dev->ifname[0])
		return;
	if (flags < 0 || !(flags & IFF_UP_BIT)) {
		snprintf(type, sizeof(type), "sudo ip link set %s up",
			 dev->ifname);
		say(d, PROBLEM, type, "%s is down", dev->ifname);
		return;
	}
	if (net_number(dev->ifname, "carrier", 10) == 1)
		say(d, GOOD, "", "%s is up and has a link", dev->ifname);
	else
		say(d, PROBLEM, "", "%s is up, but has no link: is the cable plugged, the other end up?",
		    dev->ifname);
}

static void check_node(struct doctor *d, const struct pci_dev *dev)
{
	char path[SYSFS_PATH];
	struct ur_port_info info;
	struct ur_error err = { "" };
	struct ur_port *port;
	int fd;

	sysfs_path(path, "/dev/%s", dev->node);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		say(d, PROBLEM, "sudo make -C apps install-rules && sudo usermod -aG userring $USER",
		    "you may not open /dev/%s; root may, and a group if you say so (60-userring.rules; log in anew after this)",
		    dev->node);
		return;
	}
	if (fd < 0) {
		say(d, PROBLEM, "", "/dev/%s: %s", dev->node, strerror(errno));
		return;
	}
	close(fd);
	if (sysfs_root()[0]) {
		say(d, GOOD, "", "you may open /dev/%s", dev->node);
		return;
	}

	if (ur_port_open(&port, path, &err)) {
		say(d, PROBLEM, "", "/dev/%s: %s", dev->node, err.text);
		return;
	}
	if (ur_port_info(port, &info) == 0 &&
	    info.abi_version != UR_ABI_VERSION)
		say(d, PROBLEM, "sudo rmmod userring, and load the one that was built with this program",
		    "the module speaks contract %u and this program %u: build both from the same sources",
		    info.abi_version, UR_ABI_VERSION);
	else
		say(d, GOOD, "", "you may open /dev/%s, and it speaks contract %u",
		    dev->node, UR_ABI_VERSION);
	ur_port_close(port);

}

/* Of a port that cannot be looked at more closely. */
static void check_promisc(struct doctor *d, const struct pci_dev *dev)
{
	long flags = net_number(dev->ifname, "flags", 16);
	char type[256];

	if (flags < 0 || !(flags & IFF_UP_BIT) || flags & IFF_PROMISC_BIT)
		return;
	snprintf(type, sizeof(type), "sudo ip link set %s promisc on",
		 dev->ifname);
	say(d, NOTE, type, "%s takes frames to its own address, to groups it is in and to all; to see others'",
	    dev->ifname);
}

/* What can be seen only by waiting for a moment. */
static void check_queues(struct doctor *d, const struct pci_dev *dev)
{
	struct look before, after;
	struct findings found;
	unsigned i;

	if (sysfs_root()[0] || look_at(&before, dev->node)) {
		check_promisc(d, dev);
		return;
	}
	usleep(LOOK_AGAIN_US);
	if (look_at(&after, dev->node))
		return;
	why(&found, &before, &after);
	for (i = 0; i < found.n; i++)
		say(d, found.f[i].level, found.f[i].type, "%s",
		    found.f[i].text);
}

static void check_iommu(struct doctor *d, const struct pci_dev *dev)
{
	char path[SYSFS_PATH], group[SYSFS_NAME];

	sysfs_link(sysfs_path(path, "/sys/bus/pci/devices/%s/iommu_group",
			      dev->address), group);
	if (group[0])
		say(d, GOOD, "", "%s is behind an IOMMU, in group %s",
		    dev->address, group);
	else
		say(d, NOTE, "", "%s is not behind an IOMMU; userring does not need one, as the module checks what the NIC is told",
		    dev->address);
}

static void check_foreign(struct doctor *d, const struct pci_dev *dev)
{
	char path[SYSFS_PATH], text[64], type[256], why[256];
	const char *name = dev->ifname[0] ? dev->ifname : dev->address;

	if (!dev->driver[0]) {
		sysfs_read(sysfs_path(path, "/sys/bus/pci/devices/%s/driver_override",
				      dev->address), text, sizeof(text));
		snprintf(type, sizeof(type), "sudo urctl %s %s",
			 d->loaded ? "bind" : "unbind", dev->address);
		say(d, strcmp(text, "userring") == 0 ? PROBLEM : NOTE, type,
		    "%s %s has no driver%s", pci_supported(dev), dev->address,
		    strcmp(text, "userring") == 0 ?
		    "; it is reserved for userring" : "");
		return;
	}
	if (ifname_in_use(dev->ifname, why, sizeof(why))) {
		say(d, NOTE, "", "%s %s belongs to %s; leave it there: %s",
		    pci_supported(dev), name, dev->driver, why);
		return;
	}
	snprintf(type, sizeof(type), "sudo urctl bind %s", name);
	say(d, NOTE, d->loaded ? type : "", "%s %s belongs to %s",
	    pci_supported(dev), name, dev->driver);
}

static void check_nic(struct doctor *d, const struct pci_dev *dev)
{
	bool ours = strcmp(dev->driver, "userring") == 0;

	if (!ours && !pci_supported(dev))
		return;
	d->nics++;
	if (!ours) {
		check_foreign(d, dev);
		return;
	}
	d->ports++;
	say(d, GOOD, "", "%s %s belongs to userring: %s, /dev/%s",
	    pci_supported(dev) ? pci_supported(dev) : "NIC", dev->address,
	    dev->ifname, dev->node);
	check_node(d, dev);
	check_interface(d, dev);
	check_queues(d, dev);
	check_iommu(d, dev);
}

static void check_all_nics(struct doctor *d)
{
	struct name_list list;
	char path[SYSFS_PATH];
	struct pci_dev dev;
	size_t i;

	sysfs_list(sysfs_path(path, "/sys/bus/pci/devices"), &list);
	for (i = 0; i < list.count; i++)
		if (pci_read(&dev, list.name[i]) == 0)
			check_nic(d, &dev);

	if (!d->nics)
		say(d, PROBLEM, "urdump -c 10 sim:gen=udp",
		    "there is no NIC that userring drives (Intel 82540EM, 82545EM, 82574L); without one, try the software NIC");
	else if (!d->ports && d->loaded)
		say(d, PROBLEM, "", "no NIC belongs to userring; bind one of those above");
}

static void check_one_nic(struct doctor *d, const char *name)
{
	struct pci_dev dev;

	if (pci_find(&dev, name)) {
		say(d, PROBLEM, "lspci -nn; ip link",
		    "there is no PCI NIC %s", name);
		return;
	}
	check_nic(d, &dev);
	if (!d->nics)
		say(d, PROBLEM, "", "%s is %04x:%04x, which userring was never tested with",
		    name, dev.vendor, dev.device);
	else if (!d->ports && d->loaded)
		say(d, PROBLEM, "", "%s does not belong to userring", name);
}

int urctl_doctor(struct app *app)
{
	struct doctor d = { .app = app };

	if (app->json) {
		json_begin(&d.json, stdout);
		json_open_array(&d.json, "findings");
	}
	check_module(&d);
	if (app->device)
		check_one_nic(&d, app->device);
	else
		check_all_nics(&d);

	if (app->json) {
		json_close_array(&d.json);
		json_u64(&d.json, "problems", d.problems);
		json_end(&d.json);
	} else if (d.problems) {
		printf("%u problem%s\n", d.problems, d.problems == 1 ? "" : "s");
	} else {
		printf("no problem\n");
	}
	return d.problems ? APP_FAILED : APP_OK;
}
