/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive or send in one call: the app's function is called for each packet.
 * When that function is inline, the packet stays in registers.
 *
 *	ur_rx_each(q, 128, look, &state);
 *	ur_tx_each(q, 128, build, &state);
 *	ur_sync(q);
 */
/* all headers, in the order that they need */
#include <libuserring.h>

#ifndef LIBUSERRING_EACH_H
#define LIBUSERRING_EACH_H

#include <libuserring/rx.h>
#include <libuserring/tx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------
 * Receive
 */

/*
 * The app's function; look() knows its real type.  Every call passes it on as
 * an argument, because only then is it inlined.
 */
typedef void __ur_rx_fn(void);
typedef void __ur_rx_look(void *ctx, __ur_rx_fn *fn, const struct ur_pkt *pkt);
typedef void __ur_rx_after(void *ctx, struct ur_queue *q, uint32_t pos,
			   uint32_t run);

/*
 * Packets that are prefetched ahead of the one looked at, also beyond the
 * burst: the next one is often there already.  After rx_slot there are that
 * many words, of undefined content.
 */
#define __UR_RX_AHEAD	8

/* The place may be refilled at this moment, or lie past the last one. */
static inline void __ur_rx_prefetch(const uint8_t *data, const uint32_t *slot,
				    uint32_t size)
{
	__builtin_prefetch(data +
			   __atomic_load_n(slot, __ATOMIC_RELAXED) * size);
}

/* Places that __ur_rx_visit_run() handles in one turn, unrolled. */
#define __UR_RX_STRIDE	8
#ifdef __clang__
#define __UR_RX_UNROLL	_Pragma("clang loop unroll(full)")
#elif defined(__OPTIMIZE__)
#define __UR_RX_UNROLL	_Pragma("GCC unroll 8")
#else
#define __UR_RX_UNROLL	/* gcc -O0 warns of a loop that it does not unroll */
#endif

/*
 * Looks at n packets in contiguous places: several in a turn as long as none
 * has an error or a tag, then one by one.  fetch: their bytes may not be in the
 * cache yet.
 *
 * Return: packets; less than n: a broken frame comes next.
 */
static inline __attribute__((always_inline)) uint32_t
__ur_rx_visit_run(struct ur_queue *q, uint32_t place, uint32_t n,
		  __ur_rx_look *look, void *ctx, __ur_rx_fn *fn, bool fetch,
		  bool legacy)
{
	const union ur_rx_desc *desc = &q->rx_desc[place];
	const uint32_t *slot = &q->rx_slot[place], *last = slot + n;
	const uint32_t *turns = slot + (n & ~(__UR_RX_STRIDE - 1U));
	const uint32_t bits = __ur_rx_status_bits(q->rx_format);
	const uint32_t size = q->slot_size;
	uint8_t *const data = q->rx_data;
	const uint32_t *const first = slot;
	struct ur_pkt pkt;
	uint16_t flags;
	uint64_t word;
	bool alike;
	int k;

	if (fetch) {
		__UR_RX_UNROLL
		for (k = 0; k < __UR_RX_AHEAD; k++)
			__ur_rx_prefetch(data, &slot[k], size);
	}
	for (; slot != turns; slot += __UR_RX_STRIDE, desc += __UR_RX_STRIDE) {
		uint64_t any = 0, all = ~0ULL;

		/*
		 * Each word is read twice here, and again field by field below.
		 * As a memory operand of an instruction that is needed anyway
		 * it costs nothing, and so many words do not fit into
		 * registers.
		 */
		__UR_RX_UNROLL
		for (k = 0; k < __UR_RX_STRIDE; k++)
			any |= __ur_le64(desc[k].word[1]);
		__ur_compiler_barrier();
		__UR_RX_UNROLL
		for (k = 0; k < __UR_RX_STRIDE; k++)
			all &= __ur_le64(desc[k].word[1]);
		if (__ur_unlikely(__ur_rx_words_special(any, all, legacy)))
			break;
		/* usually all are alike: looked up once, not eight times */
		alike = !(__ur_rx_word_status(any ^ all, legacy) & bits);
		flags = __ur_rx_status_flags(bits, all, legacy);
		__UR_RX_UNROLL
		for (k = 0; k < __UR_RX_STRIDE; k++) {
			if (fetch)
				__ur_rx_prefetch(data, &slot[k + __UR_RX_AHEAD],
						 size);
			pkt.slot = slot[k];
			pkt.data = data + pkt.slot * size;
			if (__ur_unlikely(!alike))
				flags = __ur_rx_status_flags(
					bits, __ur_le64(desc[k].word[1]), legacy);
			/* tells the compiler that there is no tag */
			__ur_rx_packet(&pkt, &desc[k],
				       flags & (uint16_t)~UR_PKT_VLAN, false,
				       legacy);
			look(ctx, fn, &pkt);
		}
	}
	for (; slot != last; slot++, desc++) {
		if (fetch)
			__ur_rx_prefetch(data, slot + __UR_RX_AHEAD, size);
		word = __ur_le64(desc->word[1]);
		pkt.slot = *slot;
		pkt.data = data + pkt.slot * size;
		__ur_rx_packet(&pkt, desc, __ur_rx_status_flags(bits, word, legacy),
			       false, legacy);
		if (__ur_unlikely(__ur_rx_word_errored(word, legacy)) &&
		    !__ur_rx_packet_errored(q, &pkt, word, legacy))
			break;
		look(ctx, fn, &pkt);
	}
	return (uint32_t)(slot - first);
}

