/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbered frames through a raw queue, both ways, every byte checked.
 *
 * Slots [0, rx_size) are for reception, the tx_size behind them for sending.
 */
#ifndef USERRING_TESTS_TRAFFIC_H
#define USERRING_TESTS_TRAFFIC_H

#include <stdio.h>

#include "../pattern.h"
#include "ctl.h"
#include "port.h"
#include "raw.h"

/* A queue with room for both directions and with its RX ring filled. */
static inline int traffic_start(struct raw_queue *q, const char *node, uint32_t rx_size,
				uint32_t tx_size)
{
	int err = raw_start(q, node, rx_size + tx_size, rx_size, tx_size);

	if (err)
		return err;
	raw_post(q, 0, rx_size - 1);
	return raw_sync(q, 0);
}

/* The frame at rx_pos goes to the tracker, its slot back to the ring. */
static inline void traffic_take(struct raw_queue *q, struct pat_track *track)
{
	uint32_t slot = raw_rx_slot(q), len;
	uint8_t *frame = raw_rx_frame(q, &len);

	pat_track(track, frame, len);
	raw_rx_next(q);
	raw_fill(q, slot);
}

/*
 * Until the tracker has @want good frames, or none comes for @idle_ms.
 * Return: 0, -ETIMEDOUT, or what SYNC said.
 */
static inline int traffic_receive(struct raw_queue *q, struct pat_track *track, uint64_t want,
				  int idle_ms)
{
	int64_t last = now_ms();
	uint32_t taken;
	int err;

	while (track->good < want) {
		for (taken = 0; taken < 16 && raw_rx_done(q); taken++)
			traffic_take(q, track);
		err = raw_sync(q, 0);
		if (err)
			return err;
		if (taken)
			last = now_ms();
		else if (now_ms() - last > idle_ms)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Until every entry is finished. */
static inline int traffic_drain(struct raw_queue *q, int timeout_ms)
{
	int64_t end = now_ms() + at_most_ms(timeout_ms);
	int err;

	do {
		err = raw_sync(q, 0);
		if (err)
			return err;
		if (!raw_tx_busy(q))
			return 0;
	} while (now_ms() < end);
	return -ETIMEDOUT;
}

/* From here to the far end: what comes back as an echo is for us. */
static inline struct pat_flow traffic_flow(const struct ur_port_info *info)
{
	struct pat_flow flow = pat_flow_default();

	memcpy(flow.dst, flow.src, 6);
	memcpy(flow.src, info->mac, 6);
	return flow;
}

static inline struct ur_tx_entry traffic_frame(struct raw_queue *q, uint64_t seq, size_t len)
{
	const struct pat_flow flow = traffic_flow(&q->info);
	uint32_t slot = q->at.rx_size + (q->u->tx_prod & (q->at.tx_size - 1));

	return (struct ur_tx_entry){
		.slot = slot,
		.len = (uint16_t)pat_build(raw_slot(q, slot), len, seq, &flow),
	};
}

static inline int traffic_send(struct raw_queue *q, uint64_t seq, uint32_t count, size_t len)
{
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++) {
		if (raw_tx_busy(q) == q->at.tx_size)
			err = traffic_drain(q, 2000);
		if (!err)
			raw_tx(q, traffic_frame(q, seq + i, len));
		if (!err && i % 16 == 15)
			err = raw_sync(q, 0);
	}
	return err ? err : traffic_drain(q, 2000);
}

/* What the far end has counted once @want numbered frames are there, or 3 s have gone. */
static inline int far_counted(char *reply, size_t room, uint64_t want)
{
	int64_t end = now_ms() + at_most_ms(3000);
	int err;

	do {
		err = far(reply, room, "status");
		if (err || far_value(reply, "rx") >= (int64_t)want)
			return err;
		sleep_ms(5);
	} while (now_ms() < end);
	return -ETIMEDOUT;
}

/* All @count numbers from @seq on came to the far end, once, in order, unspoilt. */
static inline bool far_got(uint64_t seq, uint64_t count)
{
	char reply[512];
	bool right = !far_counted(reply, sizeof(reply), count);

	right = right && far_value(reply, "rx") == (int64_t)count &&
		!far_value(reply, "rx_bad") && !far_value(reply, "rx_lost") &&
		!far_value(reply, "rx_dup") && !far_value(reply, "rx_reordered") &&
		(!count || far_value(reply, "first") == (int64_t)seq);
	if (!right)
		printf("# the far end should have got %ju frames: %s\n", (uintmax_t)count, reply);
	return right;
}

/* What the far end still had in hand is taken and forgotten. */
static inline void traffic_flush(struct raw_queue *q)
{
	static struct pat_track track;
	uint64_t want;

	far(NULL, 0, "stop");
	pat_track_reset(&track, 0);
	do {
		want = track.good + track.other + track.corrupt;
		traffic_receive(q, &track, UINT64_MAX, 50);
	} while (track.good + track.other + track.corrupt != want);
}

/* Does the queue carry @count frames each way, all of them right? */
static inline bool traffic_works(struct raw_queue *q, uint32_t count)
{
	static struct pat_track track;
	static uint64_t seq;
	int in, out;
	bool right;

	seq += 1000000;
	pat_track_reset(&track, seq);
	if (far(NULL, 0, "expect seq=%ju", (uintmax_t)seq))
		return false;
	out = traffic_send(q, seq, count, 333);
	right = far_got(seq, count);
	if (far_send("count=%u len=60,1514 seq=%ju", count, (uintmax_t)seq))
		return false;
	in = traffic_receive(q, &track, count, 3000);
	if (in || out || track.good != count || track.corrupt || track.lost || track.dup ||
	    track.reordered) {
		printf("# %u frames out: %d; in: %d, good %ju corrupt %ju lost %ju dup %ju other %ju\n",
		       count, out, in, (uintmax_t)track.good, (uintmax_t)track.corrupt,
		       (uintmax_t)track.lost, (uintmax_t)track.dup, (uintmax_t)track.other);
		right = false;
	}
	return right;
}

#endif /* USERRING_TESTS_TRAFFIC_H */
