// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel as consumer of a queue, and the port as a network interface.
 *
 * Frames are copied between slots and skbs: this is the control plane.  RX
 * slots stay bound to their places.  What the stack sends goes into the rings
 * that the device has now, its own or a process's, from the kernel's slots:
 * packet n from slot URK_KERNEL_RX + n, in a circle.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>

#include "compat.h"
#include "urk.h"

/* ------------------------------------------------------------------------
 * Receive
 */

/* Takes at most budget frames; the caller is NAPI, or has disabled it. */
int urk_netdev_rx(struct urk_queue *q, int budget, bool napi)
{
	struct urk_ring *r = &q->krings->ring;
	u32 pos = r->rx_done;
	struct sk_buff *skb;
	int work = 0;

	while (work < budget && pos != r->rx_tail && urk_rx_dd(r, pos)) {
		dma_rmb();	/* E: DD before the rest */
		skb = urk_skb_rx(q, q->krings, pos++, &q->port->netdev->stats);
		work++;
		if (!skb)
			continue;
		skb_record_rx_queue(skb, q->index);
		if (napi)
			napi_gro_receive(&q->napi, skb);
		else
			netif_receive_skb(skb);
	}
	urk_rx_take(r, pos);
	return work;
}

/* Posts whatever is free and tells the device once. */
static void urk_netdev_repost(struct urk_queue *q)
{
	struct urk_ring *r = &q->krings->ring;
	u32 room = urk_rx_room(r);

	if (!room)
		return;
	urk_rx_repost(r, room);
	dma_wmb();	/* C */
	urk_queue_kick(q, r, URK_RX_MOVED);
}

/* First fill: place n has slot n. */
void urk_netdev_fill(struct urk_queue *q)
{
	struct urk_ring *r = &q->krings->ring;
	u32 place;

	for (place = 0; place <= r->rx_mask; place++) {
		r->rx_slot[place] = place;
		r->rx_addr[place] = r->slots.addr[place];
	}
	urk_netdev_repost(q);
}

/* Lets the stack send again, if there is room; under queue->lock. */
void urk_netdev_wake(struct urk_queue *q)
{
	if (!q->tx_full || !urk_tx_kernel_room(&q->rings->ring))
		return;
	q->tx_full = false;
	netif_tx_wake_queue(urk_txq(q));
}

static int urk_netdev_poll(struct napi_struct *napi, int budget)
{
	struct urk_queue *q = container_of(napi, struct urk_queue, napi);
	struct urk_hw *hw = &q->port->hw;
	struct urk_ring *r = &q->krings->ring;
	int work;

	/* netpoll, which only wants room to send: see urk_netdev_xmit() */
	if (!budget) {
		if (spin_trylock(&q->lock)) {
			urk_tx_reap(r);
			urk_netdev_wake(q);
			spin_unlock(&q->lock);
		}
		return 0;
	}
	spin_lock(&q->lock);
	urk_tx_reap(r);
	urk_netdev_wake(q);
	spin_unlock(&q->lock);

	work = urk_netdev_rx(q, budget, true);
	urk_netdev_repost(q);
	if (work < budget && napi_complete_done(napi, work))
		urk_wr(hw, hw->irq_set, urk_irqs(hw, q->index));
	return work;
}

/* ------------------------------------------------------------------------
 * Transmit
 */

#define URK_TAP_SOON	(HZ / 50)
#define URK_TX_LOOK	ns_to_ktime(100 * NSEC_PER_USEC)	/* 8 full frames at 1 Gb/s */

/* The tail register, unless more is coming or it is there already. */
static void urk_netdev_kick(struct urk_queue *q, bool more)
{
	struct urk_ring *r = &q->rings->ring;

	if (more || q->tx_kicked == r->tx_tail)
		return;
	dma_wmb();	/* C */
	urk_queue_kick(q, r, URK_TX_MOVED);
}

/*
 * Copies a frame, checksum and all.  A UDP checksum that comes out as 0 is sent
 * as 0xffff: 0 says that there is none, and IPv6 drops such a datagram.
 */
static void urk_netdev_tx_copy(struct sk_buff *skb, u8 *to)
{
	__sum16 *sum;

	skb_copy_and_csum_dev(skb, to);
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return;
	sum = (__sum16 *)(to + skb_checksum_start_offset(skb) +
			  skb->csum_offset);
	if (!*sum)
		*sum = CSUM_MANGLED_0;
}

