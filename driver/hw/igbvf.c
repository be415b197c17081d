// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual functions of the 82576: each has its own rings and interrupts.  All
 * else it asks for by mailbox (mailbox.c), and the physical function's driver
 * decides.
 *
 * Sections (I) are of the 82576 datasheet, revision 2.61.
 */
#include <linux/delay.h>
#include <linux/netdevice.h>

#include "hw.h"
#include "mailbox.h"

#define URK_VF_LINK_VECTOR	1	/* after that of the one queue */

/* Registers of a queue: where the first four of an 82576 also are. */
static u32 urk_vf_rxq(u32 queue)
{
	return URK_RDBAL + 0x100 * queue;
}

static u32 urk_vf_txq(u32 queue)
{
	return URK_TDBAL + 0x100 * queue;
}

/* ------------------------------------------------------------------------
 * Reset
 */

/* No answer is no error: the link stays down until one comes. */
static int urk_vf_reset(struct urk_hw *hw)
{
	urk_wr(hw, URK_IGB_EIMC, ~0U);
	urk_igb_ring_stop(hw, urk_vf_txq(0));
	urk_igb_ring_stop(hw, urk_vf_rxq(0));
	urk_wr(hw, URK_CTRL, URK_CTRL_RST);
	urk_flush(hw);
	usleep_range(1000, 1100);
	urk_wr(hw, URK_IGB_EIMC, ~0U);
	hw->restart = false;
	if (urk_mbx_hello(hw, hw->mac) == -ENODEV || READ_ONCE(hw->gone))
		return -ENODEV;
	return 0;
}

static int urk_vf_ask_vlan(struct urk_hw *hw, u16 vid, bool add)
{
	u32 msg[URK_MBX_WORDS] = { URK_MBX_VLAN | URK_MBX_ARG(add), vid };

	return urk_mbx_call(hw, msg, 2);
}

/* A reset made the physical function's driver forget all of this. */
static void urk_vf_configure(struct urk_hw *hw)
{
	u32 msg[URK_MBX_WORDS] = { URK_MBX_FRAME, URK_IGB_FRAME_MAX };
	unsigned int vid;

	urk_mbx_call(hw, msg, 2);
	for_each_set_bit(vid, hw->vlans, VLAN_N_VID)
		urk_vf_ask_vlan(hw, vid, true);
}

/* Vector 0 is the queue, both directions; vector 1 is the mailbox. */
static void urk_vf_route_irqs(struct urk_hw *hw)
{
	u32 all = BIT(0) | BIT(URK_VF_LINK_VECTOR);

	hw->irq_set = URK_IGB_EIMS;
	hw->irq_clear = URK_IGB_EIMC;
	hw->irq_cause = URK_IGB_EICR;
	hw->irq_rx[0] = BIT(0);
	hw->irq_tx[0] = BIT(0);
	hw->irq_link_vector = BIT(URK_VF_LINK_VECTOR);
	urk_wr(hw, URK_IGB_IVAR(0), URK_IGB_IVAR_VALID |
	       URK_IGB_IVAR_VALID << 8);
	urk_wr(hw, URK_IGB_IVAR_MISC, URK_IGB_IVAR_VALID | URK_VF_LINK_VECTOR);
	urk_wr(hw, URK_IGB_EITR(0), 48 << 2);	/* us: 20,000 a second */
	urk_wr(hw, URK_IGB_EITR(URK_VF_LINK_VECTOR), 48 << 2);
	/* a message clears its causes and masks them */
	urk_wr(hw, URK_IGB_EIAC, all);
	urk_wr(hw, URK_IGB_EIAM, all);
}

/* ------------------------------------------------------------------------
 * Rings
 */

static void urk_vf_set_rings(struct urk_hw *hw, u32 queue,
			     dma_addr_t rx, u32 rx_bytes,
			     dma_addr_t tx, u32 tx_bytes)
{
	urk_igb_tx_ring(hw, urk_vf_txq(queue), tx, tx_bytes);
	/* drops packets, so that it cannot hold up other functions */
	urk_igb_rx_ring(hw, urk_vf_rxq(queue), rx, rx_bytes, true);
}

static u32 urk_vf_rx_tail_reg(u32 queue)
{
	return urk_vf_rxq(queue) + URK_IGB_DT;
}

static u32 urk_vf_tx_tail_reg(u32 queue)
{
	return urk_vf_txq(queue) + URK_IGB_DT;
}

