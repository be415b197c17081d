// SPDX-License-Identifier: GPL-2.0-only
/*
 * 82576: advanced descriptors, and queues that start and stop one by one.
 *
 * Sections (I) are of the 82576 datasheet, revision 2.61.
 */
#include <linux/delay.h>

#include "hw.h"

#define URK_IGB_TRIES	100	/* of 100 us: a frame takes 1.2 ms at 10 Mb/s */

/* ------------------------------------------------------------------------
 * A ring, given by the offset of its registers: also for virtual functions
 */

/* Writes ENABLE and waits until the unit has followed (I 4.5.9.2, 4.5.10.1). */
static void urk_igb_enable(struct urk_hw *hw, u32 ring, bool on)
{
	u32 reg = ring + URK_IGB_DCTL;
	u32 dctl = urk_rd(hw, reg) & ~URK_IGB_DCTL_ENABLE;
	u32 want = on ? URK_IGB_DCTL_ENABLE : 0;
	int i;

	urk_wr(hw, reg, dctl | want);
	for (i = 0; i < URK_IGB_TRIES; i++) {
		if ((urk_rd(hw, reg) & URK_IGB_DCTL_ENABLE) == want ||
		    READ_ONCE(hw->gone))
			return;
		usleep_range(100, 150);
	}
}

static void urk_igb_ring(struct urk_hw *hw, u32 ring, dma_addr_t dma,
			 u32 bytes)
{
	urk_wr(hw, ring + URK_IGB_DBAL, lower_32_bits(dma));
	urk_wr(hw, ring + URK_IGB_DBAH, upper_32_bits(dma));
	urk_wr(hw, ring + URK_IGB_DLEN, bytes);
	/*
	 * Empty before it is enabled, so that no frame goes to the old ring.
	 * Only once: QEMU's device loses a waiting frame at a write to the
	 * tail.
	 */
	urk_wr(hw, ring + URK_IGB_DH, 0);
	urk_wr(hw, ring + URK_IGB_DT, 0);
}

/*
 * A ring without free places drops its own packets, or holds up the other rings
 * (I 7.1.2.8.1).
 */
static void urk_igb_srrctl(struct urk_hw *hw, u32 ring, bool drop)
{
	urk_wr(hw, ring + URK_IGB_SRRCTL, URK_IGB_SRRCTL_2K |
	       URK_IGB_SRRCTL_ADV | (drop ? URK_IGB_SRRCTL_DROP : 0));
}

/* 0 bytes: there is no ring from here on. */
void urk_igb_rx_ring(struct urk_hw *hw, u32 ring, dma_addr_t dma, u32 bytes,
		     bool drop)
{
	urk_igb_enable(hw, ring, false);
	if (!bytes)
		return;
	urk_igb_ring(hw, ring, dma, bytes);
	urk_igb_srrctl(hw, ring, drop);
	urk_igb_enable(hw, ring, true);
}

void urk_igb_tx_ring(struct urk_hw *hw, u32 ring, dma_addr_t dma, u32 bytes)
{
	urk_igb_enable(hw, ring, false);
	if (!bytes)
		return;
	urk_igb_ring(hw, ring, dma, bytes);
	urk_igb_enable(hw, ring, true);
}

bool urk_igb_ring_idle(struct urk_hw *hw, u32 ring)
{
	return urk_rd(hw, ring + URK_IGB_DH) == urk_rd(hw, ring + URK_IGB_DT);
}

/* Stops this ring alone; the others and the port are not touched. */
void urk_igb_ring_stop(struct urk_hw *hw, u32 ring)
{
	urk_igb_enable(hw, ring, false);
	/* a frame that is being written is written to its end (I 4.5.9.2) */
	usleep_range(200, 300);
}

/* ------------------------------------------------------------------------
 * The device
 */

/* Registers of a queue: one block for each. */
static u32 urk_igb_rxq(u32 queue)
{
	return URK_IGB_RXQ + 0x40 * queue;
}

static u32 urk_igb_txq(u32 queue)
{
	return URK_IGB_TXQ + 0x40 * queue;
}

