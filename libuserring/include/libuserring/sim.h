/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The software NIC: a port named sim:, for tests, for machines without such a
 * NIC, and for measuring.
 *
 * It plays NIC and module in the memory of this process: descriptors of real
 * formats, in rings with the module's layout, checked and posted by the
 * module's own code.  The fast path cannot tell it from a NIC.
 *
 *	sim:format=extended,gen=udp,size=60,count=1000000
 *
 *	format=legacy|extended|advanced	 descriptors (extended)
 *	gen=udp		numbered frames come whenever there is a place for them:
 *			at ur_sync(), ur_wait() and by the sync period
 *	size=N		their length in bytes without FCS, 60..1514 (60)
 *	flows=N		source ports, from 1024 on (1)
 *	count=N		frames until the end (0: there is no end)
 *	rate=N		frames a second (0: as many as fit)
 *	vlan=TCI	the frames had this tag, and it was stripped
 *	seed=N		of the pseudo-random bytes in the payload (1)
 *	queues=N	queues that it reports (1).  Each sim: that is opened
 *			has only one of them: the one that is attached first,
 *			with UR_QUEUE_ANY the last
 *	loop		frames that are sent come back; then there is no end
 *	down		the port is down at first
 *
 * Frame i of the generator, from 0 on: 02:00:00:00:00:01 to 02:00:00:00:00:02,
 * IPv4 10.0.0.1 to 10.0.0.2, UDP from port 1024 + i % flows to port 9, payload
 * "URNGseq1", i as 64 bits in network order, pseudo-random bytes.  Both
 * checksums are right, and the descriptors say so.
 *
 * A port named pcap: is the same NIC with capture files for a wire:
 *
 *	pcap:in.pcap,out.pcap,speed=1
 *
 *	IN		received packets: pcap, pcapng of Ethernet; empty: none
 *	OUT		packets that are sent, as pcap with nanoseconds
 *	speed=full|N	as fast as there are places (full), or N times as fast as
 *			it was captured; a frame waits for a place
 *	loop=N		the file is read N times (1; 0: no end)
 *	vlan=keep|strip	an outer 802.1Q tag stays in the frame, or the NIC
 *			strips it (keep)
 *	format=F	as above
 *
 * A sent packet has the time of the captured packet whose slot it is in, and
 * the bytes that the capture cut off count in its length.  Other packets have
 * the current time.  Checksums count as not checked.  The program must be
 * linked with libpcap.
 *
 * At the end of count= or of the file, when all packets were taken and none
 * waits to be sent, ur_sync() and ur_wait() return -ENODATA.
 *
 * With a sync period a thread of the port plays the module's timer.  A watchdog
 * is checked and reported as on a NIC, but never takes the queue back.  The
 * calls below may be made from any thread.
 */
#ifndef LIBUSERRING_SIM_H
#define LIBUSERRING_SIM_H

#include <libuserring.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the NIC describes an injected frame. */
struct ur_sim_meta {
	uint32_t status;	/* UR_RXD_STAT_* without DD and EOP */
	uint32_t errors;	/* UR_RXX_ERR_*, also with legacy descriptors */
	uint32_t hash;
	uint32_t hash_type;	/* 0: no hash; not with legacy descriptors */
	uint16_t vlan;		/* with UR_RXD_STAT_VP in status */
};

/*
 * A frame arrives.  meta may be NULL: both checksums were checked and are
 * right.  A frame longer than a slot takes several.
 *
 * Return: 0; -ENOBUFS no slot is posted (counted); -ENETDOWN; -ENOTCONN no
 * queue is attached; -EMSGSIZE; -EFAULT a descriptor named an address outside
 * the pool; -EINVAL not a sim: port.
 */
int ur_sim_inject(struct ur_port *port, const void *frame, size_t len,
		  const struct ur_sim_meta *meta);

/*
 * Takes the oldest frame that was sent, with its tag.  At most UR_SIM_KEPT_MAX
 * frames are kept; later ones are lost until some were taken.
 *
 * Return: its length (more than size: it was cut off), or -ENOENT.
 */
#define UR_SIM_KEPT_MAX	8192

int ur_sim_collect(struct ur_port *port, void *buf, size_t size);

/* The same for frames that went to the local stack: ur_to_host(). */
int ur_sim_host(struct ur_port *port, void *buf, size_t size);

/*
 * ur_queue_adopt() for this port: continues with its queue, which was left by
 * ur_queue_leave(), or whose struct ur_queue and struct ur_pool are no longer
 * used.
 *
 * Return: as ur_queue_adopt().
 */
int ur_sim_adopt(struct ur_queue **queue, struct ur_pool **pool,
		 struct ur_port *port, const struct ur_queue_opts *opts,
		 struct ur_error *err);

/* ip link set up, down. */
int ur_sim_set_up(struct ur_port *port, bool up);

/* The NIC hangs and is reset: it forgets its rings while the port is up. */
int ur_sim_reset(struct ur_port *port);

/* false: frames stay in the TX ring, as on a link that is paused. */
int ur_sim_set_tx(struct ur_port *port, bool on);

/* Frames that found no slot, since the port was opened. */
uint64_t ur_sim_missed(struct ur_port *port);

/* Frames sent since the port was opened. */
uint64_t ur_sim_sent(struct ur_port *port);

/* Descriptors that named memory outside the pool: 0 if the module is right. */
uint64_t ur_sim_faults(struct ur_port *port);

/*
 * Is there an end, which ur_sync() and ur_wait() will report?  True for gen=
 * with count= and for a capture that is read.
 */
bool ur_sim_ends(struct ur_port *port);

/* What a capture says about a packet besides its bytes. */
struct ur_pcap_head {
	uint64_t time;		/* ns since 1970 */
	uint32_t captured;	/* bytes present when it was received */
	uint32_t len;		/* bytes that were on the wire */
};

/*
 * For a packet that a pcap: port received and the process holds, by its slot.
 *
 * Return: 0; -ENODATA nothing is known about it, as for a packet of any other
 * port.
 */
int ur_pcap_head(struct ur_port *port, uint32_t slot, struct ur_pcap_head *head);

struct ur_pcap_info {
	uint64_t too_long;	/* frames too long for a slot: broken */
	uint64_t empty;		/* records without a byte: missed */
	char     why[256];	/* -EBADMSG: what libpcap says of the file; or "" */
};

/*
 * What could not be read from a capture.  Return: 0; -EINVAL it is no pcap:
 * port.
 */
int ur_pcap_info(struct ur_port *port, struct ur_pcap_info *info);

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_SIM_H */
