/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive: the path of a packet from the descriptor to the app and back, in the
 * order in which it happens.
 *
 *	n = ur_rx_burst(q, pkts, 32);		no system call
 *	... look at pkts[0 .. n-1] ...
 *	ur_rx_release(q, pkts, n);
 *	ur_sync(q);
 *
 * An app that finishes each packet before it looks at the next one can use
 * ur_rx_each() (each.h), which does it all in one call.
 */
/* all headers, in the order that they need */
#include <libuserring.h>

#ifndef LIBUSERRING_RX_H
#define LIBUSERRING_RX_H

#include <errno.h>

#include <libuserring/queue.h>
#include <libuserring/slot.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------
 * Is something there?
 */

/*
 * The second word of a written-back descriptor has all but the hash:
 *
 *	bit       63      48 47      32 31      24 23                0
 *	LEGACY    [  vlan   ][errors|status        ][ csum  | length  ]
 *	          vlan 63:48, errors 47:40, status 39:32, length 15:0
 *	others    vlan 63:48, length 47:32, errors 31:24, status 19:0
 */
static inline uint32_t __ur_rx_word_status(uint64_t word, bool legacy)
{
	return legacy ? (uint32_t)(word >> 32) : (uint32_t)word;
}

/*
 * Anything but a whole frame without errors.  q->rx_err_* says which error it
 * is; the layout has all errors in these eight bits.
 */
static inline bool __ur_rx_word_errored(uint64_t word, bool legacy)
{
	const uint64_t errors = legacy ? 0xff0000000000ULL : 0xff000000ULL;
	const uint64_t whole = (uint64_t)UR_RXD_STAT_EOP << (legacy ? 32 : 0);

	return (word & (errors | whole)) != whole;
}

/* Has any packet an error or a tag?  any, all: OR and AND of their words. */
static inline bool __ur_rx_words_special(uint64_t any, uint64_t all, bool legacy)
{
	const uint64_t errors = legacy ? 0xff0000000000ULL : 0xff000000ULL;
	const uint64_t whole = (uint64_t)UR_RXD_STAT_EOP << (legacy ? 32 : 0);
	const uint64_t tag = (uint64_t)UR_RXD_STAT_VP << (legacy ? 32 : 0);

	return (any & (errors | tag)) || !(all & whole);
}

/* Is the frame broken, or only a part of one? */
static inline bool __ur_rx_word_broken(const struct ur_queue *q, uint64_t word,
				       bool legacy)
{
	return !(__ur_rx_word_status(word, legacy) & UR_RXD_STAT_EOP) ||
	       word & q->rx_err_frame;
}

/* Moves rx_pos; all that is needed of the places before pos was read (B). */
static inline void __ur_rx_move(struct ur_queue *q, uint32_t pos)
{
	const size_t dd = q->rx_format == UR_DESC_LEGACY ?
			  offsetof(struct ur_rx_legacy, status) :
			  offsetof(struct ur_rx_wb, status_error);

	q->rx_next = (const uint8_t *)&q->rx_desc[pos & q->rx_mask] + dd;
	__ur_store_release(&q->user->rx_pos, pos);	/* B */
}

/* The place at rx_pos, from data that only this process can write. */
static inline uint32_t __ur_rx_place(const struct ur_queue *q)
{
	return (uint32_t)((size_t)(q->rx_next - (const uint8_t *)q->rx_desc) /
			  sizeof(*q->rx_desc));
}

/*
 * The test of a polling loop: is the NIC done with the next place?  Even if it
 * is, a burst may find nothing: ur_rx_ready() knows.
 */
static inline bool ur_rx_peek(const struct ur_queue *q)
{
	return __atomic_load_n(q->rx_next, __ATOMIC_RELAXED) & UR_RXD_STAT_DD;
}

static inline bool __ur_rx_done(const struct ur_queue *q, uint32_t index,
				bool legacy)
{
	uint64_t word = __ur_desc_word(&q->rx_desc[index & q->rx_mask], 1);

	return __ur_rx_word_status(word, legacy) & UR_RXD_STAT_DD;
}

/*
 * How many packets wait, up to limit.  A queue completes in order: when the
 * last place of a batch is done, all before it are.
 */
static inline __attribute__((always_inline)) uint32_t
__ur_rx_count(const struct ur_queue *q, uint32_t pos, uint32_t limit, bool legacy)
{
	uint32_t n = 1;

	if (!limit || !__ur_rx_done(q, pos, legacy))
		return 0;
	if (__ur_rx_done(q, pos + limit - 1, legacy))
		return limit;
	/* the NIC goes on meanwhile: the last place may be done by now */
	while (n < limit && __ur_rx_done(q, pos + n, legacy))
		n++;
	return n;
}

