// SPDX-License-Identifier: BSD-2-Clause
/*
 * DPDK's drivers without hardware.  net_null makes packets out of nothing, and
 * net_ring hands over pointers: neither has descriptors to read or to write, so
 * what they cost is the least that any of DPDK's drivers costs.
 */
#include <stdio.h>

#include "bench.h"

#ifndef HAVE_DPDK

int dpdk_rows(struct bench *b, int cpu)
{
	(void)cpu;
	bench_missing(b, "dpdk", "libdpdk-dev was not there when this was built");
	return 0;
}

#else

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define RING	1024
#define MBUFS	8191
#define LEAD	3	/* as the examples of DPDK prefetch */

static struct {
	struct rte_mempool *pool;
	struct rte_ring *in;	/* what net_ring receives */
	struct rte_ring *out;	/* what it sent */
	uint16_t null;
	uint16_t ring;
	uint8_t frame[FRAME_LEN];
	uint64_t made;
	uint64_t built;
	uint64_t sent;
	uint32_t burst;
	struct tally tally;
	const char *wrong;
} dpdk;

/* ------------------------------------------------------------------------
 * The other end of net_ring
 */

static void put_frame(struct rte_mbuf *m, uint64_t number)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	memcpy(data, dpdk.frame, FRAME_LEN);
	bench_number(data, number);
	m->data_len = FRAME_LEN;
	m->pkt_len = FRAME_LEN;
}

static void ring_receive(void *arg)
{
	struct rte_mbuf *m[RING];
	uint32_t i, n = dpdk.burst;

	(void)arg;
	if (rte_pktmbuf_alloc_bulk(dpdk.pool, m, n)) {
		dpdk.wrong = "the pool is empty";
		return;
	}
	for (i = 0; i < n; i++)
		put_frame(m[i], dpdk.made++);
	if (rte_ring_enqueue_bulk(dpdk.in, (void **)m, n, NULL) != n)
		dpdk.wrong = "the ring is full";
}

static void ring_transmit(void *arg)
{
	uint8_t frame[FRAME_LEN];
	struct rte_mbuf *m;

	(void)arg;
	memcpy(frame, dpdk.frame, FRAME_LEN);
	while (!rte_ring_dequeue(dpdk.out, (void **)&m)) {
		bench_number(frame, dpdk.sent++);
		if (m->data_len != FRAME_LEN ||
		    memcmp(rte_pktmbuf_mtod(m, void *), frame, FRAME_LEN))
			dpdk.wrong =
				"a frame left that is not the one that was due";
		rte_pktmbuf_free(m);
	}
}

/* Pointers, mbufs and packets. */
static void flush_ring(void)
{
	struct rte_mbuf *m[RING];
	unsigned int i, n;
	char *p;

	n = rte_ring_dequeue_burst(dpdk.in, (void **)m, RING, NULL);
	rte_ring_enqueue_bulk(dpdk.in, (void **)m, n, NULL);
	for (i = 0; i < n; i++) {
		_mm_clflush(m[i]);
		_mm_clflush((char *)m[i] + 64);
		_mm_clflush(rte_pktmbuf_mtod(m[i], char *));
	}
	for (p = (char *)&dpdk.in[1];
	     p < (char *)&dpdk.in[1] + dpdk.in->size * sizeof(void *); p += 64)
		_mm_clflush(p);
	_mm_mfence();
}

/* ------------------------------------------------------------------------
 * Steps
 */

static uint32_t receive(uint16_t port, uint32_t batch)
{
	struct rte_mbuf *m[BATCH_MAX];
	uint16_t i, n = rte_eth_rx_burst(port, 0, m, (uint16_t)batch);

	for (i = 0; i < LEAD && i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	for (i = 0; i < n; i++) {
		if (i + LEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + LEAD], void *));
		bench_look(&dpdk.tally, rte_pktmbuf_mtod(m[i], uint8_t *),
			   m[i]->data_len);
	}
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static uint32_t transmit(uint16_t port, uint32_t batch)
{
	struct rte_mbuf *m[BATCH_MAX];
	uint32_t i;

	if (rte_pktmbuf_alloc_bulk(dpdk.pool, m, batch))
		return 0;
	for (i = 0; i < batch; i++)
		put_frame(m[i], dpdk.built++);
	return rte_eth_tx_burst(port, 0, m, (uint16_t)batch);
}

static uint32_t step_null_rx(void *device, uint32_t batch)
{
	(void)device;
	return receive(dpdk.null, batch);
}

static uint32_t step_ring_rx(void *device, uint32_t batch)
{
	(void)device;
	return receive(dpdk.ring, batch);
}

static uint32_t step_null_tx(void *device, uint32_t batch)
{
	(void)device;
	return transmit(dpdk.null, batch);
}

static uint32_t step_ring_tx(void *device, uint32_t batch)
{
	(void)device;
	return transmit(dpdk.ring, batch);
}

static uint32_t step_ring_fwd(void *device, uint32_t batch)
{
	struct rte_mbuf *m[BATCH_MAX];
	uint16_t n = rte_eth_rx_burst(dpdk.ring, 0, m, (uint16_t)batch);

	(void)device;
	dpdk.tally.next += n;
	return rte_eth_tx_burst(dpdk.ring, 0, m, n);
}

/* ------------------------------------------------------------------------
 * A lap
 */

#define ROW_NULL	0x1	/* net_null: all comes and goes by itself */
#define ROW_ARRIVES	0x2
#define ROW_LEAVES	0x4

static uint32_t run_steps(const struct row *row, uint32_t n)
{
	uint32_t got = 0, step;

	while (got < n) {
		step = row->step(NULL, row->batch);
		if (!step)
			break;
		got += step;
	}
	return got;
}

