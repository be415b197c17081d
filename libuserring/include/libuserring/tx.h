/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send: packets to the TX ring, finished slots to the pool.
 */
/* all headers, in the order that they need */
#include <libuserring.h>

#ifndef LIBUSERRING_TX_H
#define LIBUSERRING_TX_H

#include <string.h>

#include <libuserring/queue.h>
#include <libuserring/slot.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Entries that loops handle in one turn, unrolled. */
#define __UR_TX_STRIDE	4
#ifdef __clang__
#define __UR_TX_UNROLL	_Pragma("clang loop unroll(full)")
#elif defined(__OPTIMIZE__)
#define __UR_TX_UNROLL	_Pragma("GCC unroll 4")
#else
#define __UR_TX_UNROLL	/* gcc -O0 warns of a loop that it does not unroll */
#endif

/* Of n entries from index on: how many are contiguous. */
static inline uint32_t __ur_tx_contiguous(const struct ur_queue *q,
					  uint32_t index, uint32_t n)
{
	uint32_t left = q->tx_mask + 1 - (index & q->tx_mask);

	return n < left ? n : left;
}

/*
 * Collects the slots of finished packets into the pool.  ur_sync() and
 * ur_tx_burst() do this as well; with a sync period ur_sync() leaves them in
 * the TX ring until that ring is full, everything is sent, or the pool has no
 * more free slots than the ring has places.
 *
 * Return: slots.
 */
static inline uint32_t ur_tx_reap(struct ur_queue *q)
{
	uint32_t done = __ur_load_acquire(&q->kernel->tx_done);	/* F */
	uint32_t first = q->user->tx_reaped;
	struct ur_pool *pool = q->pool;
	const uint32_t slots = pool->slot_count;
	uint32_t *free_slot = pool->free_slot + pool->free_count;
	uint32_t pos, run;

	if (done == first || __ur_unlikely(__ur_queue_stale(q)))
		return 0;
	/* if all fit into this handle; else it gives some to the depot */
	if (__ur_likely(done - first <= pool->free_room - pool->free_count &&
			done - first <= q->tx_mask + 1)) {
		for (pos = first; pos != done; pos += run) {
			const struct ur_tx_entry *tx = &q->tx[pos & q->tx_mask];
			const struct ur_tx_entry *end;

			run = __ur_tx_contiguous(q, pos, done - pos);
			for (end = tx + run; tx != end; tx++) {
				*free_slot = tx->slot;
				/* a number that is no slot is written over */
				free_slot += *free_slot < slots;
			}
		}
		pool->free_count = (uint32_t)(free_slot - pool->free_slot);
	} else if (done - first <= q->tx_mask + 1) {
		for (pos = first; pos != done; pos++)
			__ur_slot_push(pool, q->tx[pos & q->tx_mask].slot);
	} else {
		/* something wrote over the index: ur_sync() says so */
		return 0;
	}
	__ur_store_release(&q->user->tx_reaped, done);
	return done - first;
}

/* Packets that fit without reaping. */
static inline uint32_t ur_tx_room(const struct ur_queue *q)
{
	return q->tx_mask + 1 - (q->user->tx_prod - q->user->tx_reaped);
}

/* How many of n packets the TX ring takes, after reaping if necessary. */
static inline uint32_t ur_tx_make_room(struct ur_queue *q, uint32_t n)
{
	uint32_t room = ur_tx_room(q);

	if (room < n) {
		ur_tx_reap(q);
		room = ur_tx_room(q);
		if (n > room)
			n = room;
	}
	return n;
}

/* A value that does not fit into 16 bits is invalid and stays invalid. */
static inline uint64_t __ur_tx_16(size_t n)
{
	return __ur_likely(n < 0xffff) ? n : 0xffff;
}

/* Writes a struct ur_tx_entry in two stores. */
static inline void __ur_tx_put(struct ur_tx_entry *entry, uint32_t slot,
			       uint64_t offset, uint64_t len, uint64_t flags,
			       uint64_t vlan)
{
	uint64_t word[2];

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word[0] = (uint64_t)slot << 32 | offset << 16 | len;
	word[1] = flags << 48 | vlan;
#else
	word[0] = slot | offset << 32 | len << 48;
	word[1] = flags | vlan << 48;
#endif
	memcpy(entry, word, sizeof(*entry));
}

/* Writes one entry; flags: those besides UR_TX_VLAN. */
static inline __attribute__((always_inline)) void
__ur_tx_write(struct ur_queue *q, uint32_t prod, const struct ur_pkt *pkt,
	      uint16_t flags)
{
	struct ur_tx_entry *entry = &q->tx[prod & q->tx_mask];
	size_t offset = (size_t)(pkt->data - q->pool->base) -
			(size_t)pkt->slot * q->slot_size;

	if (__ur_unlikely(pkt->flags & UR_PKT_VLAN))
		__ur_tx_put(entry, pkt->slot, __ur_tx_16(offset),
			    __ur_tx_16(pkt->len), flags | UR_TX_VLAN, pkt->vlan);
	else
		__ur_tx_put(entry, pkt->slot, __ur_tx_16(offset),
			    __ur_tx_16(pkt->len), flags, 0);
}

/* Announces the n entries before prod; their slots are no longer held. */
static inline void __ur_tx_announce(struct ur_queue *q, uint32_t prod, uint32_t n)
{
	if (n)
		__ur_store_release(&q->user->tx_prod, prod);	/* A */
}

/*
 * Queues at most n packets; ur_sync() sends them.  .data may point anywhere
 * into .slot of the queue's pool, .len bytes follow; of .flags only UR_PKT_VLAN
 * is used.  The slots of the packets taken belong to the NIC until ur_tx_reap()
 * brings them back to the pool.  This includes packets that the module refuses
 * (ur_counters.tx_refused), for example because .slot is no slot.
 *
 * Return: packets taken, the first ones; the others are still the caller's.
 */
static inline uint32_t ur_tx_burst(struct ur_queue *q,
				   const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t prod = q->user->tx_prod;
	uint32_t i;

	n = ur_tx_make_room(q, n);
	for (i = 0; i < n; i++)
		__ur_tx_write(q, prod++, &pkts[i], 0);
	__ur_debug_give_all(q->pool, pkts, n, "ur_tx_burst");
	__ur_tx_announce(q, prod, n);
	return n;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_TX_H */