/* The same for this process, now: at most n packets that it may look at. */
static inline __attribute__((always_inline)) uint32_t
__ur_rx_wait_count(const struct ur_queue *q, uint32_t n, bool legacy)
{
	uint32_t pos, ahead;

	/* most polls end here; DD counts only within the limit */
	if (!ur_rx_peek(q))
		return 0;
	pos = q->user->rx_pos;
	ahead = __ur_load_acquire(&q->kernel->rx_limit) - pos;	/* D */
	/* a listener that just appeared may have set the limit below pos */
	if (__ur_unlikely((int32_t)ahead < 0 || __ur_queue_stale(q)))
		return 0;
	n = __ur_rx_count(q, pos, ahead < n ? ahead : n, legacy);
	__ur_dma_rmb();	/* E: DD before all else that the NIC wrote */
	return n;
}

/* Would ur_rx_burst() find something?  True also if all of it is broken. */
static inline bool ur_rx_ready(const struct ur_queue *q)
{
	uint32_t limit;

	/* DD counts only within the limit */
	if (!ur_rx_peek(q))
		return false;
	limit = __ur_load_acquire(&q->kernel->rx_limit);	/* D */
	return (int32_t)(limit - q->user->rx_pos) > 0 && !__ur_queue_stale(q) &&
	       ur_rx_peek(q);
}

/* ------------------------------------------------------------------------
 * Metadata
 */

/* ur_pkt.flags if there is no error, by IPCS, L4CS, UDPCS, VP and IXSM. */
static const uint8_t __ur_rx_flags_of_status[32] = {
#define UR_RX_IP	UR_PKT_IP_CSUM_OK
#define UR_RX_L4	UR_PKT_L4_CSUM_OK
#define UR_RX_QUAD(x)	(x), 0, (x) | UR_PKT_VLAN, UR_PKT_VLAN
	UR_RX_QUAD(0), UR_RX_QUAD(UR_RX_L4),
	UR_RX_QUAD(UR_RX_L4), UR_RX_QUAD(UR_RX_L4),
	UR_RX_QUAD(UR_RX_IP), UR_RX_QUAD(UR_RX_IP | UR_RX_L4),
	UR_RX_QUAD(UR_RX_IP | UR_RX_L4), UR_RX_QUAD(UR_RX_IP | UR_RX_L4),
#undef UR_RX_QUAD
#undef UR_RX_L4
#undef UR_RX_IP
};

/* A checksum that the NIC found wrong: OK becomes BAD. */
static inline uint16_t __ur_rx_flags_bad(const struct ur_queue *q,
					 uint16_t flags, uint64_t word)
{
	if (word & q->rx_err_ip)
		flags += flags & UR_PKT_IP_CSUM_OK;
	if (word & q->rx_err_l4)
		flags += flags & UR_PKT_L4_CSUM_OK;
	return flags;
}

/* ------------------------------------------------------------------------
 * Give back, one slot
 */

/* Places for which no fill entry was written yet. */
static inline uint32_t __ur_rx_unfilled(const struct ur_queue *q)
{
	return q->user->rx_pos + q->rx_mask + 1 - q->fill_place;
}

/*
 * Writes n fill entries without announcing them.  Return: the OR of the slots:
 * if it is a slot of the pool, all of them are.
 */
static inline uint32_t __ur_rx_fill_write(struct ur_queue *q,
					  const uint32_t *slots, size_t stride,
					  uint32_t n)
{
	uint32_t prod = q->user->fill_prod;
	uint32_t i, any = 0;

	for (i = 0; i < n; i++) {
		any |= q->fill[prod++ & q->rx_mask] = *slots;
		slots = (const uint32_t *)((const uint8_t *)slots + stride);
	}
	return any;
}

/*
 * Announces n fill entries, n <= __ur_rx_unfilled().  The fill ring has room
 * for them, because each waiting entry has a place of its own.
 */
static inline void __ur_rx_fill_announce(struct ur_queue *q, uint32_t n)
{
	q->fill_place += n;
	__ur_store_release(&q->user->fill_prod, q->user->fill_prod + n);	/* A */
}

/* The next n places keep the slots that lie in them: one entry for all. */
static inline void __ur_rx_keep(struct ur_queue *q, uint32_t n)
{
	uint32_t prod = q->user->fill_prod;

	q->fill[prod & q->rx_mask] = UR_FILL_KEEP | n;
	q->fill_place += n;
	__ur_store_release(&q->user->fill_prod, prod + 1);	/* A */
}

