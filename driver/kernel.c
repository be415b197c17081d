// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel as consumer of a queue: NAPI and ndo_start_xmit().
 *
 * Frames are copied between slots and skbs: this is the control plane.  RX
 * slots stay bound to their places.  What the stack sends goes into the rings
 * that the device has now, the kernel's or a process's, from the kernel's
 * slots: packet n from slot URK_KERNEL_RX + n % URK_KERNEL_TX.
 */
#include <linux/etherdevice.h>
#include <linux/netdevice.h>

#include "urk.h"

/* ------------------------------------------------------------------------
 * Receive
 */

/* Takes at most budget frames; the caller is NAPI, or has disabled it. */
int urk_kernel_rx(struct urk_queue *q, int budget, bool napi)
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

/* Posts all free places and tells the device once. */
static void urk_kernel_repost(struct urk_queue *q)
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
void urk_kernel_fill(struct urk_queue *q)
{
	struct urk_ring *r = &q->krings->ring;
	u32 place;

	for (place = 0; place <= r->rx_mask; place++) {
		r->rx_slot[place] = place;
		r->rx_addr[place] = r->slots.addr[place];
	}
	urk_kernel_repost(q);
}

/* Lets the stack send again, if there is room; under queue->lock. */
void urk_kernel_wake(struct urk_queue *q)
{
	if (!q->tx_full || !urk_tx_kernel_room(&q->rings->ring))
		return;
	q->tx_full = false;
	netif_tx_wake_queue(urk_txq(q));
}

int urk_kernel_poll(struct napi_struct *napi, int budget)
{
	struct urk_queue *q = container_of(napi, struct urk_queue, napi);
	struct urk_hw *hw = &q->port->hw;
	struct urk_ring *r = &q->krings->ring;
	int work;

	/* netpoll, which only wants room to send: see urk_kernel_xmit() */
	if (!budget) {
		if (spin_trylock(&q->lock)) {
			urk_tx_reap(r);
			urk_kernel_wake(q);
			spin_unlock(&q->lock);
		}
		return 0;
	}
	spin_lock(&q->lock);
	urk_tx_reap(r);
	urk_kernel_wake(q);
	spin_unlock(&q->lock);

	work = urk_kernel_rx(q, budget, true);
	urk_kernel_repost(q);
	if (work < budget && napi_complete_done(napi, work))
		urk_wr(hw, hw->irq_set, urk_irqs(hw, q->index));
	return work;
}

/* ------------------------------------------------------------------------
 * Transmit
 */

#define URK_TX_LOOK	ns_to_ktime(100 * NSEC_PER_USEC)	/* 8 full frames at 1 Gb/s */

/* Writes the tail register, unless more is coming or it is up to date. */
static void urk_kernel_kick(struct urk_queue *q, bool more)
{
	struct urk_ring *r = &q->rings->ring;

	if (more || q->tx_kicked == r->tx_tail)
		return;
	dma_wmb();	/* C */
	urk_queue_kick(q, r, URK_TX_MOVED);
}

/*
 * Copies a frame and completes its checksum.  A UDP checksum that comes out as
 * 0 is sent as 0xffff: 0 means that there is none, and IPv6 drops such a
 * datagram.
 */
static void urk_kernel_tx_copy(struct sk_buff *skb, u8 *to)
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
static void urk_kernel_tx_one(struct urk_queue *q, struct sk_buff *skb)
{
	struct urk_ring *r = &q->rings->ring;
	u32 slot = URK_KERNEL_RX + (r->kernel_put & (URK_KERNEL_TX - 1));
	u8 *to = urk_pool_virt(q->krings->pool, slot);
	u32 len = skb->len;

	urk_kernel_tx_copy(skb, to);
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
 * the stack.  A process's queue has no interrupts, and the process may not sync
 * for a long time: a timer looks.
 */
static void urk_kernel_full(struct urk_queue *q)
{
	netif_tx_stop_queue(urk_txq(q));
	q->tx_full = true;
	if (q->user)
		hrtimer_start(&q->tx_look, URK_TX_LOOK, HRTIMER_MODE_REL_SOFT);
}

enum hrtimer_restart urk_kernel_tx_look(struct hrtimer *timer)
{
	struct urk_queue *q = container_of(timer, struct urk_queue, tx_look);
	enum hrtimer_restart next = HRTIMER_NORESTART;

	spin_lock(&q->lock);
	if (q->rings && q->tx_full) {
		urk_tx_reap(&q->rings->ring);
		urk_kernel_wake(q);
		if (q->tx_full && !hrtimer_is_queued(timer)) {
			hrtimer_forward_now(timer, URK_TX_LOOK);
			next = HRTIMER_RESTART;
		}
	}
	spin_unlock(&q->lock);
	return next;
}

netdev_tx_t urk_kernel_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct urk_port *port = urk_port_of(netdev);
	struct urk_queue *q = &port->queue[skb_get_queue_mapping(skb)];
	bool more = netdev_xmit_more();
	netdev_tx_t ret = NETDEV_TX_OK;
	struct urk_ring *r;

	/*
	 * netpoll (netconsole) is called wherever a printk() is, also under
	 * queue->lock, and with interrupts off: only try the lock, netpoll
	 * tries again.
	 */
	if (unlikely(irqs_disabled())) {
		if (!spin_trylock(&q->lock))
			return NETDEV_TX_BUSY;
	} else {
		spin_lock(&q->lock);
	}
	if (unlikely(!q->rings)) {
		/* rings are being exchanged; then the stack is woken */
		netif_tx_stop_queue(urk_txq(q));
		spin_unlock(&q->lock);
		return NETDEV_TX_BUSY;
	}
	r = &q->rings->ring;
	if (skb->len > URK_TX_LEN_MAX) {
		netdev->stats.tx_errors++;
		urk_kernel_kick(q, more);
		goto drop;
	}
	if (urk_tx_kernel_room(r) < 2)
		urk_tx_reap(r);
	if (!urk_tx_kernel_room(r)) {
		ret = NETDEV_TX_BUSY;
		more = false;
	} else {
		urk_kernel_tx_one(q, skb);
		skb_tx_timestamp(skb);
		dev_consume_skb_any(skb);
	}
	if (!urk_tx_kernel_room(r)) {
		urk_kernel_full(q);
		more = false;
	}
	urk_kernel_kick(q, more);
	spin_unlock(&q->lock);
	return ret;
drop:
	spin_unlock(&q->lock);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}
