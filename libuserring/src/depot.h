/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free slots of a shared pool that no handle has: a stack of chains, without a
 * lock.  A chain is named by its first slot; every slot has a place for the one
 * behind it, so there is always room, and no memory is freed while the pool is
 * there.
 */
#ifndef UR_DEPOT_H
#define UR_DEPOT_H

/* Its generation is a count in a pointer, from NULL on: no business of UBSan's. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), \
			     apply_to = function)
#endif
#include <ck_stack.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include "internal.h"

#ifndef CK_F_STACK_POP_MPMC
#error "a stack for many threads takes a compare-and-swap of two words: not on this CPU"
#endif

/* What the handles of a pool share. */
struct ur_share {
	/* written by all of them: lines of its own */
	_Alignas(64) ck_stack_t chains;
	_Alignas(64) uint32_t handles;
	uint32_t *next;		/* by slot, in a chain; UR_NO_SLOT: the end */
	ck_stack_entry_t entry[];	/* by slot: of the chain it begins */
};

/* What was written to the chain and its slots is seen by who takes it. */
UR_LOCAL void ur_depot_push(struct ur_share *share, uint32_t slot);
/* Return: a chain, or UR_NO_SLOT. */
UR_LOCAL uint32_t ur_depot_pop(struct ur_share *share);

#endif /* UR_DEPOT_H */