static inline void __ur_rx_fill(struct ur_queue *q, const uint32_t *slots,
				size_t stride, uint32_t n)
{
	__ur_rx_fill_write(q, slots, stride, n);
	__ur_rx_fill_announce(q, n);
}

/*
 * Drops the frame that begins at rx_pos: the NIC marked it as broken, or it is
 * too long for one slot.  Return: the places that it used.
 */
static __attribute__((noinline, cold, unused)) uint32_t
__ur_rx_drop(struct ur_queue *q, uint32_t n, bool legacy)
{
	uint32_t done = 0;
	uint32_t status;

	q->rx_bad += !q->rx_dropping;
	do {
		uint32_t pos = q->user->rx_pos;
		uint32_t slot = q->rx_slot[pos & q->rx_mask];

		status = __ur_rx_word_status(
			__ur_desc_word(&q->rx_desc[pos & q->rx_mask], 1), legacy);
		__ur_rx_move(q, pos + 1);
		__ur_rx_fill(q, &slot, 0, 1);
		done++;
	} while (!(status & UR_RXD_STAT_EOP) && done < n);
	q->rx_dropping = !(status & UR_RXD_STAT_EOP);
	return done;
}

/* ------------------------------------------------------------------------
 * Harvest
 */

/* Status bits that determine .flags: see __ur_rx_flags_of_status. */
static inline uint32_t __ur_rx_status_bits(uint32_t format)
{
	/* ADVANCED has no IXSM: the bit means something else there */
	return format == UR_DESC_ADVANCED ? 0x1e << 2 : 0x1f << 2;
}

/* bits: of __ur_rx_status_bits() */
static inline uint16_t __ur_rx_status_flags(uint32_t bits, uint64_t word,
					    bool legacy)
{
	return __ur_rx_flags_of_status[(__ur_rx_word_status(word, legacy) & bits) >>
				     2];
}

/*
 * What the NIC says about a received packet, except .flags.  What the caller
 * does not use is not even read.  stored: pkt is in memory, so everything is
 * used.
 */
static inline __attribute__((always_inline)) void
__ur_rx_packet(struct ur_pkt *pkt, const union ur_rx_desc *desc, uint16_t flags,
	       bool stored, bool legacy)
{
	pkt->flags = flags;
	pkt->vlan = __ur_le16(legacy ? desc->legacy.vlan : desc->wb.vlan);
	pkt->len = __ur_le16(legacy ? desc->legacy.length : desc->wb.length);
	if (!legacy) {
		uint64_t info = __ur_le64(desc->word[0]);
		const uint16_t hashed = (info & UR_RXX_INFO_RSS_MASK) != 0;

		/* as a bit it costs nothing where it is not used */
		if (!stored)
			pkt->flags |= (uint16_t)(hashed * UR_PKT_HASH);
		else if (hashed)
			pkt->flags |= UR_PKT_HASH;
		if (hashed)
			pkt->hash = (uint32_t)(info >> 32);
	}
}

/* The same for a packet with errors.  Return: false: it must be dropped. */
static inline bool __ur_rx_packet_errored(const struct ur_queue *q,
					  struct ur_pkt *pkt, uint64_t word,
					  bool legacy)
{
	if (__ur_rx_word_broken(q, word, legacy))
		return false;
	pkt->flags = __ur_rx_flags_bad(q, pkt->flags, word);
	return true;
}

/* Of n places from pos on: how many are contiguous. */
static inline uint32_t __ur_rx_contiguous(const struct ur_queue *q,
					  uint32_t pos, uint32_t n)
{
	uint32_t left = q->rx_mask + 1 - (pos & q->rx_mask);

	return n < left ? n : left;
}

/*
 * Up to n packets from contiguous places, into pkts.
 *
 * Return: packets; less than n: a broken frame comes next.
 */
static inline __attribute__((always_inline)) uint32_t
__ur_rx_run(struct ur_queue *q, uint32_t place, struct ur_pkt *pkts, uint32_t n,
	    bool legacy)
{
	const union ur_rx_desc *desc = &q->rx_desc[place];
	const uint32_t *slot = &q->rx_slot[place];
	struct ur_pkt *pkt = pkts, *end = pkts + n;
	const uint32_t bits = __ur_rx_status_bits(q->rx_format);
	uint8_t *const data = q->rx_data;
	const uint32_t size = q->slot_size;

	for (; pkt != end; pkt++, desc++, slot++) {
		uint64_t word = __ur_le64(desc->word[1]);

		pkt->slot = *slot;
		pkt->data = data + *slot * size;
		__builtin_prefetch(pkt->data);
		__ur_rx_packet(pkt, desc, __ur_rx_status_flags(bits, word, legacy),
			       true, legacy);
		if (__ur_unlikely(__ur_rx_word_errored(word, legacy)) &&
		    !__ur_rx_packet_errored(q, pkt, word, legacy))
			break;
	}
	return (uint32_t)(pkt - pkts);
}

