// SPDX-License-Identifier: BSD-2-Clause
/*
 * Random operations against a model that knows two things: which frame comes
 * next, and which slots the process has.  After each operation every slot of
 * the pool is somewhere exactly once.
 *
 *	SEED=n test_model	begins with another seed
 */
#include "common.h"

#define SLOTS	300
#define STEPS	3000

struct model {
	struct env e;
	uint64_t seed;

	/* frames on their way to the process: numbers, or BROKEN */
	uint64_t frames[4096];
	uint32_t first;
	uint32_t count;
	uint64_t made;

	/* packets that the process has */
	struct ur_pkt held[SLOTS];
	uint32_t n;


	/* frames on their way to the wire */
	uint64_t sending[8192];
	uint32_t send_first;
	uint32_t send_count;
	uint64_t sends;
	bool tx_off;
	bool up;
	uint64_t delivered;
};

#define BROKEN	UINT64_MAX

static uint32_t below(struct model *m, uint32_t n)
{
	return (uint32_t)(rnd(&m->seed) >> 32) % n;
}

static void op_inject(struct model *m)
{
	const struct ur_sim_meta bad = { .errors = UR_RXX_ERR_RXE };
	uint32_t i, n = below(m, 40);

	for (i = 0; i < n && m->count < COUNT(m->frames); i++) {
		bool broken = !below(m, 20);
		uint32_t len = 60 + below(m, broken ? 4000 : 1400);

		if (inject(&m->e, m->made, len, broken ? &bad : NULL))
			return;
		m->frames[(m->first + m->count++) % COUNT(m->frames)] =
			broken ? BROKEN : m->made;
		m->made++;
	}
}

static void op_burst(struct model *m)
{
	uint32_t i, n, want = below(m, 50);

	if (want > SLOTS - m->n)
		want = SLOTS - m->n;
	n = ur_rx_burst(m->e.q, m->held + m->n, want);
	assert_true(n <= want);
	for (i = 0; i < n; i++) {
		const struct ur_pkt *pkt = &m->held[m->n + i];
		uint64_t number;

		do {
			assert_true(m->count > 0);
			number = m->frames[m->first++ % COUNT(m->frames)];
			m->count--;
		} while (number == BROKEN);
		check_frame(pkt->data, number, pkt->len);
	}
	m->n += n;
	m->delivered += n;
}

/* Takes one that the process has, any one. */
static struct ur_pkt pick(struct model *m)
{
	uint32_t i = below(m, m->n);
	struct ur_pkt pkt = m->held[i];

	memmove(&m->held[i], &m->held[i + 1],
		(--m->n - i) * sizeof(m->held[0]));
	return pkt;
}

static void op_release(struct model *m)
{
	struct ur_pkt pkts[SLOTS];
	uint32_t i, n = m->n ? below(m, m->n + 1) : 0;

	if (below(m, 2)) {
		/* the oldest, in their order */
		ur_rx_release(m->e.q, m->held, n);
		m->n -= n;
		memmove(m->held, m->held + n, m->n * sizeof(m->held[0]));
		return;
	}
	for (i = 0; i < n; i++)
		pkts[i] = pick(m);
	ur_rx_release(m->e.q, pkts, n);
}

/* All, which stay in place if none went elsewhere since none was held. */
static void op_release_all(struct model *m)
{
	ur_rx_release(m->e.q, m->held, m->n);
	m->n = 0;
}

static void op_free(struct model *m)
{
	if (m->n)
		ur_slot_free(m->e.pool, pick(m).slot);
}

static void op_send(struct model *m)
{
	struct ur_pkt pkts[32];
	uint32_t i, n = below(m, 32), taken;

	for (i = 0; i < n; i++) {
		if (m->n && below(m, 2)) {
			pkts[i] = pick(m);
			pkts[i].len = make_frame(pkts[i].data, m->sends + i,
						 60 + below(m, 1400));
		} else if (m->e.pool->free_count) {
			pkts[i] = make_pkt(&m->e, m->sends + i, below(m, 500),
					   60 + below(m, 1400));
		} else {
			break;
		}
		pkts[i].flags = 0;
	}
	n = i;
	taken = ur_tx_burst(m->e.q, pkts, n);
	assert_true(taken <= n);
	for (i = 0; i < taken; i++)
		m->sending[(m->send_first + m->send_count++) %
			   COUNT(m->sending)] = m->sends++;
	for (; i < n; i++)
		ur_slot_free(m->e.pool, pkts[i].slot);
}

