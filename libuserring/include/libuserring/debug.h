/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * -DUR_DEBUG: the pool knows which slots the application holds.  A call that
 * sends, frees or gives back a slot that the application does not hold ends the
 * program with a sentence on stderr (abort(3)): it was given back or sent
 * before, or came from elsewhere.  So does a packet that arrives in a slot that
 * the application holds: code without UR_DEBUG gave that slot back.
 *
 * Only what is compiled with UR_DEBUG is watched: give it to all files of a
 * program that call the library.  The library itself is the same.
 */
/* all headers, in the order that they need */
#include <libuserring.h>

#ifndef LIBUSERRING_DEBUG_H
#define LIBUSERRING_DEBUG_H

#ifdef __cplusplus
extern "C" {
#endif

/* Says what is wrong with the slot that this call was given, and ends. */
void __ur_debug_stop(const char *call, uint32_t slot, const char *wrong)
	__attribute__((noreturn, cold));

#ifdef UR_DEBUG

/* The application gets the slot. */
static inline void __ur_debug_take(const struct ur_pool *pool, uint32_t slot,
				   const char *call)
{
	/* passed from thread to thread by what orders memory */
	if (pool->held && slot < pool->slot_count &&
	    __atomic_exchange_n(&pool->held[slot], 1, __ATOMIC_RELAXED))
		__ur_debug_stop(call, slot,
				"arrives, but the application holds it: it was given back twice, or by a number that was not meant");
}

/* The application gives the slot away.  UR_NO_SLOT stands for none. */
static inline void __ur_debug_give(const struct ur_pool *pool, uint32_t slot,
				   const char *call)
{
	if (!pool->held || slot == UR_NO_SLOT)
		return;
	if (slot >= pool->slot_count)
		__ur_debug_stop(call, slot, "does not exist in this pool");
	if (!__atomic_exchange_n(&pool->held[slot], 0, __ATOMIC_RELAXED))
		__ur_debug_stop(call, slot,
				"is not held by the application: it was given back, freed or sent before, or is of another pool");
}

#else

static inline void __ur_debug_take(const struct ur_pool *pool, uint32_t slot,
				   const char *call)
{
	(void)pool;
	(void)slot;
	(void)call;
}

static inline void __ur_debug_give(const struct ur_pool *pool, uint32_t slot,
				   const char *call)
{
	(void)pool;
	(void)slot;
	(void)call;
}

#endif

/* The same for n packets: loops over nothing, which a compiler leaves out. */
static inline void __ur_debug_take_all(const struct ur_pool *pool,
				       const struct ur_pkt *pkts, uint32_t n,
				       const char *call)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		__ur_debug_take(pool, pkts[i].slot, call);
}

static inline void __ur_debug_give_all(const struct ur_pool *pool,
				       const struct ur_pkt *pkts, uint32_t n,
				       const char *call)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		__ur_debug_give(pool, pkts[i].slot, call);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_DEBUG_H */
