/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several queues of a port: how many there are, and all of them in one process,
 * through the library.
 */
#ifndef USERRING_TESTS_QUEUES_H
#define USERRING_TESTS_QUEUES_H

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include <libuserring.h>

#include "ctl.h"
#include "port.h"

#define QUEUES_MAX	8

struct queues {
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_port_info info;
	uint32_t max;
	uint32_t n;		/* attached */
	uint32_t look;		/* where the next look begins */
	struct ur_queue *q[QUEUES_MAX];
};

/* A frame, and where it was found. */
struct arrival {
	uint32_t queue;
	uint32_t hash;
	uint32_t flags;
	uint32_t len;
	uint8_t frame[2048];
};

static inline bool queues_open(struct queues *all, const struct port *names)
{
	const struct ur_pool_opts opts = { .size = sizeof(opts), .slot_count = 8192 };
	struct ur_error err = { "" };

	memset(all, 0, sizeof(*all));
	if (ur_port_open(&all->port, names->netdev, &err) ||
	    ur_port_info(all->port, &all->info) ||
	    ur_pool_create(&all->pool, all->port, &opts, &err)) {
		printf("# %s\n", err.text);
		return false;
	}
	all->max = all->info.queues_max < QUEUES_MAX ? all->info.queues_max : QUEUES_MAX;
	return true;
}

static inline bool queues_attach(struct queues *all)
{
	struct ur_error err = { "" };

	if (ur_port_info(all->port, &all->info))
		return false;
	for (all->n = 0; all->n < all->info.queues; all->n++) {
		const struct ur_queue_opts opts = {
			.size = sizeof(opts), .queue = all->n, .rx_size = 512, .tx_size = 64,
		};

		if (ur_queue_attach(&all->q[all->n], all->port, all->pool, &opts, &err)) {
			printf("# queue %u: %s\n", all->n, err.text);
			return false;
		}
	}
	return true;
}

static inline bool queues_sync(struct queues *all)
{
	bool right = true;

	for (uint32_t i = 0; i < all->n; i++)
		right = !ur_sync(all->q[i]) && right;
	return right;
}

/* The next frame in any of them; turns are taken, so that none is forgotten. */
static inline bool queues_next(struct queues *all, struct arrival *a, int timeout_ms)
{
	int64_t end = now_ms() + at_most_ms(timeout_ms);
	struct ur_pkt pkt;

	do {
		for (uint32_t i = 0; i < all->n; i++) {
			uint32_t at = (all->look + i) % all->n;

			if (!ur_rx_burst(all->q[at], &pkt, 1))
				continue;
			*a = (struct arrival){ .queue = at, .flags = pkt.flags, .len = pkt.len };
			if (pkt.flags & UR_PKT_HASH)
				a->hash = pkt.hash;
			memcpy(a->frame, pkt.data, pkt.len);
			ur_rx_release(all->q[at], &pkt, 1);
			all->look = at + 1;
			return !ur_sync(all->q[at]);
		}
	} while (now_ms() < end);
	return false;
}

static inline void queues_close(struct queues *all)
{
	while (all->n)
		ur_queue_detach(all->q[--all->n]);
	if (all->pool)
		ur_pool_destroy(all->pool);
	if (all->port)
		ur_port_close(all->port);
	all->pool = NULL;
	all->port = NULL;
}

/* ------------------------------------------------------------------------
 * How many: none may be held
 */

/* With a link again; a number that is set already is no change. */
static inline bool set_channels(const struct port *names, uint32_t n)
{
	char text[512];

	run(text, sizeof(text), "ethtool -L %s combined %u", names->netdev, n);
	run(text, sizeof(text), "ethtool -l %s | sed -n '/Current/,$s/Combined:[^0-9]*//p'",
	    names->netdev);
	if (strtoul(text, NULL, 10) != n) {
		printf("# of %u queues: %s\n", n, text);
		return false;
	}
	return !port_up(names);
}

/* ------------------------------------------------------------------------
 * The table and the key of RSS, written as "ethtool -X" writes them, but not by it: to
 * Linux before 6.8 a later ethtool says more than that knows, and is refused.
 */

#define RSS_TABLE	128
#define RSS_KEY		40

static inline bool rss_write(const char *netdev, struct ethtool_rxfh *rxfh)
{
	struct ifreq ifr = { .ifr_data = (void *)rxfh };

	rxfh->cmd = ETHTOOL_SRSSH;
	return !if_call(netdev, SIOCETHTOOL, &ifr);
}

