/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets between the thread that takes them from the NIC and the one that shows
 * or writes them, and may stand still for that: a ring of bytes.
 */
#ifndef URDUMP_SPOOL_H
#define URDUMP_SPOOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "urdump/capture.h"

struct spool_packet {
	uint64_t time;		/* ns */
	struct capture_count count;	/* with this one */
	uint32_t size;		/* of this record in the ring */
	uint32_t captured;	/* bytes in .data */
	uint32_t len;		/* on the wire */
	uint8_t  data[];
};

struct spool {
	uint8_t *room;
	uint64_t size;
	uint64_t put;		/* bytes, all told: the one side's own */
	uint64_t head;		/* of those, published */
	uint64_t tail;		/* taken by the other */
	bool     end;
	pthread_mutex_t lock;
	pthread_cond_t news;	/* of head, end */
	pthread_cond_t space;	/* of tail, while somebody waits for it */
	bool     wants_space;
};

/* Return: 0 or -errno. */
int spool_open(struct spool *s, size_t size);
void spool_close(struct spool *s);

/* Copies a packet; pkt has all but .size.  Return: false: there is no room. */
bool spool_put(struct spool *s, const struct spool_packet *pkt,
	       const uint8_t *data);

/* What was put can be taken. */
void spool_publish(struct spool *s);

/* Publishes, and waits until something was taken, for at most ms. */
void spool_wait_space(struct spool *s, int ms);

/* Nothing more comes. */
void spool_end(struct spool *s);

/*
 * The other side: the next packet, until spool_done().  NULL: there is none now,
 * and with wait none will come any more.
 */
const struct spool_packet *spool_next(struct spool *s, bool wait);
void spool_done(struct spool *s, const struct spool_packet *pkt);

/* Has everything been taken? */
bool spool_is_empty(const struct spool *s);

/* How much was taken so far: moves on as long as the other side does. */
uint64_t spool_taken(const struct spool *s);

#endif /* URDUMP_SPOOL_H */
