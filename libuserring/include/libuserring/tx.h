/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send: packets to the TX ring, finished slots to the pool.
 */
/* all of it, in its order */
#include <libuserring.h>

#ifndef LIBUSERRING_TX_H
#define LIBUSERRING_TX_H

#include <libuserring/queue.h>
#include <libuserring/slot.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Collects the slots of finished packets into the pool.  ur_sync() and
 * ur_tx_burst() do this as well.
 *
 * Return: slots.
 */
static inline uint32_t ur_tx_reap(struct ur_queue *q)
{
	uint32_t done = ur_load_acquire(&q->kernel->tx_done);	/* F */
	uint32_t first = q->user->tx_reaped;
	struct ur_pool *pool = q->pool;
	uint32_t *free_slot = pool->free_slot;
	uint32_t count = pool->free_count;
	uint32_t pos, slot;

	if (done == first || ur_unlikely(ur_queue_stale(q)))
		return 0;
	/* ur_slot_push() of each, the count in a register */
	for (pos = first; pos != done; pos++) {
		slot = q->tx[pos & q->tx_mask].slot;
		if (ur_likely(slot < pool->slot_count &&
			      count < pool->free_room)) {
			free_slot[count++] = slot;
			continue;
		}
		pool->free_count = count;
		ur_pool_spill(pool, slot);
		count = pool->free_count;
	}
	pool->free_count = count;
	ur_store_release(&q->user->tx_reaped, done);
	return done - first;
}

/* Packets that ur_tx_burst() would take now. */
static inline uint32_t ur_tx_room(const struct ur_queue *q)
{
	return q->tx_mask + 1 - (q->user->tx_prod - q->user->tx_reaped);
}

/* How many of n packets the TX ring takes, reaped if need be. */
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

/* One entry; flags besides UR_TX_VLAN. */
static inline __attribute__((always_inline)) void
ur_tx_write(struct ur_queue *q, uint32_t prod, const struct ur_pkt *pkt,
	    uint16_t flags)
{
	struct ur_tx_entry *entry = &q->tx[prod & q->tx_mask];
	size_t offset = (size_t)(pkt->data - q->pool->base) -
			(size_t)pkt->slot * q->slot_size;

	/* what does not fit into 16 bits is wrong and stays wrong */
	entry->slot = pkt->slot;
	entry->offset = offset < 0xffff ? (uint16_t)offset : 0xffff;
	entry->len = pkt->len < 0xffff ? (uint16_t)pkt->len : 0xffff;
	entry->csum_start = 0;
	entry->csum_offset = 0;
	if (pkt->flags & UR_PKT_VLAN) {
		entry->flags = flags | UR_TX_VLAN;
		entry->vlan = pkt->vlan;
	} else {
		entry->flags = flags;
		entry->vlan = 0;
	}
}

/* Announces the n entries in front of prod; their slots are out of hand. */
static inline void ur_tx_announce(struct ur_queue *q, uint32_t prod, uint32_t n)
{
	if (!n)
		return;
	q->pool->in_hand -= n;
	q->pool->moves++;
	ur_store_release(&q->user->tx_prod, prod);	/* A */
}

/*
 * Queues at most n packets; ur_sync() sends them.  .data may point anywhere
 * into .slot of the queue's pool, .len bytes follow; of .flags UR_PKT_VLAN
 * counts.  The slots of the packets taken are the NIC's until they come back
 * to the pool by ur_tx_reap(), also those that the module refuses
 * (ur_counters.tx_refused).
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
		ur_tx_write(q, prod++, &pkts[i], 0);
	ur_tx_announce(q, prod, n);
	return n;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_TX_H */
