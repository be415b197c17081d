// SPDX-License-Identifier: BSD-2-Clause
/*
 * The stack itself is Concurrency Kit's.  Its atomics are inline assembly, which
 * ThreadSanitizer cannot see: this file is built without it, and share.c says
 * what the stack orders.
 */
#include "depot.h"

void ur_depot_push(struct ur_share *share, uint32_t slot)
{
	/* the last use of a slot, also a read, before another thread has it */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ck_stack_push_mpmc(&share->chains, &share->entry[slot]);
}

uint32_t ur_depot_pop(struct ur_share *share)
{
	ck_stack_entry_t *entry = ck_stack_pop_mpmc(&share->chains);

	if (!entry)
		return UR_NO_SLOT;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (uint32_t)(entry - share->entry);
}
