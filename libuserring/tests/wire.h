/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of all kinds, whose number says all about them.  What the wire brought
 * is known place by place, so the result of each call is an exact number.
 */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include "common.h"

#define PLACES	256		/* at least what a ring has */

/* ------------------------------------------------------------------------
 * The wire: all about a frame follows from its number
 */

enum kind { PLAIN, TAGGED, HASHED, DOUBTED, KINDS_SOUND,
	    BROKEN = KINDS_SOUND, LONG, KINDS };

struct wire {
	struct env *e;
	uint64_t seed;
	uint64_t made;
	uint64_t place[PLACES];	/* number of its frame; 0: not to be seen */
	uint32_t put, got;	/* places */
	uint32_t broken;	/* frames */
	uint64_t out[PLACES];	/* numbers of those to leave */
	uint32_t passed, left;
	uint32_t drop;		/* of four packets */
};

static inline enum kind kind_of(uint64_t number)
{
	return number & 7;
}

static inline struct ur_sim_meta meta_of(uint64_t number)
{
	/* sixty-four times another status, then eleven times the same */
	const uint64_t made = number >> 3, way = made & 64 ? made / 11 : made;
	struct ur_sim_meta m = {
		.status = (uint32_t)(way & 0x1f) << 2 & ~UR_RXD_STAT_VP,
	};

	switch (kind_of(number)) {
	case TAGGED:
		m.status |= UR_RXD_STAT_VP;
		m.vlan = (uint16_t)(number >> 3 | 1);
		break;
	case HASHED:
		m.hash_type = 1;
		m.hash = (uint32_t)number * 77;
		break;
	case DOUBTED:
		m.errors = UR_RXX_ERR_IPE | UR_RXX_ERR_L4E;
		break;
	case BROKEN:
		m.errors = UR_RXX_ERR_RXE;
		break;
	default:
		break;
	}
	return m;
}

static inline uint32_t len_of(uint64_t number)
{
	return kind_of(number) == LONG ? 2049 + number % 3 * 2048 :
					 90 + number * 37 % 1400;
}

static inline uint32_t below(struct wire *w, uint32_t n)
{
	return (uint32_t)(rnd(&w->seed) >> 32) % n;
}

/* Return: false: there was no place. */
static inline bool arrive(struct wire *w, enum kind kind)
{
	uint64_t number = (w->made + 1) << 3 | kind;
	struct ur_sim_meta meta = meta_of(number);
	uint32_t places = (len_of(number) + 2047) / 2048;
	bool sound = kind < KINDS_SOUND;

	if (inject(w->e, number, len_of(number), &meta))
		return false;
	w->made++;
	w->broken += !sound;
	while (places--)
		w->place[w->put++ % PLACES] = sound ? number : 0;
	return true;
}

static inline void arrive_some(struct wire *w, uint32_t n, uint32_t kinds)
{
	while (n-- && arrive(w, below(w, kinds)))
		;
}

/* The next one, checked. */
static inline uint64_t take(struct wire *w, const struct ur_pkt *pkt)
{
	struct ur_sim_meta meta;
	uint64_t number;

	while (w->got != w->put && !w->place[w->got % PLACES])
		w->got++;
	assert_int_not_equal(w->got, w->put);
	number = w->place[w->got++ % PLACES];
	meta = meta_of(number);
	assert_int_equal(pkt->len, len_of(number));
	check_frame(pkt->data, number, pkt->len);
	assert_int_equal(pkt->flags, want_flags(w->e, &meta));
	if (pkt->flags & UR_PKT_VLAN)
		assert_int_equal(pkt->vlan, meta.vlan);
	if (pkt->flags & UR_PKT_HASH)
		assert_int_equal(pkt->hash, meta.hash);
	assert_ptr_equal(pkt->data, ur_slot_data(w->e->pool, pkt->slot));
	return number;
}

/* Sound frames in the next n places. */
static inline uint32_t sound_ones(const struct wire *w, uint32_t n)
{
	uint32_t i, sound = 0;

	for (i = 0; i < n; i++)
		sound += !!w->place[(w->got + i) % PLACES];
	return sound;
}

/* The others of the places up to end were passed over. */
static inline void pass_over(struct wire *w, uint32_t end)
{
	while ((int32_t)(end - w->got) > 0 && !w->place[w->got % PLACES])
		w->got++;
	assert_int_equal(w->got, end);
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* TX entries that are finished and not yet reaped. */
static inline uint32_t finished(const struct ur_queue *q)
{
	return __ur_load_acquire(&q->kernel->tx_done) - q->user->tx_reaped;
}

static inline void check_all(struct wire *w)
{
	if (w->got == w->put)
		assert_int_equal(stats(w->e).rx_bad, w->broken);
	assert_int_equal(counters(w->e).rx_refused, 0);
	assert_int_equal(counters(w->e).tx_refused, 0);
	assert_int_equal(counters(w->e).index_refused, 0);
	check_slots(w->e, NULL, 0);
}

static inline void wire_open(struct wire *w, struct env *e, void **state,
			     uint32_t ring, uint32_t slots, uint32_t flags)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = ring, .tx_size = 64,
		.flags = flags,
	};

	env_open(e, state, "", &opts, slots);
	*w = (struct wire){ .e = e, .seed = 0x5eed };
}

#endif /* TESTS_WIRE_H */
