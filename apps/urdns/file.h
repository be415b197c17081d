/* SPDX-License-Identifier: BSD-2-Clause */
/* A zone's file as text in memory: whatever is done to the file, the text stays. */
#ifndef APPS_URDNS_FILE_H
#define APPS_URDNS_FILE_H

#include <stddef.h>

/*
 * Reads a regular file of at most so many bytes, as it is while nobody writes to it.
 * *text is the caller's, to free().
 *
 * Return: NULL, or why it was not read, in words.
 */
const char *file_read(const char *name, size_t most, char **text, size_t *len);

#endif /* APPS_URDNS_FILE_H */
