// SPDX-License-Identifier: BSD-2-Clause
/*
 * Hand-over: a queue that another process left, or was killed with at any of its
 * stores, goes on, and every slot is somewhere exactly once.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <libuserring/forward.h>

/* these give back what they do not hold, on purpose */
#undef UR_DEBUG
#include "common.h"

/* ------------------------------------------------------------------------
 * Successors
 */

/* Nobody touches the queue any more: what it and the pool knew is lost. */
static void forget(struct env *e)
{
	ur_queue_free(e->q);
	ur_pool_free(e->pool);
	e->q = NULL;
	e->pool = NULL;
}

static void adopt(struct env *e)
{
	struct ur_error err;

	if (ur_sim_adopt(&e->q, &e->pool, e->port, NULL, &err))
		fail_msg("%s", err.text);
	check_slots(e, NULL, 0);
}

static void succeed(struct env *e)
{
	forget(e);
	adopt(e);
}

static void leave(struct env *e)
{
	struct ur_pool *pool = e->pool;

	ur_queue_leave(e->q);
	ur_pool_destroy(pool);
	e->q = NULL;
	e->pool = NULL;
}

/* Receives what is left from before, sends what is left. */
static void drain(struct env *e)
{
	struct ur_pkt pkts[64];
	uint8_t frame[2048];
	uint32_t n, lap;

	ur_sim_set_tx(e->port, true);
	for (lap = 0; lap < 6; lap++) {
		assert_int_equal(ur_sync(e->q), 0);
		while ((n = ur_rx_burst(e->q, pkts, 64)))
			ur_rx_release(e->q, pkts, n);
	}
	while (ur_sim_collect(e->port, frame, sizeof(frame)) > 0)
		;
	while (ur_sim_host(e->port, frame, sizeof(frame)) > 0)
		;
	check_slots(e, NULL, 0);
	assert_int_equal(e->q->user->tx_prod, e->q->kernel->tx_done);
}

/* Both directions, in place as well, around the rings. */
static void check_works(struct env *e)
{
	struct ur_pkt pkts[64], tx[2];
	uint8_t frame[128];
	uint32_t i, lap;

	drain(e);
	for (lap = 0; lap < 8; lap++) {
		assert_int_equal(__ur_rx_unfilled(e->q), 0);
		for (i = 0; i < 20; i++)
			assert_int_equal(inject(e, i, 60, NULL), 0);
		assert_int_equal(ur_rx_burst(e->q, pkts, 64), 20);
		for (i = 0; i < 20; i++)
			check_frame(pkts[i].data, i, 60);
		assert_true(release_in_place(e->q, pkts, 20));
		if (lap % 2) {
			tx[0] = make_pkt(e, lap, 10, 60);
			tx[1] = make_pkt(e, lap, 10, 60);
			assert_int_equal(ur_tx_burst(e->q, tx, 1), 1);
			assert_int_equal(ur_to_host(e->q, tx + 1, 1), 1);
		}
		assert_int_equal(ur_sync(e->q), 0);
		if (lap % 2) {
			assert_int_equal(ur_sim_collect(e->port, frame, 128),
					 60);
			check_frame(frame, lap, 60);
			assert_int_equal(ur_sim_host(e->port, frame, 128), 60);
			check_frame(frame, lap, 60);
		}
		assert_int_equal(ur_sync(e->q), 0);
		check_slots(e, NULL, 0);
	}
	assert_int_equal(counters(e).rx_refused, 0);
	assert_int_equal(counters(e).tx_refused, 0);
	assert_int_equal(counters(e).index_refused, 0);
}

/* ------------------------------------------------------------------------
 * Left in order
 */

