// SPDX-License-Identifier: GPL-2.0-only
/*
 * The port as a network interface: what ip sets, and what it shows.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>

#include "compat.h"
#include "urk.h"

#define URK_TAP_SOON	(HZ / 50)

static void urk_netdev_tx_timeout(struct net_device *netdev,
				  unsigned int txqueue)
{
	netdev_warn(netdev, "transmitter stalled: reset\n");
	schedule_work(&urk_port_of(netdev)->reset);
}

/* ------------------------------------------------------------------------
 * What ip sets
 */

static int urk_netdev_open(struct net_device *netdev)
{
	struct urk_port *port = urk_port_of(netdev);
	int err;

	mutex_lock(&port->ctl);
	err = urk_port_open(port);
	mutex_unlock(&port->ctl);
	return err;
}

static int urk_netdev_stop(struct net_device *netdev)
{
	struct urk_port *port = urk_port_of(netdev);

	mutex_lock(&port->ctl);
	urk_port_close(port);
	mutex_unlock(&port->ctl);
	return 0;
}

static void urk_netdev_set_rx_mode(struct net_device *netdev)
{
	struct urk_port *port = urk_port_of(netdev);
	struct delayed_work *watch = &port->watch;

	urk_port_filter(port);
	if (!READ_ONCE(port->up))
		return;
	/*
	 * Promiscuous mode: a listener is coming.  The work is moved earlier,
	 * never later: joining groups all the time must not keep it from
	 * running.
	 */
	if (!delayed_work_pending(watch) ||
	    time_after(watch->timer.expires, jiffies + URK_TAP_SOON))
		mod_delayed_work(URK_SYSTEM_WQ, watch, URK_TAP_SOON);
}

static int urk_netdev_set_mac(struct net_device *netdev, void *addr)
{
	struct urk_port *port = urk_port_of(netdev);
	const struct urk_hw_ops *ops = port->hw.variant->ops;
	const struct sockaddr *want = addr;
	int err = eth_prepare_mac_addr_change(netdev, addr);

	if (!err && ops->set_mac && netif_running(netdev))
		err = ops->set_mac(&port->hw, want->sa_data);
	if (err)
		return err;
	eth_commit_mac_addr_change(netdev, addr);
	if (netif_running(netdev)) {
		netif_addr_lock_bh(netdev);
		urk_port_filter(port);
		netif_addr_unlock_bh(netdev);
	}
	return 0;
}

static int urk_netdev_add_vid(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct urk_hw *hw = &urk_port_of(netdev)->hw;

	return hw->variant->ops->vlan(hw, vid, true);
}

static int urk_netdev_kill_vid(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct urk_hw *hw = &urk_port_of(netdev)->hw;

	return hw->variant->ops->vlan(hw, vid, false);
}

static int urk_netdev_set_features(struct net_device *netdev,
				   netdev_features_t features)
{
	if (netif_running(netdev))
		urk_port_features(urk_port_of(netdev), features);
	return 0;
}

/*
 * The hardware's counts, so that a process's packets are included.  Bytes sent
 * are our own count: devices differ on whether they include the FCS.
 */
static void urk_netdev_stats(struct net_device *netdev,
			     struct rtnl_link_stats64 *s)
{
	struct urk_port *port = urk_port_of(netdev);
	struct ur_counters sum;
	u32 i;

	for (i = 0; i < port->queue_count; i++) {
		urk_queue_counters(&port->queue[i], &sum);
		s->tx_bytes += sum.tx_bytes;
	}
	urk_stats_update(port);
	spin_lock_bh(&port->stats_lock);
	s->rx_packets = port->stats[URK_RX_PACKETS];
	s->tx_packets = port->stats[URK_TX_PACKETS];
	s->rx_bytes = port->stats[URK_RX_BYTES] -
		      ETH_FCS_LEN * s->rx_packets;
	s->multicast = port->stats[URK_RX_MULTICAST];
	s->collisions = port->stats[URK_COLLISIONS];
	s->rx_crc_errors = port->stats[URK_RX_CRC_ERRORS];
	s->rx_frame_errors = port->stats[URK_RX_ALIGN_ERRORS];
	s->rx_length_errors = port->stats[URK_RX_LENGTH_ERRORS] +
			      port->stats[URK_RX_UNDERSIZE] +
			      port->stats[URK_RX_OVERSIZE];
	s->rx_missed_errors = port->stats[URK_RX_MISSED];
	s->rx_errors = netdev->stats.rx_errors + s->rx_crc_errors +
		       s->rx_frame_errors + s->rx_length_errors +
		       port->stats[URK_RX_SYMBOL_ERRORS];
	spin_unlock_bh(&port->stats_lock);
	s->rx_dropped = netdev->stats.rx_dropped;
	s->tx_dropped = netdev->stats.tx_dropped;
	s->tx_errors = netdev->stats.tx_errors;
}

