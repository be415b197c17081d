// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic through the library: a million frames each way, all of them right, with
 * every batch, ring and frame length; in place, without copies, without interrupts,
 * and with as few system calls as promised.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "net.h"
#include "port.h"
#include "release.h"

#define BATCH_MAX	256
#define IDLE_MS		3000
#define WINDOW		4096	/* QEMU drops what the far end is 10,000 behind with */

/* A queue with all that belongs to it. */
struct side {
	struct port names;
	struct ur_port_info info;
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;
	uint32_t slots;
};

FIXTURE(traffic)
{
	struct side s;
};

FIXTURE_SETUP(traffic)
{
	memset(&self->s, 0, sizeof(self->s));
	ASSERT_EQ(0, port_find(&self->s.names, "nic0"));
	ASSERT_EQ(0, port_up(&self->s.names));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->s.names));
}

static int side_open(struct side *s, const struct ur_pool_opts *pool,
		     const struct ur_queue_opts *queue)
{
	struct ur_error err = { "" };
	int ret;

	ret = ur_port_open(&s->port, s->names.netdev, &err);
	if (!ret)
		ret = ur_port_info(s->port, &s->info);
	if (!ret)
		ret = ur_pool_create(&s->pool, s->port, pool, &err);
	if (!ret) {
		s->slots = s->pool->free_count;
		ret = ur_queue_attach(&s->q, s->port, s->pool, queue, &err);
	}
	if (ret)
		printf("# %s\n", err.text);
	return ret;
}

/* Returns how many slots are missing in the pool once nobody has any. */
static uint32_t side_close(struct side *s)
{
	uint32_t missing = 0;

	if (s->q)
		ur_queue_detach(s->q);
	if (s->pool) {
		missing = s->slots - s->pool->free_count;
		ur_pool_destroy(s->pool);
	}
	if (s->port)
		ur_port_close(s->port);
	s->q = NULL;
	s->pool = NULL;
	s->port = NULL;
	return missing;
}

FIXTURE_TEARDOWN(traffic)
{
	EXPECT_EQ(0, side_close(&self->s));
	EXPECT_EQ(0, far(NULL, 0, "echo off"));
	EXPECT_EQ(0, far(NULL, 0, "capture off"));
	EXPECT_TRUE(kernel_hears(&self->s.names));
}

/* Slots of 2048, enough for both rings and for what an app has in hand. */
static int side_start(struct side *s, uint32_t rx_size, uint32_t tx_size, uint32_t period_us)
{
	const struct ur_pool_opts pool = {
		.size = sizeof(pool), .slot_count = rx_size + tx_size + 2 * BATCH_MAX,
	};
	const struct ur_queue_opts queue = {
		.size = sizeof(queue), .rx_size = rx_size, .tx_size = tx_size,
		.sync_period_us = period_us,
	};

	return side_open(s, &pool, &queue);
}

/* One turn of an app that receives. */
static uint32_t receive_some(struct ur_queue *q, struct pat_track *track, uint32_t batch,
			     enum back back)
{
	struct ur_pkt pkts[BATCH_MAX];
	uint32_t n = ur_rx_burst(q, pkts, batch);

	for (uint32_t i = 0; i < n; i++)
		pat_track(track, pkts[i].data, pkts[i].len);
	if (n)
		release_as(q, pkts, n, back);
	return n;
}

/* True if every number from the tracker's first on came, once, in order, unspoilt. */
static bool receive(struct ur_queue *q, struct pat_track *track, uint64_t count, uint32_t batch,
		    enum back back)
{
	int64_t last = now_ms();

	while (track->good < count) {
		if (receive_some(q, track, batch, back))
			last = now_ms();
		else if (now_ms() - last > IDLE_MS)
			break;
		if (ur_sync(q))
			break;
	}
	if (track->good == count && !(track->lost + track->dup + track->reordered + track->corrupt))
		return true;
	printf("# of %ju frames: good %ju lost %ju dup %ju reordered %ju corrupt %ju\n",
	       (uintmax_t)count, (uintmax_t)track->good, (uintmax_t)track->lost,
	       (uintmax_t)track->dup, (uintmax_t)track->reordered, (uintmax_t)track->corrupt);
	return false;
}

