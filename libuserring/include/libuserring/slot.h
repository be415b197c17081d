/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free slots of a pool: a stack, for one thread.  When it is empty or full and
 * the pool has other handles, it takes slots from the depot or leaves some
 * there.
 */
/* all headers, in the order that they need */
#include <libuserring.h>

#ifndef LIBUSERRING_SLOT_H
#define LIBUSERRING_SLOT_H

#ifdef __cplusplus
extern "C" {
#endif

#define __ur_likely(x)	__builtin_expect(!!(x), 1)
#define __ur_unlikely(x)	__builtin_expect(!!(x), 0)

#define UR_NO_SLOT	0xffffffffU

#ifdef __cplusplus
}
#endif

#include <libuserring/debug.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For the calls below and the library: an empty stack fetches slots from the
 * depot; a full one leaves some there, and takes the slot.
 */
bool __ur_pool_fetch(struct ur_pool *pool);
void __ur_pool_spill(struct ur_pool *pool, uint32_t slot);

/* Return: a slot, which is the caller's now, or UR_NO_SLOT. */
static inline uint32_t ur_slot_alloc(struct ur_pool *pool)
{
	uint32_t slot;

	if (__ur_unlikely(!pool->free_count) && !__ur_pool_fetch(pool))
		return UR_NO_SLOT;
	slot = pool->free_slot[--pool->free_count];
	__ur_debug_take(pool, slot, "ur_slot_alloc");
	return slot;
}

/* For rx.h, tx.h and the library.  A number that is no slot is ignored. */
static inline void __ur_slot_push(struct ur_pool *pool, uint32_t slot)
{
	if (__ur_likely(slot < pool->slot_count &&
			pool->free_count < pool->free_room))
		pool->free_slot[pool->free_count++] = slot;
	else
		__ur_pool_spill(pool, slot);
}

/*
 * Gives a slot to the pool: one from ur_slot_alloc(), or of a received packet
 * that is not given back to its queue.  A number that is no slot is ignored.
 */
static inline void ur_slot_free(struct ur_pool *pool, uint32_t slot)
{
	__ur_debug_give(pool, slot, "ur_slot_free");
	if (__ur_unlikely(slot >= pool->slot_count))
		return;
	__ur_slot_push(pool, slot);
}

/* How many of n packets have a .slot that is none of the pool. */
static __attribute__((noinline, cold, unused)) uint32_t
__ur_slots_invalid(const struct ur_pool *pool, const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t none = 0;

	while (n--)
		none += pkts[n].slot >= pool->slot_count;
	return none;
}

static inline uint32_t ur_slot_size(const struct ur_pool *pool)
{
	return 1U << pool->slot_shift;
}

/* First byte of a slot. */
static inline uint8_t *ur_slot_data(const struct ur_pool *pool, uint32_t slot)
{
	return pool->base + ((size_t)slot << pool->slot_shift);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_SLOT_H */