/* "default" */
static inline bool rss_default(const char *netdev)
{
	struct ethtool_rxfh rxfh = { .indir_size = 0 };

	return rss_write(netdev, &rxfh);
}

static inline bool rss_set_table(const char *netdev, const uint8_t *table)
{
	struct {
		struct ethtool_rxfh rxfh;
		uint32_t table[RSS_TABLE];
	} arg = { .rxfh.indir_size = RSS_TABLE };

	for (int i = 0; i < RSS_TABLE; i++)
		arg.table[i] = table[i];
	return rss_write(netdev, &arg.rxfh);
}

/* "equal N" */
static inline bool rss_equal(const char *netdev, uint32_t n)
{
	uint8_t table[RSS_TABLE];

	for (uint32_t i = 0; i < RSS_TABLE; i++)
		table[i] = (uint8_t)(i % n);
	return rss_set_table(netdev, table);
}

/* "hkey KEY" */
static inline bool rss_set_key(const char *netdev, const uint8_t *key)
{
	struct {
		struct ethtool_rxfh rxfh;
		uint8_t key[RSS_KEY];
	} arg = { .rxfh = { .indir_size = ETH_RXFH_INDIR_NO_CHANGE, .key_size = RSS_KEY } };

	memcpy(arg.key, key, RSS_KEY);
	return rss_write(netdev, &arg.rxfh);
}

/* As a port begins: one queue, and all that comes to it. */
static inline bool queues_reset(const struct port *names, uint32_t max)
{
	if (max <= 1)
		return !port_up(names);
	return !port_up(names) && rss_default(names->netdev) &&
	       set_channels(names, 1);
}

/* ------------------------------------------------------------------------
 * Which packet comes where
 */

struct rss {
	uint8_t table[RSS_TABLE];
	uint8_t key[RSS_KEY];
};

static inline uint32_t toeplitz(const uint8_t *key, const uint8_t *in, size_t len)
{
	uint64_t window = 0;
	uint32_t hash = 0;

	for (int i = 0; i < 8; i++)
		window = window << 8 | key[i];
	for (size_t i = 0; i < len; i++) {
		for (int bit = 7; bit >= 0; bit--, window <<= 1)
			if (in[i] >> bit & 1)
				hash ^= (uint32_t)(window >> 32);
		/* eight bits went out above */
		if (i + 8 < RSS_KEY)
			window |= key[i + 8];
	}
	return hash;
}

static inline bool rss_read(const char *netdev, struct rss *rss)
{
	static char text[16384];
	const char *p = text, *key;
	int n = 0;

	if (run(text, sizeof(text), "ethtool -x %s", netdev))
		return false;
	key = strstr(text, "RSS hash key:\n");
	if (!key)
		return false;
	while ((p = strchr(p, '\n')) && ++p < key) {
		char *end;
		unsigned long first = strtoul(p, &end, 10);

		if (*end != ':' || first != (unsigned long)n)
			continue;
		for (int i = 0; i < 8 && n < RSS_TABLE; i++)
			rss->table[n++] = (uint8_t)strtoul(end + !i, &end, 10);
	}
	key = strchr(key, '\n') + 1;
	for (int i = 0; i < RSS_KEY; i++)
		if (sscanf(key + 3 * i, "%2hhx", &rss->key[i]) != 1)
			return false;
	return n == RSS_TABLE;
}

/*
 * Makes up a key that leads the flow of host 10.99.1.(16 + n) to queue n; the far end
 * sends those with "udp=" FROM_HOSTS and hosts=. The table spreads evenly.
 */
#define FROM_HOSTS	"10.99.1.16,10.99.0.2,7000,7001"

static inline bool rss_steer(const struct port *names, uint32_t n)
{
	uint8_t in[12] = { 10, 99, 1, 16, 10, 99, 0, 2, 7000 >> 8, 7000 & 255, 7001 >> 8,
			   7001 & 255 };
	struct rss rss;
	uint32_t i = 0;

	if (!rss_read(names->netdev, &rss))
		return false;
	for (int tries = 0; i < n && tries < 10000; tries++) {
		for (int k = 0; k < RSS_KEY; k++)
			rss.key[k] = (uint8_t)random();
		for (i = 0; i < n; i++) {
			in[3] = (uint8_t)(16 + i);
			/* the 82574L hashes no ports of UDP */
			if (rss.table[toeplitz(rss.key, in, is_igb() ? 12 : 8) % RSS_TABLE] != i)
				break;
		}
	}
	return i == n && rss_set_key(names->netdev, rss.key);
}

#endif /* USERRING_TESTS_QUEUES_H */