static inline __attribute__((always_inline)) uint32_t
__ur_rx_harvest(struct ur_queue *q, struct ur_pkt *pkts, uint32_t n, bool legacy)
{
	uint32_t ready = __ur_rx_wait_count(q, n, legacy);
	uint32_t got = 0, run;

	if (!ready)
		return 0;
	while (__ur_unlikely(q->rx_dropping) && ready)
		ready -= __ur_rx_drop(q, ready, legacy);

	while (ready) {
		uint32_t pos = q->user->rx_pos;

		n = __ur_rx_contiguous(q, pos, ready);
		run = __ur_rx_run(q, pos & q->rx_mask, pkts + got, n, legacy);
		got += run;
		ready -= run;
		__ur_rx_move(q, pos + run);
		if (__ur_likely(run == n))
			continue;
		/* packets before it go first, so that places stay in order */
		if (got)
			break;
		ready -= __ur_rx_drop(q, ready, legacy);
	}
	__ur_debug_take_all(q->pool, pkts, got, "ur_rx_burst");
	return got;
}

/*
 * Takes at most n packets.  Their slots belong to the caller, who gives each
 * back once: with one of the calls below, with ur_tx_burst() on a queue of the
 * same pool, or with ur_slot_free().
 *
 * .vlan, .hash and .timestamp are only there when .flags says so.  Frames that
 * the NIC found broken are left out (ur_queue_stats.rx_bad); a burst ends in
 * front of one, so a short burst need not mean that the ring is empty.
 *
 * Return: packets; 0 also when the port was reset, until ur_sync().
 */
static inline uint32_t ur_rx_burst(struct ur_queue *q, struct ur_pkt *pkts,
				   uint32_t n)
{
	if (q->rx_format == UR_DESC_LEGACY)
		return __ur_rx_harvest(q, pkts, n, true);
	return __ur_rx_harvest(q, pkts, n, false);
}

/* ------------------------------------------------------------------------
 * Give back
 */

/* ur_rx_release() if some packets name no slot: these are left out. */
static __attribute__((noinline, cold, unused)) uint32_t
__ur_rx_release_some(struct ur_queue *q, const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t filled = 0;

	for (; n; n--, pkts++) {
		if (pkts->slot >= q->pool->slot_count)
			continue;
		if (__ur_rx_unfilled(q)) {
			__ur_rx_fill(q, &pkts->slot, 0, 1);
			filled++;
		} else {
			__ur_slot_push(q->pool, pkts->slot);
		}
	}
	q->keeping = 0;
	return filled;
}

/*
 * Do the slots of these packets lie in the next n places to be filled?  Then
 * they may stay there.  A place that never had a slot can have none to keep.
 */
static inline bool __ur_rx_in_place(const struct ur_queue *q,
				    const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t i;

	if (__ur_unlikely(q->fill_place <= q->rx_mask))
		return false;
	for (i = 0; i < n; i++)
		if (q->rx_slot[(q->fill_place + i) & q->rx_mask] != pkts[i].slot)
			return false;
	return n;
}

/*
 * Gives the slots of any n packets of this queue's pool back to the queue, in
 * any order.  Slots for which its RX ring has no place go to the pool; a number
 * that is no slot is ignored.
 *
 * Packets that go back in the order in which they came, with none left out, cost
 * least: their places keep their slots, and the module gets one entry for all of
 * them instead of a list to check.
 *
 * Return: slots that went to the ring.
 */
static inline uint32_t ur_rx_release(struct ur_queue *q,
				     const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t room = __ur_rx_unfilled(q);
	uint32_t fill = n < room ? n : room;
	uint32_t i, any = 0;
	bool in_place;

	if (!n)
		return 0;
	__ur_debug_give_all(q->pool, pkts, n, "ur_rx_release");
	in_place = __ur_rx_in_place(q, pkts, fill);
	if (!in_place)
		any = __ur_rx_fill_write(q, &pkts->slot, sizeof(*pkts), fill);
	for (i = fill; i < n; i++)
		any |= pkts[i].slot;
	if (__ur_unlikely(any >= q->pool->slot_count) &&
	    __ur_slots_invalid(q->pool, pkts, n))
		return __ur_rx_release_some(q, pkts, n);
	if (in_place)
		__ur_rx_keep(q, fill);
	else
		__ur_rx_fill_announce(q, fill);
	for (i = fill; i < n; i++)
		__ur_slot_push(q->pool, pkts[i].slot);
	q->keeping = in_place && fill == room;
	return fill;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_RX_H */