static struct pat_flow flow_out(const struct side *s)
{
	struct pat_flow flow = pat_flow_default();

	memcpy(flow.dst, flow.src, 6);
	memcpy(flow.src, s->info.mac, 6);
	return flow;
}

/* At most n frames; how many went into the ring. Lengths take turns. */
static uint32_t send_some(struct side *s, uint64_t seq, uint32_t n, const uint32_t *len,
			  uint32_t lens)
{
	const struct pat_flow flow = flow_out(s);
	struct ur_pkt pkts[BATCH_MAX];
	uint32_t i, sent;

	for (i = 0; i < n; i++) {
		pkts[i] = (struct ur_pkt){ .slot = ur_slot_alloc(s->pool) };
		if (pkts[i].slot == UR_NO_SLOT)
			break;
		pkts[i].data = ur_slot_data(s->pool, pkts[i].slot);
		pkts[i].len = (uint32_t)pat_build(pkts[i].data, len[(seq + i) % lens], seq + i,
						  &flow);
	}
	if (!i)
		return 0;
	sent = ur_tx_burst(s->q, pkts, i);
	while (i > sent)
		ur_slot_free(s->pool, pkts[--i].slot);
	return sent;
}

/* The far end has counted up to here, or does within IDLE_MS. */
static bool far_reaches(uint64_t count, char *reply, size_t room)
{
	int64_t end = now_ms() + at_most_ms(IDLE_MS);

	do {
		if (far(reply, room, "status"))
			return false;
		if (far_value(reply, "rx") >= (int64_t)count)
			return true;
	} while (now_ms() < end);
	return false;
}

static bool far_is_right(uint64_t count)
{
	char reply[512];
	bool right = far_reaches(count, reply, sizeof(reply)) &&
		     far_value(reply, "rx") == (int64_t)count && !far_value(reply, "rx_bad") &&
		     !far_value(reply, "rx_lost") && !far_value(reply, "rx_dup") &&
		     !far_value(reply, "rx_reordered");

	if (!right)
		printf("# the far end, instead of %ju frames: %s\n", (uintmax_t)count, reply);
	return right;
}

static bool send_all(struct side *s, uint64_t count, uint32_t batch, const uint32_t *len,
		     uint32_t lens)
{
	int64_t last = now_ms();
	uint64_t seq = 0, seen = 0;
	char reply[512];

	while (seq < count) {
		uint32_t n = count - seq < batch ? (uint32_t)(count - seq) : batch;

		n = send_some(s, seq, n, len, lens);
		seq += n;
		if (ur_sync(s->q))
			return false;
		if (n)
			last = now_ms();
		else if (now_ms() - last > IDLE_MS)
			return false;
		if (seq - seen > WINDOW) {
			seen = seq - WINDOW / 2;
			if (!far_reaches(seen, reply, sizeof(reply)))
				break;
		}
	}
	return far_is_right(count);
}

static const uint32_t short_frames[] = { 60 };
static const uint32_t edge_lengths[] = { 60, 61, 1513, 1514 };

