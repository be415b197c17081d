// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that writes what it should not into the pages that it may write: the
 * module refuses it, counts it, and nothing else happens.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "net.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define RX	64
#define TX	64
#define SLOTS	(RX + TX)

FIXTURE(hostile)
{
	struct port port;
	struct raw_queue q;
	uint64_t seq;		/* next numbered frame that may leave */
};

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, RX, TX));
	traffic_flush(&self->q);
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
}

/* Whatever happened: the queue works, and the kernel after it. */
FIXTURE_TEARDOWN(hostile)
{
	EXPECT_EQ(UR_STATE_ATTACHED, raw_load(&self->q.k->state));
	EXPECT_TRUE(traffic_works(&self->q, 200));
	raw_close(&self->q);
	EXPECT_TRUE(kernel_hears(&self->port));
}

#define COUNT(name) raw_count(&self->q.k->count.name)

/* A frame that is not numbered lies wherever a refused entry points. */
static void fill_with_marks(struct raw_queue *q)
{
	static const uint8_t head[14] = { 0x52, 0x54, 0, 0xfe, 0, 0, 2, 0, 0, 0, 0, 2, 0x88, 0xb6 };

	for (uint32_t slot = RX; slot < SLOTS; slot++) {
		memset(raw_slot(q, slot), 0xdb, 2048);
		memcpy(raw_slot(q, slot), head, sizeof(head));
	}
}

TEST_F(hostile, tx_entries)
{
	const uint16_t min = (uint16_t)self->q.info.tx_len_min;
	const uint16_t max = (uint16_t)self->q.info.tx_len_max;
	const struct ur_tx_entry rows[] = {
		{ .slot = SLOTS, .len = 60 },
		{ .slot = SLOTS + 1, .len = 60 },
		{ .slot = SLOTS + 4096, .len = 60 },
		{ .slot = 0x80000000 | RX, .len = 60 },
		{ .slot = 0x7fffffff, .len = 60 },
		{ .slot = 0xffffffff, .len = 60 },
		{ .slot = RX, .len = 0 },
		{ .slot = RX, .len = 1 },
		{ .slot = RX, .len = (uint16_t)(min - 1) },
		{ .slot = RX, .len = (uint16_t)(max + 1) },
		{ .slot = RX, .len = 2048 },
		{ .slot = RX, .len = 0x7fff },
		{ .slot = RX, .len = 0xffff },
		{ .slot = RX, .offset = 1989, .len = 60 },
		{ .slot = RX, .offset = 2047, .len = 60 },
		{ .slot = RX, .offset = 2048, .len = 60 },
		{ .slot = RX, .offset = 0xffff, .len = 60 },
		{ .slot = RX, .offset = 0xffc4, .len = 60 },
		{ .slot = RX, .offset = 1024, .len = 1025 },
		{ .slot = SLOTS - 1, .offset = 1989, .len = 60 },
		{ .slot = RX, .len = 60, .flags = 0x0004 },
		{ .slot = RX, .len = 60, .flags = 0x0100 },
		{ .slot = RX, .len = 60, .flags = 0x8000 },
		{ .slot = RX, .len = 60, .flags = 0xfffe },
		{ .slot = RX, .len = 60, .csum_start = 1 },
		{ .slot = RX, .len = 60, .csum_start = 0xffff },
		{ .slot = RX, .len = 60, .csum_offset = 1 },
		{ .slot = RX, .len = 60, .vlan = 1 },
		{ .slot = RX, .len = 60, .vlan = 0xffff },
		/* the last: is left out where the port inserts tags */
		{ .slot = RX, .len = 60, .flags = UR_TX_VLAN, .vlan = 5 },
	};
	size_t n = ARRAY_SIZE(rows) - !!(self->q.info.features & UR_FEATURE_TX_VLAN);
	char reply[512];

	for (size_t i = 0; i < n; i++) {
		uint64_t refused = COUNT(tx_refused), sent = COUNT(tx_packets);

		fill_with_marks(&self->q);
		raw_tx(&self->q, traffic_frame(&self->q, self->seq++, 60));
		raw_tx(&self->q, rows[i]);
		raw_tx(&self->q, traffic_frame(&self->q, self->seq++, 60));
		ASSERT_EQ(0, raw_sync(&self->q, 0));
		EXPECT_EQ(refused + 1, COUNT(tx_refused)) {
			TH_LOG("row %zu: slot %#x offset %u len %u flags %#x", i, rows[i].slot,
			       rows[i].offset, rows[i].len, rows[i].flags);
		}
		EXPECT_EQ(sent + 2, COUNT(tx_packets));
		ASSERT_EQ(0, traffic_drain(&self->q, 1000));
	}
	EXPECT_TRUE(far_got(0, self->seq));
	ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
	EXPECT_EQ(0, far_value(reply, "rx_other"));
	printf("# %zu bad TX entries between %ju good ones: %s\n", n, (uintmax_t)self->seq, reply);
}

