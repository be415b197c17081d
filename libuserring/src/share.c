// SPDX-License-Identifier: BSD-2-Clause
/*
 * Handles of a pool for several threads.  Slots go from one handle to another in
 * chains of half of what a handle keeps.  So a thread that only allocates, or only
 * frees, comes here once per chain.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "depot.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__	1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_acquire(p)	((void)(p))
#define __tsan_release(p)	((void)(p))
#endif

static uint32_t handle_room(const struct ur_pool *pool)
{
	uint32_t room = pool->slot_count / 16 & ~1U;

	return room < 2 ? 2 : room > UR_POOL_KEPT ? UR_POOL_KEPT : room;
}

/* Puts the n slots on top of the stack, n > 0, into the depot. */
static void put_down(struct ur_pool *pool, uint32_t n)
{
	struct ur_share *share = pool->share;
	uint32_t *slot = pool->free_slot + pool->free_count - n;
	uint32_t i;

	for (i = 0; i < n - 1; i++)
		share->next[slot[i]] = slot[i + 1];
	share->next[slot[n - 1]] = UR_NO_SLOT;
	pool->free_count -= n;
	__tsan_release(share);
	ur_depot_push(share, slot[0]);
}

/* Reduces the stack to left slots, in chains that fit an empty stack. */
static void put_down_to(struct ur_pool *pool, uint32_t left)
{
	uint32_t chain = handle_room(pool) / 2, n;

	while (pool->free_count > left) {
		n = pool->free_count - left;
		put_down(pool, n < chain ? n : chain);
	}
}

bool __ur_pool_fetch(struct ur_pool *pool)
{
	struct ur_share *share = pool->share;
	uint32_t slot;

	if (!share)
		return false;
	slot = ur_depot_pop(share);
	if (slot == UR_NO_SLOT)
		return false;
	__tsan_acquire(share);
	for (; slot != UR_NO_SLOT; slot = share->next[slot])
		pool->free_slot[pool->free_count++] = slot;
	return true;
}

void __ur_pool_spill(struct ur_pool *pool, uint32_t slot)
{
	/* no slot; or one that was freed twice */
	if (slot >= pool->slot_count || !pool->share)
		return;
	put_down(pool, pool->free_room / 2);
	pool->free_slot[pool->free_count++] = slot;
}

/* From the only handle to the first of several. */
static struct ur_share *share_new(struct ur_pool *pool)
{
	size_t size = sizeof(struct ur_share) +
		      pool->slot_count * sizeof(ur_depot_entry);
	struct ur_share *share;

	share = aligned_alloc(64, (size + 63) & ~(size_t)63);
	if (!share)
		return NULL;
	memset(share, 0, size);
	share->next = calloc(pool->slot_count, sizeof(*share->next));
	if (!share->next) {
		free(share);
		return NULL;
	}
	ur_depot_init(share);
	share->handles = 1;
	return share;
}

int ur_pool_share(struct ur_pool **view_ret, struct ur_pool *pool,
		  struct ur_error *err)
{
	uint32_t room = handle_room(pool);
	struct ur_pool *view;

	*view_ret = NULL;
	if (err)
		err->text[0] = '\0';
	view = ur_alloc_lines(sizeof(*view));
	if (!view)
		goto err_say;
	*view = *pool;
	view->free_slot = ur_alloc_lines(room * sizeof(*view->free_slot));
	if (!view->free_slot)
		goto err_view;
	if (!pool->share) {
		pool->share = share_new(pool);
		if (!pool->share)
			goto err_stack;
		pool->free_room = room;
		put_down_to(pool, room / 2);
	}
	view->free_count = 0;
	view->free_room = room;
	view->share = pool->share;
	__atomic_fetch_add(&pool->share->handles, 1, __ATOMIC_RELAXED);
	*view_ret = view;
	return 0;

err_stack:
	free(view->free_slot);
err_view:
	free(view);
err_say:
	return ur_fail(err, -ENOMEM, "no memory for a handle of the pool");
}

bool ur_pool_unshare(struct ur_pool *pool)
{
	struct ur_share *share = pool->share;

	if (!share)
		return true;
	put_down_to(pool, 0);
	/* orders what other threads did with their handles before this */
	if (__atomic_sub_fetch(&share->handles, 1, __ATOMIC_ACQ_REL))
		return false;
	ur_depot_end(share);
	free(share->next);
	free(share);
	return true;
}
