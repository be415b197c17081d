// SPDX-License-Identifier: GPL-2.0-only
/*
 * A port: up, down, link, filters, and its end.
 */
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "compat.h"
#include "urk.h"

#define URK_WATCH	HZ

/* ------------------------------------------------------------------------
 * Link
 */

static void urk_port_tell_link(struct urk_port *port)
{
	u32 i;

	for (i = 0; i < port->queue_count; i++) {
		struct urk_queue *q = &port->queue[i];

		spin_lock_bh(&q->lock);
		if (q->user && q->rings)
			WRITE_ONCE(q->user->rings->ring.k->link_up,
				   port->link_up);
		spin_unlock_bh(&q->lock);
	}
}

/* Are there frames that the device has not sent? */
static bool urk_port_sends(struct urk_port *port)
{
	bool sends = false;
	u32 i;

	for (i = 0; i < port->channels; i++) {
		struct urk_queue *q = &port->queue[i];

		spin_lock_bh(&q->lock);
		if (q->rings) {
			struct urk_ring *r = &q->rings->ring;

			urk_tx_reap(r);
			sends |= r->tx_clean != r->tx_tail;
		}
		spin_unlock_bh(&q->lock);
	}
	return sends;
}

/* P 13.4.2, E 10.2.2.2: what was negotiated. */
static void urk_port_link(struct urk_port *port)
{
	static const u32 mbps[] = { 10, 100, 1000, 1000 };
	struct net_device *netdev = port->netdev;
	u32 status = urk_rd(&port->hw, URK_STATUS);
	bool up = port->hw.variant->ops->link(&port->hw) &&
		  !READ_ONCE(port->hw.gone);

	if (up) {
		port->link_mbps = mbps[(status >> URK_STATUS_SPEED_SHIFT) & 3];
		port->link_full = status & URK_STATUS_FD;
	}
	if (up == port->link_up)
		return;
	port->link_up = up;
	if (up) {
		netdev_info(netdev, "link up, %u Mb/s, %s duplex\n",
			    port->link_mbps, port->link_full ? "full" : "half");
		netif_carrier_on(netdev);
	} else {
		netdev_info(netdev, "link down\n");
		netif_carrier_off(netdev);
		/* they would be sent when the link is back, minutes later */
		if (urk_port_sends(port))
			schedule_work(&port->reset);
	}
	urk_port_tell_link(port);
}

/*
 * Once a second, and when the device says that the link changed: some devices
 * say so only once.
 */
static void urk_port_watch(struct work_struct *work)
{
	struct urk_port *port = container_of(to_delayed_work(work),
					     struct urk_port, watch);

	u32 i;

	/* code that saw the port up may arm this after urk_port_down() ended */
	if (!READ_ONCE(port->up))
		return;
	urk_port_link(port);
	if (port->hw.restart) {
		port->hw.restart = false;
		schedule_work(&port->reset);
	}
	urk_stats_update(port);
	for (i = 0; i < port->queue_count; i++)
		urk_user_look(&port->queue[i]);
	schedule_delayed_work(&port->watch, URK_WATCH);
}

/* ------------------------------------------------------------------------
 * Filters and offloads that ip and ethtool set
 */

/* The caller holds netif_addr_lock. */
void urk_port_filter(struct urk_port *port)
{
	port->hw.variant->ops->filter(&port->hw, port->netdev);
}

void urk_port_features(struct urk_port *port, netdev_features_t features)
{
	u32 i;

	if (port->hw.variant->ops->features)
		port->hw.variant->ops->features(&port->hw, features);
	for (i = 0; i < port->queue_count; i++) {
		struct urk_queue *q = &port->queue[i];

		spin_lock_bh(&q->lock);
		if (q->user)
			q->user->rings->ring.tx_flags = urk_port_tx_flags(port);
		spin_unlock_bh(&q->lock);
	}
}

