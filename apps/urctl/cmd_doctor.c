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

#include "../libuserring/src/find.h"
#include "common/addrs.h"
#include "urctl/doctor.h"
#include "urctl/persist.h"
#include "urctl/self.h"
#include "urctl/urctl.h"
#include "urctl/use.h"

#define IFF_UP_BIT	0x1
#define IFF_PROMISC_BIT	0x100

#define LOOK_AGAIN_US	300000	/* long enough for any process that lives */

void doctor_say(struct doctor *d, enum level level, const char *type,
		const char *format, ...)
{
	static const char *const names[] = { "ok", "note", "PROBLEM" };
	char text[1536];
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
		doctor_say(d, PROBLEM, type, "%s is down", dev->ifname);
		return;
	}
	if (net_number(dev->ifname, "carrier", 10) == 1)
		doctor_say(d, GOOD, "", "%s is up and has a link", dev->ifname);
	else
		doctor_say(d, PROBLEM, "", "%s is up, but has no link: is the cable plugged, the other end up?",
		    dev->ifname);
}

/* Where apps find the addresses that they answer for. */
static void check_addrs(struct doctor *d, const struct ur_port_info *info)
{
	struct addr_list *list = addrs_read(info);
	const char *p;
	size_t len;

	for (p = list ? list->text : ""; *p; p += len + 1) {
		len = strcspn(p, "\n");
		doctor_say(d, NOTE, "", "%.*s", (int)len, p);
	}
	addrs_put(list);
}

/* Are the nodes the group's already? */
static bool has_rules(void)
{
	static const char *const folders[] = { "/etc", "/usr/lib", "/lib" };
	char path[SYSFS_PATH];
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (sysfs_exists(sysfs_path(path, "%s/udev/rules.d/60-userring.rules",
					    folders[i])))
			return true;
	return false;
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
		doctor_say(d, PROBLEM, has_rules() ?
		    "sudo usermod -aG userring $USER" :
		    "sudo make -C apps install-rules && sudo usermod -aG userring $USER",
		    "you may not open /dev/%s; root may, and a group if you say so (60-userring.rules; log in anew after this)",
		    dev->node);
		return;
	}
	if (fd < 0) {
		doctor_say(d, PROBLEM, "", "/dev/%s: %s", dev->node, strerror(errno));
		return;
	}
	close(fd);
	if (sysfs_root()[0]) {
		doctor_say(d, GOOD, "", "you may open /dev/%s", dev->node);
		return;
	}

	if (ur_port_open(&port, path, &err)) {
		doctor_say(d, PROBLEM, "", "/dev/%s: %s", dev->node, err.text);
		return;
	}
	memset(&info, 0, sizeof(info));
	if (ur_port_info(port, &info) == 0 &&
	    info.abi_version != UR_ABI_VERSION)
		doctor_say(d, PROBLEM, "sudo rmmod userring, and load the one that was built with this program",
		    "the module speaks contract %u and this program %u: build both from the same sources",
		    info.abi_version, UR_ABI_VERSION);
	else
		doctor_say(d, GOOD, "", "you may open /dev/%s, and it speaks contract %u",
		    dev->node, UR_ABI_VERSION);
	check_addrs(d, &info);
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
	doctor_say(d, NOTE, type, "%s takes frames to its own address, to groups it is in and to all; to see others'",
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
		doctor_say(d, found.f[i].level, found.f[i].type, "%s",
		    found.f[i].text);
}

static void check_iommu(struct doctor *d, const struct pci_dev *dev)
{
	char path[SYSFS_PATH], group[SYSFS_NAME];

	sysfs_link(sysfs_path(path, "/sys/bus/pci/devices/%s/iommu_group",
			      dev->address), group);
	if (group[0])
		doctor_say(d, GOOD, "", "%s is behind an IOMMU, in group %s",
		    dev->address, group);
	else
		doctor_say(d, NOTE, "", "%s is not behind an IOMMU; userring does not need one, as the module checks what the NIC is told",
		    dev->address);
}

static void check_foreign(struct doctor *d, const struct pci_dev *dev)
{
	char path[SYSFS_PATH], text[64], type[SYSFS_PATH + 96];
	struct use use;
	const char *name = dev->ifname[0] ? dev->ifname : dev->address;

	if (!dev->driver[0]) {
		sysfs_read(sysfs_path(path, "/sys/bus/pci/devices/%s/driver_override",
				      dev->address), text, sizeof(text));
		snprintf(type, sizeof(type), "sudo %s %s %s", self_command(),
			 d->loaded ? "bind" : "unbind", dev->address);
		doctor_say(d, strcmp(text, "userring") == 0 ? PROBLEM : NOTE, type,
		    "%s %s has no driver%s", pci_supported(dev), dev->address,
		    strcmp(text, "userring") == 0 ?
		    "; it is reserved for userring" : "");
		return;
	}
	if (ifname_in_use(dev->ifname, &use)) {
		doctor_say(d, NOTE, "", "%s %s belongs to %s; leave it there: %s",
		    pci_supported(dev), name, dev->driver, use.why);
		return;
	}
	snprintf(type, sizeof(type), "sudo %s bind %s", self_command(), name);
	doctor_say(d, NOTE, d->loaded ? type : "", "%s %s belongs to %s",
	    pci_supported(dev), name, dev->driver);
}