/* I 4.2.1.6.1: no DMA may be under way when the device is reset. */
static void urk_igb_stop_master(struct urk_hw *hw)
{
	int i;

	urk_wr(hw, URK_CTRL, urk_rd(hw, URK_CTRL) | URK_CTRL_MASTER_OFF);
	for (i = 0; i < URK_IGB_TRIES; i++) {
		if (!(urk_rd(hw, URK_STATUS) & URK_STATUS_MASTER) ||
		    READ_ONCE(hw->gone))
			return;
		usleep_range(100, 150);
	}
}

static int urk_igb_reset(struct urk_hw *hw)
{
	u32 q;

	spin_lock_bh(&hw->lock);
	hw->rx_on = false;
	hw->rctl = 0;
	spin_unlock_bh(&hw->lock);

	urk_wr(hw, URK_IMC, ~0U);
	urk_wr(hw, URK_IGB_EIMC, ~0U);
	urk_wr(hw, URK_RCTL, 0);
	urk_wr(hw, URK_TCTL, URK_TCTL_PSP);
	urk_flush(hw);
	usleep_range(10000, 11000);
	urk_igb_stop_master(hw);

	urk_wr(hw, URK_CTRL, urk_rd(hw, URK_CTRL) | URK_CTRL_RST);
	/* the device answers again after 1 us, its EEPROM is read after 5 ms */
	usleep_range(6000, 7000);

	urk_wr(hw, URK_IMC, ~0U);
	urk_wr(hw, URK_IGB_EIMC, ~0U);
	for (q = 0; q < hw->variant->queues; q++) {
		urk_wr(hw, urk_igb_rxq(q) + URK_IGB_DCTL, 0);
		urk_wr(hw, urk_igb_txq(q) + URK_IGB_DCTL, 0);
	}
	urk_rd(hw, URK_ICR);
	urk_rd(hw, URK_IGB_EICR);
	return urk_rd(hw, URK_STATUS) == ~0U ? -ENODEV : 0;
}

static void urk_igb_configure(struct urk_hw *hw)
{
	u32 ctrl = urk_rd(hw, URK_CTRL);
	unsigned int i;

	ctrl &= ~(URK_CTRL_RST | URK_CTRL_MASTER_OFF | URK_CTRL_FRCSPD |
		  URK_CTRL_FRCDPX | URK_CTRL_VME);
	ctrl |= URK_CTRL_SLU;
	hw->ctrl = ctrl;
	urk_wr(hw, URK_CTRL, ctrl);
	urk_8254x_phy_up(hw);

	urk_wr(hw, URK_VET, ETH_P_8021Q);
	urk_wr(hw, URK_RFCTL, 0);
	urk_wr(hw, URK_RLPML, URK_IGB_FRAME_MAX);
	for (i = 0; i < URK_MTA_WORDS; i++)
		urk_wr(hw, URK_MTA(i), 0);
	memset(hw->mta, 0, sizeof(hw->mta));
	for (i = 1; i < URK_RAR_ENTRIES; i++)
		urk_8254x_set_mac(hw, i, NULL);

	/* before the queues are enabled (I 4.5.10) */
	urk_wr(hw, URK_TCTL, URK_TCTL_EN | URK_TCTL_PSP |
	       0x0f << URK_TCTL_CT_SHIFT | 0x40 << URK_TCTL_COLD_SHIFT);
}

