/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding at each boot: an instance of the unit userring@.service that is enabled,
 * named after the PCI address of the NIC, or after its interface.
 */
#ifndef APPS_PERSIST_H
#define APPS_PERSIST_H

#include "urctl/sysfs.h"

#define PERSIST_UNIT	"userring@.service"

/* Return: why it cannot be, a sentence, or NULL. */
const char *persist_cannot(void);

/* Is the template there? */
bool persist_installed(void);

/* The instance that is enabled for the NIC, its address or name; "": none. */
void persist_of(const struct pci_dev *dev, char instance[SYSFS_NAME]);

/* All instances that are enabled. */
void persist_list(struct name_list *list);

/* Return: 0, also if nothing is to be done, or -errno. */
int persist_enable(const char *address);
int persist_disable(const char *instance);

/*
 * Lets systemd know what was done: "start" or "stop".  The unit finds the NIC where it
 * is to be, when this process is over.
 */
void persist_tell(const char *verb, const char *instance);

#endif /* APPS_PERSIST_H */
