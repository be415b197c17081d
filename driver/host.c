// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exception path: frames of a process's queue that belong to the local
 * stack.  They are copied under queue->lock and handed over after it, because
 * the stack answers from where it is called, by urk_netdev_xmit().
 *
 * The other direction needs no file of its own: the stack always sends into the
 * rings that the device has, see netdev.c.
 */
#include <linux/netdevice.h>

#include "compat.h"
#include "port.h"

/*
 * Listeners have seen this frame already.  The mark leads around them, and
 * around the hooks of ingress as well: where there are such hooks, a frame that
 * is shown twice is the lesser evil.
 */
static void urk_host_shown(struct sk_buff *skb)
{
	if (!urk_has_ingress_hooks(skb->dev))
		urk_skip_taps(skb);
}

/* A HOST entry; called by urk_tx_submit(). */
void urk_host_entry(struct urk_ring *r, u32 slot, const struct ur_tx_entry *e)
{
	struct urk_rings *rings = container_of(r, struct urk_rings, ring);
	struct urk_queue *q = rings->queue;
	struct sk_buff *skb = urk_skb_tx(q, rings, slot, e);

	if (!skb) {
		r->count->host_dropped++;
		return;
	}
	r->count->host_packets++;
	if (e->flags & UR_TX_CSUM_OK &&
	    q->port->netdev->features & NETIF_F_RXCSUM)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->protocol = eth_type_trans(skb, q->port->netdev);
	if (r->tapped)
		urk_host_shown(skb);
	list_add_tail(&skb->list, &rings->out.host);
}

/* What the device received for a process that is gone; the device is paused. */
void urk_host_rest(struct urk_queue *q, struct urk_rings *rings)
{
	struct urk_ring *r = &rings->ring;
	u32 pos = urk_rx_pos(r);
	struct sk_buff *skb;
	LIST_HEAD(list);

	if (!r->live)
		return;
	local_bh_disable();
	/* behind what is still under way; from here on nobody takes a turn */
	while (smp_load_acquire(&q->out_turn) != q->out_next)
		cpu_relax();
	for (; pos != r->rx_tail && urk_rx_dd(r, pos); pos++) {
		dma_rmb();	/* E: DD before the rest */
		skb = urk_skb_rx(q, rings, pos, &q->port->netdev->stats);
		if (!skb)
			continue;
		if (r->tapped && (s32)(pos - r->rx_shown) < 0)
			urk_host_shown(skb);
		list_add_tail(&skb->list, &list);
	}
	netif_receive_skb_list(&list);
	local_bh_enable();
}

/*
 * Takes what was copied, under queue->lock.  The caller keeps bottom halves
 * disabled until urk_out_deliver(), and with them the net_device alive.
 */
void urk_out_take(struct urk_rings *rings, struct urk_out *out)
{
	struct urk_queue *q = rings->queue;

	INIT_LIST_HEAD(&out->taps);
	INIT_LIST_HEAD(&out->host);
	out->queue = NULL;
	if (likely(!urk_out_waits(rings)))
		return;
	list_splice_init(&rings->out.taps, &out->taps);
	list_splice_init(&rings->out.host, &out->host);
	out->queue = q;
	out->turn = q->out_next++;
}

/*
 * The order in which copies were taken is the order in which they are
 * delivered, also when a timer and a SYNC did it on two CPUs.  Who waits here
 * holds no lock that a delivery could want, and nobody delivers from within a
 * delivery.
 */
void urk_out_deliver(struct urk_out *out)
{
	struct urk_queue *q = out->queue;

	if (likely(!q))
		return;
	/* partner: the store of who had the turn before */
	while (smp_load_acquire(&q->out_turn) != out->turn)
		cpu_relax();
	if (!list_empty(&out->taps))
		urk_tap_deliver(&out->taps);
	if (!list_empty(&out->host))
		netif_receive_skb_list(&out->host);
	/* partner: the next one's load */
	smp_store_release(&q->out_turn, out->turn + 1);
}
