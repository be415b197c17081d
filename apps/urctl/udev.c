// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/udev.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS		10

/*
 * Is udev done?  It writes this file when it has given the interface its name; newer
 * ones write it also before, with a mark that it is not the last time.
 */
static bool is_done(const struct pci_dev *dev)
{
	char path[SYSFS_PATH], index[16], line[256];
	bool known = false, busy = false;
	FILE *file;

	if (sysfs_read(sysfs_path(path, "/sys/class/net/%s/ifindex",
				  dev->ifname), index, sizeof(index)))
		return false;
	file = fopen(sysfs_path(path, "/run/udev/data/n%s", index), "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		known |= strncmp(line, "I:", 2) == 0;
		busy |= strncmp(line, "E:ID_PROCESSING=1", 17) == 0;
	}
	fclose(file);
	return known && !busy;
}

void udev_settle(struct pci_dev *dev, unsigned limit_ms)
{
	char path[SYSFS_PATH];
	unsigned waited;

	if (!sysfs_exists(sysfs_path(path, "/run/udev/control")))
		return;
	for (waited = 0; waited < limit_ms && !is_done(dev); waited += LOOK_MS) {
		usleep(LOOK_MS * 1000);
		/* the file of its number is looked for under the name of now */
		if (pci_read(dev, dev->address))
			return;
	}
	pci_read(dev, dev->address);
}
