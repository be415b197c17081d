// SPDX-License-Identifier: BSD-2-Clause
/*
 * urctl -br: a line for each port, and for each NIC that could be one, as ip -br
 * has: name, state, node, driver, and who has which queue.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "urctl/look.h"
#include "urctl/urctl.h"

#define IFF_UP_BIT	0x1

static const char *state_of(const struct pci_dev *dev)
{
	char path[SYSFS_PATH], flags[16], carrier[8];

	if (!dev->ifname[0])
		return "-";
	sysfs_read(sysfs_path(path, "/sys/class/net/%s/flags", dev->ifname),
		   flags, sizeof(flags));
	if (!(strtol(flags, NULL, 16) & IFF_UP_BIT))
		return "DOWN";
	/* without a carrier the interface has the file, too */
	sysfs_read(sysfs_path(path, "/sys/class/net/%s/carrier", dev->ifname),
		   carrier, sizeof(carrier));
	return carrier[0] == '1' ? "UP" : "NO-CARRIER";
}

static void owners(const struct pci_dev *dev)
{
	char comm[UR_NAME_LEN];
	struct look look;
	uint32_t i;

	if (!dev->node[0]) {
		printf("-");
		return;
	}
	if (sysfs_root()[0] || look_at(&look, dev->node)) {
		printf("?");
		return;
	}
	for (i = 0; i < look.n_queues; i++) {
		const struct ur_queue_info *q = &look.queue[i];

		printf("%s%" PRIu32 ":", i ? " " : "", q->queue);
		if (q->attached)
			printf("%s[%" PRId32 "]", look_comm(q, comm), q->pid);
		else
			printf("kernel");
	}
}

static void line(const struct pci_dev *dev)
{
	printf("%-16s %-11s %-11s %-9s ",
	       dev->ifname[0] ? dev->ifname : dev->address, state_of(dev),
	       dev->node[0] ? dev->node : "-",
	       dev->driver[0] ? dev->driver : "-");
	owners(dev);
	putchar('\n');
}

int urctl_brief(struct app *app)
{
	static struct name_list list;
	char path[SYSFS_PATH];
	struct ur_error err;
	struct pci_dev dev;
	size_t i;

	if (app->device) {
		if (pci_find(&dev, app->device, &err) ||
		    pci_foreign(&dev, app->device, &err)) {
			app_say(app, "%s", err.text);
			return APP_FAILED;
		}
		line(&dev);
		return APP_OK;
	}
	sysfs_list(sysfs_path(path, "/sys/bus/pci/devices"), &list);
	for (i = 0; i < list.count; i++)
		if (pci_read(&dev, list.name[i]) == 0 &&
		    (dev.node[0] || pci_supported(&dev)))
			line(&dev);
	return APP_OK;
}
