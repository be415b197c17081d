/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the module share: a port, its queues, and who consumes
 * them.
 *
 *   urk_port    a device; lives until the last open file releases it
 *    urk_hw     its registers
 *    urk_queue  one ring pair of it
 *      urk_rings   memory of the rings, one for each consumer: the kernel's
 *                  (krings) and the process's (user->rings)
 *      urk_user    the process that is attached
 *   urk_pool    packet memory, shared by all queues that attach it
 *
 * Locks, outermost first:
 *   rtnl            the stack's, around up and down
 *   port->bound     for reading: the device stays, memory is mapped for it and
 *                   unmapped; for writing: it is removed.  Never with rtnl
 *   port->ctl       a mutex: up, down, attach, detach, gone; holders of rtnl
 *                   wait for it, so memory of a process is neither allocated
 *                   nor freed under it
 *   hw->mbx.lock    a mutex: requests of a virtual function
 *   queue->lock     the rings of one queue: sync, timer, transmit of the kernel
 *                   and every exchange of queue->rings
 *   hw->lock        RCTL, CTRL and the filters
 *   port->stats_lock
 *   user->irq_lock  the only one that interrupt handlers take
 *
 * rings->lock, a mutex, is taken after bound and mmap_lock, and pool->lock
 * after it.
 */
#ifndef URK_URK_H
#define URK_URK_H

#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/ethtool.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "hw/hw.h"
#include "../ring/setup.h"
#include "../ring/sync.h"

#define URK_NAME	"userring"
#define URK_VERSION	"0.1.0"

/* The kernel as consumer */
#define URK_KERNEL_RX	256
#define URK_KERNEL_TX	256
#define URK_KERNEL_SLOT	2048

/*
 * For memory that a process asks for and its memory cgroup pays for: a request
 * that does not fit fails quietly, and no process is killed for it.
 */
#define URK_GFP_USER	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* Shorter frames can hang the transmitter (E 10.2.6.1, TCTL.PSP). */
#define URK_TX_LEN_MIN	17
#define URK_TX_LEN_MAX	1522	/* MTU 1500 and two VLAN tags */

struct urk_port;
struct urk_user;

/*
 * The fast paths of two queues never write to the same cache line.  What each
 * has for itself is a whole number of lines, and larger than the odd sizes of
 * kmalloc() (96 and 192): all larger sizes are powers of two, aligned to their
 * own size.
 */
