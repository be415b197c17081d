// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames from slots to skbs: a copy, because the slot is reused a moment later.
 * All of it runs with bottom halves disabled.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>

#include "urk.h"

/* What the device says of a frame, from the second word of its descriptor. */
struct urk_rx_meta {
	u32 len;
	u16 vlan;
	bool bad;
	bool tagged;
	bool l4_good;
	enum pkt_hash_types hash_type;
	u32 hash;
};

/*
 * What the device hashed, by the type of RSS (E 7.1.11, I 7.1.2.8): 1 and 3 are
 * TCP, 6 TCP after extension headers, 7 to 9 UDP; the others are addresses
 * alone.
 */
#define URK_HASH_OF_PORTS	(BIT(1) | BIT(3) | BIT(6) | BIT(7) | BIT(8) | BIT(9))

static enum pkt_hash_types urk_hash_type(u32 info)
{
	u32 type = info & UR_RXX_INFO_RSS_MASK;

	if (!type)
		return PKT_HASH_TYPE_NONE;
	return URK_HASH_OF_PORTS & BIT(type) ? PKT_HASH_TYPE_L4 :
					       PKT_HASH_TYPE_L3;
}

static void urk_rx_meta(const struct urk_queue *q, const struct urk_ring *r,
			u32 index, struct urk_rx_meta *m)
{
	const union ur_rx_desc *desc = &r->rx[index & r->rx_mask];
	const struct urk_variant *variant = q->port->hw.variant;
	u64 word = le64_to_cpu(desc->word[1]);
	u32 rx_format = variant->rx_format;
	u32 status;

	m->len = urk_rx_len(r, index);
	m->bad = word & variant->rx_errors.frame;
	if (rx_format == UR_DESC_LEGACY) {
		status = desc->legacy.status;
		m->vlan = le16_to_cpu(desc->legacy.vlan);
		m->hash_type = PKT_HASH_TYPE_NONE;
	} else {
		status = le32_to_cpu(desc->wb.status_error);
		m->vlan = le16_to_cpu(desc->wb.vlan);
		m->hash_type = urk_hash_type(le32_to_cpu(desc->wb.info));
		m->hash = le32_to_cpu(desc->wb.hash);
	}
	/* a frame for which a slot is too small: neither of its parts is one */
	if (!(status & UR_RXD_STAT_EOP) || urk_rx_continues(r, index))
		m->bad = true;
	/* ADVANCED has another bit there */
	if (rx_format == UR_DESC_ADVANCED)
		status &= ~UR_RXD_STAT_IXSM;
	m->tagged = status & UR_RXD_STAT_VP;
	m->l4_good = !(status & UR_RXD_STAT_IXSM) &&
		     !(word & variant->rx_errors.l4) &&
		     (status & (UR_RXD_STAT_L4CS | UR_RXD_STAT_UDPCS));
}

static struct sk_buff *urk_skb_copy(struct urk_queue *q, const void *from,
				    u32 len)
{
	struct sk_buff *skb = napi_alloc_skb(&q->napi, len);

	if (skb)
		skb_put_data(skb, from, len);
	return skb;
}

/*
 * The frame that the device wrote into a place, as received on the port; after
 * urk_rx_dd() and dma_rmb().  NULL: broken, or no memory; counted in stats.
 */
struct sk_buff *urk_skb_rx(struct urk_queue *q, const struct urk_rings *rings,
			   u32 index, struct net_device_stats *stats)
{
	const struct urk_ring *r = &rings->ring;
	struct net_device *netdev = q->port->netdev;
	u32 slot = READ_ONCE(r->rx_slot[index & r->rx_mask]);
	struct urk_rx_meta m;
	struct sk_buff *skb;

	urk_rx_meta(q, r, index, &m);
	if (m.bad || m.len > 1U << r->slots.slot_shift || m.len < ETH_HLEN) {
		stats->rx_errors++;
		return NULL;
	}
	skb = urk_skb_copy(q, urk_pool_virt(rings->pool, slot), m.len);
	if (!skb) {
		stats->rx_dropped++;
		return NULL;
	}
	if (m.l4_good && netdev->features & NETIF_F_RXCSUM)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (m.tagged)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), m.vlan);
	if (m.hash_type && netdev->features & NETIF_F_RXHASH)
		skb_set_hash(skb, m.hash, m.hash_type);
	skb->protocol = eth_type_trans(skb, netdev);
	return skb;
}

/* A copy of the frame of a checked TX entry, with its tag, or NULL. */
struct sk_buff *urk_skb_tx(struct urk_queue *q, const struct urk_rings *rings,
			   u32 slot, const struct ur_tx_entry *e)
{
	const void *from = urk_pool_virt(rings->pool, slot) + e->offset;
	struct sk_buff *skb = urk_skb_copy(q, from, e->len);

	if (skb && e->flags & UR_TX_VLAN)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), e->vlan);
	return skb;
}
