/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * userring: the contract between the kernel module and a process that owns
 * a queue of a NIC.
 *
 * A port is a NIC function with a Linux net_device and a node
 * /dev/userringN.  A queue is one RX and one TX descriptor ring.  Its
 * consumer is the kernel or, between ATTACH and DETACH, one process.  A pool
 * is memory for packets, cut into slots of equal size; a slot is named by
 * its index.  This header is all that the two sides share;
 * userring_desc.h has the descriptors, which are the hardware's own.
 *
 *
 * Who owns a slot
 * ===============
 *
 *                  fill ring entry            descriptor (module)
 *      +---------+ ------------> +---------+ ------------> +---------+
 *      |         |    fill_prod  | waiting |    rx_tail    |   NIC   |
 *      | process |               +---------+               | writes  |
 *      |         | <------------------------------------- +---------+
 *      |         |   DD bit in the RX descriptor, rx_pos moves past it
 *      |         |
 *      |         | ------------> +---------+ ------------> +---------+
 *      |         |    tx_prod    | waiting |   descriptor  |   NIC   |
 *      |         |               +---------+    tx_cons    |  reads  |
 *      |         | <------------------------------------- +---------+
 *      +---------+                 tx_done
 *
 * A TX entry with UR_TX_HOST goes to the local stack instead of the NIC, as if
 * the port had received it; the slot comes back through tx_done as well.  The
 * local stack's own packets lie in the same TX descriptor ring, in kernel
 * memory; no index of the process moves for them.
 *
 * A process that writes to a slot while the NIC has it damages only its own
 * packets.
 *
 *
 * What is mapped
 * ==============
 *
 * ATTACH returns the offset and size of four regions in the queue's file
 * descriptor.  Each is mapped by one mmap() with exactly these values:
 *
 *  rx_desc   the RX descriptor ring, PROT_READ
 *  tx_desc   the TX descriptor ring, PROT_READ
 *  kernel    struct ur_kernel_page and, at rx_slot_off, __u32 [rx_size]:
 *            which slot lies in which place of the RX ring; PROT_READ.  At
 *            least 64 bytes of undefined content follow, so that code that
 *            reads ahead past the last place needs no check
 *  user      struct ur_user_page and, at fill_off, __u32 [rx_size]: the fill
 *            ring and, at tx_off, struct ur_tx_entry [tx_size]: the TX ring;
 *            PROT_READ | PROT_WRITE
 *
 * They can be mapped while the queue is attached; after that mmap() fails with
 * ENOTCONN.  A mapping stays until it is unmapped.
 *
 * A pool is a file descriptor of its own and is mapped from offset 0.
 *
 *
 * Indices
 * =======
 *
 * Every index counts up for ever and wraps at 2^32; its place in a ring is
 * index & (size - 1).  (u) is written by the process alone, (k) by the module
 * alone.
 *
 *   RX:  rx_pos(u)  <=  rx_tail(k)           at most rx_size - 1 apart
 *        the NIC has written, or will write, the packets of
 *        [rx_pos, rx_tail); the packet at rx_pos is there when rx_pos is
 *        below rx_limit(k) and its descriptor has DD
 *   fill: fill_cons(k) <= fill_prod(u)       at most rx_size apart
 *   TX:  tx_done(k) <= tx_cons(k) <= tx_prod(u)   at most tx_size apart
 *        the module has taken the entries below tx_cons; those below
 *        tx_done are finished: their slots belong to the process again; the
 *        NIC has at most tx_size - 1 - min(tx_size / 8, 255) entries at a
 *        time, because the other places are kept for the kernel's packets
 *
 * rx_limit is rx_tail, unless the interface has a listener (tcpdump).  Then it
 * covers only packets of which the listeners have a copy: it follows the NIC at
 * every SYNC and by a timer.  It is set back when a listener appears, so it can
 * be below rx_pos for the time of one burst: compare as
 * (__s32)(rx_limit - rx_pos) > 0.
 *
 * The module takes entries when the process calls SYNC and, if the process
 * chose a sync period, also from a timer.  It posts RX slots as places come
 * free (a place is free when rx_pos has moved past it); entries without a place
 * wait in the fill ring.
 *
 *
 * Barriers
 * ========
 *
 *   process                               module
 *   -------                               ------
 *   write fill entries, TX entries,
 *   packets
 *   store-release fill_prod, tx_prod (A)  load-acquire fill_prod, tx_prod (A)
 *                                         read entries, write descriptors
 *   read descriptor, rx_slot
 *   store-release rx_pos (B)              load-acquire rx_pos (B)
 *                                         overwrite descriptor, rx_slot
 *                                         dma_wmb (C), write tail register
 *                                         write rx_slot, descriptor without DD
 *   load-acquire rx_limit (D)             store-release rx_tail, rx_limit (D)
 *   read descriptor's DD
 *   dma_rmb (E)                           (partner: the NIC, which writes
 *   read length, rx_slot, packet           packet, then descriptor, then DD)
 *   load-acquire tx_done (F)              see DD in a TX descriptor, then
 *   write to the slots again              store-release tx_done (F)
 *                                         rings reset, indices written
 *   load-acquire epoch (G)                store-release epoch (G)
 *   indices set to 0
 *   store-release epoch (H)               load-acquire epoch (H)
 *   load-acquire fill_cons (I)            store-release fill_cons (I)
 *   read rx_tail, which belongs to it
 *
 *
 * Epoch
 * =====
 *
 * When the port goes down or is reset, the NIC forgets its rings.  The module
 * then leaves the (k) indices as they are, sets the state and changes the
 * epoch.  The process reclaims its slots: those of [rx_pos, rx_tail), of
 * [fill_cons, fill_prod) and of [tx_done, tx_prod) are its own again.  Then it
 * sets its indices to 0, writes the new epoch into its page and calls SYNC.
 * When SYNC returns 0, the (k) indices have restarted from 0 as well and the
 * rings run.  Until then the module reads nothing else from the page of the
 * process.
 *
 *
 * Rules for every struct with argsz
 * =================================
 *
 * The caller sets argsz to the size of its struct, sets the fields marked (in),
 * and sets all others to zero.  The module answers EINVAL to unknown flags, to
 * reserved fields that are not zero, and to an argsz below the size of the
 * struct of ABI version 1.  It ignores bytes beyond the struct that it knows,
 * and sets argsz to the size that it filled.
 *
 * A node that was opened read-only serves PORT_INFO and QUEUE_INFO; all other
 * calls fail with EACCES.
 */