/* What is just allowed goes out. */
TEST_F(hostile, tx_limits)
{
	const uint32_t max = self->q.info.tx_len_max;
	struct ur_tx_entry e;
	uint8_t frame[2048];
	char reply[2 * 2048 + 64];
	uint32_t len;

	ASSERT_LE(max, sizeof(frame));
	e = traffic_frame(&self->q, 0, max);
	raw_tx(&self->q, e);
	/* at the very end of the last slot */
	e = traffic_frame(&self->q, 1, 60);
	memcpy(frame, raw_slot(&self->q, e.slot), 60);
	e.slot = SLOTS - 1;
	e.offset = 2048 - 60;
	memcpy(raw_slot(&self->q, e.slot) + e.offset, frame, 60);
	raw_tx(&self->q, e);
	ASSERT_EQ(0, traffic_drain(&self->q, 1000));
	EXPECT_TRUE(far_got(0, 2));
	EXPECT_EQ(0, COUNT(tx_refused));

	/* The shortest: what the NIC makes of it is padded or not, and begins right. */
	len = self->q.info.tx_len_min;
	fill_with_marks(&self->q);
	ASSERT_EQ(0, far(NULL, 0, "capture on type=88b6"));
	raw_tx(&self->q, (struct ur_tx_entry){ .slot = RX, .len = (uint16_t)len });
	ASSERT_EQ(0, traffic_drain(&self->q, 1000));
	EXPECT_EQ(0, COUNT(tx_refused));
	EXPECT_EQ(2 + 1, COUNT(tx_packets));
	ASSERT_EQ(0, far_getraw(reply, sizeof(reply)));
	EXPECT_EQ(0, strncmp(reply, "hex=525400fe000002000000000288b6dbdb", 36));
	EXPECT_GE(strlen(reply), 4 + 2 * len);
	EXPECT_EQ(0, far(NULL, 0, "capture off"));
}

TEST_F(hostile, tx_ring_of_bad_entries)
{
	for (int lap = 0; lap < 5; lap++) {
		uint64_t refused = COUNT(tx_refused);

		for (int i = 0; i < TX; i++)
			raw_tx(&self->q, (struct ur_tx_entry){ .slot = SLOTS, .len = 60 });
		ASSERT_EQ(0, raw_sync(&self->q, 0));
		EXPECT_EQ(refused + TX, COUNT(tx_refused));
		EXPECT_EQ(self->q.u->tx_prod, raw_load(&self->q.k->tx_cons));
		ASSERT_EQ(0, traffic_drain(&self->q, 1000));
	}
	EXPECT_TRUE(far_got(0, 0));
	EXPECT_EQ(0, COUNT(tx_packets));
}

TEST_F(hostile, fill_entries)
{
	static const uint32_t rows[] = {
		SLOTS, SLOTS + 1, SLOTS + 4096, 0x40000000, 0x7fffffff,
		UR_FILL_KEEP, UR_FILL_KEEP | (RX + 1), UR_FILL_KEEP | 0x7fffffff, 0xffffffff,
		/* not every place has a slot yet, so there is nothing to keep */
		UR_FILL_KEEP | 1, UR_FILL_KEEP | (RX - 1),
	};
	static struct pat_track track;
	const uint32_t tail = raw_load(&self->q.k->rx_tail);

	/* A free place, so that entries are looked at. */
	ASSERT_EQ(RX - 1, tail);
	ASSERT_EQ(0, far_send("count=1 len=60"));
	pat_track_reset(&track, 0);
	while (!raw_rx_done(&self->q))
		;
	raw_rx_next(&self->q);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t refused = COUNT(rx_refused);

		raw_fill(&self->q, rows[i]);
		ASSERT_EQ(0, raw_sync(&self->q, 0));
		EXPECT_EQ(refused + 1, COUNT(rx_refused)) {
			TH_LOG("fill entry %#x", rows[i]);
		}
		EXPECT_EQ(self->q.u->fill_prod, raw_load(&self->q.k->fill_cons));
		EXPECT_EQ(tail, raw_load(&self->q.k->rx_tail));
	}
	/* a whole ring of them, and a good one behind */
	for (int i = 0; i < RX - 1; i++)
		raw_fill(&self->q, 0x7fffffff);
	raw_fill(&self->q, RX - 1);
	ASSERT_EQ(0, raw_sync(&self->q, 0));
	EXPECT_EQ(ARRAY_SIZE(rows) + RX - 1, COUNT(rx_refused));
	EXPECT_EQ(tail + 1, raw_load(&self->q.k->rx_tail));
	printf("# %ju bad fill entries refused\n", (uintmax_t)COUNT(rx_refused));
}