/* Nothing is lost: packets that wait, packets to send. */
static void left_and_adopted(void **state)
{
	struct ur_pkt pkts[64];
	struct ur_queue_info info;
	uint8_t frame[128];
	uint32_t i, lap;
	struct env e;

	env_open_small(&e, state, "");
	for (lap = 0; lap < 20; lap++) {
		for (i = 0; i < 30; i++)
			assert_int_equal(inject(&e, i, 60, NULL), 0);
		assert_int_equal(ur_rx_burst(e.q, pkts, 10), 10);
		if (lap % 3)
			out_of_order(e.pool, pkts, 10);
		assert_int_equal(lap % 3 == 0, release_in_place(e.q, pkts, 10));
		ur_sim_set_tx(e.port, false);
		for (i = 0; i < 5; i++) {
			pkts[0] = make_pkt(&e, i, 0, 60);
			ur_tx_burst(e.q, pkts, 1);
			if (i == 2 && lap % 2)
				ur_sync(e.q);
		}
		check_slots(&e, NULL, 0);
		leave(&e);
		assert_int_equal(ur_port_queue_info(e.port, 0, &info), 0);
		assert_int_equal(info.attached, 1);
		assert_int_equal(info.rx_waiting, 20);
		/* the NIC goes on while nobody is there */
		for (i = 30; i < 40; i++)
			assert_int_equal(inject(&e, i, 60, NULL), 0);
		adopt(&e);
		assert_int_equal(ur_rx_burst(e.q, pkts, 64), 30);
		for (i = 0; i < 30; i++)
			check_frame(pkts[i].data, 10 + i, 60);
		ur_rx_release(e.q, pkts, 30);
		ur_sim_set_tx(e.port, true);
		assert_int_equal(ur_sync(e.q), 0);
		for (i = 0; i < 5; i++) {
			assert_int_equal(ur_sim_collect(e.port, frame, 128), 60);
			check_frame(frame, i, 60);
		}
		check_works(&e);
	}
	env_close(&e);
}

/* Until it is adopted the port keeps it, and to its end. */
static void left_for_good(void **state)
{
	struct ur_queue_opts opts = { .size = sizeof(opts), .flags = 2 };
	struct ur_queue *q;
	struct ur_pool *pool;
	struct ur_error err;
	struct env e;

	env_open_small(&e, state, "");
	leave(&e);
	assert_int_equal(ur_sim_adopt(&q, &pool, e.port, &opts, &err), -EINVAL);
	opts.flags = 0;
	opts.size = 0;
	assert_int_equal(ur_sim_adopt(&q, &pool, e.port, &opts, &err), -EINVAL);
	assert_null(q);
	assert_null(pool);
	assert_int_equal(inject(&e, 0, 60, NULL), 0);
	ur_port_close(e.port);
	ur_queue_leave(NULL);
}

static void nothing_to_adopt(void **state)
{
	struct ur_queue *q;
	struct ur_pool *pool;
	struct ur_error err;
	struct env e;
	int fd;

	env_open_small(&e, state, "");
	ur_queue_detach(e.q);
	assert_int_equal(ur_sim_adopt(&q, &pool, e.port, NULL, &err), -ENOTCONN);
	assert_non_null(strstr(err.text, "no queue"));
	ur_pool_destroy(e.pool);
	ur_port_close(e.port);

	if (!kernel_is_there()) {
		print_message("no kernel to ask for a queue of it\n");
		return;
	}
	assert_int_equal(ur_queue_adopt(&q, &pool, -1, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "ur_fd()"));
	fd = memfd_create("none", 0);
	assert_true(fd >= 0);
	assert_int_equal(ur_queue_adopt(&q, &pool, fd, NULL, &err), -EINVAL);
	assert_int_equal(ur_queue_adopt(&q, &pool, fd, NULL, NULL), -EINVAL);
	assert_null(q);
	assert_null(pool);
	/* it is still ours */
	assert_int_equal(close(fd), 0);
}

/* A timer of the module moves the indices meanwhile. */
static void with_a_timer(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.sync_period_us = 50,
	};
	uint32_t i, n, next = 0, lap = 0;
	struct ur_pkt pkts[64];
	uint8_t frame[128];
	struct env e;

	env_open(&e, state, "gen=udp,count=20000", &opts, 256);
	while (next < 20000) {
		n = ur_rx_burst(e.q, pkts, 7 + lap % 40);
		for (i = 0; i < n; i++, next++)
			assert_int_equal(ur_get_be32(pkts[i].data + 54), next);
		switch (lap++ % 4) {
		case 0:
			i = ur_tx_burst(e.q, pkts, n);
			break;
		case 1:
			i = ur_to_host(e.q, pkts, n);
			break;
		default:
			i = 0;
			break;
		}
		ur_rx_release(e.q, pkts + i, n - i);
		ur_sync(e.q);
		if (lap % 5 == 0) {
			struct ur_error err;

			leave(&e);
			/* the module moves on under check_slots() */
			if (ur_sim_adopt(&e.q, &e.pool, e.port, NULL, &err))
				fail_msg("%s", err.text);
			assert_int_equal(e.q->sync_period_us, 50);
		}
		while (ur_sim_collect(e.port, frame, sizeof(frame)) > 0)
			;
		while (ur_sim_host(e.port, frame, sizeof(frame)) > 0)
			;
	}
	assert_true(lap > 100);
	assert_int_equal(counters(&e).rx_refused, 0);
	assert_int_equal(counters(&e).tx_refused, 0);
	assert_int_equal(counters(&e).index_refused, 0);
	env_close(&e);
}