/* P 3.3.3.1: a descriptor's VLE counts only with CTRL.VME. */
u16 urk_port_tx_flags(struct urk_port *port)
{
	/* I 7.2.2.2: in an advanced ring a tag needs a context descriptor */
	if (port->hw.variant->tx_format == UR_DESC_ADVANCED)
		return 0;
	return port->hw.ctrl & URK_CTRL_VME ? UR_TX_VLAN : 0;
}

/* ------------------------------------------------------------------------
 * Up and down
 */

/* A virtual function has the address that it is given, or else its own. */
static void urk_port_agree_mac(struct urk_port *port)
{
	const struct urk_hw_ops *ops = port->hw.variant->ops;
	struct net_device *netdev = port->netdev;
	u8 mac[ETH_ALEN];

	if (!ops->set_mac)
		return;
	ops->get_mac(&port->hw, mac);
	if (!is_valid_ether_addr(mac)) {
		ops->set_mac(&port->hw, netdev->dev_addr);
	} else if (!ether_addr_equal(mac, netdev->dev_addr)) {
		netdev_info(netdev, "the physical function gives the address %pM\n",
			    mac);
		eth_hw_addr_set(netdev, mac);
	}
}

/*
 * Uses the memory and the interrupts of urk_port_open() and allocates nothing,
 * so that a reset succeeds even when the machine is short of them.
 */
static int urk_port_up(struct urk_port *port)
{
	const struct urk_hw_ops *ops = port->hw.variant->ops;
	struct net_device *netdev = port->netdev;
	struct urk_hw *hw = &port->hw;
	u32 i;
	int err;

	lockdep_assert_held(&port->ctl);
	urk_stats_update(port);
	err = ops->reset(hw);
	if (err)
		return err;
	ops->configure(hw);
	urk_port_agree_mac(port);
	urk_stats_rebase(port);
	urk_rss_write(port);
	urk_port_features(port, netdev->features);
	ops->route_irqs(hw);
	port->link_up = false;
	WRITE_ONCE(port->up, true);
	for (i = 0; i < port->channels; i++)
		urk_queue_start(&port->queue[i]);
	netif_addr_lock_bh(netdev);
	urk_port_filter(port);
	netif_addr_unlock_bh(netdev);
	/* includes what the stack has changed since the reset */
	if (ops->rx_start)
		ops->rx_start(hw);
	urk_irq_link_on(hw);
	netif_tx_start_all_queues(netdev);
	schedule_delayed_work(&port->watch, 0);
	return 0;
}

static void urk_port_down(struct urk_port *port)
{
	struct urk_hw *hw = &port->hw;
	u32 i;

	lockdep_assert_held(&port->ctl);
	if (!port->up)
		return;
	netif_tx_disable(port->netdev);
	urk_stats_update(port);
	/* no DMA and no interrupt from here on */
	hw->variant->ops->reset(hw);
	urk_irq_sync(port);
	/*
	 * After the interrupt that starts it is off, and after clearing up,
	 * which the work checks: ndo_set_rx_mode() arms it without any lock
	 * that is held here.
	 */
	WRITE_ONCE(port->up, false);
	cancel_delayed_work_sync(&port->watch);
	for (i = 0; i < port->channels; i++)
		urk_queue_stop(&port->queue[i]);
	urk_stats_rebase(port);
	port->link_up = false;
	netif_carrier_off(port->netdev);
}

static void urk_port_free_queues(struct urk_port *port)
{
	u32 i;

	for (i = 0; i < port->queue_count; i++)
		urk_queue_free(&port->queue[i]);
}

/* ip link set up: first all that needs memory, then the device. */
int urk_port_open(struct urk_port *port)
{
	u32 i;
	int err;

	lockdep_assert_held(&port->ctl);
	for (i = 0; i < port->channels; i++) {
		err = urk_queue_alloc(&port->queue[i]);
		if (err)
			goto err_queues;
	}
	err = urk_irq_request(port);
	if (err)
		goto err_queues;
	err = urk_port_up(port);
	if (err)
		goto err_irq;
	return 0;

err_irq:
	urk_irq_release(port);
err_queues:
	urk_port_free_queues(port);
	return err;
}

