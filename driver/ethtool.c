// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ethtool shows.
 */
#include <linux/ethtool.h>
#include <linux/linkmode.h>

#include "compat.h"
#include "urk.h"

/* struct ur_counters, in its order. */
static const char * const urk_counter_name[] = {
	"rx_packets", "rx_bytes", "tx_packets", "tx_bytes",
	"rx_refused", "tx_refused", "index_refused", "syncs", "timer_syncs",
	"wakeups", "interrupts", "resets", "host_packets", "host_dropped",
};

#define URK_COUNTERS		ARRAY_SIZE(urk_counter_name)
/* and two that belong to no process */
#define URK_QUEUE_STATS		(URK_COUNTERS + 2)

static void urk_get_drvinfo(struct net_device *netdev,
			    struct ethtool_drvinfo *info)
{
	struct urk_port *port = urk_port_of(netdev);

	strscpy(info->driver, URK_NAME, sizeof(info->driver));
	strscpy(info->version, URK_VERSION, sizeof(info->version));
	strscpy(info->bus_info, pci_name(port->hw.pdev),
		sizeof(info->bus_info));
}

static int urk_get_sset_count(struct net_device *netdev, int set)
{
	struct urk_port *port = urk_port_of(netdev);

	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return URK_STAT_COUNT + port->queue_count * URK_QUEUE_STATS;
}

static void urk_get_strings(struct net_device *netdev, u32 set, u8 *data)
{
	struct urk_port *port = urk_port_of(netdev);
	u32 i, n;

	if (set != ETH_SS_STATS)
		return;
	memcpy(data, urk_stat_name, sizeof(urk_stat_name));
	data += sizeof(urk_stat_name);
	for (i = 0; i < port->queue_count; i++) {
		for (n = 0; n < URK_COUNTERS; n++)
			ethtool_sprintf(&data, "q%u_%s", i,
					urk_counter_name[n]);
		ethtool_sprintf(&data, "q%u_tap_dropped", i);
		ethtool_sprintf(&data, "q%u_watchdog", i);
	}
}

static void urk_get_ethtool_stats(struct net_device *netdev,
				  struct ethtool_stats *stats, u64 *data)
{
	struct urk_port *port = urk_port_of(netdev);
	struct ur_counters sum;
	u32 i;

	BUILD_BUG_ON(offsetof(struct ur_counters, reserved) !=
		     URK_COUNTERS * sizeof(u64));

	urk_stats_update(port);
	spin_lock_bh(&port->stats_lock);
	memcpy(data, port->stats, URK_STAT_COUNT * sizeof(u64));
	spin_unlock_bh(&port->stats_lock);
	data += URK_STAT_COUNT;

	for (i = 0; i < port->queue_count; i++) {
		urk_queue_counters(&port->queue[i], &sum);
		memcpy(data, &sum, URK_COUNTERS * sizeof(u64));
		data[URK_COUNTERS] = port->queue[i].tap_dropped;
		data[URK_COUNTERS + 1] = port->queue[i].taken;
		data += URK_QUEUE_STATS;
	}
}

static int urk_get_link_ksettings(struct net_device *netdev,
				  struct ethtool_link_ksettings *cmd)
{
	struct urk_port *port = urk_port_of(netdev);

	cmd->base.speed = SPEED_UNKNOWN;
	cmd->base.duplex = DUPLEX_UNKNOWN;
	if (port->link_up) {
		cmd->base.speed = port->link_mbps;
		cmd->base.duplex = port->link_full ? DUPLEX_FULL : DUPLEX_HALF;
	}
	ethtool_link_ksettings_zero_link_mode(cmd, supported);
	ethtool_link_ksettings_zero_link_mode(cmd, advertising);
	cmd->base.port = PORT_OTHER;
	cmd->base.autoneg = AUTONEG_DISABLE;
	/* the PHY is the physical function's */
	if (port->hw.variant->vf)
		return 0;
	ethtool_link_ksettings_add_link_mode(cmd, supported, TP);
	ethtool_link_ksettings_add_link_mode(cmd, supported, Autoneg);
	ethtool_link_ksettings_add_link_mode(cmd, supported, 10baseT_Half);
	ethtool_link_ksettings_add_link_mode(cmd, supported, 10baseT_Full);
	ethtool_link_ksettings_add_link_mode(cmd, supported, 100baseT_Half);
	ethtool_link_ksettings_add_link_mode(cmd, supported, 100baseT_Full);
	ethtool_link_ksettings_add_link_mode(cmd, supported, 1000baseT_Full);
	linkmode_copy(cmd->link_modes.advertising, cmd->link_modes.supported);

	cmd->base.port = PORT_TP;
	cmd->base.phy_address = 1;
	cmd->base.autoneg = AUTONEG_ENABLE;
	return 0;
}

static int urk_nway_reset(struct net_device *netdev)
{
	struct urk_port *port = urk_port_of(netdev);
	int (*negotiate)(struct urk_hw *hw) = port->hw.variant->ops->negotiate;
	int err = -EINVAL;

	if (!negotiate)
		return -EOPNOTSUPP;
	mutex_lock(&port->ctl);
	if (port->up)
		err = negotiate(&port->hw);
	mutex_unlock(&port->ctl);
	return err;
}

static void urk_get_ringparam(struct net_device *netdev,
			      struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kring,
			      struct netlink_ext_ack *extack)
{
	struct urk_port *port = urk_port_of(netdev);
	struct ur_queue_info info = {};

	mutex_lock(&port->ctl);
	urk_queue_info(&port->queue[0], &info);
	mutex_unlock(&port->ctl);
	ring->rx_max_pending = UR_RING_SIZE_MAX;
	ring->tx_max_pending = UR_RING_SIZE_MAX;
	ring->rx_pending = info.rx_size ?: URK_KERNEL_RX;
	ring->tx_pending = info.tx_size ?: URK_KERNEL_TX;
}

/*
 * A process chooses its ring sizes when it attaches, and the kernel's rings are
 * as large as copying needs: only the present sizes can be set.
 */
static int urk_set_ringparam(struct net_device *netdev,
			     struct ethtool_ringparam *ring,
			     struct kernel_ethtool_ringparam *kring,
			     struct netlink_ext_ack *extack)
{
	struct ethtool_ringparam now = {};

	urk_get_ringparam(netdev, &now, kring, extack);
	if (ring->rx_mini_pending || ring->rx_jumbo_pending ||
	    ring->rx_pending != now.rx_pending ||
	    ring->tx_pending != now.tx_pending) {
		NL_SET_ERR_MSG(extack, "the kernel's rings have a fixed size; a process chooses its own");
		return -EINVAL;
	}
	return 0;
}

const struct ethtool_ops urk_ethtool_ops = {
	.get_drvinfo = urk_get_drvinfo,
	.nway_reset = urk_nway_reset,
	.get_link = ethtool_op_get_link,
	.get_sset_count = urk_get_sset_count,
	.get_strings = urk_get_strings,
	.get_ethtool_stats = urk_get_ethtool_stats,
	.get_link_ksettings = urk_get_link_ksettings,
	.get_ringparam = urk_get_ringparam,
	.set_ringparam = urk_set_ringparam,
	.get_channels = urk_get_channels,
	.set_channels = urk_set_channels,
	.get_rxfh_indir_size = urk_rss_table_size,
	.get_rxfh_key_size = urk_rss_key_size,
	.get_rxfh = urk_get_rxfh,
	.set_rxfh = urk_set_rxfh,
	.URK_RX_RINGS_OP = urk_rx_rings,
	URK_RXFH_FIELDS_OP
	.get_ts_info = ethtool_op_get_ts_info,
};
