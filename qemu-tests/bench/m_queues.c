// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several queues of a port, polled in turn by one thread, packets of many flows spread over
 * them by RSS: a packet is not to cost more. For NICs with so many queues.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libuserring.h>

#include "bench.h"

#define QUEUES_MAX	4
/* By address, because the 82574L does not look at UDP ports. */
#define FLOWS		64
#define KEY_SIZE	40

static struct ur_port *port;
static struct ur_pool *pool;
static struct ur_queue *queue[QUEUES_MAX];
static uint64_t next[QUEUES_MAX];	/* the least number that can come */
static uint32_t queues;
static struct ur_pkt pkts[BENCH_BURST_MAX];

/* Return: 0 or what it failed with, negative. */
static int ethtool(const char *netdev, void *command)
{
	struct ifreq ifr = { .ifr_data = command };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), err;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", netdev);
	err = ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
	close(fd);
	return err;
}

/* As `ethtool -L` does it. */
static int set_queues(const char *netdev, uint32_t n)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int err = ethtool(netdev, &channels);

	if (err)
		return err;
	if (n > channels.max_combined)
		return -EOPNOTSUPP;
	channels.cmd = ETHTOOL_SCHANNELS;
	channels.combined_count = n;
	return ethtool(netdev, &channels);
}

/*
 * A key that spreads those addresses evenly, as `ethtool -X hkey` sets it: one of 64 keys
 * drawn by lot has them all in one queue.
 */
static int set_key(const char *netdev)
{
	union {
		struct ethtool_rxfh rxfh;
		uint8_t bytes[sizeof(struct ethtool_rxfh) + KEY_SIZE];
	} arg = { .rxfh = {
		.cmd = ETHTOOL_SRSSH, .indir_size = ETH_RXFH_INDIR_NO_CHANGE,
		.key_size = KEY_SIZE,
	} };

	for (int i = 0; i < KEY_SIZE; i++)
		arg.bytes[sizeof(arg.rxfh) + i] = i % 2 ? 0x5a : 0x6d;
	return ethtool(netdev, &arg);
}

static int open_queues(struct bench *b, uint32_t n)
{
	struct ur_error err;
	int ret = set_queues(b->port[0].netdev, n);

	if (ret)
		return ret;
	ret = n > 1 ? set_key(b->port[0].netdev) : 0;
	if (ret)
		bench_die(-ret, "RSS key");
	queues = n;
	b->traffic[0].flows = FLOWS;
	if (ur_port_open(&port, b->port[0].pci, &err) || ur_pool_create(&pool, port, NULL, &err))
		bench_die(0, "%s", err.text);
	for (uint32_t k = 0; k < queues; k++) {
		const struct ur_queue_opts opts = { .size = sizeof(opts), .queue = k };

		if (ur_queue_attach(&queue[k], port, pool, &opts, &err))
			bench_die(0, "%s", err.text);
		next[k] = 0;
	}
	return 0;
}

static int open_1(struct bench *b)
{
	return open_queues(b, 1);
}

static int open_2(struct bench *b)
{
	return open_queues(b, 2);
}

static int open_4(struct bench *b)
{
	return open_queues(b, 4);
}

static void close_queues(struct bench *b)
{
	b->traffic[0].flows = 0;
	for (uint32_t k = 0; k < queues; k++)
		ur_queue_detach(queue[k]);
	ur_pool_destroy(pool);
	ur_port_close(port);
}

/* Between the numbers of a queue are those that went to others. */
static inline void check_order(struct check *c, const struct ur_pkt *pkt, uint64_t *least)
{
	uint64_t before = c->wrong;

	c->next = *least;
	check_frame(c, pkt->data, pkt->len);
	c->wrong = before + (c->next <= *least);
	*least = c->next;
}

static uint32_t receive(struct bench *b, uint32_t k, uint32_t n)
{
	struct ur_queue *q = queue[k];
	struct check c = b->check;

	n = ur_rx_burst(q, pkts, n);
	for (uint32_t i = 0; i < n; i++)
		check_order(&c, &pkts[i], &next[k]);
	b->check = c;
	if (!n)
		return 0;
	ur_rx_release(q, pkts, n);
	ur_sync(q);
	return n;
}

static uint32_t rx(struct bench *b, uint32_t n)
{
	const uint32_t share = (n + queues - 1) / queues;
	uint32_t got = 0;

	for (uint32_t k = 0; k < queues; k++)
		got += receive(b, k, share);
	return got;
}

#define CALLS	.name = "userring", .rx = rx, .close = close_queues

const struct bench_method bench_methods[] = {
	{ .variant = "1-queue", .queues = 1, .open = open_1, CALLS },
	{ .variant = "2-queues", .queues = 2, .open = open_2, CALLS },
	{ .variant = "4-queues", .queues = 4, .open = open_4, CALLS },
	{ .name = NULL },
};
