/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue by its bare calls and mappings, without the library: the tests of
 * the contract write into the shared pages what a library never would.
 *
 * Calls return 0 (or a descriptor) or -errno.
 */
#ifndef USERRING_TESTS_RAW_H
#define USERRING_TESTS_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <userring.h>
#include <userring_desc.h>

struct raw_queue {
	int node;
	int pool;
	struct ur_port_info info;
	struct ur_pool_create pc;
	struct ur_attach at;

	uint8_t *slots;
	union ur_rx_desc *rx_desc;
	union ur_tx_desc *tx_desc;
	struct ur_kernel_page *k;
	uint32_t *rx_slot;
	struct ur_user_page *u;
	uint32_t *fill;
	struct ur_tx_entry *tx;
};

static inline uint32_t raw_load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void raw_store(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline int raw_call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static inline int raw_info(int node, struct ur_port_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	return raw_call(node, UR_IOC_PORT_INFO, info);
}

static inline int raw_queue_info(int node, uint32_t queue, struct ur_queue_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->queue = queue;
	return raw_call(node, UR_IOC_QUEUE_INFO, info);
}

/* Has somebody queue 0 of this node?  1 or 0, or what the call said. */
static inline int raw_attached(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	struct ur_queue_info info;

	if (fd < 0)
		return -errno;
	ret = raw_queue_info(fd, 0, &info);
	close(fd);
	return ret ? ret : (int)info.attached;
}

static inline struct ur_pool_create raw_pool_args(uint32_t slot_size, uint32_t slot_count)
{
	return (struct ur_pool_create){
		.argsz = sizeof(struct ur_pool_create),
		.slot_size = slot_size,
		.slot_count = slot_count,
		.fd = -1,
	};
}

static inline struct ur_attach raw_attach_args(int pool, uint32_t rx_size, uint32_t tx_size)
{
	return (struct ur_attach){
		.argsz = sizeof(struct ur_attach),
		.pool_fd = pool,
		.rx_size = rx_size,
		.tx_size = tx_size,
	};
}

/* A queue that is nothing yet, so that raw_close() may always be called. */
static inline void raw_init(struct raw_queue *q)
{
	memset(q, 0, sizeof(*q));
	q->node = -1;
	q->pool = -1;
}

static inline int raw_open(struct raw_queue *q, const char *path)
{
	raw_init(q);
	q->node = open(path, O_RDWR | O_CLOEXEC);
	if (q->node < 0)
		return -errno;
	return raw_info(q->node, &q->info);
}

static inline int raw_pool(struct raw_queue *q, uint32_t slot_size, uint32_t slot_count)
{
	void *p;
	int err;

	q->pc = raw_pool_args(slot_size, slot_count);
	err = raw_call(q->node, UR_IOC_POOL_CREATE, &q->pc);
	if (err)
		return err;
	q->pool = q->pc.fd;
	p = mmap(NULL, q->pc.size, PROT_READ | PROT_WRITE, MAP_SHARED, q->pool, 0);
	if (p == MAP_FAILED)
		return -errno;
	q->slots = p;
	return 0;
}

static inline int raw_map_one(int fd, const struct ur_region *r, int prot, void **p)
{
	void *at = mmap(NULL, r->size, prot, MAP_SHARED, fd, (off_t)r->offset);

	if (at == MAP_FAILED)
		return -errno;
	*p = at;
	return 0;
}

static inline int raw_map(struct raw_queue *q)
{
	void *p = NULL;
	int err;

	err = raw_map_one(q->node, &q->at.rx_desc, PROT_READ, &p);
	if (err)
		return err;
	q->rx_desc = p;
	err = raw_map_one(q->node, &q->at.tx_desc, PROT_READ, &p);
	if (err)
		return err;
	q->tx_desc = p;
	err = raw_map_one(q->node, &q->at.kernel, PROT_READ, &p);
	if (err)
		return err;
	q->k = p;
	q->rx_slot = (uint32_t *)((char *)p + q->at.rx_slot_off);
	err = raw_map_one(q->node, &q->at.user, PROT_READ | PROT_WRITE, &p);
	if (err)
		return err;
	q->u = p;
	q->fill = (uint32_t *)((char *)p + q->at.fill_off);
	q->tx = (struct ur_tx_entry *)((char *)p + q->at.tx_off);
	return 0;
}

static inline int raw_attach(struct raw_queue *q, uint32_t rx_size, uint32_t tx_size,
			     uint32_t period_us)
{
	int err;

	q->at = raw_attach_args(q->pool, rx_size, tx_size);
	q->at.sync_period_us = period_us;
	err = raw_call(q->node, UR_IOC_ATTACH, &q->at);
	return err ? err : raw_map(q);
}

static inline void raw_unmap(struct raw_queue *q)
{
	if (q->rx_desc)
		munmap(q->rx_desc, q->at.rx_desc.size);
	if (q->tx_desc)
		munmap(q->tx_desc, q->at.tx_desc.size);
	if (q->k)
		munmap(q->k, q->at.kernel.size);
	if (q->u)
		munmap(q->u, q->at.user.size);
	q->rx_desc = NULL;
	q->tx_desc = NULL;
	q->k = NULL;
	q->u = NULL;
}

static inline void raw_close(struct raw_queue *q)
{
	raw_unmap(q);
	if (q->slots)
		munmap(q->slots, q->pc.size);
	if (q->node >= 0)
		close(q->node);
	if (q->pool >= 0)
		close(q->pool);
	raw_init(q);
}

/* Detached, with the same pool; a file attaches once, so this is another one. */
static inline int raw_reopen(struct raw_queue *q, const char *path)
{
	raw_unmap(q);
	close(q->node);
	q->node = open(path, O_RDWR | O_CLOEXEC);
	return q->node < 0 ? -errno : 0;
}

/* Everything in one: a queue with nothing posted yet. */
static inline int raw_start(struct raw_queue *q, const char *path, uint32_t slot_count,
			    uint32_t rx_size, uint32_t tx_size)
{
	int err = raw_open(q, path);

	if (!err)
		err = raw_pool(q, 2048, slot_count);
	if (!err)
		err = raw_attach(q, rx_size, tx_size, 0);
	return err;
}

static inline int raw_sync(struct raw_queue *q, unsigned long flags)
{
	return ioctl(q->node, UR_IOC_SYNC, flags) < 0 ? -errno : 0;
}

static inline int raw_detach(struct raw_queue *q)
{
	return ioctl(q->node, UR_IOC_DETACH, 0UL) < 0 ? -errno : 0;
}

/* The counters of the read-only page. */
static inline uint64_t raw_count(const __u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

/* ------------------------------------------------------------------------
 * Receive
 */

/* One fill entry, whatever it is; the caller has seen that there is room. */
static inline void raw_fill(struct raw_queue *q, uint32_t entry)
{
	uint32_t at = q->u->fill_prod;

	q->fill[at & (q->at.rx_size - 1)] = entry;
	raw_store(&q->u->fill_prod, at + 1);
}

static inline void raw_post(struct raw_queue *q, uint32_t first_slot, uint32_t n)
{
	while (n--)
		raw_fill(q, first_slot++);
}

/* The second word of a descriptor, which is where every format has DD. */
static inline uint64_t raw_rx_word(const struct raw_queue *q, uint32_t pos)
{
	return __atomic_load_n(&q->rx_desc[pos & (q->at.rx_size - 1)].word[1], __ATOMIC_ACQUIRE);
}

static inline uint32_t raw_rx_status(const struct raw_queue *q, uint64_t word)
{
	return q->at.rx_format == UR_DESC_LEGACY ? (uint32_t)(word >> 32) & 0xff : (uint32_t)word;
}

static inline uint32_t raw_rx_len(const struct raw_queue *q, uint64_t word)
{
	return (q->at.rx_format == UR_DESC_LEGACY ? (uint32_t)word : (uint32_t)(word >> 32)) &
	       0xffff;
}

static inline bool raw_rx_done(const struct raw_queue *q)
{
	uint32_t pos = q->u->rx_pos;

	return (int32_t)(raw_load(&q->k->rx_limit) - pos) > 0 &&
	       (raw_rx_status(q, raw_rx_word(q, pos)) & UR_RXD_STAT_DD);
}

static inline uint32_t raw_rx_slot(const struct raw_queue *q)
{
	return q->rx_slot[q->u->rx_pos & (q->at.rx_size - 1)];
}

/* The frame at rx_pos, after raw_rx_done(). */
static inline uint8_t *raw_rx_frame(const struct raw_queue *q, uint32_t *len)
{
	*len = raw_rx_len(q, raw_rx_word(q, q->u->rx_pos));
	return q->slots + (size_t)raw_rx_slot(q) * q->pc.slot_size + q->at.rx_data_off;
}

static inline void raw_rx_next(struct raw_queue *q)
{
	raw_store(&q->u->rx_pos, q->u->rx_pos + 1);
}

/* ------------------------------------------------------------------------
 * Send
 */

static inline uint8_t *raw_slot(const struct raw_queue *q, uint32_t slot)
{
	return q->slots + (size_t)slot * q->pc.slot_size;
}

static inline void raw_tx(struct raw_queue *q, struct ur_tx_entry entry)
{
	uint32_t at = q->u->tx_prod;

	q->tx[at & (q->at.tx_size - 1)] = entry;
	raw_store(&q->u->tx_prod, at + 1);
}

static inline uint32_t raw_tx_busy(const struct raw_queue *q)
{
	return q->u->tx_prod - raw_load(&q->k->tx_done);
}

/* Answers an epoch that moved: every slot is the process's again. */
static inline void raw_recover(struct raw_queue *q)
{
	q->u->rx_pos = 0;
	q->u->fill_prod = 0;
	q->u->tx_prod = 0;
	q->u->tx_reaped = 0;
	raw_store(&q->u->epoch, raw_load(&q->k->epoch));
}

#endif /* USERRING_TESTS_RAW_H */
