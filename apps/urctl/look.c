// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------------
 * ethtool -S
 */

static bool ethtool_call(int fd, const char *ifname, void *data)
{
	struct ifreq ifr = { .ifr_data = data };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%.*s", IFNAMSIZ - 1,
		 ifname);
	return ioctl(fd, SIOCETHTOOL, &ifr) == 0;
}

static uint32_t stats_count(int fd, const char *ifname)
{
	/* with room for one number behind it */
	union {
		struct ethtool_sset_info info;
		uint32_t words[sizeof(struct ethtool_sset_info) / 4 + 1];
	} set = {
		.info.cmd = ETHTOOL_GSSET_INFO,
		.info.sset_mask = 1ULL << ETH_SS_STATS,
	};

	if (!ethtool_call(fd, ifname, &set) || !set.info.sset_mask)
		return 0;
	return set.info.data[0];
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && strcmp(name + len - n, end) == 0;
}

static void take_stat(struct look_hw *hw, const char *name, uint64_t value)
{
	if (strcmp(name, "rx_packets") == 0)
		hw->rx_packets = value;
	else if (strcmp(name, "rx_missed") == 0)
		hw->rx_missed = value;
	else if (strcmp(name, "rx_no_buffer") == 0)
		hw->rx_no_buffer = value;
	else if (name[0] == 'q' && ends_with(name, "_tap_dropped"))
		hw->tap_dropped += value;
	else if (name[0] == 'q' && ends_with(name, "_watchdog"))
		hw->taken += value;
}

static void look_at_hw(struct look_hw *hw, const char *ifname)
{
	struct ethtool_gstrings *names = NULL;
	struct ethtool_stats *stats = NULL;
	char name[ETH_GSTRING_LEN + 1];
	uint32_t n, i;
	int fd;

	memset(hw, 0, sizeof(*hw));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	n = stats_count(fd, ifname);
	if (!n)
		goto out;
	names = calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	stats = calloc(1, sizeof(*stats) + (size_t)n * sizeof(uint64_t));
	if (!names || !stats)
		goto out;
	*names = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = n,
	};
	*stats = (struct ethtool_stats){ .cmd = ETHTOOL_GSTATS, .n_stats = n };
	if (!ethtool_call(fd, ifname, names) ||
	    !ethtool_call(fd, ifname, stats))
		goto out;
	for (i = 0; i < n; i++) {
		memcpy(name, names->data + (size_t)i * ETH_GSTRING_LEN,
		       ETH_GSTRING_LEN);
		name[ETH_GSTRING_LEN] = '\0';
		take_stat(hw, name, stats->data[i]);
	}
	hw->known = true;
out:
	free(names);
	free(stats);
	close(fd);
}

/* ------------------------------------------------------------------------
 * The node
 */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static void count_queues(struct look *look)
{
	look->port.ifname[UR_NAME_LEN - 1] = '\0';
	look->n_queues = look->port.queues < LOOK_QUEUES ? look->port.queues :
							   LOOK_QUEUES;
}

static int look_at_queues(struct look *look, int fd)
{
	uint32_t i;

	for (i = 0; i < look->n_queues; i++) {
		struct ur_queue_info *q = &look->queue[i];

		*q = (struct ur_queue_info){ .argsz = sizeof(*q), .queue = i };
		if (ioctl(fd, UR_IOC_QUEUE_INFO, q))
			return -errno;
	}
	return 0;
}

int look_at(struct look *look, const char *node)
{
	char path[SYSFS_NAME + 8];
	int fd, ret;

	memset(look, 0, sizeof(*look));
	snprintf(look->node, sizeof(look->node), "%s", node);
	snprintf(path, sizeof(path), "/dev/%.*s", SYSFS_NAME, node);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	look->at = now_ns();
	look->port.argsz = sizeof(look->port);
	ret = ioctl(fd, UR_IOC_PORT_INFO, &look->port) ? -errno : 0;
	if (ret == 0 && look->port.abi_version != UR_ABI_VERSION)
		ret = -EPROTO;
	if (ret == 0) {
		count_queues(look);
		ret = look_at_queues(look, fd);
	}
	close(fd);
	if (ret == 0)
		look_at_hw(&look->hw, look->port.ifname);
	return ret;
}

