/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive: a packet's way from the descriptor to the app and back, in the
 * order in which it happens.
 *
 *	n = ur_rx_burst(q, pkts, 32);		no system call
 *	... look at pkts[0 .. n-1] ...
 *	ur_rx_release_kept(q, n) or ur_rx_release(q, pkts, n);
 *	ur_sync(q);
 *
 * or, where each packet is done with before the next one is looked at,
 *
 *	ur_rx_each(q, 128, look, &state);	calls look() for each
 *	ur_sync(q);
 */
/* all of it, in its order */
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
static inline uint32_t ur_rx_word_status(uint64_t word, bool legacy)
{
	return legacy ? (uint32_t)(word >> 32) : (uint32_t)word;
}

static inline uint16_t ur_rx_word_len(uint64_t word, bool legacy)
{
	return legacy ? (uint16_t)word : (uint16_t)(word >> 32);
}

/* Error bits where EXTENDED has them, whatever the format. */
static inline uint32_t ur_rx_word_errors(uint64_t word, bool legacy)
{
	return (legacy ? (uint32_t)(word >> 16) : (uint32_t)word) & 0xff000000U;
}

/* Anything but a whole frame without errors. */
static inline bool ur_rx_word_odd(uint64_t word, bool legacy)
{
	const uint64_t errors = legacy ? 0xff0000000000ULL : 0xff000000ULL;
	const uint64_t whole = (uint64_t)UR_RXD_STAT_EOP << (legacy ? 32 : 0);

	return (word & (errors | whole)) != whole;
}

/* Of several, by what any of the words has, and all: is one odd or tagged? */
static inline bool ur_rx_words_odd(uint64_t any, uint64_t all, bool legacy)
{
	const uint64_t errors = legacy ? 0xff0000000000ULL : 0xff000000ULL;
	const uint64_t whole = (uint64_t)UR_RXD_STAT_EOP << (legacy ? 32 : 0);
	const uint64_t tag = (uint64_t)UR_RXD_STAT_VP << (legacy ? 32 : 0);

	return (any & (errors | tag)) || !(all & whole);
}

/* Not a frame that anybody wants to see. */
static inline bool ur_rx_word_broken(const struct ur_queue *q, uint64_t word,
				     bool legacy)
{
	return !(ur_rx_word_status(word, legacy) & UR_RXD_STAT_EOP) ||
	       ur_rx_word_errors(word, legacy) &
	       (q->rx_format == UR_DESC_ADVANCED ? UR_RXX_ERR_RXE :
						   UR_RXX_ERR_FRAME);
}

static inline bool ur_rx_done(const struct ur_queue *q, uint32_t index,
			      bool legacy)
{
	uint64_t word = ur_desc_word(&q->rx_desc[index & q->rx_mask], 1);

	return ur_rx_word_status(word, legacy) & UR_RXD_STAT_DD;
}

/*
 * How many packets wait, up to limit.  A queue completes in order: when the
 * last place of a batch is done, all before it are.
 */
static inline __attribute__((always_inline)) uint32_t
ur_rx_count(const struct ur_queue *q, uint32_t pos, uint32_t limit, bool legacy)
{
	uint32_t n = 1;

	if (!limit || !ur_rx_done(q, pos, legacy))
		return 0;
	if (ur_rx_done(q, pos + limit - 1, legacy))
		return limit;
	/* the NIC goes on meanwhile: the last place may be done by now */
	while (n < limit && ur_rx_done(q, pos + n, legacy))
		n++;
	return n;
}

/* The same for this process, now: at most n that it may look at. */
static inline __attribute__((always_inline)) uint32_t
ur_rx_wait_count(const struct ur_queue *q, uint32_t n, bool legacy)
{
	uint32_t pos = q->user->rx_pos;
	uint32_t ahead;

	/* what a poll finds most often; DD counts only within the limit */
	if (!ur_rx_done(q, pos, legacy))
		return 0;
	ahead = ur_load_acquire(&q->kernel->rx_limit) - pos;	/* D */
	/* a listener that came just now sets the limit back, behind pos */
	if (ur_unlikely((int32_t)ahead < 0 || ur_queue_stale(q)))
		return 0;
	n = ur_rx_count(q, pos, ahead < n ? ahead : n, legacy);
	ur_dma_rmb();	/* E: DD before all else that the NIC wrote */
	return n;
}

