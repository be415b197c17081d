// SPDX-License-Identifier: BSD-2-Clause
/*
 * Handles of a pool for several threads: what each has, what the others get of
 * it, and threads that trade slots in all ways at once, built under
 * ThreadSanitizer as well.
 */
#include <pthread.h>

#include "common.h"

#define SLOTS	2048
#define KEPT	UR_POOL_KEPT

/* ------------------------------------------------------------------------
 * One thread
 */

static struct ur_port *sim;

static struct ur_pool *new_pool(uint32_t slots)
{
	const struct ur_pool_opts opts = {
		.size = sizeof(opts), .slot_count = slots,
	};
	struct ur_pool *pool;
	struct ur_error err;

	if (ur_pool_create(&pool, sim, &opts, &err))
		fail_msg("%s", err.text);
	return pool;
}

static struct ur_pool *share(struct ur_pool *pool)
{
	struct ur_pool *view;
	struct ur_error err;

	if (ur_pool_share(&view, pool, &err))
		fail_msg("%s", err.text);
	return view;
}

/* All that this handle can get.  Return: how many. */
static uint32_t take_all(struct ur_pool *pool, uint32_t *slots)
{
	uint32_t n = 0;

	while ((slots[n] = ur_slot_alloc(pool)) != UR_NO_SLOT)
		n++;
	return n;
}

static void free_all(struct ur_pool *pool, const uint32_t *slots, uint32_t n)
{
	while (n)
		ur_slot_free(pool, slots[--n]);
}

/* This handle is the last one: every slot is there, once. */
static void check_all(struct ur_pool *pool)
{
	uint32_t *slots = calloc(pool->slot_count + 1, sizeof(*slots));
	struct census c;

	assert_int_equal(take_all(pool, slots), pool->slot_count);
	c = census_begin(pool, slots, pool->slot_count);
	census_end(&c);
	free_all(pool, slots, pool->slot_count);
	free(slots);
}

static void another_handle(void **state)
{
	struct ur_pool *pool = new_pool(SLOTS);
	struct ur_pool *view = share(pool);
	static uint32_t slots[SLOTS + 1];
	uint32_t n;

	(void)state;
	assert_ptr_equal(view->base, pool->base);
	assert_int_equal(ur_slot_size(view), ur_slot_size(pool));
	/* all but what the first handle keeps */
	n = take_all(view, slots);
	assert_int_equal(n, SLOTS - KEPT / 2);
	assert_int_equal(take_all(pool, slots + n), KEPT / 2);
	assert_int_equal(ur_slot_alloc(view), UR_NO_SLOT);
	free_all(view, slots, n);
	free_all(pool, slots + n, KEPT / 2);
	ur_pool_destroy(view);
	check_all(pool);
	ur_pool_destroy(pool);
}

static void nobody_starves(void **state)
{
	struct ur_pool *pool = new_pool(SLOTS), *view[4];
	static uint32_t slots[SLOTS + 1];
	uint32_t n;
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		view[i] = share(pool);
	n = take_all(pool, slots);
	assert_int_equal(n, SLOTS);
	/* whoever frees them, the others get all but what it may keep */
	for (i = 0; i < 4; i++) {
		free_all(view[i], slots, n);
		assert_true(view[i]->free_count <= KEPT);
		n = take_all(view[(i + 1) % 4], slots);
		assert_true(n >= SLOTS - 5 * KEPT);
		free_all(view[(i + 1) % 4], slots, n);
		n = take_all(view[i], slots);
	}
	free_all(view[3], slots, n);
	for (i = 0; i < 4; i++)
		ur_pool_destroy(view[i]);
	check_all(pool);
	ur_pool_destroy(pool);
}

static void any_can_be_last(void **state)
{
	struct ur_pool *pool = new_pool(SLOTS);
	struct ur_pool *one = share(pool), *two = share(one);
	uint32_t slot = ur_slot_alloc(one);

	(void)state;
	memset(ur_slot_data(one, slot), 0x77, ur_slot_size(one));
	ur_pool_destroy(pool);
	assert_int_equal(ur_slot_data(two, slot)[2047], 0x77);
	ur_slot_free(one, slot);
	ur_pool_destroy(one);
	check_all(two);
	ur_pool_destroy(two);
}

