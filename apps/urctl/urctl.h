/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of urctl; each returns the program's exit code. */
#ifndef APPS_URCTL_H
#define APPS_URCTL_H

#include "common/common.h"
#include "urctl/sysfs.h"

int urctl_status(struct app *app);
int urctl_top(struct app *app, double interval);
int urctl_doctor(struct app *app);
int urctl_brief(struct app *app);

/* How to move a NIC. */
struct move {
	bool   force;
	bool   persist;	/* at each boot as well, or not any more */
	double wait;	/* seconds for the NIC to be there */
};

int urctl_bind(struct app *app, const struct move *move);
int urctl_unbind(struct app *app, const struct move *move);

/*
 * Does a process have a queue of this node (userring0)?  Then its pid and
 * comm are in holder.
 */
bool port_holder(const char *node, char *holder, size_t size);

#endif /* APPS_URCTL_H */
