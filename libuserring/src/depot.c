// SPDX-License-Identifier: BSD-2-Clause
/*
 * Concurrency Kit's atomics are inline assembly, which ThreadSanitizer cannot see:
 * this file is built without it, and share.c says what the stack orders.
 */
#include "depot.h"

#ifdef UR_DEPOT_LOCK

void ur_depot_init(struct ur_share *share)
{
	pthread_mutex_init(&share->depot.lock, NULL);
	share->depot.first = UR_NO_SLOT;
}

void ur_depot_end(struct ur_share *share)
{
	pthread_mutex_destroy(&share->depot.lock);
}

void ur_depot_push(struct ur_share *share, uint32_t slot)
{
	pthread_mutex_lock(&share->depot.lock);
	share->entry[slot] = share->depot.first;
	share->depot.first = slot;
	pthread_mutex_unlock(&share->depot.lock);
}

uint32_t ur_depot_pop(struct ur_share *share)
{
	uint32_t slot;

	pthread_mutex_lock(&share->depot.lock);
	slot = share->depot.first;
	if (slot != UR_NO_SLOT)
		share->depot.first = share->entry[slot];
	pthread_mutex_unlock(&share->depot.lock);
	return slot;
}

#else

void ur_depot_init(struct ur_share *share)
{
	ck_stack_init(&share->depot.chains);
}

void ur_depot_end(struct ur_share *share)
{
	(void)share;
}

void ur_depot_push(struct ur_share *share, uint32_t slot)
{
	/*
	 * orders the last use of a slot, also a read, before another thread has it
	 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ck_stack_push_mpmc(&share->depot.chains, &share->entry[slot]);
}

uint32_t ur_depot_pop(struct ur_share *share)
{
	ck_stack_entry_t *entry = ck_stack_pop_mpmc(&share->depot.chains);

	if (!entry)
		return UR_NO_SLOT;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (uint32_t)(entry - share->entry);
}

#endif