static const struct net_device_ops urk_netdev_ops = {
	.ndo_open = urk_netdev_open,
	.ndo_stop = urk_netdev_stop,
	.ndo_start_xmit = urk_kernel_xmit,
	.ndo_tx_timeout = urk_netdev_tx_timeout,
	.ndo_set_rx_mode = urk_netdev_set_rx_mode,
	.ndo_set_mac_address = urk_netdev_set_mac,
	.ndo_set_features = urk_netdev_set_features,
	.ndo_vlan_rx_add_vid = urk_netdev_add_vid,
	.ndo_vlan_rx_kill_vid = urk_netdev_kill_vid,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_get_stats64 = urk_netdev_stats,
};

/* What the device can do for the stack, and what is done while copying. */
static void urk_netdev_offers(struct urk_port *port, struct net_device *netdev)
{
	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	netdev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM;
	netdev->features = netdev->hw_features | NETIF_F_RXCSUM |
			   NETIF_F_HIGHDMA;
	if (port->hw.variant->vf) {
		/* it has only its own address; a tag needs permission */
		netdev->features |= NETIF_F_HW_VLAN_CTAG_FILTER;
		return;
	}
	netdev->priv_flags |= IFF_UNICAST_FLT;
	if (port->hw.variant->ops->set_rss) {
		netdev->hw_features |= NETIF_F_RXHASH;
		netdev->features |= NETIF_F_RXHASH;
	}
	/* tags are kept at first: a process sees frames as on the wire */
	netdev->hw_features |= NETIF_F_RXCSUM | NETIF_F_HW_VLAN_CTAG_RX;
}

static void urk_netdev_first_mac(struct urk_port *port,
				 struct net_device *netdev)
{
	u8 mac[ETH_ALEN];

	port->hw.variant->ops->get_mac(&port->hw, mac);
	if (is_valid_ether_addr(mac)) {
		eth_hw_addr_set(netdev, mac);
		return;
	}
	eth_hw_addr_random(netdev);
	dev_warn(&port->hw.pdev->dev, "no MAC address %s: %pM made up\n",
		 port->hw.variant->vf ? "from the physical function" :
		 "in the EEPROM", netdev->dev_addr);
}

struct net_device *urk_netdev_create(struct urk_port *port)
{
	struct net_device *netdev;
	u32 i;

	netdev = alloc_etherdev_mq(sizeof(struct urk_netdev),
				   port->queue_count);
	if (!netdev)
		return NULL;
	((struct urk_netdev *)netdev_priv(netdev))->port = port;
	urk_rss_init(port);
	SET_NETDEV_DEV(netdev, &port->hw.pdev->dev);
	netdev->netdev_ops = &urk_netdev_ops;
	netdev->ethtool_ops = &urk_ethtool_ops;
	netdev->watchdog_timeo = 5 * HZ;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = ETH_DATA_LEN;
	urk_netdev_offers(port, netdev);
	urk_netdev_first_mac(port, netdev);
	memcpy(netdev->perm_addr, netdev->dev_addr, ETH_ALEN);
	netif_set_real_num_tx_queues(netdev, port->channels);
	netif_set_real_num_rx_queues(netdev, port->channels);
	for (i = 0; i < port->queue_count; i++) {
		struct urk_queue *q = &port->queue[i];

		urk_napi_init(netdev, &q->napi, urk_kernel_poll);
		urk_napi_of_queue(&q->napi, i);
		urk_hrtimer_setup(&q->tx_look, urk_kernel_tx_look);
	}
	netif_carrier_off(netdev);
	return netdev;
}