/* All came that will, and was taken: the queue is one to adopt all the same. */
static void nothing_more_comes(void **state)
{
	struct ur_pkt pkts[64];
	struct ur_error err;
	struct env e;

	env_open(&e, state, "gen=udp,count=40", NULL, 256);
	while (ur_sync(e.q) != -ENODATA)
		ur_rx_release(e.q, pkts, ur_rx_burst(e.q, pkts, 64));
	leave(&e);
	if (ur_sim_adopt(&e.q, &e.pool, e.port, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(ur_sync(e.q), -ENODATA);
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * Died: states by hand
 */

/* Packets were in hand: they are lost, their slots are not. */
static void packets_in_hand(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i;

	env_open_small(&e, state, "");
	for (i = 0; i < 40; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 25), 25);
	for (i = 0; i < 30; i++)
		make_pkt(&e, i, 0, 60);
	succeed(&e);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 15);
	for (i = 0; i < 15; i++)
		check_frame(pkts[i].data, 25 + i, 60);
	/* the ring was full again, and nothing in hand */
	assert_true(release_in_place(e.q, pkts, 15));
	check_works(&e);
	env_close(&e);
}

/*
 * A ring that is short has places without a slot of ours in front: what comes
 * behind them cannot go back in place.
 */
static void short_of_slots(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i;

	env_open(&e, state, "", &opts, 64);
	ur_sim_set_tx(e.port, false);
	for (i = 0; i < 30; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 20), 20);
	assert_int_equal(ur_tx_burst(e.q, pkts, 20), 20);
	succeed(&e);
	assert_int_equal(__ur_rx_unfilled(e.q), 20);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 10);
	for (i = 0; i < 10; i++)
		check_frame(pkts[i].data, 20 + i, 60);
	assert_false(release_in_place(e.q, pkts, 10));
	drain(&e);
	assert_int_equal(__ur_rx_unfilled(e.q), 0);
	env_close(&e);
}

/* A KEEP entry of which the module has posted a part. */
static void kept_in_part(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i, n;

	for (n = 1; n <= 60; n++) {
		env_open_small(&e, state, "");
		for (i = 0; i < 63; i++)
			assert_int_equal(inject(&e, i, 60, NULL), 0);
		assert_int_equal(ur_rx_burst(e.q, pkts, n), n);
		assert_true(release_in_place(e.q, pkts, n));
		/* one place stays empty: the last slot of n waits */
		assert_int_equal(e.q->backend->sync(e.q, 0), 0);
		assert_int_equal(e.q->kernel->fill_kept, n - 1);
		succeed(&e);
		check_works(&e);
		env_close(&e);
	}
}

/* In the middle of a frame that is dropped: its rest is no packet. */
static void in_a_long_frame(void **state)
{
	uint32_t i, cut, before;
	struct ur_pkt pkts[64];
	struct env e;

	for (before = 0; before < 100; before += 9) {
		for (cut = 0; cut <= 4; cut++) {
			env_open_small(&e, state, "");
			for (i = 0; i < before; i++) {
				assert_int_equal(inject(&e, i, 60, NULL), 0);
				assert_int_equal(ur_rx_burst(e.q, pkts, 1), 1);
				ur_rx_release(e.q, pkts, 1);
				assert_int_equal(ur_sync(e.q), 0);
			}
			/* four places, and no error in the last one */
			assert_int_equal(inject(&e, 1, 7000, NULL), 0);
			assert_int_equal(inject(&e, 2, 60, NULL), 0);
			for (i = 0; i < cut; i++)
				__ur_store_release(&e.q->user->rx_pos,
						   e.q->user->rx_pos + 1);
			succeed(&e);
			assert_int_equal(ur_rx_burst(e.q, pkts, 64), 1);
			check_frame(pkts[0].data, 2, 60);
			ur_rx_release(e.q, pkts, 1);
			check_works(&e);
			env_close(&e);
		}
	}
}

