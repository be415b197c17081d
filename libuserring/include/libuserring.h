/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libuserring: receive and send packets on a queue of a NIC, from this process.
 *
 * Set-up (this file):      ur_port_open -> ur_pool_create -> ur_queue_attach
 * Receive (rx.h, inline):  ur_rx_burst, ur_rx_release
 * Send (tx.h, inline):     ur_tx_burst, ur_tx_reap
 * In one call (each.h, inline): ur_rx_each, ur_tx_each
 * Forward (forward.h, inline, not included here): ur_forward
 * Look ahead (ahead.h, the same): ur_rx_ahead
 * Both:                    ur_sync, ur_wait, ur_fd
 * Share with Linux (host.h): ur_rx_claim, ur_to_host
 * Hand a queue over:       ur_queue_adopt, ur_queue_leave
 * Buffers (slot.h):        ur_slot_alloc, ur_slot_free, ur_slot_data
 * Parsers (parse.h):       ur_parse_udp and its parts
 * Checksums (csum.h), headers to send (build.h), a NIC in software (sim.h)
 *
 * Calls return 0 (or a count) or -errno.  Set-up calls also take a struct
 * ur_error, which may be NULL, and leave a sentence there that says what was
 * wrong and what to do.  The library never prints, exits or keeps globals.  A
 * queue and its handle of a pool are for one thread at a time; ur_pool_share()
 * makes a handle for another one.
 *
 * The rules of the shared memory are in uapi/userring.h.
 */
#ifndef LIBUSERRING_H
#define LIBUSERRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <userring.h>
#include <userring_desc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ur_error {
	char text[256];
};

/* A sentence for an error number of ur_sync(), ur_wait() and the like. */
const char *ur_strerror(int err);

/* ------------------------------------------------------------------------
 * Ports
 */

struct ur_port;

/*
 * Opens a port by name:
 *   eth1, eth1@0           network interface (@N: queue N; see ur_queue_opts)
 *   0000:00:04.0           PCI address
 *   /dev/userring0         node
 *   sim:[options]          the NIC in software, see sim.h
 *   pcap:IN[,OUT][,options]  the same on capture files, see sim.h
 */
int ur_port_open(struct ur_port **port, const char *name, struct ur_error *err);
void ur_port_close(struct ur_port *port);

/* Asks the module each time: link, MTU and MAC may have changed. */
int ur_port_info(struct ur_port *port, struct ur_port_info *info);
int ur_port_queue_info(struct ur_port *port, uint32_t queue,
		       struct ur_queue_info *info);

/* ------------------------------------------------------------------------
 * Pools
 */

/*
 * Who has a slot
 *
 * One pool may serve any number of queues, of any ports whose devices reach its
 * memory: a slot that was received on one queue can be sent on another, and
 * comes back by ur_tx_reap() of the latter.  Each slot is in exactly one state:
 * in a ring, held, or free.
 *
 * A struct ur_pool is a handle.  One thread at a time uses it, and the queues
 * that were attached with it.  Other threads have handles of their own on the
 * same memory (ur_pool_share()).  Each handle keeps some free slots for itself;
 * all others lie in a depot, from which a handle without free slots takes.  The
 * depot needs no lock where the CPU compares and swaps two words at once.
 *
 * A held slot belongs to a thread.  It may be passed to another thread, by any
 * means that orders memory (a queue of the app), which gives it back by a call
 * with its own handle or one of that handle's queues.
 */
struct ur_pool {
	uint8_t  *base;		/* slot 0 */
	uint32_t  slot_shift;	/* log2 of the slot size */
	uint32_t  slot_count;
	uint32_t  free_count;	/* free slots of this handle, a stack */
	uint32_t  free_room;	/* and how many the stack takes */
	uint32_t *free_slot;
	size_t    size;
	int       fd;		/* -1: memory of a sim port */
	struct ur_share *share;	/* with the other handles; NULL: there are none */
	uint8_t  *held;		/* by slot, of all handles: for debug.h */
} __attribute__((aligned(64)));	/* written with each burst, by its thread alone */