#ifndef _UAPI_USERRING_H
#define _UAPI_USERRING_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define UR_ABI_VERSION		1

/* Limits of this version of the contract. */
#define UR_RING_SIZE_MIN	64	/* places; a power of two */
#define UR_RING_SIZE_MAX	4096
#define UR_SLOT_SIZE_MIN	2048	/* bytes; a power of two */
#define UR_SLOT_SIZE_MAX	16384
#define UR_POOL_SLOTS_MAX	(1U << 19)	/* and at most 1 GiB in all */
#define UR_SYNC_PERIOD_MIN_US	50	/* or 0: no timer */
#define UR_SYNC_PERIOD_MAX_US	1000000
#define UR_WATCHDOG_MIN_MS	10	/* or 0: no watchdog */
#define UR_WATCHDOG_MAX_MS	600000

#define UR_RX_SLOT_TAIL		64	/* bytes after rx_slot */

#define UR_QUEUE_ANY		0xffffffffU
#define UR_NAME_LEN		32

/*
 * Layouts of descriptors, see userring_desc.h: where address, length, status,
 * VLAN and hash are.  ur_attach.rx_err_* says which bits are errors.
 *
 * In an ADVANCED TX ring the NIC takes the tag to insert from a context
 * descriptor.  The module writes none, so such a ring has no UR_TX_VLAN.
 */
