/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a file, made so that libzscanner can read it: what others write in a
 * master file, and what it does not know, is written in another way that means the
 * same.  The number of lines is kept.
 */
#ifndef APPS_URDNS_TEXT_H
#define APPS_URDNS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A type that libzscanner does not know by its name: its record is there as another. */
struct text_type {
	uint32_t at;		/* in the text: behind the type */
	uint8_t  old;		/* which it is */
};

struct text {
	char *bytes;		/* of malloc() */
	size_t len;
	struct text_type *type;	/* in the order in which they come; of malloc() */
	size_t types;
	size_t room;
	size_t next;		/* the first that no record has asked for */
};

/* What a CR LF in it was is LF. */
void text_unix_lines(struct text *t);

/*
 * CLASS1 becomes IN, "a"b becomes "a" b, bytes above 127 become \DDD, dohpath= becomes
 * key7=, and types that are not known become others.
 *
 * Return: NULL, or what is wrong, in words: no memory, or it has more than most bytes.
 */
const char *text_mend(struct text *t, size_t most);

/* The type of the record that ends at that offset, which was read as type. */
uint16_t text_type(struct text *t, size_t end, uint16_t type);

/*
 * The record that could not be read up to there has a type that can only be written as
 * TYPEn \# LENGTH HEX.  Return: its name, NULL: it has not.
 */
const char *text_unknown_type(const struct text *t, size_t end, uint16_t *number);

void text_free(struct text *t);

#endif /* APPS_URDNS_TEXT_H */