struct ur_pool_opts {
	size_t   size;		/* sizeof(struct ur_pool_opts) */
	uint32_t slot_size;	/* 0: 2048 */
	uint32_t slot_count;	/* 0: 8192 */
};

/* opts may be NULL. */
int ur_pool_create(struct ur_pool **pool, struct ur_port *port,
		   const struct ur_pool_opts *opts, struct ur_error *err);

/*
 * Makes another handle on the memory of a pool, for another thread.  It has no
 * slot yet and takes what it needs from the depot.  A handle keeps at most
 * UR_POOL_KEPT free slots and at most a sixteenth of the pool, though this
 * limit is never fewer than two.  The other handles cannot use these slots.
 *
 * The thread that uses pool calls this, and hands *view over before or when the
 * other thread starts.  All handles are equal: any of them can be shared again,
 * and the memory is freed with the last one.
 *
 * Return: 0; -ENOMEM.
 */
#define UR_POOL_KEPT	128

int ur_pool_share(struct ur_pool **view, struct ur_pool *pool,
		  struct ur_error *err);

/*
 * Frees a handle, which may be NULL; detach all queues that were attached with
 * it first.  Its free slots go to the other handles; slots that it holds are
 * lost to them.
 */
void ur_pool_destroy(struct ur_pool *pool);

/* ------------------------------------------------------------------------
 * Queues
 */

struct ur_queue;

struct ur_queue_opts {
	size_t   size;		/* sizeof(struct ur_queue_opts) */
	uint32_t queue;		/* number; UR_QUEUE_ANY: the free one with the
				 * highest number, ur_queue_number() says
				 * which; default: as in the name of the port,
				 * else 0
				 */
	uint32_t rx_size;	/* 0: 1024 */
	uint32_t tx_size;	/* 0: 1024 */
	uint32_t sync_period_us;	/* 0: the caller calls ur_sync() */
	uint32_t spin_us;	/* how long ur_wait() polls before it sleeps */
	uint32_t flags;		/* UR_QUEUE_* */
	uint32_t watchdog_ms;	/* 0: none; else the kernel takes the queue back
				 * when this process lets packets wait for so
				 * long
				 */
};

#define UR_QUEUE_NO_FILL	0x1	/* only ur_rx_release() and ur_forward()
					 * fill the RX ring
					 */

/*
 * Attaches and, unless UR_QUEUE_NO_FILL, fills the RX ring from the pool.
 * opts may be NULL.
 */
int ur_queue_attach(struct ur_queue **queue, struct ur_port *port,
		    struct ur_pool *pool, const struct ur_queue_opts *opts,
		    struct ur_error *err);

/* Gives the queue back to the kernel, and all its slots to the pool. */
void ur_queue_detach(struct ur_queue *queue);

/*
 * Continues with a queue that another process attached, and was using until it
 * stopped, crashed, or called ur_queue_leave().  fd is a copy of ur_fd() of its
 * queue, handed over by SCM_RIGHTS, pidfd_getfd() or inheritance; on success it
 * belongs to the queue.  The pool comes with it; all slots that are in no ring
 * are free.  It must be a pool of this one queue.  Packets that the other
 * process held when it died are lost; all others arrive.
 *
 * Of opts (which may be NULL) only spin_us and UR_QUEUE_NO_FILL are used; all
 * else is as the queue was attached.
 *
 * Return: 0; -ENOTCONN nothing is attached there; -ETIMEDOUT the watchdog took
 * the queue back; -ENODEV; -EINVAL fd is no queue; -ERANGE something wrote over
 * the shared page, or the owner still runs; -EACCES fd is for reading only;
 * -ENOMEM.
 */
int ur_queue_adopt(struct ur_queue **queue, struct ur_pool **pool, int fd,
		   const struct ur_queue_opts *opts, struct ur_error *err);

/*
 * Gives up a queue without detaching it: a process that has a copy of its
 * descriptor can adopt it.  The caller must hold no packets.
 */