enum ur_desc_format {
	UR_DESC_LEGACY		= 1,	/* e1000: RX and TX; e1000e: TX */
	UR_DESC_EXTENDED	= 2,	/* e1000e: RX */
	UR_DESC_ADVANCED	= 3,	/* igb, igc, ixgbe: RX and TX */
};

/* ------------------------------------------------------------------------
 * Shared memory of a queue
 */

/* ur_kernel_page.state */
enum ur_queue_state {
	UR_STATE_ATTACHED	= 1,	/* the rings run, or wait for the epoch */
	UR_STATE_DOWN		= 2,	/* the port is down: ip link set up */
	UR_STATE_GONE		= 3,	/* no longer attached, for good */
	UR_STATE_TAKEN		= 4,	/* the same: the watchdog took the queue
					 * back; a new file can attach
					 */
};

/*
 * What happened on a queue since it was attached.  Packets and bytes of RX
 * are counted when a sync finds that rx_pos has moved past them.
 */
struct ur_counters {
	__u64 rx_packets;
	__u64 rx_bytes;		/* without FCS */
	__u64 tx_packets;
	__u64 tx_bytes;		/* without FCS */
	__u64 rx_refused;	/* fill entries: no such slot, bad KEEP */
	__u64 tx_refused;	/* TX entries: slot, offset, length, flags */
	__u64 index_refused;	/* syncs that found an impossible (u) index */
	__u64 syncs;		/* SYNC calls */
	__u64 timer_syncs;	/* syncs by the sync period's timer */
	__u64 wakeups;		/* sleepers woken */
	__u64 interrupts;	/* taken by this queue */
	__u64 resets;		/* times the epoch changed */
	__u64 host_packets;	/* HOST entries that went to the local stack */
	__u64 host_dropped;	/* HOST entries: no memory for the copy */
	__u64 reserved[2];
};

/* The read-only page: one cache line of indices, then the counters. */
struct ur_kernel_page {
	__u32 rx_tail;		/* (k) RX places posted to the NIC */
	__u32 fill_cons;	/* (k) fill entries taken */
	__u32 tx_cons;		/* (k) TX entries taken */
	__u32 tx_done;		/* (k) TX entries finished */
	__u32 epoch;		/* (k) changes when the rings are reset */
	__u32 state;		/* (k) enum ur_queue_state */
	__u32 fill_kept;	/* (k) places posted of KEEP at fill_cons */
	__u32 link_up;		/* (k) 1 while the port has a link */
	__u32 abi_version;	/* (k) UR_ABI_VERSION */
	__u32 rx_limit;		/* (k) RX places that may be looked at */
	__u32 reserved0[6];

	struct ur_counters count;	/* (k) */
	__u32 reserved1[16];
};

/* The page of the process: one cache line. */
struct ur_user_page {
	__u32 rx_pos;		/* (u) next RX place to look at */
	__u32 fill_prod;	/* (u) fill entries written */
	__u32 tx_prod;		/* (u) TX entries written */
	__u32 tx_reaped;	/* (u) finished TX entries that were collected;
				 *     not read by the module: for a successor
				 */
	__u32 epoch;		/* (u) the epoch that these indices belong to */
	__u32 reserved[11];	/* (u) not read */
};

/*
 * A fill entry: a slot for the next free place of the RX ring, or, with
 * UR_FILL_KEEP, "the next n places keep the slots that lie in them".  KEEP is
 * the cheap way to give slots back, for a process that finishes its packets in
 * the order in which they came.
 *
 * At most rx_size - 1 places are posted at a time.  A process that intends to
 * use KEEP starts with rx_size slots in the fill ring: the last one waits until
 * the first place comes free.  From then on KEEP n gives back the n oldest
 * packets that were taken and not yet given back.  KEEP is refused until every
 * place has had a slot.
 */
#define UR_FILL_KEEP		0x80000000U
#define UR_FILL_KEEP_MASK	0x7fffffffU

