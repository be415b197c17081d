/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernels that load signed modules only, and the keys of modules that are not Linux's. */
#ifndef APPS_SECURE_H
#define APPS_SECURE_H

#include <stdbool.h>

#include "urctl/kmod.h"

enum secure {
	SECURE_NOT,	/* any module is loaded */
	SECURE_BOOT,	/* only signed ones, because of Secure Boot */
	SECURE_ASKED,	/* because the kernel was told to, at its start */
};

enum secure secure_kernel(void);

enum key_state {
	KEY_NONE,	/* there is no key */
	KEY_MISSING,	/* the firmware's list has it not */
	KEY_PENDING,	/* it is to be confirmed at the next start */
	KEY_ENROLLED,
	KEY_UNKNOWN,	/* the list cannot be read */
};

/* A key that modules are signed with. */
struct key {
	char cert[SYSFS_PATH];	/* its certificate, below the root */
	char priv[SYSFS_PATH];
	enum key_state state;
	/* did it sign that module? */
	bool signed_it;
};

/*
 * The key that signed f, or the one that would: DKMS', or one of update-secureboot-policy.
 */
void secure_key(struct key *key, const struct kmod_file *f);

#endif /* APPS_SECURE_H */