static void op_collect(struct model *m)
{
	uint8_t frame[2048];
	int len;

	while ((len = ur_sim_collect(m->e.port, frame, sizeof(frame))) > 0) {
		assert_true(m->send_count > 0);
		check_frame(frame, m->sending[m->send_first++ %
					      COUNT(m->sending)],
			    (uint32_t)len);
		m->send_count--;
	}
}

static void op_sync(struct model *m)
{
	assert_int_equal(ur_sync(m->e.q), m->up ? 0 : -ENETDOWN);
	if (!m->tx_off && m->up) {
		op_collect(m);
		assert_true(m->send_count <= 64);
	}
}

/* Frames in the rings are lost, and nothing else is. */
static void op_reset(struct model *m)
{
	op_collect(m);
	if (below(m, 2) && m->up) {
		ur_sim_reset(m->e.port);
	} else {
		m->up = !m->up;
		ur_sim_set_up(m->e.port, m->up);
	}
	/* what was not sent by then is lost if stock is taken */
	if (__ur_queue_stale(m->e.q) && !m->e.q->stocked) {
		m->send_count = 0;
		m->send_first = 0;
		m->count = 0;
		m->first = 0;
		ur_sync(m->e.q);
	} else if (m->up) {
		/* frames may go out twice when it was interrupted */
		ur_sync(m->e.q);
	}
	op_collect(m);
}

/*
 * The process is gone, and another goes on.  What was in hand is lost; and what
 * was to be sent, when the rings wait for a new beginning.
 */
static void op_hand_over(struct model *m)
{
	struct ur_error err;

	op_collect(m);
	if (__ur_queue_stale(m->e.q)) {
		m->send_count = 0;
		m->send_first = 0;
		m->count = 0;
		m->first = 0;
	}
	ur_queue_free(m->e.q);
	ur_pool_free(m->e.pool);
	if (ur_sim_adopt(&m->e.q, &m->e.pool, m->e.port, NULL, &err))
		fail_msg("%s", err.text);
	m->n = 0;
}

static void check(struct model *m)
{
	uint32_t slots[SLOTS], i;

	for (i = 0; i < m->n; i++)
		slots[i] = m->held[i].slot;
	check_slots(&m->e, slots, m->n);
}

static void run(void **state, bool resets, bool hand_over)
{
	static struct model m;
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 128, .tx_size = 64,
	};
	const char *seed = getenv("SEED");
	uint32_t step;

	memset(&m, 0, sizeof(m));
	m.seed = seed ? strtoull(seed, NULL, 0) | 1 : 0x5eed;
	m.up = true;
	env_open(&m.e, state, "", &opts, SLOTS);
	for (step = 0; step < STEPS; step++) {
		switch (below(&m, 12)) {
		case 0: case 1:
			op_inject(&m);
			break;
		case 2: case 3:
			op_burst(&m);
			break;
		case 4:
			op_release(&m);
			break;
		case 5: case 6:
			op_release_all(&m);
			break;
		case 7:
			op_free(&m);
			break;
		case 8:
			op_send(&m);
			break;
		case 9:
			m.tx_off = !below(&m, 4);
			ur_sim_set_tx(m.e.port, !m.tx_off);
			op_collect(&m);
			break;
		case 10:
			if (resets && !below(&m, 5))
				op_reset(&m);
			if (hand_over && !below(&m, 5))
				op_hand_over(&m);
			break;
		default:
			op_sync(&m);
			break;
		}
		check(&m);
	}
	assert_true(m.delivered > 1000);
	assert_int_equal(counters(&m.e).rx_refused, 0);
	assert_int_equal(counters(&m.e).index_refused, 0);
	assert_int_equal(counters(&m.e).tx_refused, 0);
	env_close_held(&m.e, m.n);
}

static void random_operations(void **state)
{
	run(state, false, false);
}

static void random_operations_and_resets(void **state)
{
	run(state, true, false);
}

static void random_operations_and_successors(void **state)
{
	run(state, false, true);
}

static void random_resets_and_successors(void **state)
{
	run(state, true, true);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(random_operations), TEST(random_operations_and_resets),
		TEST(random_operations_and_successors),
		TEST(random_resets_and_successors),
	};

	return run_formats("model", tests, COUNT(tests));
}