/*
 * Calls look(ctx, fn, pkt) for at most n packets, and then after() for the same
 * packets: after(ctx, q, pos, run) moves rx_pos past run places from pos on.
 */
static inline __attribute__((always_inline)) uint32_t
__ur_rx_visit(struct ur_queue *q, uint32_t n, __ur_rx_look *look,
	      __ur_rx_after *after, void *ctx, __ur_rx_fn *fn, bool fetch,
	      bool legacy)
{
	uint32_t ready = __ur_rx_wait_count(q, n, legacy);
	uint32_t seen = 0, run;

	while (ready) {
		uint32_t pos = q->user->rx_pos;

		if (__ur_unlikely(q->rx_dropping)) {
			ready -= __ur_rx_drop(q, ready, legacy);
			continue;
		}
		n = __ur_rx_contiguous(q, pos, ready);
		run = __ur_rx_visit_run(q, pos & q->rx_mask, n, look, ctx, fn,
					fetch, legacy);
		if (run)
			after(ctx, q, pos, run);
		seen += run;
		ready -= run;
		if (__ur_unlikely(run < n))
			ready -= __ur_rx_drop(q, ready, legacy);
	}
	return seen;
}

/*
 * Gives back n packets at rx_pos that were looked at in place.  When all other
 * places have a slot, the next places to be filled are these: they keep their
 * slots.
 */
static inline __attribute__((always_inline)) void
__ur_rx_refill(void *ctx, struct ur_queue *q, uint32_t pos, uint32_t n)
{
	(void)ctx;
	if (__ur_unlikely(__ur_rx_unfilled(q))) {
		/*
		 * Copied before rx_pos moves, because the place can be refilled
		 * from then on; announced after it, so that a successor finds
		 * no slot in two places.
		 */
		__ur_rx_fill_write(q, &q->rx_slot[pos & q->rx_mask],
				   sizeof(*q->rx_slot), n);
		__ur_rx_move(q, pos + n);
		__ur_rx_fill_announce(q, n);
		return;
	}
	__ur_rx_move(q, pos + n);
	__ur_rx_keep(q, n);
}

static inline __attribute__((always_inline)) void
__ur_rx_visit_one(void *ctx, __ur_rx_fn *fn, const struct ur_pkt *pkt)
{
	((void (*)(void *, const struct ur_pkt *))fn)(ctx, pkt);
}

/*
 * Receives, looks and gives back in one call: calls look(arg, pkt) for each of
 * at most n packets, in place and in order.  The packet belongs to look() until
 * it returns; its bytes may be written.  When look() is inline, nothing is
 * stored in between, and only the metadata that it uses is computed.
 *
 * Packets still held from ur_rx_burst() are not in the way and are not touched.
 *
 * Return: packets looked at; ur_sync() hands their slots to the NIC.
 */
static inline __attribute__((always_inline)) uint32_t
ur_rx_each(struct ur_queue *q, uint32_t n,
	   void (*look)(void *arg, const struct ur_pkt *pkt), void *arg)
{
	if (q->rx_format == UR_DESC_LEGACY)
		return __ur_rx_visit(q, n, __ur_rx_visit_one, __ur_rx_refill, arg,
				     (__ur_rx_fn *)look, true, true);
	return __ur_rx_visit(q, n, __ur_rx_visit_one, __ur_rx_refill, arg,
			     (__ur_rx_fn *)look, true, false);
}