static const char *check(const struct row *row)
{
	/* net_null's mbufs come in the order of the pool */
	if (row->flags & ROW_NULL && row->flags & ROW_ARRIVES) {
		dpdk.tally.gaps = 0;
		dpdk.tally.next = dpdk.made;
	}
	if (dpdk.tally.gaps || dpdk.tally.other ||
	    dpdk.tally.next != dpdk.made)
		return "a packet came that is not the one that was due";
	return dpdk.wrong;
}

static const char *lap(struct row *row, struct lap *out)
{
	bool ring = !(row->flags & ROW_NULL);
	void (*receive_half)(void *arg) =
		ring && row->flags & ROW_ARRIVES ? ring_receive : NULL;
	uint64_t start;
	uint32_t got;

	/* what leaves has numbers of its own, or those with which it came */
	dpdk.sent = row->flags & ROW_ARRIVES ? dpdk.made : dpdk.built;
	dpdk.burst = (RING - 1) / row->batch * row->batch;
	if (receive_half && row->pool >= POOL_NEAR)
		far_call(receive_half, NULL);
	else if (receive_half)
		receive_half(NULL);
	if (row->pool == POOL_COLD)
		flush_ring();

	start = bench_ticks();
	got = run_steps(row, dpdk.burst);
	out->ticks += bench_ticks() - start - bench_clock_cost;
	out->packets += got;
	if (got != dpdk.burst)
		return "packets are missing";
	if (ring && row->flags & ROW_LEAVES) {
		uint64_t due = dpdk.sent + got;

		if (row->pool >= POOL_NEAR)
			far_call(ring_transmit, NULL);
		else
			ring_transmit(NULL);
		if (dpdk.sent != due)
			return "frames did not leave";
	}
	return check(row);
}

/* ------------------------------------------------------------------------
 * Set-up
 */

static void fill_mbuf(struct rte_mempool *pool, void *arg, void *object,
		      unsigned int i)
{
	struct rte_mbuf *m = object;

	(void)pool;
	(void)arg;
	rte_pktmbuf_reset_headroom(m);
	put_frame(m, i);
}

static int start_port(uint16_t port)
{
	const struct rte_eth_conf conf = { 0 };
	int ret = rte_eth_dev_configure(port, 1, 1, &conf);

	if (!ret)
		ret = rte_eth_rx_queue_setup(port, 0, RING, 0, NULL, dpdk.pool);
	if (!ret)
		ret = rte_eth_tx_queue_setup(port, 0, RING, 0, NULL);
	return ret ? ret : rte_eth_dev_start(port);
}

static int set_up(int cpu)
{
	char lcores[32];
	char *args[] = {
		"bench-native", "--no-huge", "-m", "64", "--no-pci",
		"--no-telemetry", "--no-shconf", "--log-level", "error",
		"--vdev", "net_null0,size=60", "--lcores", lcores, NULL
	};
	int ret;

	snprintf(lcores, sizeof(lcores), "0@%d", cpu);
	if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0)
		return -rte_errno;
	bench_frame(dpdk.frame);
	dpdk.pool = rte_pktmbuf_pool_create("bench", MBUFS, 256, 0,
					    RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!dpdk.pool)
		return -rte_errno;
	/* net_null leaves them as they are */
	rte_mempool_obj_iter(dpdk.pool, fill_mbuf, NULL);
	dpdk.in = rte_ring_create("in", RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	dpdk.out = rte_ring_create("out", RING, 0,
				   RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!dpdk.in || !dpdk.out)
		return -rte_errno;
	ret = rte_eth_from_rings("net_ring0", &dpdk.in, 1, &dpdk.out, 1, 0);
	if (ret < 0)
		return -rte_errno;
	dpdk.ring = (uint16_t)ret;
	ret = rte_eth_dev_get_port_by_name("net_null0", &dpdk.null);
	if (!ret)
		ret = start_port(dpdk.null);
	return ret ? ret : start_port(dpdk.ring);
}

int dpdk_rows(struct bench *b, int cpu)
{
	static const struct {
		const char *variant;
		const char *op;
		uint32_t (*step)(void *device, uint32_t batch);
		unsigned int flags;
	} kinds[] = {
		{ "net_null", "rx", step_null_rx, ROW_NULL | ROW_ARRIVES },
		{ "net_null", "tx", step_null_tx, ROW_NULL },
		{ "net_ring", "rx", step_ring_rx, ROW_ARRIVES },
		{ "net_ring", "tx", step_ring_tx, ROW_LEAVES },
		{ "net_ring", "fwd", step_ring_fwd, ROW_ARRIVES | ROW_LEAVES },
	};
	struct row row = { .method = "dpdk", .format = "-", .lap = lap };
	const uint32_t *batch;
	size_t k;
	int ret = set_up(cpu);

	if (ret) {
		bench_missing(b, row.method, "DPDK does not start: %s",
			      rte_strerror(-ret));
		return 0;
	}
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		row.variant = kinds[k].variant;
		row.op = kinds[k].op;
		row.step = kinds[k].step;
		row.flags = kinds[k].flags;
		row.ring = row.flags & ROW_NULL ? 0 : RING;
		for (row.pool = POOL_WARM; row.pool < POOLS; row.pool++) {
			/* its mbufs never leave the pool's cache */
			if (row.flags & ROW_NULL && row.pool != POOL_WARM)
				break;
			if (row.pool == POOL_COLD && !(row.flags & ROW_ARRIVES))
				continue;
			if (row.pool >= POOL_NEAR && !b->far)
				continue;
			for (batch = b->batches; *batch; batch++) {
				row.batch = *batch;
				bench_add(b, &row);
			}
		}
	}
	return 0;
}

#endif /* HAVE_DPDK */
