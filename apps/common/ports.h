/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several queues in one thread.
 */
#ifndef APPS_PORTS_H
#define APPS_PORTS_H

#include "common/common.h"

#define PORTS_MAX	8

/*
 * What app_idle() is for one queue: nothing came on any of these; waits for a
 * packet, first polling, then asleep, for at most timeout_ns.  A queue that is
 * gone is left out.  One whose wait[] is true has packets that cannot go on: it
 * wakes nobody.
 */
void ports_idle(struct app *const app[], const bool wait[], uint32_t n,
		uint64_t timeout_ns);

/*
 * Those that have an end are all at it, and nothing is there any more that is to go
 * on, as what came back; where that never ends it has a second, of which *until, 0
 * to begin with, keeps count.
 */
bool ports_over(struct app *const app[], uint32_t n, uint64_t *until);

#endif /* APPS_PORTS_H */
