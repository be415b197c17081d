// SPDX-License-Identifier: BSD-2-Clause
#include "urdump/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALIGN		8U
/* instead of a record: the next one is at the beginning of the ring */
#define TURN		UINT32_MAX

int spool_open(struct spool *s, size_t size)
{
	pthread_condattr_t clock;

	memset(s, 0, sizeof(*s));
	s->size = size & ~(size_t)(ALIGN - 1);
	s->room = malloc(s->size);
	if (!s->room)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->news, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&s->space, &clock);
	pthread_condattr_destroy(&clock);
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s->room)
		return;
	pthread_cond_destroy(&s->space);
	pthread_cond_destroy(&s->news);
	pthread_mutex_destroy(&s->lock);
	free(s->room);
	s->room = NULL;
}

static struct spool_packet *at(const struct spool *s, uint64_t pos)
{
	return (struct spool_packet *)(void *)(s->room + pos % s->size);
}

/* ------------------------------------------------------------------------
 * In
 */

bool spool_put(struct spool *s, const struct spool_packet *pkt,
	       const uint8_t *data)
{
	uint32_t size = (uint32_t)(sizeof(*pkt) + pkt->captured + ALIGN - 1) &
			~(ALIGN - 1);
	uint64_t to_end = s->size - s->put % s->size;
	uint64_t free_bytes = s->size -
			      (s->put - __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE));
	uint64_t skip = to_end < size ? to_end : 0;
	struct spool_packet *to;

	if (skip + size > free_bytes)
		return false;
	if (skip >= sizeof(*pkt))
		at(s, s->put)->size = TURN;
	s->put += skip;
	to = at(s, s->put);
	*to = *pkt;
	to->size = size;
	memcpy(to->data, data, pkt->captured);
	s->put += size;
	return true;
}

void spool_publish(struct spool *s)
{
	if (s->head == s->put)
		return;
	pthread_mutex_lock(&s->lock);
	__atomic_store_n(&s->head, s->put, __ATOMIC_RELEASE);
	pthread_cond_signal(&s->news);
	pthread_mutex_unlock(&s->lock);
}

void spool_wait_space(struct spool *s, int ms)
{
	struct timespec until;
	uint64_t tail;

	spool_publish(s);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&s->lock);
	s->wants_space = true;
	tail = s->tail;
	while (s->tail == tail && tail != s->head &&
	       !pthread_cond_timedwait(&s->space, &s->lock, &until))
		;
	s->wants_space = false;
	pthread_mutex_unlock(&s->lock);
}

void spool_end(struct spool *s)
{
	spool_publish(s);
	pthread_mutex_lock(&s->lock);
	s->end = true;
	pthread_cond_signal(&s->news);
	pthread_mutex_unlock(&s->lock);
}

/* ------------------------------------------------------------------------
 * Out
 */

const struct spool_packet *spool_next(struct spool *s, bool wait)
{
	uint64_t to_end = s->size - s->tail % s->size;
	bool empty;

	if (__atomic_load_n(&s->head, __ATOMIC_ACQUIRE) == s->tail) {
		if (!wait)
			return NULL;
		pthread_mutex_lock(&s->lock);
		while (s->head == s->tail && !s->end)
			pthread_cond_wait(&s->news, &s->lock);
		empty = s->head == s->tail;
		pthread_mutex_unlock(&s->lock);
		if (empty)
			return NULL;
	}
	if (to_end < sizeof(struct spool_packet) || at(s, s->tail)->size == TURN)
		return at(s, s->tail + to_end);
	return at(s, s->tail);
}

void spool_done(struct spool *s, const struct spool_packet *pkt)
{
	uint64_t place = (uint64_t)((const uint8_t *)pkt - s->room);
	uint64_t here = s->tail % s->size;
	uint64_t skip = place >= here ? place - here : s->size - here;

	pthread_mutex_lock(&s->lock);
	__atomic_store_n(&s->tail, s->tail + skip + pkt->size, __ATOMIC_RELEASE);
	if (s->wants_space)
		pthread_cond_signal(&s->space);
	pthread_mutex_unlock(&s->lock);
}

uint64_t spool_taken(const struct spool *s)
{
	return __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE);
}

bool spool_is_empty(const struct spool *s)
{
	return spool_taken(s) == __atomic_load_n(&s->head, __ATOMIC_ACQUIRE);
}
