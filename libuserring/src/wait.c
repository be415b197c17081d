// SPDX-License-Identifier: BSD-2-Clause
/*
 * Waiting: look, spin, sleep.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "internal.h"

#define NS_PER_US	1000ULL
#define NS_PER_MS	1000000ULL

uint64_t ur_now_ns(void)
{
	struct timespec t;

	/* no system call: the vDSO answers */
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static bool spin(struct ur_queue *q, uint64_t until)
{
	int i;

	do {
		for (i = 0; i < 64; i++) {
			if (ur_rx_ready(q))
				return true;
			relax();
		}
	} while (ur_now_ns() < until);
	return false;
}

/* Milliseconds left, rounded up; -1: for ever. */
static int left_ms(int timeout_ms, uint64_t end)
{
	uint64_t now;

	if (timeout_ms < 0)
		return -1;
	now = ur_now_ns();
	return now < end ? (int)((end - now + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

int ur_wait(struct ur_queue *q, int timeout_ms)
{
	uint64_t start, end, spun;
	int err, left, events;

	if (ur_rx_ready(q))
		return 1;
	if (!timeout_ms)
		return ur_queue_error(q);
	start = ur_now_ns();
	end = start + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * NS_PER_MS;
	spun = start + q->spin_us * NS_PER_US;
	if (timeout_ms > 0 && spun > end)
		spun = end;
	if (q->spin_us && spin(q, spun))
		return 1;

	for (;;) {
		/*
		 * With a sync period as well: what is posted now can wake us, and
		 * after a sleep this brings the module's timer back to its pace.
		 */
		err = ur_queue_sync(q, true);
		if (err && err != -ENETDOWN && err != -ESTALE)
			return err;
		if (ur_rx_ready(q))
			return 1;
		left = left_ms(timeout_ms, end);
		if (!left)
			return err == -ENETDOWN ? err : 0;

		q->stats.waits++;
		events = q->backend->poll(q, left);
		if (events < 0)
			return events;
		if (events & (POLLERR | POLLHUP | POLLNVAL))
			return ur_queue_state(q) == UR_STATE_TAKEN ?
				       -ETIMEDOUT : -ENODEV;
		if (!q->sync_period_us && ur_rx_ready(q))
			return 1;
	}
}
