/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's registers, and what differs between families of devices.
 */
#ifndef URK_HW_H
#define URK_HW_H

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <userring.h>
#include <userring_desc.h>

#include "../../ring/ring.h"
#include "regs.h"

#define URK_QUEUES_MAX	8	/* that are used of a port */

#define URK_RETA_SIZE		128
#define URK_RSS_KEY_SIZE	40

struct urk_rss {
	u8 reta[URK_RETA_SIZE];	/* by the hash's low bits: the queue */
	u8 key[URK_RSS_KEY_SIZE];
};

/* A counter that reading clears, except on devices where it runs on. */
struct urk_stat_reg {
	u32 reg;
	u32 high;		/* its upper word, if it has one */
	u32 quirk_reg;		/* with URK_QUIRK_COUNTERS; 0: the same */
	bool quirk_runs;	/* with the quirk, not cleared by reading */
	bool runs;		/* never cleared by reading */
};

struct urk_hw;

struct urk_hw_ops {
	/* The rings of one queue can stop alone, then forget what they had. */
	bool ring_stops;
	/* Quiet: no DMA, no interrupt, rings empty.  The link may drop. */
	int (*reset)(struct urk_hw *hw);
	/* After reset, before rings and interrupts: MAC, offloads. */
	void (*configure)(struct urk_hw *hw);
	/* Routes causes to vectors; after the vectors were allocated. */
	void (*route_irqs)(struct urk_hw *hw);
	/*
	 * Gives rings to a queue that is stopped: empty, at place 0.  0 bytes:
	 * it has none from here on.
	 */
	void (*set_rings)(struct urk_hw *hw, u32 queue,
			  dma_addr_t rx, u32 rx_bytes,
			  dma_addr_t tx, u32 tx_bytes);
	/* Where the tail registers are. */
	u32 (*rx_tail_reg)(u32 queue);
	u32 (*tx_tail_reg)(u32 queue);
	/* Has the device sent all that was given to it? */
	bool (*tx_idle)(struct urk_hw *hw, u32 queue);
	/* Is there a link?  May sleep. */
	bool (*link)(struct urk_hw *hw);
	/* Negotiates the link once more; NULL: another driver does. */
	int (*negotiate)(struct urk_hw *hw);
	/* The address that the device came with, if it is a valid one. */
	void (*get_mac)(struct urk_hw *hw, u8 *mac);
	/*
	 * What the stack wants to receive.  The caller holds netif_addr_lock, as
	 * the stack does.
	 */
	void (*filter)(struct urk_hw *hw, struct net_device *netdev);
	/* Offloads that ethtool switches; NULL: nothing can be switched. */
	void (*features)(struct urk_hw *hw, netdev_features_t features);
	/*
	 * Of a virtual function: ask for an address, and for frames with a tag.
	 * They may sleep, and return as urk_mbx_call().
	 */
	int (*set_mac)(struct urk_hw *hw, const u8 *mac);
	int (*vlan)(struct urk_hw *hw, u16 vid, bool add);
	/*
	 * Starts reception, with what filter() was told since the reset; NULL:
	 * it starts with the first ring.
	 */
	void (*rx_start)(struct urk_hw *hw);
	/* Spreads packets over queues; NULL: there is one. */
	void (*set_rss)(struct urk_hw *hw, u32 queues,
			const struct urk_rss *rss);
	bool rss_udp;		/* UDP is spread by its ports as well */
	/*
	 * On return, receive DMA of the queue has stopped; link and MAC stay
	 * up.  Devices that cannot stop one queue stop all.
	 */
	void (*rx_pause)(struct urk_hw *hw, u32 queue);
	void (*rx_resume)(struct urk_hw *hw, u32 queue);
};

/* Deviations of a device from its datasheet. */
#define URK_QUIRK_SLOW_RCTL	0x1	/* a write to RCTL stops reception for
					 * 1 s: pause by the bus master bit
					 */
#define URK_QUIRK_COUNTERS	0x2	/* good-packet counters mirror the total
					 * ones and MPC is not cleared by reading
					 */

/* A kind of device: all that is known from its PCI id. */
struct urk_variant {
	const char *name;
	const struct urk_hw_ops *ops;
	const struct urk_stat_reg *stats;	/* by enum urk_stat */
	u32 rx_format;		/* enum ur_desc_format */
	u32 tx_format;
	struct urk_rx_errors rx_errors;
	u32 queues;
	u32 dma_bits;
	bool msix;
	bool phy_restart;	/* a reset takes the link down */
	bool vf;		/* a virtual function: another driver decides */
	u32 quirks;
};

extern const struct urk_stat_reg urk_stat_8254x[];	/* stats.c */
extern const struct urk_stat_reg urk_stat_vf[];
extern const struct pci_device_id urk_pci_ids[];
const struct urk_variant *urk_variant_of(const struct pci_device_id *id);

/* The mailbox of a virtual function. */
struct urk_mbx {
	struct mutex lock;	/* one request at a time */
	u32 seen;		/* bits that reading has cleared */
	bool heard;		/* the physical function knows of us */
	unsigned long not_before;	/* jiffies: do not ask before */
};

#define URK_VF_MC_MAX	30	/* multicast addresses in a message */

/* What the stack wants of a virtual function, until it is sent by mailbox. */
struct urk_vf {
	u16 mc[URK_VF_MC_MAX];
	u32 mc_count;
	bool mc_changed;
	bool all_multi;
	bool promisc;		/* refused, with a warning */
};