/* On a ring where nothing was posted KEEP has nothing to keep. */
TEST_F(hostile, keep_before_anything)
{
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, raw_reopen(q, self->port.node));
	ASSERT_EQ(0, raw_attach(q, RX, TX, 0));
	for (uint32_t n = 1; n <= RX; n++) {
		raw_fill(q, UR_FILL_KEEP | n);
		ASSERT_EQ(0, raw_sync(q, 0));
		EXPECT_EQ(n, COUNT(rx_refused));
		EXPECT_EQ(0, raw_load(&q->k->rx_tail));
	}
	raw_post(q, 0, RX - 1);
	ASSERT_EQ(0, raw_sync(q, 0));
	EXPECT_EQ(RX - 1, raw_load(&q->k->rx_tail));
}

/* One slot in every place: the process spoils its own packets, and that is all. */
TEST_F(hostile, one_slot_everywhere)
{
	struct raw_queue *q = &self->q;
	uint32_t len;

	ASSERT_EQ(0, raw_reopen(q, self->port.node));
	memset(q->slots, 0x5c, q->pc.size);
	ASSERT_EQ(0, raw_attach(q, RX, TX, 0));
	for (int i = 0; i < RX - 1; i++)
		raw_fill(q, 7);
	ASSERT_EQ(0, raw_sync(q, 0));
	ASSERT_EQ(0, far_send("count=%d len=1514", RX - 1));
	for (int i = 0; i < RX - 1; i++) {
		int64_t end = now_ms() + at_most_ms(3000);

		while (!raw_rx_done(q))
			ASSERT_LT(now_ms(), end);
		EXPECT_EQ(7, raw_rx_slot(q));
		raw_rx_frame(q, &len);
		EXPECT_EQ(1514, len);
		raw_rx_next(q);
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		for (int i = 0; slot != 7 && i < 2048; i++)
			ASSERT_EQ(0x5c, raw_slot(q, slot)[i]);
	raw_post(q, 0, RX - 1);
	ASSERT_EQ(0, raw_sync(q, 0));
}

/* Every index out of its bounds in turn, and the other rings served all the same. */
TEST_F(hostile, indices)
{
	struct raw_queue *q = &self->q;
	struct ur_user_page *u = q->u;
	const struct { const char *name; __u32 *index; uint32_t add; } rows[] = {
		{ "tx_prod", &u->tx_prod, TX + 1 },
		{ "tx_prod", &u->tx_prod, 1000 },
		{ "tx_prod", &u->tx_prod, 0x80000000 },
		{ "tx_prod", &u->tx_prod, (uint32_t)-1 },
		{ "tx_prod", &u->tx_prod, (uint32_t)-TX },
		{ "fill_prod", &u->fill_prod, RX + 1 },
		{ "fill_prod", &u->fill_prod, 1000 },
		{ "fill_prod", &u->fill_prod, 0x80000000 },
		{ "fill_prod", &u->fill_prod, (uint32_t)-1 },
		/* posted, and the NIC is not done with it */
		{ "rx_pos", &u->rx_pos, 1 },
		{ "rx_pos", &u->rx_pos, RX - 1 },
		/* beyond what is posted, and behind what was given back */
		{ "rx_pos", &u->rx_pos, RX },
		{ "rx_pos", &u->rx_pos, RX + 1 },
		{ "rx_pos", &u->rx_pos, 0x80000000 },
		{ "rx_pos", &u->rx_pos, (uint32_t)-1 },
	};

	/* so that no index is 0 and every place has been used */
	ASSERT_TRUE(traffic_works(q, 100));
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint32_t right = *rows[i].index;
		const struct ur_kernel_page before = *q->k;
		const bool tx = rows[i].index == &u->tx_prod;
		const bool fill = rows[i].index == &u->fill_prod;

		if (!tx)
			raw_tx(q, traffic_frame(q, self->seq++, 60));
		if (!fill)
			raw_fill(q, 0x7fffffff);	/* waits: there is no place for it */
		raw_store(rows[i].index, *rows[i].index + rows[i].add);
		for (uint64_t times = 1; times <= 3; times++) {
			EXPECT_EQ(-ERANGE, raw_sync(q, 0)) {
				TH_LOG("%s + %#x", rows[i].name, rows[i].add);
			}
			EXPECT_EQ(before.count.index_refused + times, COUNT(index_refused));
		}
		EXPECT_EQ(before.rx_tail, raw_load(&q->k->rx_tail));
		EXPECT_EQ(before.fill_cons, raw_load(&q->k->fill_cons));
		EXPECT_EQ(before.tx_cons + !tx, raw_load(&q->k->tx_cons));
		EXPECT_EQ(before.count.tx_packets + !tx, COUNT(tx_packets));
		EXPECT_EQ(before.count.rx_packets, COUNT(rx_packets));
		EXPECT_EQ(before.count.tx_refused, COUNT(tx_refused));
		raw_store(rows[i].index, right);
		/* the entry that waits is taken out again: it was not looked at */
		if (!fill)
			raw_store(&u->fill_prod, u->fill_prod - 1);
		ASSERT_EQ(0, traffic_drain(q, 1000));
	}
	EXPECT_TRUE(far_got(0, self->seq));
	EXPECT_EQ(0, COUNT(rx_refused) + COUNT(tx_refused));
	printf("# %zu impossible indices refused three times each\n", ARRAY_SIZE(rows));
}

