/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a name that a user types to a NIC, and what to say about NICs that userring
 * does not drive.  urctl, which is built with the library, uses this as well.
 */
#ifndef UR_FIND_H
#define UR_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include <libuserring.h>

#define UR_LOCAL __attribute__((visibility("hidden")))

#define UR_PCI_LEN	32	/* 0000:00:04.0 */
#define UR_NIC_NAMES	160	/* all of the table, as a list */

/* Where the system's files are: tests have their own. */
struct ur_paths {
	const char *sys;
	const char *dev;
};

/* A kind of NIC that userring was tested with. */
struct ur_nic {
	unsigned vendor;
	unsigned device;
	const char *name;	/* 82574L */
	const char *stock;	/* Linux's own driver of it */
};

/* Return: its row, NULL for another kind. */
UR_LOCAL const struct ur_nic *ur_nic_of(unsigned vendor, unsigned device);

/* All names: "Intel 82540EM, ... and 82574L".  Return: names. */
UR_LOCAL const char *ur_nic_names(char names[UR_NIC_NAMES]);

/*
 * The PCI address, in full and in small letters, of an interface, by its name or
 * an alternative one, or of an address as lspci says it.
 *
 * Return: 0; -ENODEV, and a sentence on what it is if it is no PCI device;
 * -EINVAL, it cannot be a name.
 */
UR_LOCAL int ur_find_pci(const struct ur_paths *paths, const char *name,
			 char pci[UR_PCI_LEN], struct ur_error *err);

/*
 * A PCI device of a kind that userring was never tested with.
 * Return: is it one?  Then a sentence says what drives it.
 */
UR_LOCAL bool ur_find_foreign(const struct ur_paths *paths, const char *name,
			      const char *pci, struct ur_error *err);

/* The last part of the target of a link.  Return: false if it is no link. */
UR_LOCAL bool ur_link_name(const char *path, char *name, size_t size);

#endif /* UR_FIND_H */
