/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look ahead: looks at waiting packets and leaves them in place, before another
 * call takes them.  So memory that one packet will need can be prefetched while
 * others are looked at.
 *
 *	n = ur_rx_ahead(q, 128, look, &state);
 *	ur_forward_seen(q, q, n, pass, &state);	the same n, in the same order
 */
/* all headers, in the order that they need */
#include <libuserring.h>

#ifndef LIBUSERRING_AHEAD_H
#define LIBUSERRING_AHEAD_H

#include <libuserring/each.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Calls look(arg, pkt) for at most n packets that wait, in order, and takes none:
 * the next call that takes packets begins with the first of them.  Their bytes may
 * be written.
 *
 * It stops where the ring ends and before a frame that the NIC found broken,
 * even if more packets wait.  So 0 does not mean that nothing waits:
 * ur_rx_burst() tells, and drops broken frames.
 *
 * Return: packets looked at.
 */
static inline __attribute__((always_inline)) uint32_t
ur_rx_ahead(struct ur_queue *q, uint32_t n,
	   void (*look)(void *arg, const struct ur_pkt *pkt), void *arg)
{
	const bool legacy = q->rx_format == UR_DESC_LEGACY;
	const uint32_t pos = q->user->rx_pos;

	n = __ur_rx_wait_count(q, n, legacy);
	n = __ur_rx_contiguous(q, pos, n);
	if (!n || __ur_unlikely(q->rx_dropping))
		return 0;
	if (legacy)
		return __ur_rx_visit_run(q, pos & q->rx_mask, n, __ur_rx_visit_one,
					 arg, (__ur_rx_fn *)look, true, true);
	return __ur_rx_visit_run(q, pos & q->rx_mask, n, __ur_rx_visit_one, arg,
				 (__ur_rx_fn *)look, true, false);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_AHEAD_H */