static void small_pools(void **state)
{
	static const uint32_t sizes[] = { 2, 4, 30, 32, 64, 300 };
	uint32_t slots[301];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct ur_pool *pool = new_pool(sizes[i]);
		uint32_t kept = sizes[i] < 64 ? 2 : sizes[i] / 16 & ~1U, n;
		struct ur_pool *view = share(pool);

		n = take_all(view, slots);
		assert_int_equal(n, sizes[i] - kept / 2);
		free_all(view, slots, n);
		assert_true(view->free_count <= kept);
		ur_pool_destroy(pool);
		check_all(view);
		ur_pool_destroy(view);
	}
}

/* What is no slot, or is freed too often, does no harm. */
static void wrong_slots(void **state)
{
	struct ur_pool *pool = new_pool(64), *view;

	(void)state;
	__ur_slot_push(pool, 64);
	__ur_slot_push(pool, UR_NO_SLOT);
	__ur_slot_push(pool, 1);
	assert_int_equal(pool->free_count, 64);
	view = share(pool);
	__ur_slot_push(view, 64);
	__ur_slot_push(view, UR_NO_SLOT);
	ur_pool_destroy(view);
	check_all(pool);
	ur_pool_destroy(pool);
}

/* A packet leaves by the queue of another thread; the others go back. */
static void in_place_by_handle(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};
	struct ur_pool *pool = new_pool(SLOTS), *view = share(pool);
	struct ur_port *ports[2];
	struct ur_queue *in = NULL, *out = NULL;
	struct ur_pkt pkts[8];
	struct ur_error err;
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		if (ur_port_open(&ports[i], i ? "sim:" : "sim:gen=udp", &err))
			fail_msg("%s", err.text);
	if (ur_queue_attach(&in, ports[0], pool, &opts, &err) ||
	    ur_queue_attach(&out, ports[1], view, &opts, &err))
		fail_msg("%s", err.text);

	/* in place, and whatever the other handle does meanwhile */
	assert_int_equal(ur_rx_burst(in, pkts, 8), 8);
	ur_slot_free(view, ur_slot_alloc(view));
	assert_true(release_in_place(in, pkts, 8));

	assert_int_equal(ur_sync(in), 0);
	assert_int_equal(ur_rx_burst(in, pkts, 8), 8);
	assert_int_equal(ur_tx_burst(out, &pkts[0], 1), 1);
	assert_false(release_in_place(in, pkts + 1, 7));
	/* sent, and found to be */
	assert_int_equal(ur_sync(out), 0);
	assert_int_equal(ur_sync(out), 0);
	assert_int_equal(ur_tx_reap(out), 1);
	/* and in place again */
	assert_int_equal(ur_sync(in), 0);
	assert_int_equal(ur_rx_burst(in, pkts, 8), 8);
	assert_true(release_in_place(in, pkts, 8));

	ur_queue_detach(in);
	ur_queue_detach(out);
	ur_pool_destroy(pool);
	check_all(view);
	ur_pool_destroy(view);
	for (i = 0; i < 2; i++)
		ur_port_close(ports[i]);
}

/* ------------------------------------------------------------------------
 * Threads
 */

#define THREADS	4
#define ROUNDS	40000
#define HELD	200
#define BOX	64

/* Slots on their way to a thread. */
struct box {
	pthread_mutex_t lock;
	uint32_t slot[BOX];
	uint32_t n;
};

struct worker {
	struct ur_pool *pool;
	struct box *boxes;
	uint32_t me;
	uint64_t seed;
	uint32_t held[HELD];
	uint32_t n;
	uint32_t wrong;		/* slots that somebody else wrote to */
	uint64_t passed, starved, traded;
	pthread_t thread;
};

static uint32_t draw(struct worker *w, uint32_t n)
{
	return (uint32_t)(rnd(&w->seed) >> 32) % n;
}