/* ------------------------------------------------------------------------
 * Send
 */

/*
 * Builds in the slots of n contiguous finished entries, and writes as many new
 * entries, which are contiguous as well.
 *
 * Return: entries; less than n: the next one names no slot, or build() wants no more.
 */
static inline __attribute__((always_inline)) uint32_t
__ur_tx_reuse(const struct ur_queue *q, const struct ur_tx_entry *from,
	      struct ur_tx_entry *to, uint32_t n,
	      uint32_t (*build)(void *arg, uint8_t *data), void *arg)
{
	const struct ur_tx_entry *const start = to, *const end = to + n;
	const struct ur_tx_entry *turns = to + (n & ~(__UR_TX_STRIDE - 1U));
	const uint32_t slots = q->pool->slot_count;
	uint8_t *const base = q->pool->base;
	const uint32_t size = q->slot_size;
	uint32_t slot[__UR_TX_STRIDE], any = 0, len;
	int k;

	for (; to != turns; from += __UR_TX_STRIDE) {
		__UR_TX_UNROLL
		for (k = 0; k < __UR_TX_STRIDE; k++)
			any |= slot[k] = from[k].slot;
		/* no slot exceeds their OR; else they come one by one */
		if (__ur_unlikely(any >= slots))
			break;
		__UR_TX_UNROLL
		for (k = 0; k < __UR_TX_STRIDE; k++) {
			len = build(arg, base + slot[k] * size);
			if (__ur_unlikely(!len))
				return (uint32_t)(to - start);
			__ur_tx_put(to++, slot[k], 0, __ur_tx_16(len), 0, 0);
		}
	}
	for (; to != end; from++) {
		slot[0] = from->slot;
		/* something wrote over it: no slot comes back */
		if (__ur_unlikely(slot[0] >= slots))
			break;
		len = build(arg, base + slot[0] * size);
		if (__ur_unlikely(!len))
			break;
		__ur_tx_put(to++, slot[0], 0, __ur_tx_16(len), 0, 0);
	}
	return (uint32_t)(to - start);
}

/*
 * Builds and queues in one call: for each of at most n packets build(arg, data)
 * writes a frame to data, which has the room of a slot, and returns its length;
 * 0: no more.  Finished slots are taken directly from the TX ring first, and
 * then slots from the pool.  ur_sync() sends.
 *
 * Return: packets queued; less than n: no slot, no room in the ring, or build()
 * wants no more.
 */
static inline __attribute__((always_inline)) uint32_t
ur_tx_each(struct ur_queue *q, uint32_t n,
	   uint32_t (*build)(void *arg, uint8_t *data), void *arg)
{
	uint32_t done = __ur_load_acquire(&q->kernel->tx_done);	/* F */
	uint32_t reaped = q->user->tx_reaped;
	uint32_t prod = q->user->tx_prod, first = prod;
	struct ur_pool *pool = q->pool;
	const uint32_t mask = q->tx_mask;
	uint32_t again = done - reaped < n ? done - reaped : n;
	uint32_t slot, len, run, got;
	bool spoilt = false;

	if (__ur_unlikely(__ur_queue_stale(q)))
		return 0;
	n -= again;
	for (; again; again -= run) {
		run = __ur_tx_contiguous(q, reaped, again);
		run = __ur_tx_contiguous(q, prod, run);
		got = __ur_tx_reuse(q, &q->tx[reaped & mask], &q->tx[prod & mask],
				    run, build, arg);
		reaped += got;
		prod += got;
		if (__ur_unlikely(got < run)) {
			spoilt = q->tx[reaped & mask].slot >= pool->slot_count;
			n = 0;
			break;
		}
	}
	/* goes first: a successor must find no slot in two places */
	__ur_store_release(&q->user->tx_reaped, reaped);
	/* an entry that names no slot would stay in the way */
	if (__ur_unlikely(spoilt))
		ur_tx_reap(q);
	for (; n && prod - reaped <= mask; n--, prod++) {
		slot = ur_slot_alloc(pool);
		if (slot == UR_NO_SLOT)
			break;
		len = build(arg, ur_slot_data(pool, slot));
		if (!len) {
			ur_slot_free(pool, slot);
			break;
		}
		__ur_tx_put(&q->tx[prod & mask], slot, 0, __ur_tx_16(len), 0, 0);
		__ur_debug_give(pool, slot, "ur_tx_each");
	}
	__ur_tx_announce(q, prod, prod - first);
	return prod - first;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_EACH_H */
