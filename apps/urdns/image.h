/* SPDX-License-Identifier: BSD-2-Clause */
/* The image of zones, while it is made: it grows, and moves then. */
#ifndef APPS_URDNS_IMAGE_H
#define APPS_URDNS_IMAGE_H

#include "urdns/message.h"

struct image {
	const struct tree *tree;
	struct dns_zone *zone;
	size_t used;
	uint32_t table;		/* offsets: of the table, of the apexes' nodes */
	uint32_t apexes;
	const char *why;	/* a call failed, in words */
};

/* Return: offset of so many bytes, all 0; 0: there is no room. */
uint32_t image_place(struct image *im, size_t size);

/* The answer, as it is sent.  Return: its offset, 0: there is no room. */
uint32_t image_store(struct image *im, const struct msg *m, uint16_t type);

/* What quick.c can write: it is for that name, and fits always. */
bool image_is_quick(const struct msg *m, uint16_t type);

/* What was made is left, and cannot be written any more. */
void image_seal(struct image *im);

/* To be asked for again when something was placed. */
static inline void *image_at(const struct image *im, uint32_t offset)
{
	return im->zone->base + offset;
}

#endif /* APPS_URDNS_IMAGE_H */
