/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free slots of a shared pool that no handle has: a stack of chains.  A chain is
 * named by its first slot; every slot has an entry for the next one, so there is
 * always room, and no memory is freed while the pool exists.
 *
 * The stack is Concurrency Kit's, without a lock, which needs a double-word
 * compare-and-swap.  CPUs without that use a lock: UR_DEPOT_LOCK, which can also be
 * defined by hand.
 */
#ifndef UR_DEPOT_H
#define UR_DEPOT_H

#include <pthread.h>

#ifndef UR_DEPOT_LOCK
/* Its generation counts in a pointer, from NULL on: UBSan must not check that. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), \
			     apply_to = function)
#endif
#include <ck_stack.h>
#ifdef __clang__
#pragma clang attribute pop
#endif
#ifndef CK_F_STACK_POP_MPMC
#define UR_DEPOT_LOCK
#endif
#endif

#include "internal.h"

#ifdef UR_DEPOT_LOCK
struct ur_depot {
	pthread_mutex_t lock;
	uint32_t first;
};

/* The chain below the one that a slot begins. */
typedef uint32_t ur_depot_entry;
#else
struct ur_depot {
	ck_stack_t chains;
};

typedef ck_stack_entry_t ur_depot_entry;
#endif

/* What the handles of a pool share. */
struct ur_share {
	/* written by all of them: in lines of its own */
	_Alignas(64) struct ur_depot depot;
	_Alignas(64) uint32_t handles;
	uint32_t *next;		/* by slot, in a chain; UR_NO_SLOT: the end */
	ur_depot_entry entry[];	/* by slot: of the chain it begins */
};

/* Makes it empty; the memory is zeroed. */
UR_LOCAL void ur_depot_init(struct ur_share *share);
UR_LOCAL void ur_depot_end(struct ur_share *share);
/* The thread that takes the chain sees what was written to it and its slots. */
UR_LOCAL void ur_depot_push(struct ur_share *share, uint32_t slot);
/* Return: a chain, or UR_NO_SLOT. */
UR_LOCAL uint32_t ur_depot_pop(struct ur_share *share);

#endif /* UR_DEPOT_H */