struct urk_hw {
	u8 __iomem *bar;
	struct pci_dev *pdev;
	const struct urk_variant *variant;
	bool gone;		/* reads are all ones: device removed */
	bool msix;
	u32 irq_set;		/* registers of queue causes: IMS */
	u32 irq_clear;		/* IMC */
	u32 irq_cause;		/* ICR */
	u32 irq_rx[URK_QUEUES_MAX];	/* causes in them: receive */
	u32 irq_tx[URK_QUEUES_MAX];	/* transmit */
	u32 irq_other;		/* link, in IMS; 0: there is no IMS */
	u32 irq_link_vector;	/* in irq_set, where vectors have bits */
	spinlock_t lock;	/* RCTL, CTRL and the filters */
	u32 rxcsum;		/* with the hash in the descriptor, or not */
	bool rx_on;		/* RCTL may be written with EN */
	u32 rctl;		/* as it is, or will be with rx_on */
	u32 ctrl;
	u32 mta[URK_MTA_WORDS];
	/* Of a virtual function */
	struct urk_mbx mbx;
	struct urk_vf vf;	/* under lock */
	u8 mac[ETH_ALEN];	/* that it was given; zeros: none */
	bool restart;		/* set by link(): the port must restart */
	DECLARE_BITMAP(vlans, VLAN_N_VID);
};

static inline u32 urk_rd(struct urk_hw *hw, u32 reg)
{
	u32 v = readl(hw->bar + reg);

	/*
	 * no register that we use reads as all ones; only a removed device
	 * does, which STATUS confirms
	 */
	if (unlikely(v == ~0U) && readl(hw->bar + URK_STATUS) == ~0U)
		WRITE_ONCE(hw->gone, true);
	return v;
}

static inline void urk_wr(struct urk_hw *hw, u32 reg, u32 val)
{
	writel(val, hw->bar + reg);
}

/* Writes posted so far have reached the device. */
static inline void urk_flush(struct urk_hw *hw)
{
	urk_rd(hw, URK_STATUS);
}

/* All causes of a queue. */
static inline u32 urk_irqs(const struct urk_hw *hw, u32 queue)
{
	return hw->irq_rx[queue] | hw->irq_tx[queue];
}

/* Queue causes are in the registers of the others, and belong to queue 0. */
static inline void urk_irq_simple(struct urk_hw *hw, u32 rx, u32 tx, u32 other)
{
	hw->irq_set = URK_IMS;
	hw->irq_clear = URK_IMC;
	hw->irq_cause = URK_ICR;
	hw->irq_rx[0] = rx;
	hw->irq_tx[0] = tx;
	hw->irq_other = other;
	hw->irq_link_vector = 0;
}

/* Lets the next change of the link interrupt. */
static inline void urk_irq_link_on(struct urk_hw *hw)
{
	if (hw->irq_other)
		urk_wr(hw, URK_IMS, hw->irq_other);
	if (hw->irq_link_vector)
		urk_wr(hw, hw->irq_set, hw->irq_link_vector);
}

/* Shared by the families with the 8254x register set, in 8254x.c. */
int urk_8254x_reset(struct urk_hw *hw);
void urk_8254x_configure(struct urk_hw *hw);
void urk_8254x_phy_up(struct urk_hw *hw);
int urk_8254x_negotiate(struct urk_hw *hw);
void urk_8254x_set_rss(struct urk_hw *hw, const struct urk_rss *rss,
		       u32 mrqc, u32 shift);
void urk_8254x_set_rings(struct urk_hw *hw, u32 queue,
			 dma_addr_t rx, u32 rx_bytes,
			 dma_addr_t tx, u32 tx_bytes);
u32 urk_8254x_rx_tail_reg(u32 queue);
u32 urk_8254x_tx_tail_reg(u32 queue);
bool urk_8254x_tx_idle(struct urk_hw *hw, u32 queue);
void urk_8254x_rx_start(struct urk_hw *hw);
void urk_8254x_rx_pause(struct urk_hw *hw, u32 queue);
void urk_8254x_rx_resume(struct urk_hw *hw, u32 queue);
bool urk_8254x_link(struct urk_hw *hw);
void urk_8254x_set_mac(struct urk_hw *hw, unsigned int n, const u8 *mac);
void urk_8254x_get_mac(struct urk_hw *hw, u8 *mac);
void urk_8254x_filter(struct urk_hw *hw, struct net_device *netdev);
void urk_8254x_features(struct urk_hw *hw, netdev_features_t features);
u32 urk_mta_bit(const u8 *mac);

/* Shared by the 82576 and its virtual functions, in igb.c. */
void urk_igb_rx_ring(struct urk_hw *hw, u32 ring, dma_addr_t dma, u32 bytes,
		     bool drop);
void urk_igb_tx_ring(struct urk_hw *hw, u32 ring, dma_addr_t dma, u32 bytes);
bool urk_igb_ring_idle(struct urk_hw *hw, u32 ring);
void urk_igb_ring_stop(struct urk_hw *hw, u32 ring);

extern const struct urk_hw_ops urk_e1000_ops;
extern const struct urk_hw_ops urk_e1000e_ops;
extern const struct urk_hw_ops urk_igb_ops;
extern const struct urk_hw_ops urk_igbvf_ops;

#endif /* URK_HW_H */
