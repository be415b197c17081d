// SPDX-License-Identifier: GPL-2.0-only
/*
 * 82540EM and 82545EM, and what the 82574L shares with them: the 8254x
 * register set.
 *
 * A reset is not relied upon to clear anything: the emulated devices keep
 * registers that the datasheet says are cleared, and the other way round.
 */
#include <linux/delay.h>
#include <linux/mii.h>
#include <linux/netdevice.h>

#include "hw.h"

#define URK_PHY_TRIES	200	/* of 5 us; a frame takes 64 us (P 13.4.7) */

static int urk_mdio(struct urk_hw *hw, u32 command, u16 *data)
{
	int i;

	urk_wr(hw, URK_MDIC, command | URK_MDIC_PHY1);
	for (i = 0; i < URK_PHY_TRIES; i++) {
		u32 v = urk_rd(hw, URK_MDIC);

		if (v & URK_MDIC_READY) {
			*data = v;
			return v & URK_MDIC_ERROR ? -EIO : 0;
		}
		udelay(5);
	}
	return -ETIMEDOUT;
}

/* Powers the PHY up and negotiates the link. */
int urk_8254x_negotiate(struct urk_hw *hw)
{
	u32 reg = MII_BMCR << URK_MDIC_REG_SHIFT;
	u16 bmcr;
	int err = urk_mdio(hw, reg | URK_MDIC_READ, &bmcr);

	if (err)
		return err;
	bmcr &= ~BMCR_PDOWN;
	bmcr |= BMCR_ANENABLE | BMCR_ANRESTART;
	return urk_mdio(hw, reg | URK_MDIC_WRITE | bmcr, &bmcr);
}

/*
 * A driver that owned the device before may have powered the PHY down, and some
 * devices wait until software starts negotiation.  A PHY that is up is left
 * alone, and so is the link.
 */
void urk_8254x_phy_up(struct urk_hw *hw)
{
	u32 reg = MII_BMCR << URK_MDIC_REG_SHIFT;
	u16 bmcr;
	bool start;

	if (urk_mdio(hw, reg | URK_MDIC_READ, &bmcr))
		return;
	start = hw->variant->phy_restart &&
		!(urk_rd(hw, URK_STATUS) & URK_STATUS_LU);
	if (start || bmcr & BMCR_PDOWN)
		urk_8254x_negotiate(hw);
}

/* Registers of a queue: one block for each. */
static u32 urk_of(u32 queue, u32 reg)
{
	return reg + 0x100 * queue;
}

static void urk_clear_ring_regs(struct urk_hw *hw, u32 queue)
{
	urk_wr(hw, urk_of(queue, URK_RDBAL), 0);
	urk_wr(hw, urk_of(queue, URK_RDBAH), 0);
	urk_wr(hw, urk_of(queue, URK_RDH), 0);
	urk_wr(hw, urk_of(queue, URK_RDT), 0);
	urk_wr(hw, urk_of(queue, URK_RDLEN), 0);
	urk_wr(hw, urk_of(queue, URK_TDBAL), 0);
	urk_wr(hw, urk_of(queue, URK_TDBAH), 0);
	urk_wr(hw, urk_of(queue, URK_TDH), 0);
	urk_wr(hw, urk_of(queue, URK_TDT), 0);
	urk_wr(hw, urk_of(queue, URK_TDLEN), 0);
}

/* P 14.3, E 4.6.3: stop both units, let them finish, then reset. */
int urk_8254x_reset(struct urk_hw *hw)
{
	u32 q;

	spin_lock_bh(&hw->lock);
	hw->rx_on = false;
	hw->rctl = 0;
	spin_unlock_bh(&hw->lock);

	urk_wr(hw, URK_IMC, ~0U);
	if (urk_rd(hw, URK_RCTL) & URK_RCTL_EN)
		urk_wr(hw, URK_RCTL, 0);
	urk_wr(hw, URK_TCTL, URK_TCTL_PSP);
	urk_flush(hw);
	usleep_range(10000, 11000);

	urk_wr(hw, URK_CTRL, urk_rd(hw, URK_CTRL) | URK_CTRL_RST);
	/* the device answers again after 1 us, its EEPROM is read after 5 ms */
	usleep_range(6000, 7000);

	urk_wr(hw, URK_IMC, ~0U);
	for (q = 0; q < hw->variant->queues; q++)
		urk_clear_ring_regs(hw, q);
	urk_wr(hw, URK_ICR, ~0U);
	urk_rd(hw, URK_ICR);
	return urk_rd(hw, URK_STATUS) == ~0U ? -ENODEV : 0;
}

