// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK: its poll-mode driver for these NICs, in huge pages, by uio_pci_generic.
 */
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "bench.h"

#define PLACES	1024
#define MBUFS	8191
#define CACHE	256

static struct rte_mempool *pool;
static uint16_t id[2];
static struct rte_mbuf *bufs[BENCH_BURST_MAX];

static void start_port(uint16_t port)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_eth_link link;
	int err = rte_eth_dev_configure(port, 1, 1, &conf);

	if (!err)
		err = rte_eth_rx_queue_setup(port, 0, PLACES, SOCKET_ID_ANY, NULL, pool);
	if (!err)
		err = rte_eth_tx_queue_setup(port, 0, PLACES, SOCKET_ID_ANY, NULL);
	if (!err)
		err = rte_eth_dev_start(port);
	if (!err)
		err = rte_eth_link_get(port, &link);	/* waits for it */
	if (err)
		bench_die(-err, "port %u of DPDK", port);
}

static int open_ports(struct bench *b)
{
	char first[32], second[32];
	char *args[] = { "bench-dpdk", "-l0", "-n1", "--in-memory", "--no-telemetry",
			 "--log-level=error",
			 first, second };
	static bool ready;

	/* it cannot be taken down and set up again in a process */
	if (ready)
		return 0;
	ready = true;
	snprintf(first, sizeof(first), "-a%s", b->port[0].pci);
	snprintf(second, sizeof(second), "-a%s", b->port[1].pci);
	/* the link of igb takes half a second, which is long to spin in an emulator */
	rte_delay_us_callback_register(rte_delay_us_sleep);
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		bench_die(rte_errno, "rte_eal_init()");
	pool = rte_pktmbuf_pool_create("packets", MBUFS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (!pool)
		bench_die(rte_errno, "a pool of DPDK");
	for (int i = 0; i < 2; i++) {
		if (rte_eth_dev_get_port_by_name(b->port[i].pci, &id[i]))
			bench_die(0, "DPDK has no driver for %s", b->port[i].pci);
		start_port(id[i]);
	}
	return 0;
}

static void close_ports(struct bench *b)
{
	(void)b;
}

static uint32_t rx(struct bench *b, uint32_t n)
{
	struct check c = b->check;

	n = rte_eth_rx_burst(id[0], 0, bufs, (uint16_t)n);
	for (uint32_t i = 0; i < n; i++)
		check_frame(&c, rte_pktmbuf_mtod(bufs[i], uint8_t *), bufs[i]->data_len);
	b->check = c;
	rte_pktmbuf_free_bulk(bufs, n);
	return n;
}

static uint32_t tx(struct bench *b, uint32_t n)
{
	uint16_t sent;

	if (rte_pktmbuf_alloc_bulk(pool, bufs, n))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		build_frame(rte_pktmbuf_mtod(bufs[i], uint8_t *), b->frame, b->sent + i);
		bufs[i]->data_len = BENCH_FRAME;
		bufs[i]->pkt_len = BENCH_FRAME;
	}
	sent = rte_eth_tx_burst(id[0], 0, bufs, (uint16_t)n);
	rte_pktmbuf_free_bulk(bufs + sent, n - sent);
	b->sent += sent;
	return sent;
}

static uint32_t fwd(struct bench *b, uint32_t n)
{
	uint16_t sent;

	(void)b;
	n = rte_eth_rx_burst(id[0], 0, bufs, (uint16_t)n);
	for (uint32_t i = 0; i < n; i++)
		swap_addresses(rte_pktmbuf_mtod(bufs[i], uint8_t *));
	sent = rte_eth_tx_burst(id[1], 0, bufs, (uint16_t)n);
	rte_pktmbuf_free_bulk(bufs + sent, n - sent);
	return n;
}

const struct bench_method bench_methods[] = {
	{ .name = "dpdk", .variant = "pmd", .open = open_ports, .rx = rx, .tx = tx, .fwd = fwd,
	  .close = close_ports },
	{ .name = NULL },
};
