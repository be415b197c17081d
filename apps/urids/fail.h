/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of the packets when urids dies.  Its queues fall back to Linux,
 * which then has two interfaces as any others: it forwards between them if they
 * are in one bridge, and does not if they are not.
 */
#ifndef APPS_URIDS_FAIL_H
#define APPS_URIDS_FAIL_H

#include <stdbool.h>
#include <stddef.h>

enum fail_mode {
	FAIL_CLOSED,
	FAIL_OPEN,
};

#define FAIL_WHY_MAX	512

/*
 * Is it as asked for?  sys is /sys, or a folder like it for tests.
 *
 * Return: false: why says what is missing and what to type.
 */
bool fail_ready(enum fail_mode mode, const char *sys, const char *one,
		const char *two, char why[FAIL_WHY_MAX]);

#endif /* APPS_URIDS_FAIL_H */
