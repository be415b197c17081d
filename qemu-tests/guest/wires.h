/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two NICs, each on a wire and a far end of its own (run.sh --nic2), and what goes from
 * one to the other: by the library, slot by slot, any number of queue pairs in one pool,
 * or by urfwd.
 */
#ifndef USERRING_TESTS_WIRES_H
#define USERRING_TESTS_WIRES_H

#include "apps.h"
#include "gone.h"
#include "net.h"
#include "queues.h"

#define RING	256
#define BURST	64
#define SLOTS	2048		/* for each pair of queues */
#define IDLE_MS	5000
#define FLOWING	500		/* frames */

static const char *const nic_name[2] = { "nic0", "nic2" };

static inline const char *wire_family(int i)
{
	return family_of(boot_option(i ? "nic2_model" : "nic"));
}

/* Both up, heard by the kernel, and hearing everything. */
static inline bool wires_up(struct port port[2])
{
	bool right = true;

	for (int i = 0; i < 2; i++) {
		far_use(i);
		right = right && !port_find(&port[i], nic_name[i]) && !port_up(&port[i]) &&
			!far(NULL, 0, "stop") && kernel_hears(&port[i]) &&
			!run(NULL, 0, "/bin/ip link set %s promisc on", port[i].netdev);
	}
	far_use(0);
	return right;
}

/* As they were, both the kernel's; one that was pulled out is put in again. */
static inline bool wires_down(struct port port[2])
{
	bool right = true;

	for (int i = 0; i < 2; i++) {
		far_use(0);
		if (!present(&port[i]))
			right = !replug(&port[i], nic_name[i]) && right;
		far_use(i);
		far(NULL, 0, "stop");
		right = !port_find(&port[i], nic_name[i]) &&
			!run(NULL, 0, "/bin/ip link set %s promisc off", port[i].netdev) &&
			!port_up(&port[i]) && !holder(&port[i]) && kernel_hears(&port[i]) &&
			right;
	}
	far_use(0);
	return right;
}

/* ------------------------------------------------------------------------
 * The wires
 */

/* Far end @from sends, and the other one gets ready: numbers from @seq on. */
static inline bool far_begin(int from, uint64_t seq, uint64_t count, const char *how)
{
	int err;

	far_use(!from);
	err = far(NULL, 0, "expect seq=%ju", (uintmax_t)seq);
	far_use(from);
	if (!err)
		err = far(NULL, 0, "send count=%ju seq=%ju %s", (uintmax_t)count,
			  (uintmax_t)seq, how);
	far_use(0);
	return !err;
}

#define STATUS_LEN	512

static inline int far_status(int wire, char *reply)
{
	int err;

	far_use(wire);
	err = far(reply, STATUS_LEN, "status");
	far_use(0);
	return err;
}

static inline int64_t far_number(int wire, const char *key)
{
	char reply[STATUS_LEN];
	int err = far_status(wire, reply);

	return err ? err : far_value(reply, key);
}

/* All of them came, once, in their order, every byte right. */
static inline bool far_has(int wire, uint64_t first, int64_t count)
{
	char reply[STATUS_LEN];

	if (!far_status(wire, reply) && far_value(reply, "rx") == count && !far_value(reply, "rx_bad") &&
	    !far_value(reply, "rx_lost") && !far_value(reply, "rx_reordered") &&
	    !far_value(reply, "rx_dup") && far_value(reply, "first") == (int64_t)first)
		return true;
	printf("# far end %d, of %jd frames: %s\n", wire, (intmax_t)count, reply);
	return false;
}

/* Until the far end has so many, or no more come. */
static inline void far_wait(int wire, int64_t count)
{
	int64_t end = now_ms() + at_most_ms(IDLE_MS), had = -1, has;

	while ((has = far_number(wire, "rx")) < count && now_ms() < end) {
		if (has != had)
			end = now_ms() + at_most_ms(IDLE_MS);
		had = has;
		sleep_ms(20);
	}
}

/* Frames go both ways: QEMU's e1000 receives nothing in its first second. */
static inline void far_flowing(void)
{
	far_wait(0, FLOWING);
	far_wait(1, FLOWING);
}

/* ------------------------------------------------------------------------
 * By the library
 */

struct both {
	struct ur_port *port[2];
	struct ur_queue *q[2][QUEUES_MAX];
	struct ur_pool *pool;
	uint32_t n;		/* queues of each */
	uint64_t moved[2][QUEUES_MAX];	/* received here, sent there */
	uint64_t wrong;		/* slots that are not the ones that came */
};

static inline int both_open(struct both *b, const struct port port[2], uint32_t n,
			    uint32_t ring)
{
	const struct ur_pool_opts pool = {
		.size = sizeof(pool), .slot_count = n * SLOTS * (ring / RING),
	};
	struct ur_queue_opts queue = { .size = sizeof(queue), .rx_size = ring, .tx_size = ring };
	struct ur_error err = { "" };
	int ret = 0;

	memset(b, 0, sizeof(*b));
	b->n = n;
	for (int i = 0; !ret && i < 2; i++)
		ret = ur_port_open(&b->port[i], port[i].netdev, &err);
	if (!ret)
		ret = ur_pool_create(&b->pool, b->port[0], &pool, &err);
	for (int i = 0; i < 2; i++)
		for (queue.queue = 0; !ret && queue.queue < n; queue.queue++)
			ret = ur_queue_attach(&b->q[i][queue.queue], b->port[i], b->pool, &queue,
					      &err);
	if (ret)
		printf("# %s\n", err.text);
	return ret;
}