/* A packet to send: struct ur_tx_entry. */
struct ur_tx_entry {
	__u32 slot;
	__u16 offset;		/* of the frame in the slot, bytes */
	__u16 len;		/* bytes without FCS */
	__u16 flags;		/* UR_TX_* */
	__u16 csum_start;	/* reserved for checksum offload, 0 */
	__u16 csum_offset;	/* reserved for checksum offload, 0 */
	__u16 vlan;		/* TCI when UR_TX_VLAN, else 0 */
};

#define UR_TX_VLAN		0x0001	/* insert a tag (UR_FEATURE_TX_VLAN) */
#define UR_TX_HOST		0x0002	/* to the local stack (UR_FEATURE_HOST);
					 * with UR_TX_VLAN: its tag was stripped
					 */
#define UR_TX_CSUM_OK		0x0004	/* with UR_TX_HOST: the NIC found its TCP
					 * or UDP checksum right
					 */

/* ------------------------------------------------------------------------
 * Calls.  The type is a letter of our own; sizes are in argsz, not in the
 * numbers, so that structs can grow.
 */

#define UR_IOC_TYPE		0xc5

/**
 * UR_IOC_PORT_INFO - (in/out: struct ur_port_info) on a node
 *
 * What this port is and what it can do.
 *
 * Return: 0, or -1 with errno
 *   EFAULT   the argument cannot be read or written
 *   EINVAL   argsz, flags or a reserved field
 *   ENODEV   the device is gone
 */
#define UR_IOC_PORT_INFO	_IO(UR_IOC_TYPE, 0)

#define UR_FEATURE_RX_CSUM	0x0001	/* RX descriptors carry a verdict */
#define UR_FEATURE_RX_VLAN	0x0002	/* tags are stripped: ethtool -K rxvlan */
#define UR_FEATURE_TX_VLAN	0x0004	/* UR_TX_VLAN is honoured; never with
					 * tx_format ADVANCED
					 */
#define UR_FEATURE_RX_HASH	0x0008	/* RX descriptors carry the hash, with
					 * more than one queue
					 */
#define UR_FEATURE_DIRECT	0x0010	/* rings can be mapped writable */
#define UR_FEATURE_HOST		0x0020	/* UR_TX_HOST is honoured */

struct ur_port_info {
	__u32 argsz;		/* (in/out) */
	__u32 flags;		/* (in) 0 */
	__u32 abi_version;	/* UR_ABI_VERSION of the module */
	__u32 queues;		/* that can be attached */
	__u32 features;		/* UR_FEATURE_* as set now */
	__u32 rx_format;	/* enum ur_desc_format */
	__u32 tx_format;
	__u32 desc_size;	/* bytes, RX and TX */
	__u32 tx_len_min;	/* bytes, without FCS */
	__u32 tx_len_max;
	__u32 up;		/* 1: ip link set up */
	__u32 link_up;		/* 1: there is a link */
	__u32 link_mbps;	/* 0: not known */
	__u32 mtu;
	__u32 promisc;		/* 1: takes frames for any address */
	__u32 ifindex;
	__u8  mac[6];
	__u16 pci_vendor;
	__u16 pci_device;
	__u16 reserved0;
	char  ifname[UR_NAME_LEN];
	char  pci[UR_NAME_LEN];		/* 0000:00:04.0 */
	char  variant[UR_NAME_LEN];	/* e1000, e1000e, ... */
	char  irq_mode[UR_NAME_LEN];	/* msix, msi, intx */
	__u32 queues_max;		/* most that ethtool -L can set */
	__u32 reserved[7];
};