/* Puts a frame into the kernel's next slot. */
static void urk_netdev_tx_one(struct urk_queue *q, struct sk_buff *skb)
{
	struct urk_ring *r = &q->rings->ring;
	u32 slot = URK_KERNEL_RX + (r->kernel_put & (URK_KERNEL_TX - 1));
	u8 *to = urk_pool_virt(q->krings->pool, slot);
	u32 len = skb->len;

	urk_netdev_tx_copy(skb, to);
	if (len < ETH_ZLEN) {
		memset(to + len, 0, ETH_ZLEN - len);
		len = ETH_ZLEN;
	}
	urk_tx_put(r, q->krings->ring.slots.addr[slot], len, 0);
	r->kernel_put++;
	urk_tx_close(r, r->tx_tail - 1);
	q->count.tx_packets++;
	q->count.tx_bytes += len;
}

/*
 * No room.  With the kernel as consumer the interrupt of a finished batch wakes
 * the stack.  A process's queue has no interrupts, and the process need not
 * come by for long: a timer looks.
 */
static void urk_netdev_full(struct urk_queue *q)
{
	netif_tx_stop_queue(urk_txq(q));
	q->tx_full = true;
	if (q->user)
		hrtimer_start(&q->tx_look, URK_TX_LOOK, HRTIMER_MODE_REL_SOFT);
}

enum hrtimer_restart urk_netdev_tx_look(struct hrtimer *timer)
{
	struct urk_queue *q = container_of(timer, struct urk_queue, tx_look);
	enum hrtimer_restart next = HRTIMER_NORESTART;

	spin_lock(&q->lock);
	if (q->rings && q->tx_full) {
		urk_tx_reap(&q->rings->ring);
		urk_netdev_wake(q);
		if (q->tx_full && !hrtimer_is_queued(timer)) {
			hrtimer_forward_now(timer, URK_TX_LOOK);
			next = HRTIMER_RESTART;
		}
	}
	spin_unlock(&q->lock);
	return next;
}

static netdev_tx_t urk_netdev_xmit(struct sk_buff *skb,
				   struct net_device *netdev)
{
	struct urk_port *port = urk_port_of(netdev);
	struct urk_queue *q = &port->queue[skb_get_queue_mapping(skb)];
	bool more = netdev_xmit_more();
	netdev_tx_t ret = NETDEV_TX_OK;
	struct urk_ring *r;

	/*
	 * netpoll (netconsole) comes from whatever a printk() interrupted, also
	 * from under queue->lock, and with interrupts off: it tries, and comes
	 * again.
	 */
	if (unlikely(irqs_disabled())) {
		if (!spin_trylock(&q->lock))
			return NETDEV_TX_BUSY;
	} else {
		spin_lock(&q->lock);
	}
	if (unlikely(!q->rings)) {
		/* an exchange is under way, and wakes the stack when it is over */
		netif_tx_stop_queue(urk_txq(q));
		spin_unlock(&q->lock);
		return NETDEV_TX_BUSY;
	}
	r = &q->rings->ring;
	if (skb->len > URK_TX_LEN_MAX) {
		netdev->stats.tx_errors++;
		urk_netdev_kick(q, more);
		goto drop;
	}
	if (urk_tx_kernel_room(r) < 2)
		urk_tx_reap(r);
	if (!urk_tx_kernel_room(r)) {
		ret = NETDEV_TX_BUSY;
		more = false;
	} else {
		urk_netdev_tx_one(q, skb);
		skb_tx_timestamp(skb);
		dev_consume_skb_any(skb);
	}
	if (!urk_tx_kernel_room(r)) {
		urk_netdev_full(q);
		more = false;
	}
	urk_netdev_kick(q, more);
	spin_unlock(&q->lock);
	return ret;
drop:
	spin_unlock(&q->lock);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

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
	 * Promiscuous mode: somebody is about to listen.  Earlier, never later: who
	 * joins groups all the time must not keep the port from its work.
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
 * The hardware's counts, so that a process's packets are among them.  Bytes sent
 * are our own: devices differ on whether the FCS is one of them.
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
	.ndo_start_xmit = urk_netdev_xmit,
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
		/* its own address is all; a tag takes leave */
		netdev->features |= NETIF_F_HW_VLAN_CTAG_FILTER;
		return;
	}
	netdev->priv_flags |= IFF_UNICAST_FLT;
	if (port->hw.variant->ops->set_rss) {
		netdev->hw_features |= NETIF_F_RXHASH;
		netdev->features |= NETIF_F_RXHASH;
	}
	/* tags are left at first: a process sees frames as they are on the wire */
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
		struct napi_struct *napi = &port->queue[i].napi;

		urk_napi_init(netdev, napi, urk_netdev_poll);
		urk_napi_of_queue(napi, i);
	}
	netif_carrier_off(netdev);
	return netdev;
}