/* Four entries of the table, or bytes of the key, in their order. */
static u32 urk_rss_word(const u8 *from)
{
	return from[0] | from[1] << 8 | from[2] << 16 | (u32)from[3] << 24;
}

/*
 * Turning the hash on or off changes the meaning of a word in the receive
 * descriptors: nothing may be received at that moment.
 */
void urk_8254x_set_rss(struct urk_hw *hw, const struct urk_rss *rss,
		       u32 mrqc, u32 shift)
{
	bool pause = hw->rx_on && urk_rd(hw, URK_MRQC) != mrqc;
	unsigned int i;

	if (pause)
		urk_8254x_rx_pause(hw, 0);
	for (i = 0; i < URK_RSS_KEY_SIZE; i += 4)
		urk_wr(hw, URK_RSSRK(i / 4), urk_rss_word(rss->key + i));
	for (i = 0; i < URK_RETA_SIZE; i += 4)
		urk_wr(hw, URK_RETA(i / 4),
		       urk_rss_word(rss->reta + i) << shift);
	spin_lock_bh(&hw->lock);
	hw->rxcsum &= ~URK_RXCSUM_PCSD;
	if (mrqc)
		hw->rxcsum |= URK_RXCSUM_PCSD;
	urk_wr(hw, URK_RXCSUM, hw->rxcsum);
	urk_wr(hw, URK_MRQC, mrqc);
	spin_unlock_bh(&hw->lock);
	if (pause)
		urk_8254x_rx_resume(hw, 0);
}

void urk_8254x_configure(struct urk_hw *hw)
{
	u32 ctrl = urk_rd(hw, URK_CTRL);
	unsigned int i;

	/* speed and duplex as negotiated; no tag is stripped unless asked */
	ctrl &= ~(URK_CTRL_RST | URK_CTRL_FRCSPD | URK_CTRL_FRCDPX |
		  URK_CTRL_VME);
	ctrl |= URK_CTRL_SLU | URK_CTRL_ASDE;
	hw->ctrl = ctrl;
	urk_wr(hw, URK_CTRL, ctrl);
	urk_8254x_phy_up(hw);

	/* one emulated device comes out of a reset with 0 here */
	urk_wr(hw, URK_VET, ETH_P_8021Q);

	for (i = 0; i < URK_MTA_WORDS; i++)
		urk_wr(hw, URK_MTA(i), 0);
	memset(hw->mta, 0, sizeof(hw->mta));
	for (i = 1; i < URK_RAR_ENTRIES; i++)
		urk_8254x_set_mac(hw, i, NULL);

	/* no delay on top of the throttle */
	urk_wr(hw, URK_RDTR, 0);
	urk_wr(hw, URK_RADV, 0);
	urk_wr(hw, URK_TIDV, 0);
	urk_wr(hw, URK_TADV, 0);
	/* copper, full duplex: P 13.4.34 table 13-77 */
	urk_wr(hw, URK_TIPG, 8 | 8 << 10 | 6 << 20);
}

/*
 * E 10.2.5.8, 10.2.6.7: heads are written while the unit is off.  The caller
 * has stopped or paused reception; the transmitter is idle, and is turned off
 * here.
 */
void urk_8254x_set_rings(struct urk_hw *hw, u32 queue,
			 dma_addr_t rx, u32 rx_bytes,
			 dma_addr_t tx, u32 tx_bytes)
{
	urk_wr(hw, URK_TCTL, URK_TCTL_PSP);
	urk_flush(hw);
	/* it did not drain: let it finish its current frame */
	if (!urk_8254x_tx_idle(hw, queue))
		usleep_range(10000, 11000);

	urk_wr(hw, urk_of(queue, URK_RDBAL), lower_32_bits(rx));
	urk_wr(hw, urk_of(queue, URK_RDBAH), upper_32_bits(rx));
	urk_wr(hw, urk_of(queue, URK_RDLEN), rx_bytes);
	urk_wr(hw, urk_of(queue, URK_RDH), 0);
	urk_wr(hw, urk_of(queue, URK_RDT), 0);
	urk_wr(hw, urk_of(queue, URK_TDBAL), lower_32_bits(tx));
	urk_wr(hw, urk_of(queue, URK_TDBAH), upper_32_bits(tx));
	urk_wr(hw, urk_of(queue, URK_TDLEN), tx_bytes);
	urk_wr(hw, urk_of(queue, URK_TDH), 0);
	urk_wr(hw, urk_of(queue, URK_TDT), 0);

	/* P 13.4.33: the values for full duplex */
	urk_wr(hw, URK_TCTL, URK_TCTL_EN | URK_TCTL_PSP |
	       0x0f << URK_TCTL_CT_SHIFT | 0x3f << URK_TCTL_COLD_SHIFT);
	urk_flush(hw);
}

