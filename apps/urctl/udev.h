/* SPDX-License-Identifier: BSD-2-Clause */
/* What udev makes of a new interface. */
#ifndef APPS_UDEV_H
#define APPS_UDEV_H

#include "urctl/sysfs.h"

#define UDEV_SETTLE_MS	1000	/* while a person waits */
#define UDEV_BOOT_MS	60000	/* while udev has all devices of the machine to look at */

/*
 * Waits until udev, if it runs, is done with the interface of a NIC that was just
 * bound, so long at most, and reads the name that it has then.
 */
void udev_settle(struct pci_dev *dev, unsigned limit_ms);

#endif /* APPS_UDEV_H */
