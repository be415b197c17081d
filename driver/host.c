// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exception path: frames of a process's queue that belong to the local
 * stack.  They are copied under queue->lock and delivered without it, because
 * the stack may answer within the same call, by urk_kernel_xmit().
 *
 * The other direction needs no file of its own: the stack always sends into the
 * rings that the device has now, see kernel.c.
 */
#include <linux/netdevice.h>

#include "urk.h"

/* A HOST entry; called by urk_tx_submit(). */
void urk_host_entry(struct urk_ring *r, u32 slot, const struct ur_tx_entry *e)
{
	struct urk_rings *rings = container_of(r, struct urk_rings, ring);
	struct urk_queue *q = rings->queue;
	struct sk_buff *skb = urk_skb_tx(q, rings, slot, e);
	ktime_t when;

	if (!skb) {
		r->count->host_dropped++;
		return;
	}
	r->count->host_packets++;
	if (e->flags & UR_TX_CSUM_OK &&
	    q->port->netdev->features & NETIF_F_RXCSUM)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->protocol = eth_type_trans(skb, q->port->netdev);
	skb_record_rx_queue(skb, q->index);
	/* the stack shows it to listeners, with the time at which it came */
	if (unlikely(r->tapped) && urk_tap_recall(rings, slot, &when))
		skb->tstamp = when;
	urk_copy(skb)->kind = URK_COPY_HOST;
	list_add_tail(&skb->list, &rings->out);
}

/* ------------------------------------------------------------------------
 * Out of the lock
 */

void urk_out_init(struct urk_rings *rings)
{
	INIT_LIST_HEAD(&rings->out);
	INIT_LIST_HEAD(&rings->seen);
	urk_ring_budget(&rings->ring, ~0U, URK_OUT_BATCH);
}

static void urk_out_run(struct list_head *list)
{
	struct sk_buff *skb, *next;
	LIST_HEAD(host);

	list_for_each_entry_safe(skb, next, list, list) {
		if (likely(urk_copy(skb)->kind == URK_COPY_HOST)) {
			list_move_tail(&skb->list, &host);
			continue;
		}
		netif_receive_skb_list(&host);
		INIT_LIST_HEAD(&host);
		skb_list_del_init(skb);
		urk_tap_show(skb);
	}
	netif_receive_skb_list(&host);
}

/*
 * Delivers what was copied.  Called under queue->lock and with bottom halves
 * disabled, which keeps the net_device; the lock is released meanwhile.  Only
 * one caller delivers at a time, so the order is kept.  Return: false if there
 * is nothing, or another caller is delivering: queue->out_idle tells when it is
 * done.
 */
bool urk_out_deliver(struct urk_queue *q, struct urk_rings *rings)
	__must_hold(&q->lock)
{
	LIST_HEAD(list);

	if (likely(!urk_out_waits(rings)) || q->out_busy)
		return false;
	list_splice_init(&rings->out, &list);
	/* more are copied only when these are delivered */
	rings->ring.host_room = 0;
	q->out_busy = true;
	spin_unlock(&q->lock);
	urk_out_run(&list);
	spin_lock(&q->lock);
	/* otherwise the rings may be gone by now */
	if (q->rings == rings)
		rings->ring.host_room = URK_OUT_BATCH;
	q->out_busy = false;
	wake_up(&q->out_idle);
	return true;
}

/*
 * The port goes down: copies that were not delivered are dropped, like frames
 * that the stack would have received.  Sleeps until a delivery that is under
 * way has ended; no other begins, because these rings are not in use.
 */
void urk_out_drop(struct urk_queue *q, struct urk_rings *rings)
{
	struct sk_buff *skb, *next;

	wait_event(q->out_idle, !READ_ONCE(q->out_busy));
	spin_lock_bh(&q->lock);
	urk_tap_end(rings, rings->ring.rx_done);
	list_for_each_entry_safe(skb, next, &rings->out, list) {
		skb_list_del_init(skb);
		kfree_skb(skb);
	}
	rings->ring.host_room = URK_OUT_BATCH;
	spin_unlock_bh(&q->lock);
}

/*
 * The process is gone and the device has other rings: delivers what was copied,
 * and then what the device received and the process had not taken.  Sleeps, as
 * above.
 */
void urk_host_rest(struct urk_queue *q, struct urk_rings *rings)
{
	struct urk_ring *r = &rings->ring;
	u32 pos = urk_rx_pos(r);
	struct sk_buff *skb;
	LIST_HEAD(list);

	if (!r->live)
		return;
	wait_event(q->out_idle, !READ_ONCE(q->out_busy));
	spin_lock_bh(&q->lock);
	urk_tap_end(rings, pos);
	urk_out_deliver(q, rings);
	spin_unlock_bh(&q->lock);

	local_bh_disable();
	for (; pos != r->rx_tail && urk_rx_dd(r, pos); pos++) {
		dma_rmb();	/* E: DD before the rest */
		skb = urk_skb_rx(q, rings, pos, &q->port->netdev->stats);
		if (skb)
			list_add_tail(&skb->list, &list);
	}
	netif_receive_skb_list(&list);
	local_bh_enable();
}