u32 urk_8254x_rx_tail_reg(u32 queue)
{
	return urk_of(queue, URK_RDT);
}

u32 urk_8254x_tx_tail_reg(u32 queue)
{
	return urk_of(queue, URK_TDT);
}

bool urk_8254x_tx_idle(struct urk_hw *hw, u32 queue)
{
	return urk_rd(hw, urk_of(queue, URK_TDH)) ==
	       urk_rd(hw, urk_of(queue, URK_TDT));
}

/* The only write to RCTL after a reset, unless the filters change. */
void urk_8254x_rx_start(struct urk_hw *hw)
{
	spin_lock_bh(&hw->lock);
	hw->rx_on = true;
	urk_wr(hw, URK_RCTL, hw->rctl);
	spin_unlock_bh(&hw->lock);
}

/*
 * Between pause and resume nothing is received, and the rings can be exchanged.
 * Link, MAC and PHY are not touched.
 */
void urk_8254x_rx_pause(struct urk_hw *hw, u32 queue)
{
	if (hw->variant->quirks & URK_QUIRK_SLOW_RCTL) {
		pci_clear_master(hw->pdev);
		return;
	}
	/* a filter that changes meanwhile must not turn it on again */
	spin_lock_bh(&hw->lock);
	hw->rx_on = false;
	urk_wr(hw, URK_RCTL, hw->rctl & ~URK_RCTL_EN);
	spin_unlock_bh(&hw->lock);
	urk_flush(hw);
	/* a frame on the wire takes 1.2 ms at 10 Mb/s; it is still written */
	usleep_range(2000, 2500);
}

void urk_8254x_rx_resume(struct urk_hw *hw, u32 queue)
{
	if (hw->variant->quirks & URK_QUIRK_SLOW_RCTL) {
		pci_set_master(hw->pdev);
		return;
	}
	spin_lock_bh(&hw->lock);
	hw->rx_on = true;
	urk_wr(hw, URK_RCTL, hw->rctl);
	spin_unlock_bh(&hw->lock);
}

/* P 13.5.2: RAH last, it makes the entry valid. */
void urk_8254x_set_mac(struct urk_hw *hw, unsigned int n, const u8 *mac)
{
	u32 low = 0, high = 0;

	if (mac) {
		low = mac[0] | mac[1] << 8 | mac[2] << 16 | (u32)mac[3] << 24;
		high = mac[4] | mac[5] << 8 | URK_RAH_AV;
	}
	/* an address that does not change misses no frame */
	if (urk_rd(hw, URK_RAL(n)) == low && urk_rd(hw, URK_RAH(n)) == high)
		return;
	urk_wr(hw, URK_RAH(n), 0);
	urk_wr(hw, URK_RAL(n), low);
	urk_wr(hw, URK_RAH(n), high);
}

/* The whole table; only words that change are written. */
static void urk_8254x_set_mta(struct urk_hw *hw, const u32 *mta)
{
	unsigned int i;

	for (i = 0; i < URK_MTA_WORDS; i++) {
		if (hw->mta[i] == mta[i])
			continue;
		hw->mta[i] = mta[i];
		urk_wr(hw, URK_MTA(i), mta[i]);
	}
}

/* After a reset these have the address of the EEPROM. */
void urk_8254x_get_mac(struct urk_hw *hw, u8 *mac)
{
	u32 low = urk_rd(hw, URK_RAL(0));
	u32 high = urk_rd(hw, URK_RAH(0));

	mac[0] = low;
	mac[1] = low >> 8;
	mac[2] = low >> 16;
	mac[3] = low >> 24;
	mac[4] = high;
	mac[5] = high >> 8;
}

