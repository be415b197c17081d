/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that go back to their queue: in place, as they came, as a list, or by turns.
 */
#ifndef USERRING_TESTS_RELEASE_H
#define USERRING_TESTS_RELEASE_H

#include <libuserring.h>

enum back { KEPT, LISTED, MIXED };

/* Not into the places in which they lie; one alone goes to the pool, for another. */
static inline void list_slots(struct ur_pool *pool, struct ur_pkt *pkts, uint32_t n)
{
	uint32_t slot = pkts[0].slot, other;

	if (n > 1) {
		pkts[0].slot = pkts[n - 1].slot;
		pkts[n - 1].slot = slot;
		return;
	}
	other = ur_slot_alloc(pool);
	if (other == UR_NO_SLOT)
		return;
	ur_slot_free(pool, slot);
	pkts[0].slot = other;
}

static inline void release_as(struct ur_queue *q, struct ur_pkt *pkts, uint32_t n,
			      enum back back)
{
	static unsigned int turn;

	if (back == MIXED)
		back = ++turn % 7 < 3 ? LISTED : KEPT;
	if (back == LISTED && n)
		list_slots(q->pool, pkts, n);
	ur_rx_release(q, pkts, n);
}

#endif
