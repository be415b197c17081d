// SPDX-License-Identifier: BSD-2-Clause
/*
 * The device of the bench.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "sim_internal.h"

#include "device.h"

#define HUGE_PAGE	(2UL << 20)

/* ------------------------------------------------------------------------
 * The module's half
 */

static void serve(struct sim *s)
{
	unsigned int moved;

	urk_ring_sync(&s->ring, &moved);
	s->nic.rx_tail = s->ring.rx_tail & s->ring.rx_mask;
	s->nic.tx_tail = s->ring.tx_tail & s->ring.tx_mask;
}

void device_serve(struct device *d)
{
	serve(d->sim);
}

/* For ur_sync(): neither a lock, nor the NIC's half. */
static int sync_only(struct ur_queue *q, uint32_t flags)
{
	(void)flags;
	serve(q->priv);
	return 0;
}

static const struct ur_backend timed_backend = { .sync = sync_only };

/* ------------------------------------------------------------------------
 * The NIC's half
 */

void device_receive(struct device *d, uint32_t n)
{
	while (n--) {
		bench_number(d->frame, d->made++);
		/* a frame that is lost is one that the tally misses */
		sim_nic_receive(&d->sim->nic, d->frame, FRAME_LEN, NULL);
	}
}

void device_transmit(struct device *d)
{
	uint8_t frame[SIM_FRAME_MAX];
	uint32_t len;

	while ((len = sim_nic_transmit(&d->sim->nic, frame))) {
		bench_number(d->frame, d->sent++);
		if (len != FRAME_LEN || memcmp(frame, d->frame, FRAME_LEN))
			d->wrong = "a frame left that is not the one that was due";
	}
	if (d->sim->nic.faults)
		d->wrong = "a descriptor named memory outside the pool";
}

uint32_t device_tx_room(const struct device *d)
{
	return d->sim->ring.tx_mask - d->sim->ring.tx_kernel;
}

/* ------------------------------------------------------------------------
 * Memory
 */

static void flush(const void *p)
{
	_mm_clflush(p);
}

void device_flush_rx(const struct device *d)
{
	const struct ur_queue *q = d->q;
	uint32_t i;

	for (i = 0; i <= q->rx_mask; i++) {
		flush(ur_slot_data(d->pool, q->rx_slot[i]));
		flush(&q->rx_desc[i]);
	}
	_mm_mfence();
}

void device_flush_tx(const struct device *d, uint32_t n)
{
	const struct ur_pool *pool = d->pool;
	uint32_t i;

	for (i = 0; i < n && i < pool->free_count; i++)
		flush(ur_slot_data(pool,
				   pool->free_slot[pool->free_count - 1 - i]));
	for (i = 0; i <= d->q->tx_mask; i++) {
		flush(&d->q->tx[i]);
		flush(&d->sim->ring.tx[i]);
	}
	_mm_mfence();
}

/* The same numbers in each run. */
static uint32_t draw(uint32_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((state >> 32) * below >> 32);
}

/* Puts n slots, drawn from all that are free, on top of the stack. */
static void shuffle(struct ur_pool *pool, uint32_t n)
{
	uint32_t top = pool->free_count;

	for (; n && top; n--) {
		uint32_t other = draw(top--);
		uint32_t slot = pool->free_slot[other];

		pool->free_slot[other] = pool->free_slot[top];
		pool->free_slot[top] = slot;
	}
}

void device_scatter(struct device *d)
{
	uint32_t n = d->q->rx_mask;
	struct ur_pkt pkt;

	device_receive(d, n);
	while (n-- && ur_rx_burst(d->q, &pkt, 1)) {
		bench_look(&d->tally, pkt.data, pkt.len);
		ur_slot_free(d->pool, pkt.slot);
	}
	shuffle(d->pool, d->q->rx_mask);
	ur_sync(d->q);
}

/* What the kernel does by itself must not decide, so it is told. */
static int set_pages(const struct ur_pool *pool, bool huge,
		     struct ur_error *err)
{
	uintptr_t first = (uintptr_t)pool->base;
	uintptr_t end = (first + pool->size) & ~(HUGE_PAGE - 1);
	char *base;

	if (!huge) {
		/* fails only where there are no such pages at all */
		madvise(pool->base, pool->size, MADV_NOHUGEPAGE);
		return 0;
	}
	first = (first + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	base = (char *)pool->base + (first - (uintptr_t)pool->base);
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25	/* Linux 6.1 */
#endif
	if (madvise(base, end - first, MADV_HUGEPAGE) ||
	    madvise(base, end - first, MADV_COLLAPSE)) {
		snprintf(err->text, sizeof(err->text),
			 "the kernel gives no pages of 2 MiB: %s",
			 strerror(errno));
		return -errno;
	}
	return 0;
}

/* ------------------------------------------------------------------------
 * Open and close
 */

static int attach(struct device *d, const struct device_opts *opts,
		  uint32_t flags, struct ur_error *err)
{
	struct ur_queue_opts queue = {
		.size = sizeof(queue),
		.rx_size = opts->ring,
		.tx_size = opts->ring,
		.flags = flags,
	};
	int ret = ur_queue_attach(&d->q, d->port, d->pool, &queue, err);

	if (ret)
		return ret;
	d->sim = d->port->priv;
	d->q->backend = &timed_backend;
	bench_frame(d->frame);
	device_serve(d);
	return 0;
}

static int open_port(struct device *d, const struct device_opts *opts,
		     struct ur_error *err)
{
	char name[64];

	memset(d, 0, sizeof(*d));
	snprintf(name, sizeof(name), "sim:format=%s", opts->format);
	return ur_port_open(&d->port, name, err);
}

int device_open(struct device *d, const struct device_opts *opts,
		struct ur_error *err)
{
	struct ur_pool_opts pool = {
		.size = sizeof(pool),
		.slot_count = opts->slots ? opts->slots : opts->ring,
	};
	int ret = open_port(d, opts, err);

	if (ret)
		return ret;
	ret = ur_pool_create(&d->pool, d->port, &pool, err);
	if (ret)
		goto err_port;
	ret = set_pages(d->pool, opts->huge, err);
	if (ret)
		goto err_pool;
	shuffle(d->pool, d->pool->slot_count);
	ret = attach(d, opts, 0, err);
	if (!ret)
		return 0;
err_pool:
	ur_pool_destroy(d->pool);
err_port:
	ur_port_close(d->port);
	return ret;
}

int device_open_out(struct device *out, struct device *in,
		    const struct device_opts *opts, struct ur_error *err)
{
	int ret = open_port(out, opts, err);

	if (ret)
		return ret;
	out->pool = in->pool;
	ret = attach(out, opts, UR_QUEUE_NO_FILL, err);
	if (ret) {
		ur_port_close(out->port);
		return ret;
	}
	in->out = out;
	return 0;
}

static void detach(struct device *d)
{
	d->q->backend = &sim_backend;
	ur_queue_detach(d->q);
}

void device_close(struct device *d)
{
	if (d->out) {
		detach(d->out);
		ur_port_close(d->out->port);
	}
	detach(d);
	ur_pool_destroy(d->pool);
	ur_port_close(d->port);
}
