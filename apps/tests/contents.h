/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program wrote into a file.  Behind cmocka.h.
 */
#ifndef APPS_TESTS_CONTENTS_H
#define APPS_TESTS_CONTENTS_H

#include <stdio.h>

/* Valid until the next call; cut to 16 KiB. */
static char *contents(const char *name)
{
	static char text[16384];
	FILE *file = fopen(name, "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

#endif /* APPS_TESTS_CONTENTS_H */
