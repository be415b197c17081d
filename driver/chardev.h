/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An open file of /dev/userringN: chardev.c opens and releases it, the calls of
 * ioctl.c work on it.
 *
 * A file holds its port, and once attached, its user.  A file attaches once, so
 * its user stays the same until the file is released, and needs no reference
 * count.
 */
#ifndef URK_CHARDEV_H
#define URK_CHARDEV_H

#include "urk.h"

struct urk_file {
	struct urk_port *port;
	struct mutex attach;	/* one attach at a time */
	struct urk_user *user;	/* set once; store-release, load-acquire */
};

/* The user of a file, complete, or NULL. */
static inline struct urk_user *urk_file_user(struct urk_file *f)
{
	return smp_load_acquire(&f->user);	/* partner: urk_ioc_attach() */
}

/* ioctl.c, for the table of operations and for release */
long urk_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
void urk_drop_user(struct urk_port *port, struct urk_user *user);

#endif /* URK_CHARDEV_H */