/**
 * UR_IOC_POOL_CREATE - (in/out: struct ur_pool_create) on a node
 *
 * Makes a pool whose memory this port's device can reach.  The pool lives as
 * long as a descriptor of it is open, a mapping of it exists, or a queue is
 * attached to it.
 *
 * Return: 0 with .fd set (close-on-exec), or -1 with errno
 *   EFAULT   the argument cannot be read or written
 *   EINVAL   argsz, flags, reserved; slot_size is not a power of two from 2048 to
 *            16384; slot_count is 0 or above UR_POOL_SLOTS_MAX, or the pool is
 *            above 1 GiB
 *   EMFILE, ENFILE  no file descriptor left
 *   ENOBUFS  more than the caller's RLIMIT_MEMLOCK allows: the memory of all
 *            pools of a user is locked, and counts together with what AF_XDP
 *            and io_uring lock for that user.  A caller with CAP_IPC_LOCK has
 *            no limit
 *   ENODEV   the device is gone
 *   ENOMEM   no memory, or none in the address range of the device
 */
#define UR_IOC_POOL_CREATE	_IO(UR_IOC_TYPE, 1)

struct ur_pool_create {
	__u32 argsz;		/* (in/out) */
	__u32 flags;		/* (in) 0 */
	__u32 slot_size;	/* (in) bytes */
	__u32 slot_count;	/* (in/out) rounded up to whole pages of memory */
	__s32 fd;		/* (out) */
	__u32 reserved0;
	__u64 size;		/* (out) bytes to map from offset 0 */
	__u64 reserved[4];
};

/**
 * UR_IOC_POOL_INFO - (in/out: struct ur_pool_info) on a pool
 *
 * Return: 0, or -1 with errno
 *   EFAULT, EINVAL  as above
 */
#define UR_IOC_POOL_INFO	_IO(UR_IOC_TYPE, 2)

struct ur_pool_info {
	__u32 argsz;		/* (in/out) */
	__u32 flags;		/* (in) 0 */
	__u32 slot_size;
	__u32 slot_count;
	__u64 size;
	__u64 reserved[4];
};

/**
 * UR_IOC_ATTACH - (in/out: struct ur_attach) on a node
 *
 * Makes the caller's open file the consumer of a queue, until DETACH or until
 * the last copy of the descriptor is closed and its mappings are gone.  Link,
 * MAC and PHY are not touched.  A port that is down can be attached to: the
 * state is DOWN until it comes up.  A file attaches once in its life.
 *
 * UR_QUEUE_ANY takes the free queue with the highest number, and .queue says
 * which.  So queue 0 is taken last: until then the kernel keeps the packets
 * that the device does not spread (ARP).
 *
 * With watchdog_ms the kernel takes the queue back when packets have waited for
 * that long (up to a quarter longer) and the process has neither called SYNC,
 * nor polled, nor moved an index.  The state is then TAKEN.  The link stays up,
 * and the packets that waited go to the local stack.
 *
 * Return: 0, or -1 with errno
 *   EFAULT   the argument cannot be read or written
 *   EINVAL   argsz, flags, reserved; a ring size that is not a power of two
 *            from 64 to 4096; a period or a watchdog time that is neither 0
 *            nor within its limits; no such queue
 *   EBADF    pool_fd is not a pool
 *   EBUSY    the queue has a process already (with UR_QUEUE_ANY: all
 *            queues have one), or this file is or was attached
 *   EOPNOTSUPP  the device cannot reach the memory of this pool without
 *            copies, or the mode is not offered by this port
 *   ENODEV   the device is gone
 *   ENOMEM   no memory for the rings
 */
#define UR_IOC_ATTACH		_IO(UR_IOC_TYPE, 3)

struct ur_region {
	__u64 offset;		/* for mmap() of the queue's descriptor */
	__u64 size;
};

/* ur_attach.mode */
#define UR_MODE_GUARDED		0	/* the module writes descriptors */
#define UR_MODE_DIRECT		1	/* the process does; not yet offered */

struct ur_attach {
	__u32 argsz;		/* (in/out) */
	__u32 flags;		/* (in) 0 */
	__u32 mode;		/* (in) UR_MODE_* */
	__u32 queue;		/* (in/out) number, or UR_QUEUE_ANY */
	__s32 pool_fd;		/* (in) */
	__u32 rx_size;		/* (in) places of the RX ring */
	__u32 tx_size;		/* (in) places of the TX ring */
	__u32 sync_period_us;	/* (in) 0: only SYNC looks at the rings */