TEST_F_TIMEOUT(traffic, million_in, 90)
{
	const uint64_t frames = quick() ? 100000 : 1000000;
	static struct pat_track track;
	struct ur_queue_stats stats;
	struct ur_counters count;
	int64_t start, irqs;

	ASSERT_EQ(0, side_start(&self->s, 1024, 64, 0));
	irqs = port_irqs(&self->s.names);
	ASSERT_GE(irqs, 0);
	start = now_ms();
	ASSERT_EQ(0, far_send("count=%ju len=60", (uintmax_t)frames));
	EXPECT_TRUE(receive(self->s.q, &track, frames, BATCH_MAX, KEPT));
	start = now_ms() - start;
	irqs = port_irqs(&self->s.names) - irqs;
	ASSERT_EQ(0, ur_sync(self->s.q));
	ur_queue_counters(self->s.q, &count);
	ur_queue_stats(self->s.q, &stats);
	printf("# %ju frames in %lld ms, %lld interrupts, %llu syncs\n", (uintmax_t)frames,
	       (long long)start, (long long)irqs, count.syncs);
	EXPECT_EQ(0, irqs);
	EXPECT_EQ(0, count.interrupts);
	EXPECT_EQ(frames, count.rx_packets);
	EXPECT_EQ(frames * 60, count.rx_bytes);
	EXPECT_EQ(stats.syncs, count.syncs);
	EXPECT_EQ(0, count.rx_refused + count.tx_refused + count.index_refused + stats.rx_bad);
}

TEST_F_TIMEOUT(traffic, million_out, 90)
{
	const uint64_t frames = quick() ? 100000 : 1000000;
	struct ur_counters count;
	int64_t start = now_ms();

	ASSERT_EQ(0, side_start(&self->s, 64, 1024, 0));
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	EXPECT_TRUE(send_all(&self->s, frames, BATCH_MAX, short_frames, 1));
	ur_queue_counters(self->s.q, &count);
	printf("# %ju frames in %lld ms, %llu interrupts, %llu syncs\n", (uintmax_t)frames,
	       (long long)(now_ms() - start), count.interrupts, count.syncs);
	EXPECT_EQ(0, count.interrupts);
	EXPECT_EQ(frames, count.tx_packets);
	EXPECT_EQ(frames * 60, count.tx_bytes);
	EXPECT_EQ(0, count.tx_refused + count.index_refused);
}

TEST_F_TIMEOUT(traffic, both_ways_at_once, 90)
{
	const uint64_t frames = quick() ? 50000 : 300000;
	static struct pat_track track;
	int64_t start = now_ms(), last = start;
	uint64_t seq = 0, seen = 0;
	char reply[512];
	uint32_t moved;

	ASSERT_EQ(0, side_start(&self->s, 512, 512, 0));
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	ASSERT_EQ(0, far_send("count=%ju len=60,1514,61,1513", (uintmax_t)frames));
	while (track.good < frames || seq < frames) {
		moved = receive_some(self->s.q, &track, 64, MIXED);
		if (seq < frames && seq - seen <= WINDOW) {
			uint32_t n = send_some(&self->s, seq, frames - seq < 64 ?
					       (uint32_t)(frames - seq) : 64, edge_lengths, 4);

			seq += n;
			moved += n;
		} else if (seq < frames) {
			seen = seq - WINDOW / 2;
			ASSERT_TRUE(far_reaches(seen, reply, sizeof(reply)));
		}
		ASSERT_EQ(0, ur_sync(self->s.q));
		if (moved)
			last = now_ms();
		ASSERT_LT(now_ms() - last, IDLE_MS);
	}
	EXPECT_EQ(frames, track.good);
	EXPECT_EQ(0, track.lost + track.dup + track.reordered + track.corrupt);
	EXPECT_TRUE(far_is_right(frames));
	printf("# %ju frames each way in %lld ms\n", (uintmax_t)frames,
	       (long long)(now_ms() - start));
}

/* Every way to have them: batches, rings, slots, and how they are given back. */
FIXTURE(shape)
{
	struct side s;
};

FIXTURE_VARIANT(shape)
{
	uint32_t batch, ring, slot_size;
	enum back back;
};

#define SHAPE(name, batch_, ring_, slot, back_) \
	FIXTURE_VARIANT_ADD(shape, name) \
	{ .batch = batch_, .ring = ring_, .slot_size = slot, .back = back_ }

