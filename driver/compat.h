/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that userring builds on.  Each case is a
 * feature that Kbuild looked for, not a version, so that backports are
 * recognised.
 */
#ifndef URK_COMPAT_H
#define URK_COMPAT_H

#include <linux/device/class.h>
#include <linux/ethtool.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>

static inline void urk_vm_flags(struct vm_area_struct *vma,
				unsigned long set, unsigned long clear)
{
#ifdef URK_HAVE_VM_FLAGS_SET
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

static inline void urk_hrtimer_setup(struct hrtimer *timer,
				     enum hrtimer_restart (*fn)(struct hrtimer *))
{
#ifdef URK_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer->function = fn;
#endif
}

static inline struct class *urk_class_create(const char *name)
{
#ifdef URK_HAVE_CLASS_CREATE_NAME
	return class_create(name);
#else
	return class_create(THIS_MODULE, name);
#endif
}

/*
 * Listeners on all interfaces in a name space, such as "tcpdump -i any"; NULL:
 * a module cannot reach their list.
 */
static inline struct list_head *urk_ptype_all(const struct net_device *netdev)
{
#ifdef URK_HAVE_NET_PTYPE_ALL
	return &dev_net(netdev)->ptype_all;
#else
	return NULL;
#endif
}

/* The hash table and the key of ethtool -x and -X: rss.c has them. */
void urk_rss_get(struct net_device *netdev, u32 *table, u8 *key);
int urk_rss_set(struct net_device *netdev, const u32 *table, const u8 *key,
		u8 function);

#ifdef URK_HAVE_RXFH_PARAM
static inline int urk_get_rxfh(struct net_device *netdev,
			       struct ethtool_rxfh_param *p)
{
	p->hfunc = ETH_RSS_HASH_TOP;
	urk_rss_get(netdev, p->indir, p->key);
	return 0;
}

static inline int urk_set_rxfh(struct net_device *netdev,
			       struct ethtool_rxfh_param *p,
			       struct netlink_ext_ack *extack)
{
	return urk_rss_set(netdev, p->indir, p->key, p->hfunc);
}
#else
static inline int urk_get_rxfh(struct net_device *netdev, u32 *table, u8 *key,
			       u8 *function)
{
	if (function)
		*function = ETH_RSS_HASH_TOP;
	urk_rss_get(netdev, table, key);
	return 0;
}

static inline int urk_set_rxfh(struct net_device *netdev, const u32 *table,
			       const u8 *key, const u8 function)
{
	return urk_rss_set(netdev, table, key, function);
}
#endif

/* Which header fields are hashed; until 6.16 a command of get_rxnfc(). */
u32 urk_rss_fields(struct net_device *netdev, u32 flow_type);

#ifdef URK_HAVE_RXFH_FIELDS
static inline int urk_get_rxfh_fields(struct net_device *netdev,
				      struct ethtool_rxfh_fields *fields)
{
	fields->data = urk_rss_fields(netdev, fields->flow_type);
	return fields->data ? 0 : -EOPNOTSUPP;
}

#define URK_RXFH_FIELDS_OP	.get_rxfh_fields = urk_get_rxfh_fields,
#else
#define URK_RXFH_FIELDS_OP
#endif

/* How many rings the table can lead to: a member of struct ethtool_ops. */
#ifdef URK_HAVE_RX_RING_COUNT
static inline u32 urk_rx_rings(struct net_device *netdev)
{
	return netdev->real_num_rx_queues;
}

#define URK_RX_RINGS_OP		get_rx_ring_count
#else
static inline int urk_rx_rings(struct net_device *netdev,
			       struct ethtool_rxnfc *rxnfc, u32 *rules)
{
	if (rxnfc->cmd == ETHTOOL_GRXFH) {
		rxnfc->data = urk_rss_fields(netdev, rxnfc->flow_type);
		return rxnfc->data ? 0 : -EOPNOTSUPP;
	}
	if (rxnfc->cmd != ETHTOOL_GRXRINGS)
		return -EOPNOTSUPP;
	rxnfc->data = netdev->real_num_rx_queues;
	return 0;
}

#define URK_RX_RINGS_OP		get_rxnfc
#endif

/*
 * A NAPI is in the stack's list only while it can run: the stack waits, with
 * the net_device locked, until each NAPI in the list is idle, and a disabled
 * one never is.  Its number and settings stay (napi_config).  Older kernels do
 * not wait, and guard the list by rtnl, which attach and detach do not take:
 * there it stays in the list.
 */
#ifdef URK_HAVE_NAPI_LOCKED
static inline void urk_napi_init(struct net_device *netdev,
				 struct napi_struct *napi,
				 int (*poll)(struct napi_struct *, int))
{
	napi->dev = netdev;
	napi->poll = poll;
}

static inline void urk_napi_start(struct napi_struct *napi, u32 queue, int irq)
{
	struct net_device *netdev = napi->dev;

	netdev_lock(netdev);
	netif_napi_add_config_locked(netdev, napi, napi->poll, queue);
	netif_napi_set_irq_locked(napi, irq);
	napi_enable_locked(napi);
	netdev_unlock(netdev);
}

static inline void urk_napi_stop(struct napi_struct *napi)
{
	struct net_device *netdev = napi->dev;

	netdev_lock(netdev);
	napi_disable_locked(napi);
	__netif_napi_del_locked(napi);
	netdev_unlock(netdev);
}

/* Between stop and the next start: netpoll walks the list by RCU.  Slow. */
static inline void urk_napi_settle(void)
{
	synchronize_net();
}
#else
static inline void urk_napi_init(struct net_device *netdev,
				 struct napi_struct *napi,
				 int (*poll)(struct napi_struct *, int))
{
	netif_napi_add(netdev, napi, poll);
}

static inline void urk_napi_start(struct napi_struct *napi, u32 queue, int irq)
{
#ifdef URK_HAVE_QUEUE_NAPI
	netif_napi_set_irq(napi, irq);
#endif
	napi_enable(napi);
}

static inline void urk_napi_stop(struct napi_struct *napi)
{
	napi_disable(napi);
}

static inline void urk_napi_settle(void)
{
}
#endif

/* Which NAPI serves a queue; before the net_device is registered. */
static inline void urk_napi_of_queue(struct napi_struct *napi, u32 queue)
{
#ifdef URK_HAVE_QUEUE_NAPI
	netif_queue_set_napi(napi->dev, queue, NETDEV_QUEUE_TYPE_RX, napi);
	netif_queue_set_napi(napi->dev, queue, NETDEV_QUEUE_TYPE_TX, napi);
#endif
}

/* The workqueue of schedule_work(); since 6.17 its name says it is per CPU. */
#ifdef URK_HAVE_SYSTEM_PERCPU_WQ
#define URK_SYSTEM_WQ system_percpu_wq
#else
#define URK_SYSTEM_WQ system_wq
#endif

#ifndef PCI_IRQ_INTX
#define PCI_IRQ_INTX PCI_IRQ_LEGACY
#endif

#endif /* URK_COMPAT_H */