/* Also for a port that did not come back from a reset. */
void urk_port_close(struct urk_port *port)
{
	urk_port_down(port);
	urk_irq_release(port);
	/* an interrupt of another device on the line may have started it again */
	cancel_delayed_work_sync(&port->watch);
	urk_port_free_queues(port);
}

/*
 * Down and up, with a reset in between: a process that has a queue finds
 * another epoch.  Under port->ctl.  Only a virtual function needs rtnl, because
 * it takes the address that it is given.
 */
void urk_port_restart(struct urk_port *port)
{
	urk_port_down(port);
	if (urk_port_up(port))
		netdev_err(port->netdev, "does not come back\n");
}

/* The transmitter hangs, or the physical function forgot a virtual one. */
static void urk_port_reset(struct work_struct *work)
{
	struct urk_port *port = container_of(work, struct urk_port, reset);

	rtnl_lock();
	mutex_lock(&port->ctl);
	if (port->up)
		urk_port_restart(port);
	mutex_unlock(&port->ctl);
	rtnl_unlock();
}

/* ------------------------------------------------------------------------
 * Life
 */

struct urk_port *urk_port_create(struct pci_dev *pdev,
				 const struct urk_variant *variant)
{
	struct urk_port *port;
	u32 i;

	BUILD_BUG_ON(URK_STATS < URK_STAT_COUNT);
	port = kzalloc(struct_size(port, queue, variant->queues), GFP_KERNEL);
	if (!port)
		return ERR_PTR(-ENOMEM);
	port->hw.bar = pci_iomap(pdev, 0, 0);
	if (!port->hw.bar) {
		kfree(port);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&port->ref);
	port->hw.pdev = pdev;
	port->hw.variant = variant;
	port->id = -1;
	init_rwsem(&port->bound);
	mutex_init(&port->ctl);
	spin_lock_init(&port->hw.lock);
	mutex_init(&port->hw.mbx.lock);
	spin_lock_init(&port->stats_lock);
	INIT_DELAYED_WORK(&port->watch, urk_port_watch);
	INIT_WORK(&port->reset, urk_port_reset);
	port->queue_count = variant->queues;
	for (i = 0; i < port->queue_count; i++) {
		struct urk_queue *q = &port->queue[i];

		q->port = port;
		q->index = i;
		q->rx_tail = port->hw.bar + variant->ops->rx_tail_reg(i);
		q->tx_tail = port->hw.bar + variant->ops->tx_tail_reg(i);
		spin_lock_init(&q->lock);
		init_waitqueue_head(&q->out_idle);
	}
	return port;
}

/* The device is removed: the port is down, and attached processes are told. */
void urk_port_gone(struct urk_port *port)
{
	u8 __iomem *bar = port->hw.bar;
	u32 i;

	/*
	 * after unregister_netdev() nothing arms watch, and only watch arms
	 * reset
	 */
	cancel_delayed_work_sync(&port->watch);
	cancel_work_sync(&port->reset);
	/* waits for all that map memory for the device, or unmap it */
	down_write(&port->bound);
	mutex_lock(&port->ctl);
	port->gone = true;
	for (i = 0; i < port->queue_count; i++) {
		struct urk_user *user = port->queue[i].user;

		if (user && urk_queue_detach(&port->queue[i], user,
					     UR_STATE_GONE))
			urk_rings_release(user->rings);
	}
	port->netdev = NULL;
	spin_lock_bh(&port->stats_lock);
	port->hw.bar = NULL;
	spin_unlock_bh(&port->stats_lock);
	/* sleeps */
	pci_iounmap(port->hw.pdev, bar);
	mutex_unlock(&port->ctl);
	up_write(&port->bound);
}

static void urk_port_release(struct kref *ref)
{
	kfree(container_of(ref, struct urk_port, ref));
}

void urk_port_get(struct urk_port *port)
{
	kref_get(&port->ref);
}

void urk_port_put(struct urk_port *port)
{
	kref_put(&port->ref, urk_port_release);
}