int look_at_port(struct look *look, struct ur_port *port)
{
	uint32_t i;
	int ret;

	memset(look, 0, sizeof(*look));
	look->at = now_ns();
	ret = ur_port_info(port, &look->port);
	if (ret)
		return ret;
	count_queues(look);
	for (i = 0; i < look->n_queues && ret == 0; i++)
		ret = ur_port_queue_info(port, i, &look->queue[i]);
	return ret;
}

/* ------------------------------------------------------------------------
 * Words
 */

const char *look_comm(const struct ur_queue_info *q, char buf[UR_NAME_LEN])
{
	size_t i;

	for (i = 0; i < UR_NAME_LEN - 1 && q->comm[i]; i++)
		buf[i] = q->comm[i] >= ' ' && q->comm[i] <= '~' ? q->comm[i] :
								  '?';
	buf[i] = '\0';
	return buf;
}

const char *look_state(uint32_t state)
{
	switch (state) {
	case UR_STATE_ATTACHED:
		return "attached";
	case UR_STATE_DOWN:
		return "down";
	case UR_STATE_GONE:
		return "gone";
	case UR_STATE_TAKEN:
		return "taken";
	default:
		return "kernel";
	}
}

static void counters_json(struct json *json, const struct ur_counters *n)
{
	json_u64(json, "rx_packets", n->rx_packets);
	json_u64(json, "rx_bytes", n->rx_bytes);
	json_u64(json, "tx_packets", n->tx_packets);
	json_u64(json, "tx_bytes", n->tx_bytes);
	json_u64(json, "rx_refused", n->rx_refused);
	json_u64(json, "tx_refused", n->tx_refused);
	json_u64(json, "index_refused", n->index_refused);
	json_u64(json, "syncs", n->syncs);
	json_u64(json, "timer_syncs", n->timer_syncs);
	json_u64(json, "wakeups", n->wakeups);
	json_u64(json, "interrupts", n->interrupts);
	json_u64(json, "resets", n->resets);
	json_u64(json, "host_packets", n->host_packets);
	json_u64(json, "host_dropped", n->host_dropped);
}

const char *look_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void look_hw_json(struct json *json, const struct look_hw *hw)
{
	json_u64(json, "rx_packets", hw->rx_packets);
	json_u64(json, "rx_missed", hw->rx_missed);
	json_u64(json, "rx_no_buffer", hw->rx_no_buffer);
	json_u64(json, "tap_dropped", hw->tap_dropped);
	json_u64(json, "watchdog", hw->taken);
}

void look_queue_json(struct json *json, const struct ur_queue_info *q)
{
	json_u64(json, "queue", q->queue);
	json_str(json, "consumer", q->attached ? "process" : "kernel");
	if (q->attached) {
		json_u64(json, "pid", q->pid > 0 ? (uint64_t)q->pid : 0);
		json_str(json, "comm", q->comm);
		json_str(json, "state", look_state(q->state));
		json_u64(json, "rx_size", q->rx_size);
		json_u64(json, "tx_size", q->tx_size);
		json_u64(json, "rx_posted", q->rx_posted);
		json_u64(json, "rx_waiting", q->rx_waiting);
		json_u64(json, "fill_waiting", q->fill_waiting);
		json_u64(json, "tx_pending", q->tx_pending);
		json_u64(json, "tx_waiting", q->tx_waiting);
		json_u64(json, "kernel_tx_pending", q->kernel_tx_pending);
		json_u64(json, "sync_period_us", q->sync_period_us);
		json_u64(json, "watchdog_ms", q->watchdog_ms);
		json_bool(json, "tapped", q->tapped);
		json_u64(json, "epoch", q->epoch);
	}
	json_i64(json, "irq", q->irq);
	json_i64(json, "irq_cpu", q->irq_cpu);
	json_i64(json, "numa_node", q->numa_node);
	counters_json(json, &q->count);
}
