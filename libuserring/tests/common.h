/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests share: a queue on the sim, tests that run once for each
 * format of descriptors, and the whereabouts of every slot.
 */
#ifndef TESTS_COMMON_H
#define TESTS_COMMON_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include <libuserring.h>
#include <libuserring/build.h>
#include <libuserring/sim.h>

#include "internal.h"
#include "sim_internal.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* ------------------------------------------------------------------------
 * Once for each format
 */

static const char *const formats[] = { "legacy", "extended", "advanced" };

struct test {
	const char *name;
	void (*run)(void **state);
};

#define TEST(function) { #function, function }

static inline int run_formats(const char *group, const struct test *tests,
			      size_t n)
{
	struct CMUnitTest *all = calloc(n * COUNT(formats), sizeof(*all));
	char (*names)[96] = calloc(n * COUNT(formats), sizeof(*names));
	size_t i, f, k = 0;
	int ret;

	for (i = 0; i < n; i++) {
		for (f = 0; f < COUNT(formats); f++, k++) {
			snprintf(names[k], sizeof(names[k]), "%s [%s]",
				 tests[i].name, formats[f]);
			all[k].name = names[k];
			all[k].test_func = tests[i].run;
			all[k].initial_state = (void *)(uintptr_t)formats[f];
		}
	}
	ret = _cmocka_run_group_tests(group, all, k, NULL, NULL);
	free(names);
	free(all);
	return ret;
}

/* ------------------------------------------------------------------------
 * A queue
 */

struct env {
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;
	struct sim *sim;
	const char *format;
	bool advanced;		/* TX */
};

static inline void env_open(struct env *e, void **state, const char *options,
			    const struct ur_queue_opts *opts, uint32_t slots)
{
	const struct ur_pool_opts pool = {
		.size = sizeof(pool),
		.slot_count = slots,
	};
	struct ur_error err;
	char name[256];

	e->format = *state;
	e->advanced = !strcmp(e->format, "advanced");
	snprintf(name, sizeof(name), "sim:format=%s,%s", e->format, options);
	if (ur_port_open(&e->port, name, &err) ||
	    ur_pool_create(&e->pool, e->port, &pool, &err) ||
	    ur_queue_attach(&e->q, e->port, e->pool, opts, &err))
		fail_msg("%s", err.text);
	e->sim = e->port->priv;
}

/* Small rings. */
static inline void env_open_small(struct env *e, void **state,
				  const char *options)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};

	env_open(e, state, options, &opts, 256);
}

/* Every slot must be in the pool again but those that the test still has. */
static inline void env_close_held(struct env *e, uint32_t held)
{
	assert_int_equal(ur_sim_faults(e->port), 0);
	ur_queue_detach(e->q);
	assert_int_equal(e->pool->free_count, e->pool->slot_count - held);
	ur_pool_destroy(e->pool);
	ur_port_close(e->port);
}

static inline void env_close(struct env *e)
{
	env_close_held(e, 0);
}

static inline struct ur_counters counters(const struct env *e)
{
	struct ur_counters c;

	ur_queue_counters(e->q, &c);
	return c;
}

static inline struct ur_queue_stats stats(const struct env *e)
{
	struct ur_queue_stats s;

	ur_queue_stats(e->q, &s);
	return s;
}

/* Gives n packets back. Return: they were announced as kept in their places. */
static inline bool release_in_place(struct ur_queue *q,
				    const struct ur_pkt *pkts, uint32_t n)
{
	const uint32_t prod = q->user->fill_prod;
	const uint32_t filled = ur_rx_release(q, pkts, n);

	return filled == n && q->user->fill_prod == prod + 1 &&
	       q->fill[prod & q->rx_mask] == (UR_FILL_KEEP | n);
}

/* n packets that do not go back to where they lie: as a list. */
static inline void out_of_order(struct ur_pool *pool, struct ur_pkt *pkts, uint32_t n)
{
	uint32_t last = pkts[n - 1].slot;

	if (n == 1) {
		last = ur_slot_alloc(pool);
		ur_slot_free(pool, pkts[0].slot);
	} else {
		pkts[n - 1].slot = pkts[0].slot;
	}
	pkts[0].slot = last;
}

/* ------------------------------------------------------------------------
 * Whereabouts of slots
 */

struct census {
	uint8_t *seen;		/* by slot: times */
	const struct ur_pool *pool;
};

static inline void census_add(struct census *c, uint32_t slot)
{
	if (slot >= c->pool->slot_count)
		fail_msg("slot %u does not exist", slot);
	c->seen[slot]++;
}

/* Those that are free, and those that the test holds. */
static inline struct census census_begin(const struct ur_pool *pool,
					 const uint32_t *held, uint32_t n)
{
	struct census c = { calloc(pool->slot_count, 1), pool };
	uint32_t i;

	for (i = 0; i < n; i++)
		census_add(&c, held[i]);
	for (i = 0; i < pool->free_count; i++)
		census_add(&c, pool->free_slot[i]);
	return c;
}