void ur_queue_leave(struct ur_queue *queue);

/*
 * Hands everything written so far to the NIC, collects finished TX slots into
 * the pool and refills the RX ring from the pool if places lack a slot.  After
 * a reset of the port it sets the rings up again (counted in
 * ur_queue_stats.recovered).
 *
 * Return: 0; -ENETDOWN the port is down (the caller may go on and call again);
 * -ENODEV the port or queue is gone for good; -ERANGE something wrote over the
 * shared page; -ESTALE the port was reset meanwhile, call again; -ETIMEDOUT the
 * watchdog took the queue back: detach, and attach again.  Only with sim: and
 * pcap: ports: -ENODATA no more packets come, and all were taken; -EBADMSG the
 * rest of the capture is damaged; -ENOSPC OUT cannot be written.
 */
int ur_sync(struct ur_queue *queue);

/*
 * The same, with the system call even if there is a sync period: for what must
 * not wait for the timer.  After a sleep in epoll_wait() that timed out, the
 * timer may take up to 64 periods.
 */
int ur_sync_now(struct ur_queue *queue);

/*
 * Waits for a packet: polls for spin_us, then sleeps for at most timeout_ms
 * (-1: for ever, 0: only looks, and reports a port that is down or gone).
 * Syncs before it sleeps.
 *
 * Return: 1 a packet is there; 0 time is up; -ENETDOWN time is up and the port
 * is down; -EINTR a signal came; -ENODEV, -ERANGE, -ETIMEDOUT, -ENODATA,
 * -EBADMSG, -ENOSPC as ur_sync().
 */
int ur_wait(struct ur_queue *queue, int timeout_ms);

/* For poll() and epoll; events as described in <userring.h>. */
int ur_fd(const struct ur_queue *queue);

struct ur_queue_stats {
	uint64_t rx_bad;	/* frames that the NIC marked as broken */
	uint64_t syncs;		/* system calls of ur_sync() */
	uint64_t waits;		/* system calls of ur_wait() */
	uint64_t recovered;	/* times the rings were set up again */
};

void ur_queue_stats(const struct ur_queue *queue, struct ur_queue_stats *stats);

/* The module's counters of this queue, read from the shared page. */
void ur_queue_counters(const struct ur_queue *queue, struct ur_counters *count);

/* enum ur_queue_state */
int ur_queue_state(const struct ur_queue *queue);

/* Did the kernel see a link when it last looked? */
bool ur_queue_link(const struct ur_queue *queue);

uint32_t ur_queue_number(const struct ur_queue *queue);

/* ------------------------------------------------------------------------
 * Packets
 */

/* ur_pkt.flags */
#define UR_PKT_IP_CSUM_OK	0x0001	/* neither OK nor BAD: not checked */
#define UR_PKT_IP_CSUM_BAD	0x0002
#define UR_PKT_L4_CSUM_OK	0x0004
#define UR_PKT_L4_CSUM_BAD	0x0008
#define UR_PKT_VLAN		0x0010	/* .vlan is the tag that was stripped, or,
					 * to send, the tag to insert
					 */
#define UR_PKT_HASH		0x0020	/* .hash is there */
#define UR_PKT_TIMESTAMP	0x0040	/* .timestamp is there */

/* One packet, whatever the NIC. */
struct ur_pkt {
	uint8_t *data;		/* first byte of the Ethernet header */
	uint32_t len;		/* without FCS */
	uint32_t slot;
	uint16_t flags;		/* UR_PKT_* */
	uint16_t vlan;		/* TCI */
	uint32_t hash;
	uint64_t timestamp;	/* ns */
};

#ifdef __cplusplus
}
#endif

#include <libuserring/slot.h>
#include <libuserring/queue.h>
#include <libuserring/rx.h>
#include <libuserring/tx.h>
#include <libuserring/each.h>
#include <libuserring/parse.h>
#include <libuserring/host.h>

#endif /* LIBUSERRING_H */
