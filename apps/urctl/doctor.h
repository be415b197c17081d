/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of urctl doctor. */
#ifndef APPS_DOCTOR_H
#define APPS_DOCTOR_H

#include "common/common.h"
#include "urctl/why.h"

struct doctor {
	struct app *app;
	struct json json;
	unsigned problems;
	bool loaded;		/* the module is */
	unsigned nics;		/* supported NICs */
	unsigned ports;		/* of them, with userring */
};

/* One finding.  type is what to type, or "". */
void doctor_say(struct doctor *d, enum level level, const char *type,
		const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The module: sets loaded. */
void doctor_module(struct doctor *d);

#endif /* APPS_DOCTOR_H */
