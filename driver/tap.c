// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners on the interface (tcpdump) see the packets of a process's queue.
 *
 * A process may write into a slot as soon as it sees DD.  So while there is a
 * listener, the module goes first: it copies a packet and then moves rx_limit
 * past it, in every sync, and by a timer for a process that only polls.  What
 * is sent is copied when its entry is taken.
 *
 * Copies wait in rings->seen, in the order of their time, until it is known
 * what the process does with a received packet.  If it passes the packet up,
 * the stack shows it and the copy is dropped.  So a listener sees each packet
 * once, even if it listens to the stack as well.
 *
 * Frames go to the listeners of this device, and to those of all devices
 * ("-i any") where a module can reach their list.
 */
#include <linux/etherdevice.h>
#include <linux/netdevice.h>

#include "urk.h"

#define URK_TAP_BATCH	256	/* packets copied at a time */
#define URK_TAP_SEEN	2048	/* copies at most; then the oldest are shown */
/*
 * A HOST entry for a packet comes with the sync in which the packet was taken,
 * or soon after, or not at all.
 */
#define URK_TAP_WAIT	(50 * NSEC_PER_MSEC)
/* After this time a packet that was never taken is shown as well. */
#define URK_TAP_WAIT_TAKE	(1 * NSEC_PER_SEC)

static void urk_tap_add(struct urk_rings *rings, struct sk_buff *skb,
			enum urk_copy_kind kind, u32 pos, u32 slot)
{
	BUILD_BUG_ON(sizeof(struct urk_copy) > sizeof(skb->cb));
	*urk_copy(skb) = (struct urk_copy){ kind, pos, slot };
	__net_timestamp(skb);
	list_add_tail(&skb->list, &rings->seen);
	rings->seen_count++;
}

static void urk_tap_next(struct urk_rings *rings, struct sk_buff *skb)
{
	rings->seen_count--;
	list_move_tail(&skb->list, &rings->out);
}

/* Is it known that the process keeps it, or may the others wait no longer? */
static bool urk_tap_due(const struct urk_rings *rings, struct sk_buff *skb,
			ktime_t now)
{
	const struct urk_copy *copy = urk_copy(skb);
	s64 age = ktime_to_ns(ktime_sub(now, skb->tstamp));

	if (copy->kind == URK_COPY_TX || rings->seen_count > URK_TAP_SEEN)
		return true;
	if ((s32)(copy->pos - rings->seen_due) < 0)
		return true;
	/* at a high rate a copy waits for one visit only */
	if ((s32)(copy->pos - rings->seen_synced) < 0 &&
	    rings->seen_count > URK_TAP_SEEN / 2)
		return true;
	return age >= URK_TAP_WAIT_TAKE;
}

static void urk_tap_run(struct urk_rings *rings)
{
	ktime_t now = ktime_get_real();
	struct sk_buff *skb, *next;

	if (ktime_to_ns(ktime_sub(now, rings->seen_when)) >= URK_TAP_WAIT) {
		rings->seen_due = rings->seen_taken;
		rings->seen_taken = urk_rx_pos(&rings->ring);
		rings->seen_when = now;
	}
	list_for_each_entry_safe(skb, next, &rings->seen, list) {
		if (!urk_tap_due(rings, skb, now))
			break;
		urk_tap_next(rings, skb);
	}
	rings->seen_synced = rings->ring.rx_done;
}

/*
 * The process passes up the packet in a slot.  Copies before it in the list are
 * shown before the stack shows it.  Return: was there a copy?  *when: its time.
 */
bool urk_tap_recall(struct urk_rings *rings, u32 slot, ktime_t *when)
{
	struct sk_buff *skb, *next, *found = NULL;

	/* backwards: an older packet may have been in the same slot */
	list_for_each_entry_reverse(skb, &rings->seen, list) {
		const struct urk_copy *copy = urk_copy(skb);

		if (copy->kind == URK_COPY_RX && copy->slot == slot) {
			found = skb;
			break;
		}
	}
	if (!found)
		return false;
	list_for_each_entry_safe(skb, next, &rings->seen, list) {
		if (skb == found)
			break;
		urk_tap_next(rings, skb);
	}
	*when = found->tstamp;
	rings->seen_count--;
	skb_list_del_init(found);
	consume_skb(found);
	return true;
}

/* Ends it: the stack takes, and shows, what was received from pos on. */
void urk_tap_end(struct urk_rings *rings, u32 pos)
{
	struct sk_buff *skb, *next;

	list_for_each_entry_safe(skb, next, &rings->seen, list) {
		if (urk_copy(skb)->kind == URK_COPY_TX ||
		    (s32)(urk_copy(skb)->pos - pos) < 0) {
			urk_tap_next(rings, skb);
			continue;
		}
		rings->seen_count--;
		skb_list_del_init(skb);
		consume_skb(skb);
	}
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
		urk_tap_add(rings, skb, URK_COPY_TX, 0, slot);
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
	for (n = 0; n < URK_TAP_BATCH && rings->seen_count < URK_TAP_SEEN &&
	     r->rx_shown != r->rx_tail && urk_rx_dd(r, r->rx_shown); n++) {
		u32 pos = r->rx_shown++;

		dma_rmb();	/* E: DD before the rest */
		skb = urk_skb_rx(q, rings, pos, &lost);
		if (!skb)
			continue;
		skb_reset_network_header(skb);
		urk_tap_add(rings, skb, URK_COPY_RX, pos,
			    r->rx_slot[pos & r->rx_mask]);
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
	if (listening && !r->tapped) {
		r->rx_shown = urk_rx_pos(r);
		rings->seen_due = r->rx_shown;
		rings->seen_taken = r->rx_shown;
		rings->seen_synced = r->rx_shown;
		rings->seen_when = ktime_get_real();
	}
	r->tapped = listening;
	if (listening) {
		urk_tap_tx(q, rings, tx);
		urk_tap_rx(q, rings);
		urk_tap_run(rings);
	} else {
		urk_tap_end(rings, r->rx_done);
		r->tx_most = ~0U;
	}
	smp_store_release(&r->k->rx_limit, urk_rx_limit(r));	/* D */
}

static void urk_tap_show_to(struct sk_buff *skb, struct list_head *listeners)
{
	struct net_device *dev = skb->dev;
	struct packet_type *pt;

	list_for_each_entry_rcu(pt, listeners, list) {
		if (skb->pkt_type == PACKET_OUTGOING && pt->ignore_outgoing)
			continue;
		/* a listener may keep or clone what others have as well */
		refcount_inc(&skb->users);
		pt->func(skb, dev, pt, dev);
	}
}

/* Without queue->lock: a listener may do anything, even send. */
void urk_tap_show(struct sk_buff *skb)
{
	struct list_head *all = urk_ptype_all(skb->dev);

	rcu_read_lock();
	if (all)
		urk_tap_show_to(skb, all);
	urk_tap_show_to(skb, &skb->dev->ptype_all);
	rcu_read_unlock();
	consume_skb(skb);
}