SHAPE(batch_1, 1, 256, 2048, KEPT);
SHAPE(batch_1_listed, 1, 256, 2048, LISTED);
SHAPE(batch_32, 32, 256, 2048, KEPT);
SHAPE(batch_256, 256, 1024, 2048, LISTED);
SHAPE(ring_64, 32, 64, 2048, KEPT);
SHAPE(ring_64_listed, 64, 64, 2048, LISTED);
SHAPE(ring_4096, 256, 4096, 2048, KEPT);
SHAPE(ring_4096_mixed, 200, 4096, 2048, MIXED);
SHAPE(slots_of_4096, 32, 256, 4096, MIXED);

FIXTURE_SETUP(shape)
{
	const struct ur_pool_opts pool = {
		.size = sizeof(pool), .slot_size = variant->slot_size,
		.slot_count = 2 * variant->ring + 2 * BATCH_MAX,
	};
	const struct ur_queue_opts queue = {
		.size = sizeof(queue), .rx_size = variant->ring, .tx_size = variant->ring,
	};

	memset(&self->s, 0, sizeof(self->s));
	ASSERT_EQ(0, port_find(&self->s.names, "nic0"));
	ASSERT_EQ(0, port_up(&self->s.names));
	ASSERT_EQ(0, side_open(&self->s, &pool, &queue));
}

FIXTURE_TEARDOWN(shape)
{
	EXPECT_EQ(0, side_close(&self->s));
}

TEST_F_TIMEOUT(shape, all_right, 60)
{
	/* the largest ring wrapped ten times, the smallest hundreds of times */
	const uint64_t frames = quick() ? 10000 : 41000;
	static struct pat_track track;
	int64_t start = now_ms(), in;

	ASSERT_EQ(0, far_send("count=%ju len=60,61,1513,1514", (uintmax_t)frames));
	EXPECT_TRUE(receive(self->s.q, &track, frames, variant->batch, variant->back));
	in = now_ms() - start;
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	EXPECT_TRUE(send_all(&self->s, frames / 4, variant->batch, edge_lengths, 4));
	printf("# batch %u, rings of %u, slots of %u: %ju frames in %lld ms, %ju out in %lld ms\n",
	       variant->batch, variant->ring, variant->slot_size, (uintmax_t)frames, (long long)in,
	       (uintmax_t)frames / 4, (long long)(now_ms() - start - in));
}

/* No copy: data lies in its slot, and what is written there is what leaves. */
TEST_F(traffic, in_place)
{
	enum { FRAMES = 20000 };
	static struct pat_track track;
	struct ur_pkt pkts[32];
	int64_t end = now_ms() + at_most_ms(20000);
	uint64_t echoed = 0;
	uint8_t mac[6];
	char reply[512];

	ASSERT_EQ(0, side_start(&self->s, 256, 256, 0));
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	/* the far end's pace, so that its own queue is not overrun */
	ASSERT_EQ(0, far_send("count=%d len=60,1514,777 rate=20000", FRAMES));
	while (echoed < FRAMES && now_ms() < end) {
		uint32_t n = ur_rx_burst(self->s.q, pkts, 32);

		for (uint32_t i = 0; i < n; i++) {
			struct ur_pkt *pkt = &pkts[i];

			ASSERT_LT(pkt->slot, self->s.pool->slot_count);
			ASSERT_EQ(self->s.pool->base + (size_t)pkt->slot * 2048, pkt->data);
			ASSERT_EQ(PAT_OK, pat_track(&track, pkt->data, pkt->len));
			memcpy(mac, pkt->data, 6);
			memcpy(pkt->data, pkt->data + 6, 6);
			memcpy(pkt->data + 6, mac, 6);
		}
		/* all of them, even if it takes a sync to find room */
		for (uint32_t done = 0; done < n && now_ms() < end;) {
			done += ur_tx_burst(self->s.q, pkts + done, n - done);
			ASSERT_EQ(0, ur_sync(self->s.q));
		}
		echoed += n;
		if (!n) {
			ASSERT_EQ(0, ur_sync(self->s.q));
		}
	}
	EXPECT_EQ(FRAMES, echoed);
	EXPECT_EQ(0, track.lost + track.dup + track.reordered + track.corrupt);
	EXPECT_TRUE(far_is_right(FRAMES));
	ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
	printf("# %d frames echoed in their slots: %s\n", FRAMES, reply);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, ur_sync(self->s.q));
}

