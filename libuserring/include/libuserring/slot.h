/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of a pool that nobody has: a stack, for one thread.
 */
/* all of it, in its order */
#include <libuserring.h>

#ifndef LIBUSERRING_SLOT_H
#define LIBUSERRING_SLOT_H

#ifdef __cplusplus
extern "C" {
#endif

#define ur_likely(x)	__builtin_expect(!!(x), 1)
#define ur_unlikely(x)	__builtin_expect(!!(x), 0)

#define UR_NO_SLOT	0xffffffffU

/* Return: a slot, which is the caller's now, or UR_NO_SLOT. */
static inline uint32_t ur_slot_alloc(struct ur_pool *pool)
{
	if (ur_unlikely(!pool->free_count))
		return UR_NO_SLOT;
	pool->in_hand++;
	return pool->free_slot[--pool->free_count];
}

/* Of rx.h, tx.h and the library.  A number that is no slot is ignored. */
static inline void ur_slot_push(struct ur_pool *pool, uint32_t slot)
{
	if (ur_likely(slot < pool->slot_count &&
		      pool->free_count < pool->slot_count))
		pool->free_slot[pool->free_count++] = slot;
}

/*
 * Gives a slot to the pool: one from ur_slot_alloc(), or of a received packet
 * that is not given back to its queue.
 */
static inline void ur_slot_free(struct ur_pool *pool, uint32_t slot)
{
	pool->in_hand--;
	pool->moves++;
	ur_slot_push(pool, slot);
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