/* The port was reset, and the owner may have begun to take stock. */
static void reset_meanwhile(void **state)
{
	struct ur_user_page *u;
	struct ur_pkt pkts[64];
	struct env e;
	int i, how;

	for (how = 0; how < 12; how++) {
		env_open_small(&e, state, "");
		for (i = 0; i < 40; i++)
			assert_int_equal(inject(&e, i, 60, NULL), 0);
		assert_int_equal(ur_rx_burst(e.q, pkts, 25), 25);
		ur_rx_release(e.q, pkts, 20);
		ur_tx_burst(e.q, pkts + 20, 3);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sync(e.q), 0);
		if (how < 6)
			ur_sim_reset(e.port);
		else
			ur_sim_set_up(e.port, false);
		u = e.q->user;
		if (how % 6 >= 1)
			u->rx_pos = 0;
		if (how % 6 >= 2)
			u->fill_prod = 0;
		if (how % 6 >= 3)
			u->tx_prod = 0;
		if (how % 6 >= 4)
			u->tx_reaped = 0;
		/* slots posted again, and the epoch answered, but no SYNC */
		if (how % 6 == 5) {
			for (i = 0; i < 30; i++)
				e.q->fill[i] = (uint32_t)i * 2;
			u->fill_prod = 30;
			e.q->tx[0].slot = 1;
			u->tx_prod = 1;
			u->epoch = e.q->kernel->epoch;
			assert_int_not_equal(e.q->kernel->rx_tail, 0);
			assert_int_not_equal(e.q->kernel->tx_done, 0);
		}
		succeed(&e);
		/* what lies in the old rings is not taken for new */
		assert_int_equal(ur_rx_burst(e.q, pkts, 64), 0);
		if (how < 6) {
			assert_int_equal(__ur_rx_unfilled(e.q), 0);
		} else {
			assert_int_equal(ur_sync(e.q), -ENETDOWN);
			check_slots(&e, NULL, 0);
			succeed(&e);	/* it dies as well */
			ur_sim_set_up(e.port, true);
			assert_int_equal(ur_rx_burst(e.q, pkts, 64), 0);
		}
		assert_int_equal(ur_sync(e.q), 0);
		e.q->tx[0].flags = 0;
		check_works(&e);
		env_close(&e);
	}
}

/* It took its answer to the epoch back, but a timer of the module was faster. */
static void answer_taken_back(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i;

	env_open_small(&e, state, "");
	ur_sim_reset(e.port);
	for (i = 0; i < 5; i++) {
		pkts[i] = make_pkt(&e, i, 0, 60);
		assert_int_equal(ur_tx_burst(e.q, &pkts[i], 1), 1);
	}
	assert_int_equal(ur_sync(e.q), 0);
	ur_sim_set_tx(e.port, false);
	for (i = 0; i < 5; i++) {
		pkts[i] = make_pkt(&e, i, 0, 60);
		assert_int_equal(ur_tx_burst(e.q, &pkts[i], 1), 1);
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	}
	__ur_store_release(&e.q->user->epoch, e.q->kernel->epoch - 1);
	succeed(&e);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 5);
	for (i = 0; i < 5; i++)
		check_frame(pkts[i].data, i, 60);
	ur_rx_release(e.q, pkts, 5);
	check_works(&e);
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * Scribbled over
 */

static void busy(struct env *e, uint64_t *seed)
{
	struct ur_pkt pkts[64];
	uint32_t i, n, lap;

	for (lap = 0; lap < 5; lap++) {
		ur_sim_set_tx(e->port, rnd(seed) >> 60 & 1);
		for (i = 0; i < 20; i++)
			inject(e, i, 60, NULL);
		n = ur_rx_burst(e->q, pkts, (uint32_t)(rnd(seed) >> 32) % 40);
		i = ur_tx_burst(e->q, pkts, n / 3);
		ur_rx_release(e->q, pkts + i, n - i);
		if (rnd(seed) >> 32 & 1)
			ur_sync(e->q);
	}
}