#define URK_OWN_LINES(type)						\
	static_assert(sizeof(type) % SMP_CACHE_BYTES == 0 &&		\
		      sizeof(type) > 192, #type " shares a cache line")

/* ------------------------------------------------------------------------
 * DMA: dma.c
 */
int urk_dma_map(struct device *dev, struct page *page, size_t bytes,
		dma_addr_t *dma);
void urk_dma_unmap(struct device *dev, dma_addr_t dma, size_t bytes);
gfp_t urk_dma_gfp(struct device *dev);

/* ------------------------------------------------------------------------
 * Pools: pool.c
 */
struct urk_pool {
	struct kref ref;
	struct page **chunk;
	u32 chunks;
	u32 chunk_order;	/* pages, log2 */
	u32 chunk_shift;	/* slots in a chunk, log2 */
	u32 slot_shift;
	u32 slot_count;
	u64 size;		/* bytes that are mapped */
	const struct cred *payer;	/* whose RLIMIT_MEMLOCK pays, or NULL */
	unsigned long locked;	/* pages that are charged to it */
	struct mutex lock;	/* maps */
	struct list_head maps;
};

/* DMA addresses of a pool for one device. */
struct urk_pool_map {
	struct list_head node;
	struct device *dev;
	u32 users;
	u32 mask;		/* places of addr, a power of two, less one */
	u64 addr[];		/* by slot; then the first ones again */
};

struct urk_pool *urk_pool_create(u32 slot_size, u32 slot_count, gfp_t gfp,
				 gfp_t zone);
int urk_pool_fd(struct urk_pool *pool, s32 __user *to);
struct urk_pool *urk_pool_get_fd(int fd);
void urk_pool_get(struct urk_pool *pool);
void urk_pool_put(struct urk_pool *pool);
struct urk_pool_map *urk_pool_map(struct urk_pool *pool, struct device *dev,
				  gfp_t gfp);
void urk_pool_unmap(struct urk_pool *pool, struct urk_pool_map *map);

static inline void *urk_pool_virt(const struct urk_pool *pool, u32 slot)
{
	u32 in_chunk = slot & ((1U << pool->chunk_shift) - 1);

	return page_address(pool->chunk[slot >> pool->chunk_shift]) +
	       ((size_t)in_chunk << pool->slot_shift);
}

/* ------------------------------------------------------------------------
 * Rings: rings.c
 */
struct urk_ring_mem {
	struct page *page;
	u32 bytes;
	dma_addr_t dma;
};

/*
 * Copies of frames on their way to the stack and to listeners: host.c, tap.c.
 * struct urk_copy is in skb->cb.
 */
enum urk_copy_kind { URK_COPY_HOST, URK_COPY_RX, URK_COPY_TX };

struct urk_copy {
	enum urk_copy_kind kind;
	u32 pos;	/* RX: of its place */
	u32 slot;
};

static inline struct urk_copy *urk_copy(struct sk_buff *skb)
{
	return (struct urk_copy *)skb->cb;
}

struct urk_rings {
	struct urk_ring ring;
	struct urk_queue *queue;	/* once attached */
	struct list_head out;		/* to deliver next, without the lock */
	struct list_head seen;		/* for listeners, not yet shown: tap.c */
	u32 seen_count;
	ktime_t seen_when;
	u32 seen_taken;			/* rx_pos of the process then */
	u32 seen_due;			/* and at the seen_when before that */
	u32 seen_synced;		/* rx_done at the last visit */
	struct device *dev;
	struct mutex lock;		/* memory: mapped, or freed */
	struct urk_pool *pool;
	struct urk_pool_map *map;	/* NULL: all memory was freed */
	struct urk_ring_mem rx;
	struct urk_ring_mem tx;
	void *kernel_region;		/* struct ur_kernel_page, rx_slot */
	void *user_region;		/* struct ur_user_page, fill, TX ring */
	struct urk_layout layout;
	u32 kernel_bytes;		/* whole pages */
	u32 user_bytes;
} ____cacheline_aligned;

/* the ring's indices are written with each sync */
URK_OWN_LINES(struct urk_rings);

struct urk_rings *urk_rings_create(struct urk_port *port,
				   struct urk_pool *pool,
				   u32 rx_size, u32 tx_size, gfp_t gfp);
struct page *urk_region_page(const void *addr);
void urk_rings_release(struct urk_rings *rings);
void urk_rings_destroy(struct urk_rings *rings);

/* ------------------------------------------------------------------------
 * Queues: queue.c
 */
struct urk_queue {
	struct urk_port *port;
	u32 index;
	u8 __iomem *rx_tail;		/* registers */
	u8 __iomem *tx_tail;

	spinlock_t lock;
	struct urk_rings *rings;	/* those the device has now, or NULL */
	struct urk_rings *krings;	/* the kernel's, while it is set up */
	struct urk_user *user;		/* the process, or NULL: the kernel */

	struct napi_struct napi;
	struct hrtimer tx_look;		/* runs while a process has the queue
					 * and tx_full
					 */
	u32 tx_kicked;			/* tail that was last written */
	bool tx_full;			/* the stack waits for room */
	bool out_busy;			/* copies are being delivered */
	wait_queue_head_t out_idle;	/* woken when that ends */
	u64 tap_dropped;		/* no memory for a listener's copy */
	u64 taken;			/* times the watchdog took it back */
	struct ur_counters count;	/* the kernel's and former processes' */
	char irq_name[IFNAMSIZ + 16];
} ____cacheline_aligned;

/* queues are adjacent in port->queue[] */
URK_OWN_LINES(struct urk_queue);

int urk_queue_alloc(struct urk_queue *q);
void urk_queue_free(struct urk_queue *q);
void urk_queue_start(struct urk_queue *q);
void urk_queue_stop(struct urk_queue *q);
int urk_queue_add(struct urk_queue *q);
void urk_queue_remove(struct urk_queue *q);
int urk_queue_attach(struct urk_queue *q, struct urk_user *user);
bool urk_queue_detach(struct urk_queue *q, struct urk_user *user, u32 state);
void urk_queue_info(struct urk_queue *q, struct ur_queue_info *info);

/* One write to a tail register for each ring that moved. */
static inline void urk_queue_kick(struct urk_queue *q,
				  const struct urk_ring *r,
				  unsigned int moved)
{
	if (moved & URK_TX_MOVED) {
		writel(r->tx_tail & r->tx_mask, q->tx_tail);
		q->tx_kicked = r->tx_tail;
	}
	if (moved & URK_RX_MOVED)
		writel(r->rx_tail & r->rx_mask, q->rx_tail);
}

/* ------------------------------------------------------------------------
 * Processes: user.c
 */
struct urk_user {
	struct urk_queue *queue;
	struct urk_rings *rings;
	wait_queue_head_t wait;
	struct hrtimer timer;
	ktime_t period;			/* 0: no timer */
	ktime_t timer_late;		/* its shortest delay, lately */
	struct pid *payer;		/* whose CPU time it may take */
	bool timer_astray;		/* it took that of another process */
	u32 idle_shift;			/* slows it while nothing happens */
	u32 tap_shift;			/* the same, for listeners */
	spinlock_t irq_lock;		/* armed, and the queue's irq mask */
	u32 armed;			/* causes that may interrupt */
	struct ur_attach attach;	/* what ATTACH answered */
	struct delayed_work watchdog;
	u64 watch_mark;			/* urk_user_mark() at watch_since */
	ktime_t watch_since;		/* work has waited since; 0: none did */
	u32 watch_looks;		/* at the same mark */
	u64 polls;
	bool taken;			/* by the watchdog */
	struct pid *pid;
	char comm[TASK_COMM_LEN];
} ____cacheline_aligned;

/* written by arming, by the interrupt and by the timer */
URK_OWN_LINES(struct urk_user);

struct urk_user *urk_user_create(struct urk_port *port, struct urk_pool *pool,
				 const struct ur_attach *arg);
void urk_user_destroy(struct urk_user *user);
void urk_user_run(struct urk_user *user);
void urk_user_halt(struct urk_user *user);
void urk_user_irq(struct urk_user *user);
int urk_user_sync(struct urk_user *user, unsigned long flags);
int urk_user_adopt(struct urk_user *user, struct ur_adopt *arg,
		   struct urk_pool **pool);
void urk_user_look(struct urk_queue *q);
__poll_t urk_user_poll(struct urk_user *user, struct file *file,
		       poll_table *wait);

/* watchdog.c; user.c starts it with the user and stops it before its end */
void urk_watchdog_init(struct urk_user *user);
void urk_watchdog_start(struct urk_user *user);
void urk_watchdog_stop(struct urk_user *user);

/* ------------------------------------------------------------------------
 * Ports: port.c
 */
#define URK_STATS	20	/* at least URK_STAT_COUNT */

struct urk_port {
	/* the fast paths of all queues read these, and write none */
	struct urk_hw hw;
	struct net_device *netdev;	/* NULL once gone */

	/* slow path: open, set-up, queries */
	struct kref ref ____cacheline_aligned;
	struct device *node;
	int id;				/* N of /dev/userringN */
	struct rw_semaphore bound;
	struct mutex ctl;
	bool up;
	bool gone;
	bool link_up;
	u32 link_mbps;
	bool link_full;
	spinlock_t stats_lock;
	u64 stats[URK_STATS];
	u32 stats_last[URK_STATS];
	struct delayed_work watch;
	struct work_struct reset;
	const char *irq_mode;
	char irq_name[IFNAMSIZ];
	u32 queue_count;		/* that the device has */
	u32 channels;			/* of them in use: ethtool -L */
	struct urk_rss rss;
	struct urk_queue queue[];
};

URK_OWN_LINES(struct urk_port);
static_assert(offsetof(struct urk_port, queue) % SMP_CACHE_BYTES == 0,
	      "the first queue shares a line with its port");

/* What netdev_priv() holds: the port outlives its net_device. */
struct urk_netdev {
	struct urk_port *port;
};

static inline struct urk_port *urk_port_of(struct net_device *netdev)
{
	return ((struct urk_netdev *)netdev_priv(netdev))->port;
}

static inline struct netdev_queue *urk_txq(const struct urk_queue *q)
{
	return netdev_get_tx_queue(q->port->netdev, q->index);
}

struct urk_port *urk_port_create(struct pci_dev *pdev,
				 const struct urk_variant *variant);
void urk_port_get(struct urk_port *port);
void urk_port_put(struct urk_port *port);
int urk_port_open(struct urk_port *port);
void urk_port_close(struct urk_port *port);
void urk_port_restart(struct urk_port *port);
void urk_port_gone(struct urk_port *port);
void urk_port_filter(struct urk_port *port);
void urk_port_features(struct urk_port *port, netdev_features_t features);
u16 urk_port_tx_flags(struct urk_port *port);

/* irq.c */
int urk_irq_alloc(struct urk_port *port);
void urk_irq_free(struct urk_port *port);
int urk_irq_request(struct urk_port *port);
void urk_irq_release(struct urk_port *port);
int urk_irq_of(const struct urk_queue *q);
void urk_irq_sync(struct urk_port *port);
void urk_irq_queue_sync(struct urk_queue *q);
void urk_irq_info(const struct urk_queue *q, struct ur_queue_info *info);

/* stats.c */
enum urk_stat {
	URK_RX_PACKETS, URK_TX_PACKETS, URK_RX_BYTES, URK_TX_BYTES,
	URK_RX_BROADCAST, URK_RX_MULTICAST, URK_TX_BROADCAST, URK_TX_MULTICAST,
	URK_RX_MISSED, URK_RX_NO_BUFFER, URK_RX_CRC_ERRORS,
	URK_RX_ALIGN_ERRORS, URK_RX_SYMBOL_ERRORS, URK_RX_LENGTH_ERRORS,
	URK_RX_UNDERSIZE, URK_RX_OVERSIZE, URK_COLLISIONS,
	URK_STAT_COUNT
};
extern const char urk_stat_name[URK_STAT_COUNT][ETH_GSTRING_LEN];
void urk_stats_update(struct urk_port *port);
void urk_stats_rebase(struct urk_port *port);
void urk_counters_add(struct ur_counters *to, const struct ur_counters *from);
void urk_queue_counters(struct urk_queue *q, struct ur_counters *sum);

/* kernel.c: the kernel as consumer */
int urk_kernel_rx(struct urk_queue *q, int budget, bool napi);
void urk_kernel_fill(struct urk_queue *q);
void urk_kernel_wake(struct urk_queue *q);
int urk_kernel_poll(struct napi_struct *napi, int budget);
netdev_tx_t urk_kernel_xmit(struct sk_buff *skb, struct net_device *netdev);
enum hrtimer_restart urk_kernel_tx_look(struct hrtimer *timer);

/* netdev.c: the port as a network interface */
struct net_device *urk_netdev_create(struct urk_port *port);

/* skb.c: frames from slots to the stack */
struct sk_buff *urk_skb_rx(struct urk_queue *q, const struct urk_rings *rings,
			   u32 index, struct net_device_stats *stats);
struct sk_buff *urk_skb_tx(struct urk_queue *q, const struct urk_rings *rings,
			   u32 slot, const struct ur_tx_entry *e);

/* host.c: what a process's queue hands to the stack */
void urk_host_entry(struct urk_ring *r, u32 slot, const struct ur_tx_entry *e);
void urk_host_rest(struct urk_queue *q, struct urk_rings *rings);

/*
 * Frames that are copied before they are delivered: as many as in a NAPI poll.
 */
#define URK_OUT_BATCH	NAPI_POLL_WEIGHT

static inline bool urk_out_waits(const struct urk_rings *rings)
{
	return !list_empty(&rings->out);
}

void urk_out_init(struct urk_rings *rings);
bool urk_out_deliver(struct urk_queue *q, struct urk_rings *rings);
void urk_out_drop(struct urk_queue *q, struct urk_rings *rings);

/* tap.c: what it shows to listeners */
void urk_tap_sync(struct urk_queue *q, struct urk_rings *rings, u32 tx);
bool urk_tap_recall(struct urk_rings *rings, u32 slot, ktime_t *when);
void urk_tap_end(struct urk_rings *rings, u32 pos);
void urk_tap_show(struct sk_buff *skb);

static inline bool urk_tap_listening(const struct urk_queue *q)
{
	struct net_device *netdev = q->port->netdev;
	struct list_head *all = urk_ptype_all(netdev);

	return !list_empty(&netdev->ptype_all) || (all && !list_empty(all));
}

/* rss.c; urk_rss_*: table or key may be NULL */
void urk_rss_init(struct urk_port *port);
void urk_rss_write(struct urk_port *port);
u32 urk_rss_table_size(struct net_device *netdev);
u32 urk_rss_key_size(struct net_device *netdev);
void urk_get_channels(struct net_device *netdev, struct ethtool_channels *ch);
int urk_set_channels(struct net_device *netdev, struct ethtool_channels *ch);

/* ethtool.c */
extern const struct ethtool_ops urk_ethtool_ops;

/* chardev.c; what it shares with ioctl.c is in chardev.h */
int urk_chardev_init(void);
void urk_chardev_exit(void);
int urk_chardev_add(struct urk_port *port);
void urk_chardev_del(struct urk_port *port);

/* mmap.c: where the regions of a queue lie in its file */
#define URK_MMAP_RX_DESC	0x00000000ULL
#define URK_MMAP_TX_DESC	0x10000000ULL
#define URK_MMAP_KERNEL		0x20000000ULL
#define URK_MMAP_USER		0x30000000ULL
int urk_mmap_rings(struct urk_rings *rings, struct vm_area_struct *vma);
int urk_mmap_pool(struct urk_pool *pool, struct vm_area_struct *vma);

#endif /* URK_URK_H */
