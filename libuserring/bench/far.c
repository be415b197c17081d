// SPDX-License-Identifier: BSD-2-Clause
/*
 * The second CPU.  What it wrote lies in its caches, as what a NIC wrote lies in
 * none of ours.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "bench.h"

#define TRIPS	2000

static struct {
	void (*fn)(void *arg);
	void *arg;
	int cpu;
	pthread_t thread;
	_Alignas(64) sem_t asked;
	_Alignas(64) sem_t done;
} far;

/*
 * Awake for longer than a lap takes: a CPU that sleeps may lose its caches.
 * Then asleep, for others who need it.
 */
static void take(sem_t *sem)
{
	unsigned int spins = 0;

	while (spins++ < 5000) {
		if (!sem_trywait(sem))
			return;
		_mm_pause();
	}
	while (sem_wait(sem))
		;
}

static void *far_main(void *arg)
{
	(void)arg;
	if (far.cpu >= 0)
		bench_pin(far.cpu);
	for (;;) {
		take(&far.asked);
		if (!far.fn)
			return NULL;
		far.fn(far.arg);
		sem_post(&far.done);
	}
}

int far_start(int cpu)
{
	far.cpu = cpu;
	sem_init(&far.asked, 0, 0);
	sem_init(&far.done, 0, 0);
	return -pthread_create(&far.thread, NULL, far_main, NULL);
}

static void ask(void (*fn)(void *arg), void *arg)
{
	far.fn = fn;
	far.arg = arg;
	sem_post(&far.asked);
}

void far_call(void (*fn)(void *arg), void *arg)
{
	ask(fn, arg);
	take(&far.done);
}

void far_stop(void)
{
	ask(NULL, NULL);
	pthread_join(far.thread, NULL);
}

/* ------------------------------------------------------------------------
 * How far is it?
 */

struct trip {
	_Alignas(64) uint32_t there;
	_Alignas(64) uint32_t back;
};

static void wait_for(const uint32_t *value, uint32_t want)
{
	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) != want)
		;
}

static void answer(void *arg)
{
	struct trip *trip = arg;
	uint32_t i;

	for (i = 1; i <= TRIPS; i++) {
		wait_for(&trip->there, i);
		__atomic_store_n(&trip->back, i, __ATOMIC_RELEASE);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t far_round_trip(void)
{
	static uint64_t ticks[TRIPS];
	struct trip trip = { 0 };
	uint32_t i;

	ask(answer, &trip);
	for (i = 1; i <= TRIPS; i++) {
		uint64_t start = bench_ticks();

		__atomic_store_n(&trip.there, i, __ATOMIC_RELEASE);
		wait_for(&trip.back, i);
		ticks[i - 1] = bench_ticks() - start;
	}
	take(&far.done);
	qsort(ticks, TRIPS, sizeof(*ticks), compare);
	return ticks[TRIPS / 2];
}