/*
 * System calls of the loop. What the filter lets through is all that there is: the
 * process dies of any other.
 */
static int only_these(bool sync)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
		/* SYNC without flags */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sync ? SYS_fdatasync : ~0u, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) ? -errno : 0;
}

struct shared {
	volatile uint32_t ready, echoed, wrong;
	struct ur_counters before, after;
};

static void __attribute__((noreturn)) echo_under_filter(struct side *s, uint32_t period_us,
							uint32_t frames, struct shared *shared)
{
	static struct pat_track track;
	struct ur_pkt pkts[32];
	uint8_t mac[6];

	if (side_start(s, 256, 256, period_us) || only_these(!period_us))
		_exit(100);
	ur_queue_counters(s->q, &shared->before);
	shared->ready = 1;
	while (shared->echoed < frames) {
		uint32_t n = ur_rx_burst(s->q, pkts, 32);

		for (uint32_t i = 0; i < n; i++) {
			shared->wrong += pat_track(&track, pkts[i].data, pkts[i].len) != PAT_OK;
			memcpy(mac, pkts[i].data, 6);
			memcpy(pkts[i].data, pkts[i].data + 6, 6);
			memcpy(pkts[i].data + 6, mac, 6);
		}
		for (uint32_t done = 0; done < n;) {
			done += ur_tx_burst(s->q, pkts + done, n - done);
			if (ur_sync(s->q))
				_exit(101);
		}
		if (ur_sync(s->q))
			_exit(102);
		shared->echoed += n;
	}
	/* the last ones leave by the next sync, which may be the timer's */
	while (__ur_load_acquire(&s->q->kernel->tx_done) != s->q->user->tx_prod)
		if (ur_sync(s->q))
			_exit(103);
	ur_queue_counters(s->q, &shared->after);
	syscall(SYS_exit_group, 0);
	__builtin_unreachable();
}

TEST_F(traffic, system_calls)
{
	static const uint32_t period[2] = { 0, 1000 };
	enum { FRAMES = 10000 };
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct side s = self->s;
	int64_t end;
	pid_t child;

	ASSERT_NE(MAP_FAILED, shared);
	for (int i = 0; i < 2; i++) {
		memset(shared, 0, sizeof(*shared));
		ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
		child = spawn();
		if (!child)
			echo_under_filter(&s, period[i], FRAMES, shared);
		for (end = now_ms() + at_most_ms(3000); !shared->ready && now_ms() < end;)
			sleep_ms(1);
		ASSERT_EQ(1, shared->ready);
		ASSERT_EQ(0, far_send("count=%d len=60,1514 rate=5000", FRAMES));
		EXPECT_EQ(0, finish(child, 15000));
		EXPECT_EQ(FRAMES, shared->echoed);
		EXPECT_EQ(0, shared->wrong);
		EXPECT_TRUE(far_is_right(FRAMES));
		printf("# period %u us: %d frames echoed with %llu SYNC calls, %llu looks by timer "
		       "and no other system call\n", period[i], FRAMES,
		       shared->after.syncs - shared->before.syncs, shared->after.timer_syncs);
		if (period[i]) {
			EXPECT_EQ(0, shared->after.syncs - shared->before.syncs);
			EXPECT_GT(shared->after.timer_syncs, 100);
		} else {
			EXPECT_GT(shared->after.syncs, 0);
			EXPECT_EQ(0, shared->after.timer_syncs);
		}
		EXPECT_EQ(0, shared->after.interrupts);
	}
	munmap(shared, sizeof(*shared));
}

TEST_HARNESS_MAIN