/* Those in the rings of a queue. */
static inline void census_queue(struct census *c, const struct ur_queue *q)
{
	const struct ur_kernel_page *k = q->kernel;
	bool stocked = q->stocked;
	uint32_t tail = stocked ? 0 : k->rx_tail;
	uint32_t kept = stocked ? 0 : k->fill_kept;
	uint32_t i, j, place;

	for (i = q->user->rx_pos; i != tail; i++)
		census_add(c, q->rx_slot[i & q->rx_mask]);
	place = tail;
	for (i = stocked ? 0 : k->fill_cons; i != q->user->fill_prod; i++) {
		uint32_t entry = q->fill[i & q->rx_mask];

		if (!(entry & UR_FILL_KEEP)) {
			census_add(c, entry);
			place++;
			continue;
		}
		for (j = kept; j < (entry & UR_FILL_KEEP_MASK); j++)
			census_add(c, q->rx_slot[place++ & q->rx_mask]);
		kept = 0;
	}
	for (i = q->user->tx_reaped; i != q->user->tx_prod; i++)
		census_add(c, q->tx[i & q->tx_mask].slot);
}

static inline void census_end(struct census *c)
{
	uint32_t i;

	for (i = 0; i < c->pool->slot_count; i++)
		if (c->seen[i] != 1)
			fail_msg("slot %u is in %u places", i, c->seen[i]);
	free(c->seen);
}

/* Counts each slot where it is; held are those of the test. */
static inline void check_slots(const struct env *e, const uint32_t *held,
			       uint32_t n)
{
	struct census c = census_begin(e->pool, held, n);

	census_queue(&c, e->q);
	census_end(&c);
}

/* ------------------------------------------------------------------------
 * Frames
 */

/* A frame with a number in it; all of it can be checked. */
static inline uint32_t make_frame(uint8_t *frame, uint64_t number, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		frame[i] = (uint8_t)(number * 7 + i);
	memset(frame, 2, 12);
	frame[12] = 0x88;		/* an EtherType for experiments */
	frame[13] = 0xb5;
	memcpy(frame + 14, &number, sizeof(number));
	return len;
}

static inline uint64_t frame_number(const uint8_t *frame)
{
	uint64_t number;

	memcpy(&number, frame + 14, sizeof(number));
	return number;
}

static inline void check_frame(const uint8_t *frame, uint64_t number,
			       uint32_t len)
{
	uint8_t want[SIM_FRAME_MAX];

	make_frame(want, number, len);
	assert_memory_equal(frame, want, len);
}

static inline int inject(struct env *e, uint64_t number, uint32_t len,
			 const struct ur_sim_meta *meta)
{
	uint8_t frame[SIM_FRAME_MAX];

	return ur_sim_inject(e->port, frame, make_frame(frame, number, len),
			     meta);
}

/* ur_pkt.flags of a frame with these descriptor bits. */
static inline uint16_t want_flags(const struct env *e,
				  const struct ur_sim_meta *m)
{
	bool ignore = m->status & UR_RXD_STAT_IXSM && !e->advanced;
	uint16_t want = 0;

	if (m->status & UR_RXD_STAT_VP)
		want |= UR_PKT_VLAN;
	if (!ignore && m->status & UR_RXD_STAT_IPCS)
		want |= m->errors & UR_RXX_ERR_IPE ? UR_PKT_IP_CSUM_BAD :
						     UR_PKT_IP_CSUM_OK;
	if (!ignore && m->status & (UR_RXD_STAT_L4CS | UR_RXD_STAT_UDPCS))
		want |= m->errors & UR_RXX_ERR_L4E ? UR_PKT_L4_CSUM_BAD :
						     UR_PKT_L4_CSUM_OK;
	if (m->hash_type && strcmp(e->format, "legacy"))
		want |= UR_PKT_HASH;
	return want;
}

/* A packet to send, with the number, somewhere in a fresh slot. */
static inline struct ur_pkt make_pkt(struct env *e, uint64_t number,
				     uint32_t offset, uint32_t len)
{
	struct ur_pkt pkt = { 0 };

	pkt.slot = ur_slot_alloc(e->pool);
	assert_int_not_equal(pkt.slot, UR_NO_SLOT);
	pkt.data = ur_slot_data(e->pool, pkt.slot) + offset;
	pkt.len = make_frame(pkt.data, number, len);
	return pkt;
}

/* QEMU's user mode answers for the kernel: ENOSYS to an ioctl that it does not know. */
static inline bool kernel_is_there(void)
{
	return !ioctl(-1, UR_IOC_DETACH) || errno != ENOSYS;
}

/* xorshift64*: the same numbers everywhere. */
static inline uint64_t rnd(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

#endif /* TESTS_COMMON_H */
