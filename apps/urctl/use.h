/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether an interface is in use, so that taking it away would hurt. */
#ifndef APPS_USE_H
#define APPS_USE_H

#include <stdbool.h>

struct use {
	char why[256];		/* eth1 carries the default route of this machine */
	char remedy[128];	/* what to type so that it is not any more */
};

/*
 * What a router advertisement brought by itself, a default route or an address,
 * counts only where the machine would lose something: its only default route, or a
 * TCP connection.
 */
bool ifname_in_use(const char *ifname, struct use *use);

#endif /* APPS_USE_H */