/* Would ur_rx_burst() find something?  Also when all of it is broken. */
static inline bool ur_rx_ready(const struct ur_queue *q)
{
	const bool legacy = q->rx_format == UR_DESC_LEGACY;
	uint32_t pos = q->user->rx_pos;
	uint32_t limit;

	/* what a poll finds most often; DD counts only within the limit */
	if (!ur_rx_done(q, pos, legacy))
		return false;
	limit = ur_load_acquire(&q->kernel->rx_limit);	/* D */
	return (int32_t)(limit - pos) > 0 && !ur_queue_stale(q) &&
	       ur_rx_done(q, pos, legacy);
}

/* ------------------------------------------------------------------------
 * Metadata
 */

/* ur_pkt.flags without errors, by IPCS, L4CS, UDPCS, VP and IXSM. */
static const uint8_t ur_rx_flags_of_status[32] = {
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

/* A checksum that was looked at and found wrong: OK becomes BAD. */
static inline uint16_t ur_rx_flags_bad(uint16_t flags, uint32_t errors)
{
	if (errors & UR_RXX_ERR_IPE)
		flags += flags & UR_PKT_IP_CSUM_OK;
	if (errors & UR_RXX_ERR_L4E)
		flags += flags & UR_PKT_L4_CSUM_OK;
	return flags;
}

/* ------------------------------------------------------------------------
 * Give back, one slot
 */

/* Places that no fill entry has promised a slot yet. */
static inline uint32_t ur_rx_short(const struct ur_queue *q)
{
	return q->user->rx_pos + q->rx_mask + 1 - q->fill_place;
}

/* Writes n fill entries; nobody sees them yet. */
static inline void ur_rx_fill_write(struct ur_queue *q, const uint32_t *slots,
				    size_t stride, uint32_t n)
{
	uint32_t prod = q->user->fill_prod;
	uint32_t i;

	for (i = 0; i < n; i++) {
		q->fill[prod++ & q->rx_mask] = *slots;
		slots = (const uint32_t *)((const uint8_t *)slots + stride);
	}
}

/*
 * Announces n fill entries, n <= ur_rx_short().  The fill ring has room for
 * them: an entry that waits there waits for a place of its own.
 */
static inline void ur_rx_fill_announce(struct ur_queue *q, uint32_t n)
{
	q->fill_place += n;
	q->pool->moves++;
	ur_store_release(&q->user->fill_prod, q->user->fill_prod + n);	/* A */
}

static inline void ur_rx_fill(struct ur_queue *q, const uint32_t *slots,
			      size_t stride, uint32_t n)
{
	ur_rx_fill_write(q, slots, stride, n);
	ur_rx_fill_announce(q, n);
}

/*
 * Drops the frame that begins at rx_pos: the NIC marked it as broken, or it
 * is too long for one slot.  Return: the places it had.
 */
static __attribute__((noinline, cold, unused)) uint32_t
ur_rx_drop(struct ur_queue *q, uint32_t n, bool legacy)
{
	/* its place is the next to be filled, and gets the same slot again */
	bool in_place = q->moves == q->pool->moves && !ur_rx_short(q);
	uint32_t done = 0;
	uint32_t status;

	q->rx_bad += !q->rx_odd;
	do {
		uint32_t pos = q->user->rx_pos;
		uint32_t slot = q->rx_slot[pos & q->rx_mask];

		status = ur_rx_word_status(
			ur_desc_word(&q->rx_desc[pos & q->rx_mask], 1), legacy);
		ur_store_release(&q->user->rx_pos, pos + 1);	/* B */
		ur_rx_fill(q, &slot, 0, 1);
		done++;
	} while (!(status & UR_RXD_STAT_EOP) && done < n);
	q->rx_odd = !(status & UR_RXD_STAT_EOP);
	if (in_place)
		q->moves = q->pool->moves;
	return done;
}

/* ------------------------------------------------------------------------
 * Harvest
 */

/*
 * What the NIC says of the packet in a place, which it is done with; word is the
 * descriptor's second one.  What the caller does not use is not worked out.
 */
static inline __attribute__((always_inline)) void
ur_rx_packet(struct ur_pkt *pkt, uint32_t format, const union ur_rx_desc *desc,
	     uint64_t word, bool untagged, bool legacy)
{
	/* ADVANCED has no IXSM: the bit means something else there */
	const uint32_t known = format == UR_DESC_ADVANCED ? 0x1e : 0x1f;
	const uint32_t status = ur_rx_word_status(word, legacy);

	pkt->flags = ur_rx_flags_of_status[status >> 2 & known];
	/* known to the compiler: who asks for the tag alone looks up nothing */
	if (untagged)
		pkt->flags &= (uint16_t)~UR_PKT_VLAN;
	pkt->vlan = (uint16_t)(word >> 48);
	pkt->len = ur_rx_word_len(word, legacy);
	if (!legacy) {
		uint64_t info = ur_le64(desc->word[0]);

		if (info & UR_RXX_INFO_RSS_MASK) {
			pkt->hash = (uint32_t)(info >> 32);
			pkt->flags |= UR_PKT_HASH;
		}
	}
}

/* The same of one that is odd.  Return: false: nobody wants to see it. */
static inline bool ur_rx_packet_odd(const struct ur_queue *q,
				    struct ur_pkt *pkt, uint64_t word,
				    bool legacy)
{
	if (ur_rx_word_broken(q, word, legacy))
		return false;
	pkt->flags = ur_rx_flags_bad(pkt->flags,
				     ur_rx_word_errors(word, legacy));
	return true;
}

/* Of n places from pos on: those that lie side by side. */
static inline uint32_t ur_rx_side_by_side(const struct ur_queue *q,
					  uint32_t pos, uint32_t n)
{
	uint32_t left = q->rx_mask + 1 - (pos & q->rx_mask);

	return n < left ? n : left;
}

/*
 * Up to n packets from places that lie side by side, into pkts.
 *
 * Return: packets; less than n: a broken frame comes next.
 */
static inline __attribute__((always_inline)) uint32_t
ur_rx_run(struct ur_queue *q, uint32_t place, struct ur_pkt *pkts, uint32_t n,
	  bool legacy)
{
	const union ur_rx_desc *desc = &q->rx_desc[place];
	const uint32_t *slot = &q->rx_slot[place];
	struct ur_pkt *pkt = pkts, *end = pkts + n;
	const uint32_t format = q->rx_format;
	uint8_t *const data = q->rx_data;
	const uint32_t size = q->slot_size;

	for (; pkt != end; pkt++, desc++, slot++) {
		uint64_t word = ur_desc_word(desc, 1);

		pkt->slot = *slot;
		pkt->data = data + *slot * size;
		__builtin_prefetch(pkt->data);
		ur_rx_packet(pkt, format, desc, word, false, legacy);
		if (ur_unlikely(ur_rx_word_odd(word, legacy)) &&
		    !ur_rx_packet_odd(q, pkt, word, legacy))
			break;
	}
	return (uint32_t)(pkt - pkts);
}

static inline __attribute__((always_inline)) uint32_t
ur_rx_harvest(struct ur_queue *q, struct ur_pkt *pkts, uint32_t n, bool legacy)
{
	uint32_t ready = ur_rx_wait_count(q, n, legacy);
	uint32_t got = 0, run;

	if (!ready)
		return 0;
	/* nothing is outstanding: what comes now can go back in place */
	if (!q->pool->in_hand && !ur_rx_short(q))
		q->moves = q->pool->moves;
	while (ur_unlikely(q->rx_odd) && ready)
		ready -= ur_rx_drop(q, ready, legacy);

	while (ready) {
		uint32_t pos = q->user->rx_pos;

		n = ur_rx_side_by_side(q, pos, ready);
		run = ur_rx_run(q, pos & q->rx_mask, pkts + got, n, legacy);
		got += run;
		ready -= run;
		/* what was needed of the descriptors is in pkts (B) */
		ur_store_release(&q->user->rx_pos, pos + run);
		if (ur_likely(run == n))
			continue;
		/* packets in front of it go first, so that places stay in
		 * order
		 */
		if (got)
			break;
		ready -= ur_rx_drop(q, ready, legacy);
	}
	q->pool->in_hand += got;
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
		return ur_rx_harvest(q, pkts, n, true);
	return ur_rx_harvest(q, pkts, n, false);
}

/* ------------------------------------------------------------------------
 * Give back
 */

/*
 * Gives the slots of any n packets of this queue's pool back to the queue, in
 * any order.  What its RX ring has no place for goes to the pool.
 *
 * Return: slots that went to the ring.
 */
static inline uint32_t ur_rx_release(struct ur_queue *q,
				     const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t room = ur_rx_short(q);
	uint32_t fill = n < room ? n : room;
	uint32_t i;

	if (!n)
		return 0;
	ur_rx_fill(q, &pkts->slot, sizeof(*pkts), fill);
	for (i = fill; i < n; i++)
		ur_slot_push(q->pool, pkts[i].slot);
	q->pool->in_hand -= n;
	q->keeping = 0;
	return fill;
}

/*
 * Gives the n oldest packets back in place: the module posts their places
 * again with the slots that lie in them, without a list and without a check.
 *
 * This is for a process that gives all its packets back by this call, in the
 * order in which they came.  A slot of the pool that went another way
 * (ur_rx_release(), ur_tx_burst(), ur_slot_free(), ur_forward(), a refill by
 * ur_sync(), a reset) makes it refuse, until ur_rx_burst() was called with no slot of the
 * pool in hand and the ring full: packets from then on can go back in place.
 * The pool must have rx_size slots at least.
 *
 * Return: 0; -EINVAL nothing was given back, use ur_rx_release().
 */
static inline int ur_rx_release_kept(struct ur_queue *q, uint32_t n)
{
	uint32_t lying = ur_rx_short(q);	/* packets in their places */
	uint32_t prod = q->user->fill_prod;

	if (!n)
		return 0;
	/*
	 * Since nothing was in hand, no slot went elsewhere: so the packets
	 * that lie in their places are all in hand, and the place that is
	 * filled next is the one of the oldest.
	 */
	if (ur_unlikely(q->moves != q->pool->moves || n > lying))
		return -EINVAL;
	q->fill[prod & q->rx_mask] = UR_FILL_KEEP | n;
	q->fill_place += n;
	q->pool->in_hand -= n;
	q->keeping = 1;
	ur_store_release(&q->user->fill_prod, prod + 1);	/* A */
	return 0;
}

/* ------------------------------------------------------------------------
 * All of it for each packet
 */

/*
 * The app's function, of a type that look() knows.  It goes from call to call as
 * an argument, because only so it is inlined.
 */
typedef void ur_rx_fn(void);
typedef void ur_rx_look(void *ctx, ur_rx_fn *fn, const struct ur_pkt *pkt);
typedef void ur_rx_after(void *ctx, struct ur_queue *q, uint32_t pos,
			 uint32_t run);

/*
 * Packets that are brought into the cache ahead of the one looked at, also beyond
 * the burst: what comes next is often there.  Behind rx_slot there are that many
 * words, which may say anything.
 */
#define UR_RX_AHEAD	8

/* The place may be filled anew at this moment, or lie behind the last one. */
static inline void ur_rx_prefetch(const uint8_t *data, const uint32_t *slot,
				  uint32_t size)
{
	__builtin_prefetch(data +
			   __atomic_load_n(slot, __ATOMIC_RELAXED) * size);
}

/* Places that ur_rx_visit_run() does in a turn, without a loop. */
#define UR_RX_STRIDE	4
#ifdef __clang__
#define UR_RX_UNROLL	_Pragma("clang loop unroll(full)")
#else
#define UR_RX_UNROLL	_Pragma("GCC unroll 4")
#endif

/*
 * Looks at n packets in places that lie side by side: several in a turn, as long
 * as they have neither an error nor a tag, then one by one.
 *
 * Return: packets; less than n: a broken frame comes next.
 */
static inline __attribute__((always_inline)) uint32_t
ur_rx_visit_run(struct ur_queue *q, uint32_t place, uint32_t n,
		ur_rx_look *look, void *ctx, ur_rx_fn *fn, bool legacy)
{
	const union ur_rx_desc *desc = &q->rx_desc[place];
	const uint32_t *slot = &q->rx_slot[place], *last = slot + n;
	const int lead = n < UR_RX_AHEAD ? (int)n : UR_RX_AHEAD;
	const uint32_t *turns = slot + (n & ~(UR_RX_STRIDE - 1U));
	const uint32_t format = q->rx_format;
	const uint32_t size = q->slot_size;
	uint8_t *const data = q->rx_data;
	const uint32_t *const first = slot;
	struct ur_pkt pkt;
	uint64_t word;
	int k;

	for (k = 0; k < lead; k++)
		ur_rx_prefetch(data, &slot[k], size);
	for (; slot != turns; slot += UR_RX_STRIDE, desc += UR_RX_STRIDE) {
		uint64_t words[UR_RX_STRIDE], any = 0, all = ~0ULL;

		UR_RX_UNROLL
		for (k = 0; k < UR_RX_STRIDE; k++) {
			words[k] = ur_desc_word(&desc[k], 1);
			any |= words[k];
			all &= words[k];
		}
		if (ur_unlikely(ur_rx_words_odd(any, all, legacy)))
			break;
		UR_RX_UNROLL
		for (k = 0; k < UR_RX_STRIDE; k++) {
			ur_rx_prefetch(data, &slot[k + UR_RX_AHEAD], size);
			pkt.slot = slot[k];
			pkt.data = data + pkt.slot * size;
			ur_rx_packet(&pkt, format, &desc[k], words[k], true,
				     legacy);
			look(ctx, fn, &pkt);
		}
	}
	for (; slot != last; slot++, desc++) {
		ur_rx_prefetch(data, slot + UR_RX_AHEAD, size);
		word = ur_desc_word(desc, 1);
		pkt.slot = *slot;
		pkt.data = data + pkt.slot * size;
		ur_rx_packet(&pkt, format, desc, word, false, legacy);
		if (ur_unlikely(ur_rx_word_odd(word, legacy)) &&
		    !ur_rx_packet_odd(q, &pkt, word, legacy))
			break;
		look(ctx, fn, &pkt);
	}
	return (uint32_t)(slot - first);
}

/*
 * Calls look(ctx, fn, pkt) for at most n packets, and after(ctx, q, pos, run) for
 * those it was called for: it moves rx_pos past run places from pos on.
 */
static inline __attribute__((always_inline)) uint32_t
ur_rx_visit(struct ur_queue *q, uint32_t n, ur_rx_look *look,
	    ur_rx_after *after, void *ctx, ur_rx_fn *fn, bool legacy)
{
	uint32_t ready = ur_rx_wait_count(q, n, legacy);
	uint32_t seen = 0, run;

	while (ready) {
		uint32_t pos = q->user->rx_pos;

		if (ur_unlikely(q->rx_odd)) {
			ready -= ur_rx_drop(q, ready, legacy);
			continue;
		}
		n = ur_rx_side_by_side(q, pos, ready);
		run = ur_rx_visit_run(q, pos & q->rx_mask, n, look, ctx, fn,
				      legacy);
		if (run)
			after(ctx, q, pos, run);
		seen += run;
		ready -= run;
		if (ur_unlikely(run < n))
			ready -= ur_rx_drop(q, ready, legacy);
	}
	return seen;
}

/*
 * n packets at rx_pos were looked at where they lie and go back.  When all other
 * places have a slot, the next to be filled are these: they keep theirs.
 */
static inline __attribute__((always_inline)) void
ur_rx_give_back(void *ctx, struct ur_queue *q, uint32_t pos, uint32_t n)
{
	uint32_t prod = q->user->fill_prod;

	(void)ctx;
	if (ur_unlikely(ur_rx_short(q))) {
		/*
		 * Copied before rx_pos moves, because then the place is filled
		 * anew; announced behind it, so that a successor finds no slot
		 * in two places.
		 */
		ur_rx_fill_write(q, &q->rx_slot[pos & q->rx_mask],
				 sizeof(*q->rx_slot), n);
		ur_store_release(&q->user->rx_pos, pos + n);	/* B */
		ur_rx_fill_announce(q, n);
		return;
	}
	q->fill[prod & q->rx_mask] = UR_FILL_KEEP | n;
	q->fill_place += n;
	ur_store_release(&q->user->rx_pos, pos + n);	/* B */
	ur_store_release(&q->user->fill_prod, prod + 1);	/* A */
}

static inline __attribute__((always_inline)) void
ur_rx_look_at(void *ctx, ur_rx_fn *fn, const struct ur_pkt *pkt)
{
	((void (*)(void *, const struct ur_pkt *))fn)(ctx, pkt);
}

/*
 * Receive, look and give back in one go: calls look(arg, pkt) for each of at
 * most n packets, where it lies, in order.  The packet is look()'s until it
 * returns; its bytes may be written.  When look() is an inline function nothing
 * is stored in between, and of the metadata only what it uses is worked out.
 *
 * Packets in hand from ur_rx_burst() are not in the way, nor are they touched.
 *
 * Return: packets looked at; ur_sync() hands their slots to the NIC.
 */
static inline __attribute__((always_inline)) uint32_t
ur_rx_each(struct ur_queue *q, uint32_t n,
	   void (*look)(void *arg, const struct ur_pkt *pkt), void *arg)
{
	if (q->rx_format == UR_DESC_LEGACY)
		return ur_rx_visit(q, n, ur_rx_look_at, ur_rx_give_back, arg,
				   (ur_rx_fn *)look, true);
	return ur_rx_visit(q, n, ur_rx_look_at, ur_rx_give_back, arg,
			   (ur_rx_fn *)look, false);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_RX_H */