/* Vector n is queue n, both directions; the last one is the link. */
static void urk_igb_route_irqs(struct urk_hw *hw)
{
	u32 link = hw->variant->queues;
	u32 q, all = 0;

	if (!hw->msix) {
		urk_irq_simple(hw, URK_INT_RXT0, URK_INT_TXDW, URK_INT_LSC);
		urk_wr(hw, URK_IGB_GPIE, 0);
		urk_wr(hw, URK_IGB_IVAR(0), URK_IGB_IVAR_VALID |
		       URK_IGB_IVAR_VALID << 8);
		return;
	}
	/* first of all: the rest means something else without it */
	urk_wr(hw, URK_IGB_GPIE, URK_IGB_GPIE_MSIX | URK_IGB_GPIE_PBA |
	       URK_IGB_GPIE_EIAME | URK_IGB_GPIE_NSICR);
	hw->irq_set = URK_IGB_EIMS;
	hw->irq_clear = URK_IGB_EIMC;
	hw->irq_cause = URK_IGB_EICR;
	hw->irq_other = URK_INT_LSC;
	hw->irq_link_vector = BIT(link);
	for (q = 0; q < hw->variant->queues; q++) {
		hw->irq_rx[q] = BIT(q);
		hw->irq_tx[q] = BIT(q);
		all |= BIT(q);
		urk_wr(hw, URK_IGB_IVAR(q), (URK_IGB_IVAR_VALID | q) |
		       (URK_IGB_IVAR_VALID | q) << 8);
		urk_wr(hw, URK_IGB_EITR(q), 48 << 2);	/* us: 20,000 a second */
	}
	urk_wr(hw, URK_IGB_IVAR_MISC, (URK_IGB_IVAR_VALID | link) << 8);
	urk_wr(hw, URK_IGB_EITR(link), 48 << 2);
	/* a message clears its causes and masks them */
	urk_wr(hw, URK_IGB_EIAC, all | BIT(link));
	urk_wr(hw, URK_IGB_EIAM, all | BIT(link));
}

static void urk_igb_set_rings(struct urk_hw *hw, u32 queue,
			      dma_addr_t rx, u32 rx_bytes,
			      dma_addr_t tx, u32 tx_bytes)
{
	urk_igb_tx_ring(hw, urk_igb_txq(queue), tx, tx_bytes);
	urk_igb_rx_ring(hw, urk_igb_rxq(queue), rx, rx_bytes,
			urk_rd(hw, URK_MRQC));
}

/*
 * I 8.10.16: of TCP over IPv6 there are two kinds, with and without extension
 * headers; QEMU's device has one for both.
 */
static void urk_igb_set_rss(struct urk_hw *hw, u32 queues,
			    const struct urk_rss *rss)
{
	u32 q;

	urk_8254x_set_rss(hw, rss, queues == 1 ? 0 :
			  URK_MRQC_I_RSS | URK_MRQC_TCP4 | URK_MRQC_IP4 |
			  URK_MRQC_I_TCP6 | URK_MRQC_E_TCP6 | URK_MRQC_IP6 | URK_MRQC_I_UDP4 |
			  URK_MRQC_I_UDP6, 0);
	for (q = 0; q < hw->variant->queues; q++)
		urk_igb_srrctl(hw, urk_igb_rxq(q), urk_rd(hw, URK_MRQC));
}

static u32 urk_igb_rx_tail_reg(u32 queue)
{
	return urk_igb_rxq(queue) + URK_IGB_DT;
}

static u32 urk_igb_tx_tail_reg(u32 queue)
{
	return urk_igb_txq(queue) + URK_IGB_DT;
}

static bool urk_igb_tx_idle(struct urk_hw *hw, u32 queue)
{
	return urk_igb_ring_idle(hw, urk_igb_txq(queue));
}

static void urk_igb_rx_pause(struct urk_hw *hw, u32 queue)
{
	urk_igb_ring_stop(hw, urk_igb_rxq(queue));
}

/* urk_igb_set_rings() has enabled it. */
static void urk_igb_rx_resume(struct urk_hw *hw, u32 queue)
{
}

const struct urk_hw_ops urk_igb_ops = {
	.ring_stops = true,
	.reset = urk_igb_reset,
	.configure = urk_igb_configure,
	.route_irqs = urk_igb_route_irqs,
	.set_rings = urk_igb_set_rings,
	.rx_tail_reg = urk_igb_rx_tail_reg,
	.tx_tail_reg = urk_igb_tx_tail_reg,
	.tx_idle = urk_igb_tx_idle,
	.link = urk_8254x_link,
	.negotiate = urk_8254x_negotiate,
	.get_mac = urk_8254x_get_mac,
	.filter = urk_8254x_filter,
	.features = urk_8254x_features,
	.set_rss = urk_igb_set_rss,
	.rss_udp = true,
	.rx_start = urk_8254x_rx_start,
	.rx_pause = urk_igb_rx_pause,
	.rx_resume = urk_igb_rx_resume,
};