/* Who has a slot writes its name into it: plain memory, as a packet is. */
static void sign(struct worker *w, uint32_t slot)
{
	uint32_t *data = (uint32_t *)ur_slot_data(w->pool, slot);

	data[0] = w->me;
	data[511] = slot;
}

static void check_sign(struct worker *w, uint32_t slot)
{
	const uint32_t *data = (uint32_t *)ur_slot_data(w->pool, slot);

	w->wrong += data[0] != w->me || data[511] != slot;
}

static uint32_t drop_one(struct worker *w)
{
	uint32_t i = draw(w, w->n), slot = w->held[i];

	w->held[i] = w->held[--w->n];
	check_sign(w, slot);
	return slot;
}

static void give_away(struct worker *w)
{
	struct box *box = &w->boxes[draw(w, THREADS)];

	pthread_mutex_lock(&box->lock);
	while (w->n && box->n < BOX) {
		box->slot[box->n++] = drop_one(w);
		w->passed++;
	}
	pthread_mutex_unlock(&box->lock);
}

static void look_into_box(struct worker *w)
{
	struct box *box = &w->boxes[w->me];

	pthread_mutex_lock(&box->lock);
	while (box->n && w->n < HELD) {
		w->held[w->n] = box->slot[--box->n];
		sign(w, w->held[w->n++]);
	}
	pthread_mutex_unlock(&box->lock);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint32_t round, n;

	for (round = 0; round < ROUNDS; round++) {
		uint32_t before = w->pool->free_count;

		switch (draw(w, 4)) {
		case 0:
			for (n = draw(w, HELD); n && w->n < HELD; n--) {
				uint32_t slot = ur_slot_alloc(w->pool);

				w->starved += slot == UR_NO_SLOT;
				if (slot == UR_NO_SLOT)
					break;
				w->held[w->n++] = slot;
				sign(w, slot);
			}
			w->traded += w->pool->free_count > before;
			break;
		case 1:
			for (n = draw(w, HELD); n && w->n; n--)
				ur_slot_free(w->pool, drop_one(w));
			w->traded += w->pool->free_count < before;
			break;
		case 2:
			give_away(w);
			break;
		default:
			look_into_box(w);
			break;
		}
	}
	while (w->n)
		ur_slot_free(w->pool, drop_one(w));
	return NULL;
}

static void stress(uint32_t slots, bool may_starve)
{
	static struct worker w[THREADS];
	static struct box boxes[THREADS];
	struct ur_pool *pool = new_pool(slots);
	uint64_t passed = 0, starved = 0, traded = 0;
	int i;

	for (i = 0; i < THREADS; i++) {
		pthread_mutex_init(&boxes[i].lock, NULL);
		boxes[i].n = 0;
		w[i] = (struct worker){
			.pool = share(pool), .boxes = boxes,
			.me = (uint32_t)i, .seed = 0x5eed + (uint64_t)i,
		};
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, work,
						&w[i]), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	for (i = 0; i < THREADS; i++) {
		/* what nobody fetched */
		while (boxes[i].n)
			ur_slot_free(w[i].pool, boxes[i].slot[--boxes[i].n]);
		assert_int_equal(w[i].wrong, 0);
		passed += w[i].passed;
		starved += w[i].starved;
		traded += w[i].traded;
		ur_pool_destroy(w[i].pool);
		pthread_mutex_destroy(&boxes[i].lock);
	}
	assert_true(passed > ROUNDS && traded > ROUNDS / 80);
	assert_true(may_starve ? starved > 0 : !starved);
	check_all(pool);
	ur_pool_destroy(pool);
}

/* More than all can hold, put into boxes and keep: nobody ever lacks one. */
static void threads_with_plenty(void **state)
{
	(void)state;
	stress(THREADS * (HELD + BOX + KEPT) + KEPT, false);
}

static void threads_in_need(void **state)
{
	(void)state;
	stress(THREADS * HELD / 2, true);
}

/* ------------------------------------------------------------------------
 * Threads with queues
 */

#define FRAMES	30000
#define SENDING	256U

