/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue as rx.h and tx.h see it.  The fields are for these headers: apps use
 * the calls.
 */
/* all headers, in the order that they need */
#include <libuserring.h>

#ifndef LIBUSERRING_QUEUE_H
#define LIBUSERRING_QUEUE_H

#include <libuserring/slot.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ur_backend;

struct ur_queue {
	/* receive: one cache line */
	const uint8_t *rx_next;	/* has DD of the place at rx_pos */
	const union ur_rx_desc *rx_desc;
	const uint32_t *rx_slot;	/* by place */
	const struct ur_kernel_page *kernel;
	struct ur_user_page *user;
	uint8_t *rx_data;	/* where a frame begins in slot 0 */
	uint32_t rx_mask;
	uint32_t rx_format;	/* enum ur_desc_format */
	uint32_t slot_size;
	uint32_t rx_dropping;	/* in the middle of a frame that is dropped */

	/* give back and transmit: the next one */
	uint32_t *fill;
	struct ur_tx_entry *tx;
	struct ur_pool *pool;
	uint32_t fill_place;	/* places that have a slot, counting all fill
				 * entries written so far
				 */
	uint32_t tx_mask;
	uint32_t keeping;	/* the last release was in place, of all held */
	uint64_t rx_bad;

	/* set-up, sync and wait */
	const struct ur_backend *backend;
	void *priv;		/* the backend's */
	int fd;
	uint32_t number;
	uint32_t sync_period_us;
	uint32_t spin_us;
	uint32_t flags;		/* UR_QUEUE_* */
	uint64_t rx_err_frame;	/* as in struct ur_attach */
	uint64_t rx_err_ip;
	uint64_t rx_err_l4;
	uint32_t stocked;	/* indices restart from 0, SYNC must confirm */
	uint32_t stock_slots;	/* of the pool */
	uint64_t *stock;	/* a bit for each slot: found in a ring */
	struct ur_queue_stats stats;
	struct {
		void *addr;
		size_t size;
	} map[4];
} __attribute__((aligned(64)));

/* ------------------------------------------------------------------------
 * Access to memory that another side writes.  Letters name the barriers of
 * uapi/userring.h.
 */

static inline uint32_t __ur_load_acquire(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void __ur_store_release(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* Orders reads of what a device wrote. */
static inline void __ur_dma_rmb(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dmb oshld" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline uint64_t __ur_le64(uint64_t w)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

static inline uint16_t __ur_le16(uint16_t w)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap16(w);
#endif
	return w;
}

/* Values read before this are not kept in registers. */
static inline void __ur_compiler_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

/* ThreadSanitizer does not know that __ur_dma_rmb() orders what follows a load. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __UR_DESC_ORDER	__ATOMIC_ACQUIRE
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define __UR_DESC_ORDER	__ATOMIC_ACQUIRE
#endif
#ifndef __UR_DESC_ORDER
#define __UR_DESC_ORDER	__ATOMIC_RELAXED
#endif

/* A word of a descriptor that the NIC may be writing. */
static inline uint64_t __ur_desc_word(const union ur_rx_desc *desc, int i)
{
	return __ur_le64(__atomic_load_n(&desc->word[i], __UR_DESC_ORDER));
}

/* Did the rings stop since the indices of this process were written? */
static inline bool __ur_queue_stale(const struct ur_queue *q)
{
	return __atomic_load_n(&q->kernel->epoch, __ATOMIC_RELAXED) !=
	       q->user->epoch;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_QUEUE_H */