static void scribble(struct ur_queue *q, uint64_t *seed)
{
	uint32_t *word;
	uint64_t r = rnd(seed);

	switch (r >> 60) {
	case 0: case 1: case 2: case 3:
		word = &q->fill[r >> 32 & q->rx_mask];
		break;
	case 4: case 5: case 6:
		word = &q->tx[r >> 32 & q->tx_mask].slot;
		break;
	default:
		word = (uint32_t *)q->user + (r >> 32) % 5;
		break;
	}
	r = rnd(seed);
	switch (r >> 61) {
	case 0:
		*word = (uint32_t)r;
		break;
	case 1:
		*word = UR_FILL_KEEP | (r & 0x7f);
		break;
	case 2:
		*word = (r & 0xff) - 64;
		break;
	case 3:
		*word = 0;
		break;
	default:
		*word += (r & 0xff) - 128;
		break;
	}
}

/* Refused, or adopted with every slot in one place at most. */
static void nonsense_in_the_page(void **state)
{
	uint32_t i, lap, refused = 0, adopted = 0;
	uint64_t seed = 0x5eed;
	uint8_t seen[256];
	struct ur_error err;
	struct env e;
	int ret;

	for (lap = 0; lap < 1500; lap++) {
		struct ur_queue copy;

		env_open_small(&e, state, "");
		busy(&e, &seed);
		if (lap % 7 == 0)
			ur_sim_reset(e.port);
		if (lap % 11 == 0)
			ur_sim_set_up(e.port, false);
		copy = *e.q;
		leave(&e);
		for (i = 0; i <= lap % 5; i++)
			scribble(&copy, &seed);
		ret = ur_sim_adopt(&e.q, &e.pool, e.port, NULL, &err);
		if (ret) {
			assert_int_equal(ret, -ERANGE);
			assert_non_null(strstr(err.text, "wrote over"));
			ur_port_close(e.port);
			refused++;
			continue;
		}
		adopted++;
		busy(&e, &seed);
		assert_int_equal(ur_sim_faults(e.port), 0);
		ur_queue_detach(e.q);
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < e.pool->free_count; i++)
			if (seen[e.pool->free_slot[i]]++)
				fail_msg("slot %u is free twice (%u)",
					 e.pool->free_slot[i], lap);
		ur_pool_destroy(e.pool);
		ur_port_close(e.port);
	}
	assert_true(refused > 100 && adopted > 100);
}

/* Each bound by itself. */
static void bounds(void **state)
{
	static const struct {
		const char *says;
		uint32_t rx_pos, fill_prod, tx_prod;	/* added */
		uint32_t entry;				/* behind the last */
	} bad[] = {
		{ "more packets were taken", 64, 0, 0, 0 },
		{ "more packets were taken", 0U - 1, 0, 0, 0 },
		{ "more packets were taken", 0x80000000, 0, 0, 0 },
		{ "more entries than places", 0, 65, 0, 0 },
		{ "more entries than places", 0, 0U - 2, 0, 0 },
		{ "the TX ring has more", 0, 0, 65, 0 },
		{ "the TX ring has more", 0, 0, 0U - 1, 0 },
		{ "slots were given back", 0, 1, 0, 256 },
		{ "slots were given back", 0, 1, 0, UR_FILL_KEEP },
		{ "slots were given back", 0, 1, 0, UR_FILL_KEEP | 65 },
		{ "slots were given back", 0, 1, 0, 0xffffffff },
		{ "slots were given back", 0, 1, 0, UR_FILL_KEEP | 2 },
		{ "slots were given back", 0, 1, 0, 200 },
		{ "in two places", 10, 1, 0, 20 },
		/* taken, but the NIC has not written it */
		{ "more packets were taken", 21, 0, 0, 0 },
		{ "more packets were taken", 63, 0, 0, 0 },
	};
	struct ur_queue *q;
	struct ur_pool *pool;
	struct ur_error err;
	struct env e;
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		struct ur_user_page *u, before;

		env_open_small(&e, state, "");
		for (int k = 0; k < 20; k++)
			assert_int_equal(inject(&e, (uint64_t)k, 60, NULL), 0);
		u = e.q->user;
		before = *u;
		e.q->fill[u->fill_prod & 63] = bad[i].entry;
		u->rx_pos += bad[i].rx_pos;
		u->fill_prod += bad[i].fill_prod;
		u->tx_prod += bad[i].tx_prod;
		assert_int_equal(ur_sim_adopt(&q, &pool, e.port, NULL, &err),
				 -ERANGE);
		if (!strstr(err.text, bad[i].says))
			fail_msg("%zu: %s", i, err.text);
		assert_null(q);
		assert_null(pool);
		/* mended, it can be adopted */
		*u = before;
		succeed(&e);
		env_close(&e);
	}
}