/* All queues of one port. */
static inline void both_detach(struct both *b, int i)
{
	for (uint32_t k = 0; k < b->n; k++) {
		ur_queue_detach(b->q[i][k]);
		b->q[i][k] = NULL;
	}
}

/* Return: slots that are nowhere. */
static inline int both_close(struct both *b)
{
	int missing;

	both_detach(b, 0);
	both_detach(b, 1);
	missing = (int)(b->pool->slot_count - b->pool->free_count);
	ur_pool_destroy(b->pool);
	for (int i = 0; i < 2; i++)
		ur_port_close(b->port[i]);
	return missing;
}

static inline uint64_t both_moved(const struct both *b, int from)
{
	uint64_t sum = 0;

	for (uint32_t k = 0; k < b->n; k++)
		sum += b->moved[from][k];
	return sum;
}

static inline uint32_t move_one(struct both *b, int from, uint32_t k)
{
	struct ur_queue *in = b->q[from][k], *out = b->q[!from][k];
	struct ur_pkt pkts[BURST];
	uint32_t n = ur_rx_burst(in, pkts, ur_tx_make_room(out, BURST));
	uint32_t first = out->user->tx_prod;

	if (!n)
		return 0;
	b->wrong += ur_tx_burst(out, pkts, n) != n;
	for (uint32_t i = 0; i < n; i++)
		b->wrong += out->tx[(first + i) & out->tx_mask].slot != pkts[i].slot;
	b->moved[from][k] += n;
	return n;
}

/* One burst of each queue. */
static inline uint32_t move(struct both *b)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < b->n; k++)
		n += move_one(b, 0, k) + move_one(b, 1, k);
	return n;
}

/* Return: of the queue that is worst off. */
static inline int sync_both(struct both *b)
{
	int ret = 0;

	for (int i = 0; i < 2; i++) {
		for (uint32_t k = 0; k < b->n; k++) {
			int err = b->q[i][k] ? ur_sync(b->q[i][k]) : 0;

			if (err && ret != -ENODEV)
				ret = err;
		}
	}
	return ret;
}

static inline bool all_sent(const struct both *b)
{
	for (int i = 0; i < 2; i++)
		for (uint32_t k = 0; k < b->n; k++)
			if (ur_tx_room(b->q[i][k]) <= b->q[i][k]->tx_mask)
				return false;
	return true;
}

/* Until so many have come each way, or none for a while; and all are on the wire. */
static inline int move_all(struct both *b, uint64_t count)
{
	int64_t end = now_ms() + at_most_ms(IDLE_MS);
	int err = 0;

	while (!err && (both_moved(b, 0) < count || both_moved(b, 1) < count) &&
	       now_ms() < end) {
		if (move(b))
			end = now_ms() + at_most_ms(IDLE_MS);
		err = sync_both(b);
	}
	while (!err && !all_sent(b) && now_ms() < end)
		err = sync_both(b);
	return err;
}

/*
 * Port 1 is pulled out while both ways flow; slots of one lie in the rings of the other
 * then. The other one goes on, and has what it needs.
 */
static inline bool unplug_by_slot(const struct port port[2], uint32_t n, const char *how)
{
	uint64_t before;
	struct both b;
	int64_t end;
	pid_t puller;
	bool right;
	int err;

	if (both_open(&b, port, n, RING) || !far_begin(0, 0, 100000000, how) ||
	    !far_begin(1, 0, 100000000, how))
		return false;
	puller = spawn();
	if (!puller) {
		far_flowing();
		_exit(unplug(&port[1], nic_name[1]) != 0);
	}
	/* it is down before it is gone */
	end = now_ms() + at_most_ms(20000);
	do {
		move(&b);
		err = sync_both(&b);
	} while ((!err || err == -ENETDOWN) && now_ms() < end);
	right = err == -ENODEV && both_moved(&b, 0) > FLOWING / 2 &&
		both_moved(&b, 1) > FLOWING / 2;
	for (uint32_t k = 0; k < n; k++)
		right = ur_queue_state(b.q[1][k]) == UR_STATE_GONE && right;
	both_detach(&b, 1);
	right = !finish(puller, 10000) && right;

	before = both_moved(&b, 0);
	end = now_ms() + 300;
	do {
		for (uint32_t k = 0; k < n; k++) {
			struct ur_pkt pkts[BURST];
			uint32_t got = ur_rx_burst(b.q[0][k], pkts, BURST);

			b.moved[0][k] += got;
			ur_rx_release(b.q[0][k], pkts, got);
		}
		err = sync_both(&b);
	} while (!err && now_ms() < end);
	right = !err && both_moved(&b, 0) > before + RING && right;
	for (uint32_t k = 0; k < n; k++)
		right = !__ur_rx_unfilled(b.q[0][k]) && right;
	printf("# %ju and %ju frames before, %ju after it was pulled out\n",
	       (uintmax_t)before, (uintmax_t)both_moved(&b, 1),
	       (uintmax_t)(both_moved(&b, 0) - before));
	return !both_close(&b) && right;
}

/* ------------------------------------------------------------------------
 * By urfwd
 */

static inline bool fwd_start(struct app *app, const struct port port[2], const char *options)
{
	return app_start(app, "urfwd --json %s %s %s", options, port[0].netdev,
			 port[1].netdev) &&
	       wait_attached(&port[0], app) && wait_attached(&port[1], app);
}

#endif /* USERRING_TESTS_WIRES_H */
