/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of a file are changed, missing, doubled, moved, all by a seed.
 */
#ifndef USERRING_TESTS_DAMAGE_H
#define USERRING_TESTS_DAMAGE_H

#include <stdint.h>
#include <string.h>

#define DAMAGE_PIECE_MAX	64	/* bytes that are moved at a time */

struct damage {
	uint64_t seed;
	uint8_t *bytes;
	size_t len, room;
};

/* A seed that is a small number does as well as others. */
static inline void damage_seed(struct damage *d, uint32_t seed)
{
	d->seed = 0x9e3779b97f4a7c15 ^ (uint64_t)seed << 20;
}

static inline uint32_t damage_draw(struct damage *d, size_t below)
{
	d->seed ^= d->seed << 13;
	d->seed ^= d->seed >> 7;
	d->seed ^= d->seed << 17;
	return below ? (uint32_t)((d->seed >> 32) % below) : 0;
}

/* Instead of out bytes from there are these, if there is room for them. */
static inline void damage_put(struct damage *d, size_t from, size_t out,
			      const void *in, size_t n)
{
	if (d->len - out + n > d->room)
		return;
	memmove(d->bytes + from + n, d->bytes + from + out, d->len - from - out);
	memcpy(d->bytes + from, in, n);
	d->len += n - out;
}

/* One fault of a medium. */
static inline void damage_once(struct damage *d)
{
	size_t at = damage_draw(d, d->len), left = d->len - at;
	size_t n = damage_draw(d, left < DAMAGE_PIECE_MAX ? left : DAMAGE_PIECE_MAX);
	uint8_t copy[DAMAGE_PIECE_MAX];

	if (!d->len)
		return;
	memcpy(copy, d->bytes + at, n);
	switch (damage_draw(d, 6)) {
	case 0:
		d->bytes[at] = (uint8_t)damage_draw(d, 256);
		break;
	case 1:
		d->bytes[at] ^= (uint8_t)(1 << damage_draw(d, 8));
		break;
	case 2:
		damage_put(d, at, n, "", 0);
		break;
	case 3:		/* twice */
		damage_put(d, damage_draw(d, d->len), 0, copy, n);
		break;
	case 4:		/* elsewhere */
		damage_put(d, at, n, "", 0);
		damage_put(d, damage_draw(d, d->len), 0, copy, n);
		break;
	default:	/* the end is missing, not often */
		if (!damage_draw(d, 4))
			d->len = at;
	}
}

#endif /* USERRING_TESTS_DAMAGE_H */