static bool urk_vf_tx_idle(struct urk_hw *hw, u32 queue)
{
	return urk_igb_ring_idle(hw, urk_vf_txq(queue));
}

static void urk_vf_rx_pause(struct urk_hw *hw, u32 queue)
{
	urk_igb_ring_stop(hw, urk_vf_rxq(queue));
}

/* urk_vf_set_rings() has enabled it. */
static void urk_vf_rx_resume(struct urk_hw *hw, u32 queue)
{
}

/* ------------------------------------------------------------------------
 * What is asked for
 */

static void urk_vf_get_mac(struct urk_hw *hw, u8 *mac)
{
	ether_addr_copy(mac, hw->mac);
}

static int urk_vf_set_mac(struct urk_hw *hw, const u8 *mac)
{
	u32 msg[URK_MBX_WORDS] = { URK_MBX_MAC };

	memcpy(&msg[1], mac, ETH_ALEN);
	return urk_mbx_call(hw, msg, 3);
}

/* If down, or if there is no answer, urk_vf_configure() asks later. */
static int urk_vf_vlan(struct urk_hw *hw, u16 vid, bool add)
{
	int err = urk_vf_ask_vlan(hw, vid, add);

	if (add && err == -EPERM)
		return err;
	__assign_bit(vid, hw->vlans, add);
	return 0;
}

/* Must not sleep: what is noted here, urk_vf_link() sends. */
static void urk_vf_filter(struct urk_hw *hw, struct net_device *netdev)
{
	bool promisc = netdev->flags & IFF_PROMISC;
	struct netdev_hw_addr *ha;
	u32 n = 0;

	spin_lock_bh(&hw->lock);
	if (promisc && !hw->vf.promisc)
		netdev_warn(netdev, "a virtual function receives what is for its own addresses: promiscuous mode brings all multicast, and no more\n");
	hw->vf.promisc = promisc;
	netdev_for_each_mc_addr(ha, netdev) {
		if (n < URK_VF_MC_MAX)
			hw->vf.mc[n] = urk_mta_bit(ha->addr);
		n++;
	}
	hw->vf.all_multi = n > URK_VF_MC_MAX ||
			   netdev->flags & (IFF_PROMISC | IFF_ALLMULTI);
	hw->vf.mc_count = min_t(u32, n, URK_VF_MC_MAX);
	hw->vf.mc_changed = true;
	spin_unlock_bh(&hw->lock);
}

/* The list after the mode: the end of a mode clears the list. */
static void urk_vf_send_filter(struct urk_hw *hw)
{
	u32 mode[URK_MBX_WORDS] = { URK_MBX_PROMISC };
	u32 list[URK_MBX_WORDS] = { URK_MBX_MULTICAST };
	bool changed;

	spin_lock_bh(&hw->lock);
	changed = hw->vf.mc_changed;
	hw->vf.mc_changed = false;
	if (hw->vf.all_multi)
		mode[0] |= URK_MBX_ARG(2);
	list[0] |= URK_MBX_ARG(hw->vf.mc_count);
	memcpy(&list[1], hw->vf.mc, sizeof(hw->vf.mc));
	spin_unlock_bh(&hw->lock);

	if (!changed)
		return;
	urk_mbx_call(hw, mode, 1);
	urk_mbx_call(hw, list, URK_MBX_WORDS);
}

static bool urk_vf_link(struct urk_hw *hw)
{
	if (!urk_mbx_look(hw))
		return false;
	urk_vf_send_filter(hw);
	return urk_rd(hw, URK_STATUS) & URK_STATUS_LU;
}

const struct urk_hw_ops urk_igbvf_ops = {
	.ring_stops = true,
	.reset = urk_vf_reset,
	.configure = urk_vf_configure,
	.route_irqs = urk_vf_route_irqs,
	.set_rings = urk_vf_set_rings,
	.rx_tail_reg = urk_vf_rx_tail_reg,
	.tx_tail_reg = urk_vf_tx_tail_reg,
	.tx_idle = urk_vf_tx_idle,
	.link = urk_vf_link,
	.get_mac = urk_vf_get_mac,
	.set_mac = urk_vf_set_mac,
	.vlan = urk_vf_vlan,
	.filter = urk_vf_filter,
	.rx_pause = urk_vf_rx_pause,
	.rx_resume = urk_vf_rx_resume,
};