/* What becomes of the port when the machine is started anew. */
static void check_boot(struct doctor *d, const struct pci_dev *dev)
{
	char instance[SYSFS_NAME], type[SYSFS_PATH + 96];

	persist_of(dev, instance);
	if (instance[0]) {
		doctor_say(d, GOOD, "", "%s is bound at each boot, by userring@%s.service",
			   dev->address, instance);
		return;
	}
	snprintf(type, sizeof(type), "sudo %s bind --persist %s", self_command(),
		 dev->address);
	doctor_say(d, NOTE, persist_cannot() ? "" : type,
		   "%s is bound until the next boot%s", dev->address,
		   persist_cannot() ? "" : "; to have it bound at each");
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
	doctor_say(d, GOOD, "", "%s %s belongs to userring: %s, /dev/%s",
	    pci_supported(dev) ? pci_supported(dev) : "NIC", dev->address,
	    dev->ifname, dev->node);
	check_node(d, dev);
	check_interface(d, dev);
	check_queues(d, dev);
	check_iommu(d, dev);
	check_boot(d, dev);
}

/* NICs that are to be bound at each boot, and are not. */
static void check_units(struct doctor *d)
{
	static struct name_list list;
	char type[SYSFS_PATH + 96];
	struct ur_error nothing;
	struct pci_dev dev;
	size_t i;

	persist_list(&list);
	for (i = 0; i < list.count; i++) {
		const char *name = list.name[i];

		if (!persist_installed())
			doctor_say(d, PROBLEM, "sudo make install",
				   "%s is to be bound at each boot, but the unit " PERSIST_UNIT " is not installed any more",
				   name);
		if (pci_find(&dev, name, &nothing)) {
			snprintf(type, sizeof(type),
				 "sudo %s unbind --persist %s", self_command(),
				 name);
			doctor_say(d, NOTE, type,
				   "userring@%s.service is to bind a NIC at each boot that is not there",
				   name);
		} else if (strcmp(dev.driver, "userring")) {
			snprintf(type, sizeof(type),
				 "sudo systemctl restart userring@%s", name);
			doctor_say(d, PROBLEM, type,
				   "%s is to be bound at each boot, but belongs to %s: journalctl -b -u userring@%s says why",
				   name, dev.driver[0] ? dev.driver : "no driver",
				   name);
		}
	}
}

/* What there is instead of NICs that userring drives. */
static void check_others(struct doctor *d)
{
	static struct name_list list;
	char path[SYSFS_PATH];
	struct ur_error err;
	struct pci_dev dev;
	size_t i;

	sysfs_list(sysfs_path(path, "/sys/class/net"), &list);
	for (i = 0; i < list.count; i++) {
		if (!sysfs_exists(sysfs_path(path, "/sys/class/net/%s/device",
					     list.name[i])))
			continue;
		if (pci_find(&dev, list.name[i], &err) ||
		    pci_foreign(&dev, list.name[i], &err))
			doctor_say(d, NOTE, "", "%s", err.text);
	}
}

static void check_all_nics(struct doctor *d)
{
	struct name_list list;
	char path[SYSFS_PATH], names[UR_NIC_NAMES];
	struct pci_dev dev;
	size_t i;

	sysfs_list(sysfs_path(path, "/sys/bus/pci/devices"), &list);
	for (i = 0; i < list.count; i++)
		if (pci_read(&dev, list.name[i]) == 0)
			check_nic(d, &dev);

	if (!d->nics)
		check_others(d);
	if (!d->nics)
		doctor_say(d, PROBLEM, "urdump -c 10 sim:gen=udp",
		    "there is no NIC that userring drives (%s); without one, try the software NIC",
		    ur_nic_names(names));
	else if (!d->ports && d->loaded)
		doctor_say(d, PROBLEM, "", "no NIC belongs to userring; bind one of those above");
}

static void check_one_nic(struct doctor *d, const char *name)
{
	struct ur_error err;
	struct pci_dev dev;

	if (pci_find(&dev, name, &err)) {
		doctor_say(d, PROBLEM, "", "%s", err.text);
		return;
	}
	check_nic(d, &dev);
	if (!d->nics && pci_foreign(&dev, name, &err))
		doctor_say(d, PROBLEM, "", "%s", err.text);
	else if (!d->ports && d->loaded)
		doctor_say(d, PROBLEM, "", "%s does not belong to userring", name);
}

int urctl_doctor(struct app *app)
{
	struct doctor d = { .app = app };

	if (app->json) {
		json_begin(&d.json, stdout);
		json_open_array(&d.json, "findings");
	}
	doctor_module(&d);
	if (app->device) {
		check_one_nic(&d, app->device);
	} else {
		check_all_nics(&d);
		check_units(&d);
	}

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
