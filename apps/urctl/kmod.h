/* SPDX-License-Identifier: BSD-2-Clause */
/* The module userring: where it is, for which kernel, and whether it is signed. */
#ifndef APPS_KMOD_H
#define APPS_KMOD_H

#include <stdint.h>

#include "urctl/sysfs.h"

#define KMOD_SERIAL	32	/* of a certificate, bytes */

/* A module on disk. */
struct kmod_file {
	char path[SYSFS_PATH];	/* "": there is none */
	char release[128];	/* of the kernel that it was built for; "": not known */
	bool is_signed;
	/* of the certificate that it was signed by; 0: not known */
	uint8_t  serial[KMOD_SERIAL];
	unsigned serial_len;
};

struct kmod {
	bool loaded;
	char version[64];
	char release[128];		/* of this kernel */
	bool headers;			/* to build with, for this kernel */
	struct kmod_file installed;	/* where modprobe finds it */
	struct kmod_file built;		/* beside this program */
	char dkms[SYSFS_NAME];		/* version that DKMS has; "": none */
	bool dkms_failed;		/* to build it for this kernel */
	char dkms_log[SYSFS_PATH];
};

void kmod_read(struct kmod *k);

/* Loads it by modprobe.  Return: 0 or -errno; -ENOENT: there is none. */
int kmod_load(void);

/* One with this path; nothing but the path is set if it cannot be read. */
void kmod_read_file(struct kmod_file *f, const char *path);

#endif /* APPS_KMOD_H */