	__u32 rx_format;	/* (out) enum ur_desc_format */
	__u32 tx_format;	/* (out) */
	__u32 rx_slot_off;	/* (out) in region kernel: __u32 [rx_size] */
	__u32 fill_off;		/* (out) in region user: __u32 [rx_size] */
	__u32 tx_off;		/* (out) in region user: ur_tx_entry [tx_size] */
	__u32 rx_data_off;	/* (out) of a received frame in its slot */
	struct ur_region rx_desc;	/* (out) */
	struct ur_region tx_desc;	/* (out) */
	struct ur_region kernel;	/* (out) */
	struct ur_region user;		/* (out) */
	__u32 watchdog_ms;	/* (in) 0: none */
	__u32 reserved0;
	/*
	 * (out) What the NIC found wrong, as bits of the second 8 bytes of a
	 * written-back RX descriptor, read as a little-endian number.  They
	 * differ from family to family; see userring_desc.h.
	 */
	__u64 rx_err_frame;	/* the frame is broken (CRC or length) */
	__u64 rx_err_ip;	/* IPv4 checksum, if it was checked */
	__u64 rx_err_l4;	/* TCP or UDP checksum, likewise */
	__u64 reserved[4];
};

/**
 * UR_IOC_DETACH - (no argument) on an attached queue
 *
 * Gives the queue back to the kernel, as closing the descriptor does.  The
 * mappings stay readable until they are unmapped, and no new ones can be made;
 * state says GONE.
 *
 * Return: 0, or -1 with errno
 *   ENOTCONN this file is not attached
 */
#define UR_IOC_DETACH		_IO(UR_IOC_TYPE, 4)

/**
 * UR_IOC_SYNC - (argument: UR_SYNC_*) on an attached queue
 *
 * Takes fill and TX entries, writes descriptors, moves each tail register at
 * most once, and collects finished TX descriptors.
 *
 * A single bad entry does not make SYNC fail: it is counted (rx_refused,
 * tx_refused) and skipped.
 *
 * fdatasync() and fsync() on an attached queue are SYNC without flags, and
 * return the same.  They cost less in the kernel: a security module checks
 * every ioctl(), but these only when the node is opened.
 *
 * Return: 0, or -1 with errno
 *   EINVAL   unknown flags
 *   ENOTCONN this file is not attached
 *   ETIMEDOUT  it was attached, and the watchdog took the queue back
 *   ENODEV   the device is gone
 *   ENETDOWN the port is down
 *   ESTALE   ur_user_page.epoch is not the epoch of the rings
 *   ERANGE   rx_pos, fill_prod or tx_prod is out of its bounds; nothing was
 *            taken from that ring, the others were served, index_refused
 *            was counted
 */
#define UR_IOC_SYNC		_IO(UR_IOC_TYPE, 5)

#define UR_SYNC_ARM_RX		0x1	/* wake a poller at the next packet; for
					 * edge-triggered epoll, which does not
					 * arm by itself
					 */
#define UR_SYNC_ARM_TX		0x2	/* the same for finished TX entries */

/**
 * UR_IOC_QUEUE_INFO - (in/out: struct ur_queue_info) on a node
 *
 * Who consumes a queue, and its counters: those of the process that is
 * attached, or, with the kernel as consumer, the totals since the port was
 * bound.
 *
 * Return: 0, or -1 with errno
 *   EFAULT   the argument cannot be read or written
 *   EINVAL   argsz, flags, reserved; no such queue
 *   ENODEV   the device is gone
 */
#define UR_IOC_QUEUE_INFO	_IO(UR_IOC_TYPE, 6)

