// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many queues a port has, and which packet comes to which: ethtool -l, -L,
 * -x, -X.
 *
 * A port starts with one queue, so that a process that attaches sees all its
 * packets.  The table spreads them over all queues, no matter who holds them;
 * ethtool -X can leave queues out, or give a share of the flows to one queue
 * alone.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>

#include "compat.h"
#include "urk.h"

/* ------------------------------------------------------------------------
 * The table and the key
 */

static void urk_rss_spread(struct urk_port *port)
{
	u32 i;

	for (i = 0; i < URK_RETA_SIZE; i++)
		port->rss.reta[i] = ethtool_rxfh_indir_default(i,
							       port->channels);
}

void urk_rss_init(struct urk_port *port)
{
	port->channels = 1;
	netdev_rss_key_fill(port->rss.key, sizeof(port->rss.key));
	urk_rss_spread(port);
}

/* To the device; under port->ctl. */
void urk_rss_write(struct urk_port *port)
{
	const struct urk_hw_ops *ops = port->hw.variant->ops;

	if (ops->set_rss)
		ops->set_rss(&port->hw, port->channels, &port->rss);
}

u32 urk_rss_table_size(struct net_device *netdev)
{
	return urk_port_of(netdev)->hw.variant->ops->set_rss ?
	       URK_RETA_SIZE : 0;
}

u32 urk_rss_key_size(struct net_device *netdev)
{
	return urk_port_of(netdev)->hw.variant->ops->set_rss ?
	       URK_RSS_KEY_SIZE : 0;
}

void urk_rss_get(struct net_device *netdev, u32 *table, u8 *key)
{
	struct urk_port *port = urk_port_of(netdev);
	u32 i;

	/* for a table of size 0 the stack passes no memory */
	if (!urk_rss_table_size(netdev))
		return;
	mutex_lock(&port->ctl);
	for (i = 0; table && i < URK_RETA_SIZE; i++)
		table[i] = port->rss.reta[i];
	if (key)
		memcpy(key, port->rss.key, sizeof(port->rss.key));
	mutex_unlock(&port->ctl);
}

/* The stack has checked that the queues in the table exist. */
int urk_rss_set(struct net_device *netdev, const u32 *table, const u8 *key,
		u8 function)
{
	struct urk_port *port = urk_port_of(netdev);
	u32 i;

	if (!urk_rss_table_size(netdev))
		return -EOPNOTSUPP;
	if (function != ETH_RSS_HASH_NO_CHANGE &&
	    function != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	mutex_lock(&port->ctl);
	for (i = 0; table && i < URK_RETA_SIZE; i++)
		port->rss.reta[i] = table[i];
	if (key)
		memcpy(port->rss.key, key, sizeof(port->rss.key));
	if (port->up)
		urk_rss_write(port);
	mutex_unlock(&port->ctl);
	return 0;
}

/* Which header fields of such a flow are hashed: RXH_*, 0 if it is not known. */
u32 urk_rss_fields(struct net_device *netdev, u32 flow_type)
{
	const struct urk_hw_ops *ops = urk_port_of(netdev)->hw.variant->ops;
	u32 addresses = RXH_IP_SRC | RXH_IP_DST;
	u32 ports = RXH_L4_B_0_1 | RXH_L4_B_2_3;

	if (!ops->set_rss)
		return 0;
	switch (flow_type) {
	case TCP_V4_FLOW:
	case TCP_V6_FLOW:
		return addresses | ports;
	case UDP_V4_FLOW:
	case UDP_V6_FLOW:
		return ops->rss_udp ? addresses | ports : addresses;
	case SCTP_V4_FLOW:
	case SCTP_V6_FLOW:
	case AH_ESP_V4_FLOW:
	case AH_ESP_V6_FLOW:
	case AH_V4_FLOW:
	case AH_V6_FLOW:
	case ESP_V4_FLOW:
	case ESP_V6_FLOW:
	case IPV4_FLOW:
	case IPV6_FLOW:
		return addresses;
	}
	return 0;
}

/* ------------------------------------------------------------------------
 * How many
 */

void urk_get_channels(struct net_device *netdev, struct ethtool_channels *ch)
{
	struct urk_port *port = urk_port_of(netdev);

	ch->max_combined = port->queue_count;
	ch->combined_count = port->channels;
}

static bool urk_port_held(struct urk_port *port)
{
	u32 i;

	for (i = 0; i < port->queue_count; i++)
		if (port->queue[i].user)
			return true;
	return false;
}

/* A table that the administrator wrote must not lead to a removed queue. */
static bool urk_rss_leads_beyond(struct urk_port *port, u32 count)
{
	u32 i;

	if (!netif_is_rxfh_configured(port->netdev))
		return false;
	for (i = 0; i < URK_RETA_SIZE; i++)
		if (port->rss.reta[i] >= count)
			return true;
	return false;
}

/* A queue is added before packets are led to it, and removed after the last. */
static int urk_change_channels(struct urk_port *port, u32 count)
{
	u32 old = port->channels;
	u32 i;
	int err;

	for (i = old; port->up && i < count; i++) {
		err = urk_queue_add(&port->queue[i]);
		if (err)
			goto err_queues;
	}
	err = netif_set_real_num_queues(port->netdev, count, count);
	if (err)
		goto err_queues;
	port->channels = count;
	/* ethtool -X set no table, or -X default reset it */
	if (!netif_is_rxfh_configured(port->netdev))
		urk_rss_spread(port);
	if (!port->up)
		return 0;
	urk_rss_write(port);
	for (i = count; i < old; i++)
		urk_queue_remove(&port->queue[i]);
	return 0;

err_queues:
	while (i-- > old)
		urk_queue_remove(&port->queue[i]);
	return err;
}

/* Under rtnl. */
int urk_set_channels(struct net_device *netdev, struct ethtool_channels *ch)
{
	struct urk_port *port = urk_port_of(netdev);
	u32 count = ch->combined_count;
	int err;

	if (!count || ch->rx_count || ch->tx_count || ch->other_count)
		return -EINVAL;
	mutex_lock(&port->ctl);
	if (count == port->channels) {
		err = 0;
	} else if (urk_port_held(port)) {
		netdev_warn(netdev, "a process holds a queue: their number stays\n");
		err = -EBUSY;
	} else if (urk_rss_leads_beyond(port, count)) {
		err = -EINVAL;
	} else {
		err = urk_change_channels(port, count);
	}
	mutex_unlock(&port->ctl);
	return err;
}