/* All three at once are one sync that found something. */
TEST_F(hostile, all_indices_at_once)
{
	struct ur_user_page *u = self->q.u, saved = *u;
	uint64_t refused = COUNT(index_refused);

	u->rx_pos += 5;
	u->tx_prod += TX + 5;
	raw_store(&u->fill_prod, u->fill_prod + RX + 5);
	EXPECT_EQ(-ERANGE, raw_sync(&self->q, 0));
	EXPECT_EQ(refused + 1, COUNT(index_refused));
	u->rx_pos = saved.rx_pos;
	u->tx_prod = saved.tx_prod;
	raw_store(&u->fill_prod, saved.fill_prod);
	EXPECT_EQ(0, raw_sync(&self->q, 0));
	EXPECT_EQ(refused + 1, COUNT(index_refused));
}

/* With an epoch of its own invention the process is not served. */
TEST_F(hostile, epoch)
{
	struct raw_queue *q = &self->q;
	const uint32_t epoch = q->u->epoch;
	static const uint32_t add[] = { 1, 2, 0x80000000, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(add); i++) {
		struct ur_kernel_page before = *q->k;

		raw_store(&q->u->epoch, epoch + add[i]);
		raw_tx(q, (struct ur_tx_entry){ .slot = SLOTS, .len = 60 });
		EXPECT_EQ(-ESTALE, raw_sync(q, 0));
		EXPECT_EQ(before.rx_tail, raw_load(&q->k->rx_tail));
		EXPECT_EQ(before.fill_cons, raw_load(&q->k->fill_cons));
		EXPECT_EQ(before.tx_cons, raw_load(&q->k->tx_cons));
		EXPECT_EQ(before.count.tx_refused, COUNT(tx_refused));
		EXPECT_EQ(before.count.index_refused, COUNT(index_refused));
		EXPECT_EQ(before.epoch, raw_load(&q->k->epoch));
		raw_store(&q->u->tx_prod, q->u->tx_prod - 1);
		raw_store(&q->u->epoch, epoch);
		ASSERT_EQ(0, raw_sync(q, 0));
	}
}

/* What the module does not read may hold anything; so may unused ring places. */
TEST_F(hostile, unread_fields)
{
	struct raw_queue *q = &self->q;

	memset(q->u->reserved, 0xff, sizeof(q->u->reserved));
	q->u->tx_reaped = 0xdeadbeef;
	memset(q->fill, 0xff, RX * sizeof(*q->fill));
	memset(q->tx, 0xff, TX * sizeof(*q->tx));
	EXPECT_EQ(0, raw_sync(q, 0));
	EXPECT_EQ(0, COUNT(rx_refused) + COUNT(tx_refused) + COUNT(index_refused));
}

TEST_HARNESS_MAIN
