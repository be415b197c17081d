/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of /sys and /proc that urctl reads and writes.  All paths are
 * below a root that is "" but for tests, which make a tree of their own.
 */
#ifndef APPS_SYSFS_H
#define APPS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#include <libuserring.h>

#define SYSFS_PATH	512
#define SYSFS_NAME	64
#define SYSFS_LIST	1024

/* Names in a folder, sorted. */
struct name_list {
	size_t count;
	char   name[SYSFS_LIST][SYSFS_NAME];
};

/* A PCI function as Linux sees it. */
struct pci_dev {
	char     address[SYSFS_NAME];	/* 0000:00:04.0 */
	char     driver[SYSFS_NAME];	/* "": none */
	char     ifname[SYSFS_NAME];	/* "": none */
	char     node[SYSFS_NAME];	/* userring0; "": none */
	unsigned vendor;
	unsigned device;
};

/* Sets the root; NULL or "" is the machine itself. */
void sysfs_set_root(const char *root);
const char *sysfs_root(void);

/* Return: the path below the root, in buf. */
const char *sysfs_path(char buf[SYSFS_PATH], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first line of a file without its newline.  Return: 0 or -errno. */
int sysfs_read(const char *path, char *buf, size_t size);
int sysfs_write(const char *path, const char *text);

/* Last part of where a symbolic link points to; "" if there is none. */
void sysfs_link(const char *path, char name[SYSFS_NAME]);
bool sysfs_exists(const char *path);
void sysfs_list(const char *path, struct name_list *list);

/*
 * Reads what is known of a PCI function, by its address, now.
 * Return: 0, -ENODEV if there is none.
 */
int pci_read(struct pci_dev *dev, const char *name);

/*
 * Finds one by interface, also by an alternative name, by PCI address, with or
 * without domain, or by node.
 * Return: 0, or -errno and a sentence.
 */
int pci_find(struct pci_dev *dev, const char *name, struct ur_error *err);

/* Is it of a kind that userring does not drive?  Then a sentence says what does. */
bool pci_foreign(const struct pci_dev *dev, const char *name,
		 struct ur_error *err);

/* What the NICs that userring has been tested with are called, or NULL. */
const char *pci_supported(const struct pci_dev *dev);

/* Linux's own driver of it, "" if it is not known. */
const char *pci_stock(const struct pci_dev *dev);

#endif /* APPS_SYSFS_H */
