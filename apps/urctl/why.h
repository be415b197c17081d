/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why packets do not come to a process: what two looks at a port tell.  No
 * I/O.
 */
#ifndef APPS_WHY_H
#define APPS_WHY_H

#include "urctl/look.h"

#define WHY_MAX		24

enum level {
	GOOD,
	NOTE,
	PROBLEM,
};

struct finding {
	enum level level;
	char text[512];
	char type[256];		/* what to type, or "" */
};

struct findings {
	unsigned n;
	struct finding f[WHY_MAX];
};

/* Of a port that is up; before and after are of the same port. */
void why(struct findings *found, const struct look *before,
	 const struct look *after);

#endif /* APPS_WHY_H */