/* P 13.5.1, MO = 0: bits 47:36 of the address. */
u32 urk_mta_bit(const u8 *mac)
{
	return ((mac[4] >> 4) | (u32)mac[5] << 4) & 0xfff;
}

static u32 urk_8254x_rctl(struct urk_hw *hw, struct net_device *netdev)
{
	/*
	 * Without LPE a full frame with two tags is too long.  With it the
	 * limit is RLPML where there is one; elsewhere longer frames take
	 * several slots, and consumers drop all their parts.
	 */
	u32 rctl = URK_RCTL_EN | URK_RCTL_BAM | URK_RCTL_SECRC | URK_RCTL_LPE;

	if (netdev->flags & IFF_PROMISC)
		rctl |= URK_RCTL_UPE | URK_RCTL_MPE;
	else if (netdev->flags & IFF_ALLMULTI)
		rctl |= URK_RCTL_MPE;
	/* more addresses than entries: take all */
	if (netdev_uc_count(netdev) > URK_RAR_ENTRIES - 1)
		rctl |= URK_RCTL_UPE;
	return rctl;
}

/* Addresses to the device; RCTL only where it changes and reception is on. */
void urk_8254x_filter(struct urk_hw *hw, struct net_device *netdev)
{
	u32 mta[URK_MTA_WORDS] = {};
	struct netdev_hw_addr *ha;
	unsigned int n = 1;
	u32 rctl;

	spin_lock_bh(&hw->lock);
	urk_8254x_set_mac(hw, 0, netdev->dev_addr);
	netdev_for_each_uc_addr(ha, netdev)
		if (n < URK_RAR_ENTRIES)
			urk_8254x_set_mac(hw, n++, ha->addr);
	while (n < URK_RAR_ENTRIES)
		urk_8254x_set_mac(hw, n++, NULL);

	netdev_for_each_mc_addr(ha, netdev) {
		u32 bit = urk_mta_bit(ha->addr);

		mta[bit >> 5] |= BIT(bit & 31);
	}
	urk_8254x_set_mta(hw, mta);

	rctl = urk_8254x_rctl(hw, netdev);
	if (rctl != hw->rctl && hw->rx_on)
		urk_wr(hw, URK_RCTL, rctl);
	hw->rctl = rctl;
	spin_unlock_bh(&hw->lock);
}

void urk_8254x_features(struct urk_hw *hw, netdev_features_t features)
{
	spin_lock_bh(&hw->lock);
	hw->ctrl &= ~URK_CTRL_VME;
	if (features & NETIF_F_HW_VLAN_CTAG_RX)
		hw->ctrl |= URK_CTRL_VME;
	urk_wr(hw, URK_CTRL, hw->ctrl);
	hw->rxcsum &= ~(URK_RXCSUM_IPOFL | URK_RXCSUM_TUOFL);
	if (features & NETIF_F_RXCSUM)
		hw->rxcsum |= URK_RXCSUM_IPOFL | URK_RXCSUM_TUOFL;
	urk_wr(hw, URK_RXCSUM, hw->rxcsum);
	spin_unlock_bh(&hw->lock);
}

/* P 13.4.2, E 10.2.2.2 */
bool urk_8254x_link(struct urk_hw *hw)
{
	return urk_rd(hw, URK_STATUS) & URK_STATUS_LU;
}

static void urk_e1000_route_irqs(struct urk_hw *hw)
{
	urk_irq_simple(hw, URK_INT_RXT0, URK_INT_TXDW, URK_INT_LSC);
	urk_wr(hw, URK_ITR, 195);	/* 20,000 a second */
}

const struct urk_hw_ops urk_e1000_ops = {
	.reset = urk_8254x_reset,
	.configure = urk_8254x_configure,
	.route_irqs = urk_e1000_route_irqs,
	.set_rings = urk_8254x_set_rings,
	.rx_tail_reg = urk_8254x_rx_tail_reg,
	.tx_tail_reg = urk_8254x_tx_tail_reg,
	.tx_idle = urk_8254x_tx_idle,
	.link = urk_8254x_link,
	.negotiate = urk_8254x_negotiate,
	.get_mac = urk_8254x_get_mac,
	.filter = urk_8254x_filter,
	.features = urk_8254x_features,
	.rx_start = urk_8254x_rx_start,
	.rx_pause = urk_8254x_rx_pause,
	.rx_resume = urk_8254x_rx_resume,
};