struct ur_queue_info {
	__u32 argsz;		/* (in/out) */
	__u32 flags;		/* (in) 0 */
	__u32 queue;		/* (in) */
	__u32 attached;		/* 0: the kernel, 1: a process */
	__s32 pid;		/* of the process, as the caller sees it; or 0 */
	__u32 rx_size;
	__u32 tx_size;
	__u32 rx_posted;	/* places that the NIC holds or has filled */
	__u32 tx_pending;	/* entries taken and not finished */
	__u32 sync_period_us;
	__u32 epoch;
	__u32 state;		/* enum ur_queue_state */
	char  comm[UR_NAME_LEN];
	struct ur_counters count;
	__u32 rx_waiting;	/* packets that the consumer has not taken */
	__u32 fill_waiting;	/* fill entries without a place */
	__u32 tx_waiting;	/* TX entries that were not yet taken */
	__u32 watchdog_ms;
	__u32 tapped;		/* 1: a listener sees all packets */
	__u32 kernel_tx_pending;	/* the kernel's packets in the TX ring */
	__s32 irq;		/* interrupt of this queue, or -1 */
	__s32 irq_cpu;		/* CPU that takes it now, or -1 */
	__s32 numa_node;	/* node near the device, or -1 */
	__u32 reserved0;
	__u64 reserved[3];
};

/**
 * UR_IOC_ADOPT - (in/out: struct ur_adopt) on an attached queue
 *
 * For a process that was handed the descriptor of an attached queue whose
 * former owner has stopped or is dead.  Returns how the queue was attached, its
 * indices (all of one moment), and a descriptor of its pool.  From then on
 * QUEUE_INFO names the caller as the holder.  The regions are mapped as after
 * ATTACH.  Slots that are in no ring belong to the successor:
 *
 *   a slot is the module's or the NIC's if it lies in a place of
 *   [rx_pos, rx_tail), in a fill entry of [fill_cons, fill_prod) (KEEP n: in
 *   the n - fill_kept places from rx_tail on), or in a TX entry of
 *   [tx_done, tx_prod); all others are free.
 *
 * While the rings wait for the first SYNC of an epoch, nothing has been taken
 * and ADOPT returns the indices as 0, whatever the kernel page still says.
 *
 * Return: 0 with .pool_fd set (close-on-exec), or -1 with errno
 *   EFAULT   the argument cannot be read or written
 *   EINVAL   argsz, flags or a reserved field
 *   EMFILE, ENFILE  no file descriptor left
 *   ENOTCONN, ETIMEDOUT, ENODEV  as SYNC
 */
#define UR_IOC_ADOPT		_IO(UR_IOC_TYPE, 7)

struct ur_adopt {
	__u32 argsz;		/* (in/out) */
	__u32 flags;		/* (in) 0 */
	__s32 pool_fd;		/* (out) */
	__u32 epoch;		/* (out) of the rings */
	__u32 rx_tail;		/* (out) as in ur_kernel_page */
	__u32 fill_cons;	/* (out) */
	__u32 fill_kept;	/* (out) */
	__u32 tx_cons;		/* (out) */
	__u32 tx_done;		/* (out) */
	__u32 reserved0;
	struct ur_attach attach;	/* (out) as ATTACH answered */
	__u64 reserved[4];
};

/*
 * poll() and epoll on an attached queue:
 *   EPOLLIN   the RX descriptor at rx_pos is done; or the port came up and the
 *             rings wait for SYNC, with the new epoch if it has moved
 *   EPOLLOUT  the TX ring has room: tx_prod - tx_done < tx_size
 *   EPOLLPRI  the epoch has moved
 *   EPOLLHUP | EPOLLERR  the device is gone, or the queue was detached or
 *             taken back
 * An event that is asked for and not there arms the queue's interrupt for one
 * wake-up.  The ring is looked at again after arming, so no event is lost.  A
 * process that goes back to polling the ring instead of sleeping takes that one
 * interrupt, and no other.
 *
 * Level-triggered epoll arms again by itself.  With edge-triggered epoll the
 * process arms by SYNC with UR_SYNC_ARM_* after a wake-up, and must look at the
 * ring once more before it sleeps.
 */

#endif /* _UAPI_USERRING_H */