/* ------------------------------------------------------------------------
 * Killed at each store
 */

#if defined(__x86_64__)

#define TRAP_FLAG	0x100

/*
 * The page of the process lies in memory that cannot be written.  A store faults;
 * then it runs alone, by the trap flag, and is counted.  At the one that is
 * asked for the process ends, in the middle of the library.
 */
static struct {
	uint8_t *mem;
	size_t len;
	uint32_t count;
	uint32_t last;
	sigjmp_buf end;
} stores;

static void protect(int prot)
{
	if (mprotect(stores.mem, stores.len, prot))
		abort();
}

static void on_store(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint8_t *addr = info->si_addr;

	if (addr < stores.mem || addr >= stores.mem + stores.len) {
		signal(sig, SIG_DFL);	/* not ours: the program ends by it */
		return;
	}
	protect(PROT_READ | PROT_WRITE);
	uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	if (++stores.count == stores.last)
		siglongjmp(stores.end, 1);
	protect(PROT_READ);
}

/* The page of the process is at mem from now on. */
static void move_page(struct env *e, uint8_t *mem)
{
	struct sim *s = e->sim;
	uint8_t *old = (uint8_t *)e->q->user;
	uint8_t *to = mem;

	memcpy(to, old, e->q->map[3].size);
	e->q->user = (struct ur_user_page *)to;
	e->q->fill = (uint32_t *)(to + s->attach.fill_off);
	e->q->tx = (struct ur_tx_entry *)(to + s->attach.tx_off);
	e->q->map[3].addr = to;
	s->map[3].addr = to;
	s->ring.u = e->q->user;
	s->ring.fill = e->q->fill;
	s->ring.tx_entry = e->q->tx;
}

/* What came, by place of this epoch; what one place had of a long frame: 0. */
static struct {
	uint64_t number[4096];
	uint32_t n;
	uint64_t made;
} came;

static void arrive(struct env *e, uint32_t n)
{
	const struct ur_sim_meta broken = { .errors = UR_RXX_ERR_RXE };

	for (; n; n--) {
		bool odd = ++came.made % 7 == 0;
		uint32_t places = odd ? 3 : 1;

		if (inject(e, came.made, odd ? 5000 : 60,
			   came.made % 2 ? NULL : odd ? &broken : NULL))
			break;
		while (places--)
			came.number[came.n++] = odd ? 0 : came.made;
	}
}

static void see(void *arg, const struct ur_pkt *pkt)
{
	(void)pkt;
	++*(uint32_t *)arg;
}

static uint32_t build_one(void *arg, uint8_t *data)
{
	memset(data, 0xee, 60);
	return *(uint32_t *)arg ? 60 : 0;
}

static bool pass_some(void *arg, struct ur_pkt *pkt)
{
	(void)pkt;
	return ++*(uint32_t *)arg % 3;
}

/* All that a process does with a queue. */
static void live(struct env *e)
{
	struct ur_pkt pkts[64], tx;
	struct ur_claim claim;
	uint32_t n, i, lap, passed;

	ur_claim_init(&claim, NULL);
	for (lap = 0; lap < 3; lap++) {
		ur_sim_set_tx(e->port, lap != 1);
		arrive(e, 9);
		n = ur_rx_burst(e->q, pkts, 4);
		ur_rx_release(e->q, pkts, n);
		n = ur_rx_burst(e->q, pkts, 3);
		if (n > 1)
			out_of_order(e->pool, pkts, n);
		ur_rx_release(e->q, pkts, n);
		ur_sync(e->q);
		n = ur_rx_burst(e->q, pkts, 3);
		i = ur_tx_burst(e->q, pkts, n);
		ur_rx_release(e->q, pkts + i, n - i);
		arrive(e, 4);
		if (e->pool->free_count) {
			tx = make_pkt(e, 1, 0, 60);
			ur_to_host(e->q, &tx, 1);
		}
		ur_sync(e->q);
		n = ur_rx_claim(e->q, &claim, pkts, 5, &passed);
		ur_rx_release(e->q, pkts, n);
		arrive(e, 9);
		ur_rx_each(e->q, 3, see, &passed);
		ur_sync(e->q);
		ur_forward(e->q, e->q, 5, pass_some, &passed);
		passed = lap;
		ur_tx_each(e->q, 3, build_one, &passed);
		ur_sync(e->q);
		ur_sync(e->q);
		ur_rx_each(e->q, 1, see, &passed);
		ur_forward(e->q, e->q, 1, pass_some, &passed);
		n = ur_rx_burst(e->q, pkts, 2);
		for (i = 0; i < n; i++)
			ur_slot_free(e->pool, pkts[i].slot);
		ur_sync(e->q);
		if (lap == 1) {
			ur_sim_reset(e->port);
			came.n = 0;
			ur_sync(e->q);
		}
	}
	ur_sim_set_up(e->port, false);
	came.n = 0;
	ur_sync(e->q);
	tx = make_pkt(e, 1, 0, 60);
	ur_tx_burst(e->q, &tx, 1);
	ur_sync(e->q);
	ur_sim_set_up(e->port, true);
	ur_sync(e->q);
	arrive(e, 3);
	n = ur_rx_burst(e->q, pkts, 3);
	ur_rx_release(e->q, pkts, n);
	ur_sync(e->q);
}

