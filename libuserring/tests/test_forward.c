// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two ports that share a pool: what is received on one leaves by the other, in
 * the slot in which it came.  Ports go down, are reset, are detached; after
 * each step every slot is somewhere exactly once.
 *
 *	SEED=n test_forward	begins with another seed
 */
#include "common.h"

#define SLOTS	400
#define STEPS	4000
#define RING	64

/* One port, and what is on its way to its wire. */
struct side {
	struct ur_port *port;
	struct ur_queue *q;	/* NULL: detached */
	bool up;
	uint64_t made;		/* frames that arrived here, by number */
	uint64_t due;		/* the next one of the other side to be sent */
	uint64_t sent;
};

struct pair {
	struct ur_pool *pool;
	struct side side[2];
	uint64_t seed;
	bool lossy;		/* rings were emptied: numbers may be missing */
};

static void attach(struct pair *p, int i)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = RING, .tx_size = RING,
	};
	struct ur_error err;

	if (ur_queue_attach(&p->side[i].q, p->side[i].port, p->pool, &opts,
			    &err))
		fail_msg("%s", err.text);
}

static void pair_open(struct pair *p, void **state)
{
	const struct ur_pool_opts opts = {
		.size = sizeof(opts), .slot_count = SLOTS,
	};
	const char *seed = getenv("SEED");
	struct ur_error err;
	char name[64];
	int i;

	memset(p, 0, sizeof(*p));
	p->seed = seed ? strtoull(seed, NULL, 0) | 1 : 0x5eed;
	snprintf(name, sizeof(name), "sim:format=%s", (const char *)*state);
	for (i = 0; i < 2; i++) {
		p->side[i].up = true;
		if (ur_port_open(&p->side[i].port, name, &err))
			fail_msg("%s", err.text);
	}
	if (ur_pool_create(&p->pool, p->side[0].port, &opts, &err))
		fail_msg("%s", err.text);
	for (i = 0; i < 2; i++)
		attach(p, i);
}

static void check(struct pair *p)
{
	struct census c = census_begin(p->pool, NULL, 0);
	int i;

	for (i = 0; i < 2; i++)
		if (p->side[i].q)
			census_queue(&c, p->side[i].q);
	census_end(&c);
}

static void pair_close(struct pair *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(ur_sim_faults(p->side[i].port), 0);
		ur_queue_detach(p->side[i].q);
	}
	assert_int_equal(p->pool->free_count, p->pool->slot_count);
	ur_pool_destroy(p->pool);
	for (i = 0; i < 2; i++)
		ur_port_close(p->side[i].port);
}

static uint32_t below(struct pair *p, uint32_t n)
{
	return (uint32_t)(rnd(&p->seed) >> 32) % n;
}

/* The length of a frame follows from its number. */
static uint32_t frame_len(uint64_t number)
{
	return 60 + (uint32_t)(number * 37 % 1400);
}

static void arrive(struct pair *p, int i, uint32_t n)
{
	struct side *s = &p->side[i];
	uint8_t frame[2048];

	for (; n; n--) {
		uint32_t len = make_frame(frame, s->made, frame_len(s->made));

		if (ur_sim_inject(s->port, frame, len, NULL))
			return;
		s->made++;
	}
}

/* What i received leaves by the other.  Return: packets. */
static uint32_t forward(struct pair *p, int i, uint32_t n)
{
	struct ur_queue *from = p->side[i].q, *to = p->side[!i].q;
	struct ur_pkt pkts[RING];
	uint32_t taken;

	if (!from)
		return 0;
	n = ur_rx_burst(from, pkts, n);
	taken = to ? ur_tx_burst(to, pkts, n) : 0;
	/* slot received == slot sent */
	for (uint32_t j = 0; j < taken; j++)
		assert_int_equal(to->tx[(to->user->tx_prod - taken + j) &
					to->tx_mask].slot, pkts[j].slot);
	p->lossy |= taken < n;
	/* either way */
	if (below(p, 2))
		ur_rx_release(from, pkts + taken, n - taken);
	else
		for (uint32_t j = taken; j < n; j++)
			ur_slot_free(p->pool, pkts[j].slot);
	return taken;
}

static void sync(struct pair *p, int i)
{
	struct side *s = &p->side[i];

	if (s->q)
		assert_int_equal(ur_sync(s->q), s->up ? 0 : -ENETDOWN);
}

/* What left by i arrived on the other one: whole, and in its order. */
static void collect(struct pair *p, int i)
{
	struct side *s = &p->side[i];
	uint8_t frame[2048];
	uint64_t number;
	int len;

	while ((len = ur_sim_collect(s->port, frame, sizeof(frame))) > 0) {
		number = frame_number(frame);
		if (p->lossy)
			assert_true(number >= s->due &&
				    number < p->side[!i].made);
		else
			assert_int_equal(number, s->due);
		assert_int_equal(len, frame_len(number));
		check_frame(frame, number, (uint32_t)len);
		s->due = number + 1;
		s->sent++;
	}
}

