/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that userring builds on.  Each line is a
 * feature that Kbuild looked for, not a version, so that backports are seen.
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

/* Does tc or netfilter look at what the stack receives from this device? */
static inline bool urk_has_ingress_hooks(const struct net_device *netdev)
{
#ifdef CONFIG_NETFILTER_INGRESS
	if (rcu_access_pointer(netdev->nf_hooks_ingress))
		return true;
#endif
#ifdef URK_HAVE_TCX
#ifdef CONFIG_NET_XGRESS
	if (rcu_access_pointer(netdev->tcx_ingress))
		return true;
#endif
#elif defined(CONFIG_NET_CLS_ACT)
	if (rcu_access_pointer(netdev->miniq_ingress))
		return true;
#endif
	return false;
}

/* The stack does not show this frame to listeners, nor to ingress hooks. */
static inline void urk_skip_taps(struct sk_buff *skb)
{
#if defined(CONFIG_NET_CLS_ACT) || defined(CONFIG_NET_XGRESS)
	skb->tc_skip_classify = 1;
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

/* And how many rings it can lead to: a member of struct ethtool_ops. */
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
	if (rxnfc->cmd != ETHTOOL_GRXRINGS)
		return -EOPNOTSUPP;
	rxnfc->data = netdev->real_num_rx_queues;
	return 0;
}

#define URK_RX_RINGS_OP		get_rxnfc
#endif

#ifndef PCI_IRQ_INTX
#define PCI_IRQ_INTX PCI_IRQ_LEGACY
#endif

#endif /* URK_COMPAT_H */
