// SPDX-License-Identifier: GPL-2.0-only
/*
 * 82574L: extended receive descriptors, MSI-X.
 */
#include "hw.h"

static void urk_e1000e_configure(struct urk_hw *hw)
{
	urk_8254x_configure(hw);

	/* written before RCTL.EN: the device looks at it then */
	urk_wr(hw, URK_RFCTL, URK_RFCTL_EXTEN |
	       /* E, errata: ACK interrupts are spurious with MSI-X */
	       URK_RFCTL_ACK_DIS);
	urk_wr(hw, URK_TXDCTL, urk_rd(hw, URK_TXDCTL) | URK_TXDCTL_E_INIT);
	urk_wr(hw, URK_TXDCTL1, urk_rd(hw, URK_TXDCTL1) | URK_TXDCTL_E_INIT);
}

/* E 7.1.11: UDP is spread by addresses alone. */
static void urk_e1000e_set_rss(struct urk_hw *hw, u32 queues,
			       const struct urk_rss *rss)
{
	/* bit 7 of an entry is the queue */
	urk_8254x_set_rss(hw, rss, queues == 1 ? 0 :
			  URK_MRQC_E_RSS | URK_MRQC_TCP4 | URK_MRQC_IP4 |
			  URK_MRQC_E_TCP6 | URK_MRQC_IP6, 7);
}

/* Vector n is queue n, both directions; vector 2 is the link. */
static void urk_e1000e_route_irqs(struct urk_hw *hw)
{
	u32 ext = urk_rd(hw, URK_CTRL_EXT);
	u32 q, ivar, causes;

	ext &= ~(URK_CTRL_EXT_EIAME | URK_CTRL_EXT_IAME);
	if (!hw->msix) {
		urk_irq_simple(hw, URK_INT_RXT0, URK_INT_TXDW, URK_INT_LSC);
		urk_wr(hw, URK_EIAC, 0);
		urk_wr(hw, URK_CTRL_EXT, ext);
		urk_wr(hw, URK_ITR, 195);
		return;
	}
	urk_irq_simple(hw, URK_INT_RXQ0, URK_INT_TXQ0,
		       URK_INT_LSC | URK_INT_OTHER);
	hw->irq_rx[1] = URK_INT_RXQ1;
	hw->irq_tx[1] = URK_INT_TXQ1;
	ivar = (URK_IVAR_VALID | 2) << URK_IVAR_OTHER_SHIFT;
	for (q = 0; q < 2; q++) {
		ivar |= (URK_IVAR_VALID | q) << URK_IVAR_RXQ_SHIFT(q);
		ivar |= (URK_IVAR_VALID | q) << URK_IVAR_TXQ_SHIFT(q);
	}
	urk_wr(hw, URK_IVAR, ivar);
	/* a message clears its queue causes in ICR and masks them */
	causes = urk_irqs(hw, 0) | urk_irqs(hw, 1);
	urk_wr(hw, URK_EIAC, causes);
	urk_wr(hw, URK_IAM, causes);
	urk_wr(hw, URK_CTRL_EXT, ext | URK_CTRL_EXT_EIAME |
	       URK_CTRL_EXT_PBA_CLR);
	urk_wr(hw, URK_EITR(0), 195);	/* 20,000 a second */
	urk_wr(hw, URK_EITR(1), 195);
	urk_wr(hw, URK_EITR(2), 195);
}

const struct urk_hw_ops urk_e1000e_ops = {
	.reset = urk_8254x_reset,
	.configure = urk_e1000e_configure,
	.route_irqs = urk_e1000e_route_irqs,
	.set_rings = urk_8254x_set_rings,
	.rx_tail_reg = urk_8254x_rx_tail_reg,
	.tx_tail_reg = urk_8254x_tx_tail_reg,
	.tx_idle = urk_8254x_tx_idle,
	.link = urk_8254x_link,
	.negotiate = urk_8254x_negotiate,
	.get_mac = urk_8254x_get_mac,
	.filter = urk_8254x_filter,
	.features = urk_8254x_features,
	.set_rss = urk_e1000e_set_rss,
	.rx_start = urk_8254x_rx_start,
	.rx_pause = urk_8254x_rx_pause,
	.rx_resume = urk_8254x_rx_resume,
};
