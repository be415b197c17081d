// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners on the interface (tcpdump) see what passes a process's queue.
 *
 * A process may write into a slot as soon as it sees DD.  So while somebody
 * listens, the module goes first: it copies a packet and then moves rx_limit
 * past it, in every sync, and by a timer for a process that only polls.  What
 * is sent is copied when its entry is taken.
 *
 * Frames go to the listeners of this one device and nowhere else: those of all
 * devices ("-i any") are not within a module's reach.
 */
#include <linux/etherdevice.h>
#include <linux/netdevice.h>

#include "port.h"

#define URK_TAP_BATCH	256	/* packets shown at a time */

static void urk_tap_add(struct urk_rings *rings, struct sk_buff *skb)
{
	__net_timestamp(skb);
	list_add_tail(&skb->list, &rings->out.taps);
}

/* Entries that urk_tx_submit() has just taken. */
static void urk_tap_tx(struct urk_queue *q, struct urk_rings *rings, u32 from)
{
	struct urk_ring *r = &rings->ring;
	struct ur_tx_entry e;
	struct sk_buff *skb;
	u32 slot;

	for (; from != r->tx_cons; from++) {
		e = urk_tx_entry(&r->tx_entry[from & r->tx_mask]).e;
		/* the stack shows what goes to it */
		if (!urk_tx_valid(r, &e) || e.flags & UR_TX_HOST)
			continue;
		slot = array_index_nospec(e.slot, r->slots.count);
		skb = urk_skb_tx(q, rings, slot, &e);
		if (!skb) {
			q->tap_dropped++;
			continue;
		}
		skb->dev = q->port->netdev;
		skb_reset_mac_header(skb);
		skb_set_network_header(skb, ETH_HLEN);
		skb->protocol = eth_hdr(skb)->h_proto;
		skb->pkt_type = PACKET_OUTGOING;
		urk_tap_add(rings, skb);
	}
}

static void urk_tap_rx(struct urk_queue *q, struct urk_rings *rings)
{
	struct net_device_stats lost = {};
	struct urk_ring *r = &rings->ring;
	struct sk_buff *skb;
	u32 n;

	/* taken in the burst that was under way when the listener came */
	if ((s32)(r->rx_done - r->rx_shown) > 0)
		r->rx_shown = r->rx_done;
	for (n = 0; n < URK_TAP_BATCH && r->rx_shown != r->rx_tail &&
	     urk_rx_dd(r, r->rx_shown); n++) {
		dma_rmb();	/* E: DD before the rest */
		skb = urk_skb_rx(q, rings, r->rx_shown++, &lost);
		if (!skb)
			continue;
		skb_reset_network_header(skb);
		urk_tap_add(rings, skb);
	}
	q->tap_dropped += lost.rx_dropped;
}

/* Shows what is new; TX entries from tx on.  Under queue->lock. */
void urk_tap_sync(struct urk_queue *q, struct urk_rings *rings, u32 tx)
{
	struct urk_ring *r = &rings->ring;
	bool listening = urk_tap_listening(q);

	if (!r->live)
		return;
	if (listening && !r->tapped)
		r->rx_shown = urk_rx_pos(r);
	r->tapped = listening;
	if (listening) {
		urk_tap_tx(q, rings, tx);
		urk_tap_rx(q, rings);
	}
	smp_store_release(&r->k->rx_limit, urk_rx_limit(r));	/* D */
}

static void urk_tap_show(struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct packet_type *pt;

	list_for_each_entry_rcu(pt, &dev->ptype_all, list) {
		if (skb->pkt_type == PACKET_OUTGOING && pt->ignore_outgoing)
			continue;
		/* a listener keeps, or clones, what others have as well */
		refcount_inc(&skb->users);
		pt->func(skb, dev, pt, dev);
	}
	consume_skb(skb);
}

/* Without queue->lock: a listener may do anything, even send. */
void urk_tap_deliver(struct list_head *list)
{
	struct sk_buff *skb, *next;

	rcu_read_lock();
	list_for_each_entry_safe(skb, next, list, list) {
		skb_list_del_init(skb);
		urk_tap_show(skb);
	}
	rcu_read_unlock();
}