static void step(struct pair *p, bool trouble)
{
	int i = (int)below(p, 2);
	struct side *s = &p->side[i];

	switch (below(p, 10)) {
	case 0: case 1:
		arrive(p, i, below(p, 40));
		break;
	case 2: case 3: case 4:
		forward(p, i, below(p, RING + 1));
		break;
	case 5:
		ur_sim_set_tx(s->port, below(p, 4));
		break;
	case 6:
		/* up again sooner than down */
		if (!trouble || below(p, s->up ? 20 : 3))
			break;
		collect(p, i);
		p->lossy = true;
		if (below(p, 2) && s->up) {
			ur_sim_reset(s->port);
		} else {
			s->up = !s->up;
			ur_sim_set_up(s->port, s->up);
		}
		break;
	case 7:
		if (!trouble || below(p, s->q ? 40 : 3))
			break;
		collect(p, i);
		p->lossy = true;
		if (s->q) {
			ur_queue_detach(s->q);
			s->q = NULL;
		} else {
			attach(p, i);
		}
		break;
	default:
		sync(p, i);
		break;
	}
	collect(p, i);
	check(p);
}

static void random_steps(struct pair *p, bool trouble)
{
	for (int n = 0; n < STEPS; n++)
		step(p, trouble);
	assert_true(p->side[0].sent > 1000 && p->side[1].sent > 1000);
	pair_close(p);
}

/* A full TX ring is the one reason to drop: none here. */
static void nothing_is_lost(void **state)
{
	const uint64_t frames = 20000;
	struct pair p;
	int i;

	pair_open(&p, state);
	while (p.side[0].sent < frames || p.side[1].sent < frames) {
		for (i = 0; i < 2; i++) {
			if (p.side[i].made < frames)
				arrive(&p, i, 1 + below(&p, 40));
			while (forward(&p, i, ur_tx_room(p.side[!i].q)))
				;
			sync(&p, !i);
			sync(&p, i);
			collect(&p, !i);
		}
		check(&p);
	}
	assert_false(p.lossy);
	for (i = 0; i < 2; i++) {
		assert_int_equal(p.side[i].sent, p.side[!i].made);
		/* every slot came back: the rings are full */
		assert_int_equal(__ur_rx_unfilled(p.side[i].q), 0);
	}
	pair_close(&p);
}

static void random_forwarding(void **state)
{
	struct pair p;

	pair_open(&p, state);
	random_steps(&p, false);
}

static void random_forwarding_and_trouble(void **state)
{
	struct pair p;

	pair_open(&p, state);
	random_steps(&p, true);
}

/* Slots of one port lie in the other's TX ring when that goes down. */
static void down_in_the_middle(void **state)
{
	struct pair p;

	pair_open(&p, state);
	ur_sim_set_tx(p.side[1].port, false);
	arrive(&p, 0, 40);
	assert_int_equal(forward(&p, 0, RING), 40);
	sync(&p, 1);
	check(&p);
	ur_sim_set_up(p.side[1].port, false);
	assert_int_equal(ur_sync(p.side[1].q), -ENETDOWN);
	check(&p);
	/* the first one lives, and gets them back */
	sync(&p, 0);
	assert_int_equal(__ur_rx_unfilled(p.side[0].q), 0);
	arrive(&p, 0, 40);
	assert_int_equal(p.side[0].made, 80);
	pair_close(&p);
}

/* The other one is gone, with slots in its rings. */
static void gone_in_the_middle(void **state)
{
	struct pair p;

	pair_open(&p, state);
	ur_sim_set_tx(p.side[1].port, false);
	arrive(&p, 0, 40);
	assert_int_equal(forward(&p, 0, RING), 40);
	sync(&p, 1);
	sim_take(p.side[1].port->priv, UR_STATE_GONE);
	assert_int_equal(ur_sync(p.side[1].q), -ENODEV);
	check(&p);
	ur_queue_detach(p.side[1].q);
	p.side[1].q = NULL;
	check(&p);
	assert_int_equal(p.pool->free_count, SLOTS - (RING - 40));
	sync(&p, 0);
	assert_int_equal(p.pool->free_count, SLOTS - RING);
	arrive(&p, 0, 40);
	assert_int_equal(p.side[0].made, 80);
	pair_close(&p);
}

/* What went to the other port is filled from the pool; the others stay in place. */
static void in_place_or_away(void **state)
{
	struct ur_pkt pkts[RING];
	struct pair p;

	pair_open(&p, state);
	arrive(&p, 0, 10);
	assert_int_equal(ur_rx_burst(p.side[0].q, pkts, RING), 10);
	assert_int_equal(ur_tx_burst(p.side[1].q, pkts + 4, 1), 1);
	assert_true(release_in_place(p.side[0].q, pkts, 4));
	assert_false(release_in_place(p.side[0].q, pkts + 5, 5));
	assert_int_equal(__ur_rx_unfilled(p.side[0].q), 1);
	check(&p);
	/* all are back: in place again, and the other port does not mind */
	sync(&p, 1);
	ur_tx_reap(p.side[1].q);
	sync(&p, 0);
	arrive(&p, 0, 10);
	arrive(&p, 1, 5);
	assert_int_equal(ur_rx_burst(p.side[0].q, pkts, RING), 10);
	assert_int_equal(ur_rx_burst(p.side[1].q, pkts + 10, RING - 10), 5);
	assert_true(release_in_place(p.side[0].q, pkts, 10));
	/* a slot of the one port's is a slot of the other's */
	assert_true(release_in_place(p.side[1].q, pkts + 10, 5));
	check(&p);
	pair_close(&p);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(nothing_is_lost), TEST(random_forwarding),
		TEST(random_forwarding_and_trouble), TEST(down_in_the_middle),
		TEST(gone_in_the_middle), TEST(in_place_or_away),
	};

	return run_formats("forward", tests, COUNT(tests));
}