/* Receives, and passes to the other thread, which sends. */
struct stage {
	struct ur_pool *pool;
	struct ur_port *port;
	struct ur_queue *q;
	struct stage *other;
	pthread_mutex_t lock;
	struct ur_pkt inbox[256];
	uint32_t n;
	uint64_t received, sent, wrong;
	pthread_t thread;
};

static void pass_on(struct stage *s)
{
	struct stage *to = s->other;
	struct ur_pkt pkts[32];
	uint32_t room, n;

	pthread_mutex_lock(&to->lock);
	room = COUNT(to->inbox) - to->n;
	n = ur_rx_burst(s->q, pkts, room < 32 ? room : 32);
	memcpy(to->inbox + to->n, pkts, n * sizeof(*pkts));
	to->n += n;
	pthread_mutex_unlock(&to->lock);
	s->received += n;
}

static void send_on(struct stage *s)
{
	uint32_t n;

	pthread_mutex_lock(&s->lock);
	n = ur_tx_room(s->q) < s->n ? ur_tx_room(s->q) : s->n;
	s->wrong += n && ur_tx_burst(s->q, s->inbox, n) != n;
	s->n -= n;
	memmove(s->inbox, s->inbox + n, s->n * sizeof(s->inbox[0]));
	pthread_mutex_unlock(&s->lock);
	s->sent += n;
}

/* One of them is through before the other is. */
static bool goes_on(struct stage *s)
{
	int err = ur_sync(s->q);

	return !err || (err == -ENODATA && s->received == FRAMES);
}

static void *run_stage(void *arg)
{
	struct stage *s = arg;

	while (s->received < FRAMES || s->sent < FRAMES) {
		pass_on(s);
		send_on(s);
		s->wrong += !goes_on(s);
	}
	while (ur_tx_room(s->q) < SENDING)
		s->wrong += !goes_on(s);
	return NULL;
}

static void slots_between_queues(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 256, .tx_size = SENDING,
	};
	struct ur_pool *pool = new_pool(2 * (256 + 256 + 256) + 3 * KEPT);
	static struct stage s[2];
	struct ur_error err;
	char name[64];
	int i;

	(void)state;
	snprintf(name, sizeof(name), "sim:gen=udp,count=%d", FRAMES);
	for (i = 0; i < 2; i++) {
		s[i] = (struct stage){ .pool = share(pool), .other = &s[!i] };
		pthread_mutex_init(&s[i].lock, NULL);
		if (ur_port_open(&s[i].port, name, &err) ||
		    ur_queue_attach(&s[i].q, s[i].port, s[i].pool, &opts,
				    &err))
			fail_msg("%s", err.text);
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&s[i].thread, NULL, run_stage,
						&s[i]), 0);
	for (i = 0; i < 2; i++)
		pthread_join(s[i].thread, NULL);
	for (i = 0; i < 2; i++) {
		assert_int_equal(s[i].received, FRAMES);
		assert_int_equal(s[i].sent, FRAMES);
		assert_int_equal(s[i].wrong, 0);
		assert_int_equal(ur_sim_sent(s[i].port), FRAMES);
		assert_int_equal(ur_sim_faults(s[i].port), 0);
		/* RX rings stayed full all the time */
		assert_int_equal(__ur_rx_unfilled(s[i].q), 0);
		ur_queue_detach(s[i].q);
		ur_port_close(s[i].port);
		ur_pool_destroy(s[i].pool);
		pthread_mutex_destroy(&s[i].lock);
	}
	check_all(pool);
	ur_pool_destroy(pool);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_handle),
		cmocka_unit_test(nobody_starves),
		cmocka_unit_test(any_can_be_last),
		cmocka_unit_test(small_pools),
		cmocka_unit_test(wrong_slots),
		cmocka_unit_test(in_place_by_handle),
		cmocka_unit_test(threads_with_plenty),
		cmocka_unit_test(threads_in_need),
		cmocka_unit_test(slots_between_queues),
	};
	struct ur_error err;
	int ret;

	if (ur_port_open(&sim, "sim:", &err))
		return 1;
	ret = cmocka_run_group_tests_name("share", tests, NULL, NULL);
	ur_port_close(sim);
	return ret;
}