/* Return: did it end before the last store? */
static bool killed(struct env *e, uint32_t last)
{
	stores.count = 0;
	stores.last = last;
	came.n = 0;
	came.made = 0;
	if (sigsetjmp(stores.end, 1)) {
		protect(PROT_READ | PROT_WRITE);
		return true;
	}
	protect(PROT_READ);
	live(e);
	protect(PROT_READ | PROT_WRITE);
	return false;
}

/* All packets that were not taken come, and no others. */
static void check_rest(struct env *e, uint32_t pos)
{
	struct ur_pkt pkts[64];
	uint32_t i, n;

	while ((n = ur_rx_burst(e->q, pkts, 64))) {
		for (i = 0; i < n; i++) {
			while (pos < came.n && !came.number[pos])
				pos++;
			assert_true(pos < came.n);
			check_frame(pkts[i].data, came.number[pos++], 60);
		}
		ur_rx_release(e->q, pkts, n);
	}
	while (pos < came.n && !came.number[pos])
		pos++;
	assert_int_equal(pos, came.n);
}

static void killed_at_each_store(void **state)
{
	const struct sigaction store = {
		.sa_sigaction = on_store, .sa_flags = SA_SIGINFO,
	};
	const struct sigaction step = {
		.sa_sigaction = on_step, .sa_flags = SA_SIGINFO,
	};
	static struct env e;	/* not a local of whoever is killed */
	static uint32_t last;
	bool dead = true, stale;
	uint8_t *heap;
	uint32_t pos;

	stores.len = 65536;
	stores.mem = mmap(NULL, stores.len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(stores.mem, MAP_FAILED);
	assert_int_equal(sigaction(SIGSEGV, &store, NULL), 0);
	assert_int_equal(sigaction(SIGTRAP, &step, NULL), 0);
	for (last = 1; dead; last++) {
		env_open(&e, state, "", &(struct ur_queue_opts){
			.size = sizeof(struct ur_queue_opts),
			.rx_size = 64, .tx_size = 64 }, 90);
		heap = e.q->map[3].addr;
		move_page(&e, stores.mem);
		dead = killed(&e, last);
		/* while it was down there was nothing to come */
		ur_sim_set_up(e.port, true);
		pos = e.q->user->rx_pos;
		stale = e.q->user->epoch != e.sim->ring.epoch ||
			!e.sim->ring.live;
		succeed(&e);
		check_rest(&e, stale ? came.n : pos);
		check_works(&e);
		assert_int_equal(ur_sim_faults(e.port), 0);
		move_page(&e, heap);
		env_close(&e);
	}
	signal(SIGSEGV, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
	munmap(stores.mem, stores.len);
	/* it is the real thing: hundreds of places to die at */
	assert_true(last > 300);
}

#endif

int main(void)
{
	static const struct test tests[] = {
		TEST(left_and_adopted), TEST(left_for_good),
		TEST(nothing_to_adopt), TEST(with_a_timer),
		TEST(nothing_more_comes),
		TEST(packets_in_hand), TEST(short_of_slots),
		TEST(kept_in_part),
		TEST(in_a_long_frame), TEST(reset_meanwhile),
		TEST(answer_taken_back), TEST(nonsense_in_the_page),
		TEST(bounds),
#if defined(__x86_64__)
		TEST(killed_at_each_store),
#endif
	};

	return run_formats("adopt", tests, COUNT(tests));
}
