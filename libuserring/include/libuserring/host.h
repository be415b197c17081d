/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Share a queue with Linux: what is not for this process goes up the local
 * stack, as if the port had received it.  So ARP, ping and ssh work on a port
 * whose one queue a process has.
 *
 *	ur_claim_init(&claim, info.mac);	info of ur_port_info()
 *	ur_claim_udp(&claim, 7);
 *	ur_claim_ip(&claim, 4, address);	of the port
 *	for (;;) {
 *		n = ur_rx_claim(q, &claim, pkts, 32, &passed);
 *		... look at pkts[0 .. n-1], which are to UDP port 7 ...
 *		ur_rx_release(q, pkts, n);
 *		if (n || passed)
 *			ur_sync(q);
 *	}
 *
 * A port offers this when ur_port_info.features has UR_FEATURE_HOST.  Where it
 * has not, the module refuses what is passed: the packets are lost and counted
 * (ur_counters.tx_refused), their slots come back.  Ask before the first one.
 *
 * The way to the host is the TX ring: an entry that the stack gets lies in it
 * like one that is sent, in one order with those.
 */
/* all of it, in its order */
#include <libuserring.h>

#ifndef LIBUSERRING_HOST_H
#define LIBUSERRING_HOST_H

#include <libuserring/parse.h>
#include <libuserring/rx.h>
#include <libuserring/tx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------
 * Pass on
 */

/* UR_TX_* of a packet for the host, besides UR_TX_VLAN. */
static inline uint16_t __ur_host_flags(const struct ur_pkt *pkt)
{
	return pkt->flags & UR_PKT_L4_CSUM_OK ? UR_TX_HOST | UR_TX_CSUM_OK :
						UR_TX_HOST;
}

/*
 * Queues at most n packets for the local stack; ur_sync() passes them on.  .data
 * and .len as with ur_tx_burst().  Of .flags count UR_PKT_L4_CSUM_OK, which
 * spares the stack a look at the checksum, and UR_PKT_VLAN: .vlan is the tag that
 * was stripped.  The stack gets a copy; the slots come back to the pool by
 * ur_tx_reap(), as those of packets that were sent.
 *
 * Return: packets taken, the first ones; the others are still the caller's.
 */
static inline uint32_t ur_to_host(struct ur_queue *q,
				  const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t prod = q->user->tx_prod;
	uint32_t i, any = 0;

	n = ur_tx_make_room(q, n);
	for (i = 0; i < n; i++) {
		any |= pkts[i].slot;
		__ur_tx_write(q, prod++, &pkts[i], __ur_host_flags(&pkts[i]));
	}
	__ur_tx_check(q, pkts, n, any);
	__ur_tx_announce(q, prod, n);
	return n;
}

/* ------------------------------------------------------------------------
 * Claim
 */

#define UR_CLAIM_ADDRS	64	/* of each IP version, at most */

/* What a process wants for itself.  The fields are of the calls below. */
struct ur_claim {
	uint64_t udp[65536 / 64];	/* bitmap of UDP destination ports */
	uint64_t mac;		/* as the first 8 bytes of a frame */
	uint64_t mac_mask;	/* which of them count */
	uint32_t not_flags;	/* UR_PKT_* of what is never claimed */
	uint32_t n_ip;		/* addresses; none: any will do */
	uint32_t n_ip4;
	uint32_t n_ip6;
	uint8_t  ip4[UR_CLAIM_ADDRS][4];
	uint8_t  ip6[UR_CLAIM_ADDRS][16];
};

/*
 * Nothing is claimed yet.
 *
 * mac: 6 bytes, the port's address (ur_port_info.mac); the caller begins anew
 * when it changes.  Frames for other hosts, which a port in promiscuous mode
 * receives as well (tcpdump sets it), are never claimed then; the stack gets
 * them, and drops them as it always does.  So is a second address of the port
 * (macvlan) left to Linux.  Frames to multicast and broadcast addresses can be
 * claimed.
 *
 * NULL: whatever the port receives can be claimed.
 *
 * Frames with a VLAN tag are Linux's unless ur_claim_tagged() says otherwise, and on
 * a host that is a router ur_claim_ip() tells what is to be passed on from what has
 * arrived.
 */
static inline void ur_claim_init(struct ur_claim *claim, const uint8_t *mac)
{
	memset(claim, 0, sizeof(*claim));
	claim->not_flags = UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_BAD | UR_PKT_VLAN;
	if (mac) {
		memcpy(&claim->mac, mac, 6);
		memset(&claim->mac_mask, 0xff, 6);
	}
}

/* Claims a UDP destination port (host order), for IPv4 and IPv6. */
static inline void ur_claim_udp(struct ur_claim *claim, uint16_t port)
{
	claim->udp[port / 64] |= 1ULL << port % 64;
}

static inline void ur_claim_udp_all(struct ur_claim *claim)
{
	memset(claim->udp, 0xff, sizeof(claim->udp));
}

/*
 * Claims what is sent to an IP address: version 4 or 6, and its 4 or 16 bytes.  From
 * the first one on nothing to another address is claimed, be it for a router to pass
 * on, multicast or broadcast.  Without any the destination address does not count.
 *
 * Return: 0; -ENOSPC there are UR_CLAIM_ADDRS of this version; -EINVAL version.
 */
static inline int ur_claim_ip(struct ur_claim *claim, int version,
			      const uint8_t *addr)
{
	if (version != 4 && version != 6)
		return -EINVAL;
	if ((version == 4 ? claim->n_ip4 : claim->n_ip6) == UR_CLAIM_ADDRS)
		return -ENOSPC;
	claim->n_ip++;
	if (version == 4)
		memcpy(claim->ip4[claim->n_ip4++], addr, 4);
	else
		memcpy(claim->ip6[claim->n_ip6++], addr, 16);
	return 0;
}

/*
 * Claims frames with a VLAN tag as well, in the frame or stripped by the NIC.  Else
 * they are Linux's, whose interface for that VLAN may have the address.
 */
static inline void ur_claim_tagged(struct ur_claim *claim)
{
	claim->not_flags &= ~(uint32_t)UR_PKT_VLAN;
}

/* Is it to one of the claimed addresses? */
static inline bool __ur_claim_listed(const struct ur_claim *claim,
				     const struct ur_udp *udp)
{
	uint32_t i;

	if (udp->family == 4) {
		for (i = 0; i < claim->n_ip4; i++)
			if (!memcmp(claim->ip4[i], udp->dst, 4))
				return true;
		return false;
	}
	for (i = 0; i < claim->n_ip6; i++)
		if (!memcmp(claim->ip6[i], udp->dst, 16))
			return true;
	return false;
}

/* Is this frame, of 8 bytes or more, for the port's address, or for many? */
static inline bool __ur_claim_for_us(const struct ur_claim *claim,
				     const uint8_t *data)
{
	uint64_t dst;

	memcpy(&dst, data, sizeof(dst));
	return !((dst ^ claim->mac) & claim->mac_mask) || data[0] & 1;
}

/* Does where it goes to fit: port, MAC and IP address? */
static inline bool __ur_claim_to(const struct ur_claim *claim, const uint8_t *data,
				 const struct ur_udp *udp)
{
	return claim->udp[udp->dport / 64] >> udp->dport % 64 & 1 &&
	       __ur_claim_for_us(claim, data) &&
	       (!claim->n_ip || __ur_claim_listed(claim, udp));
}

/* ur_claim_has() of a packet that is not plain. */
static __attribute__((noinline, unused)) bool
__ur_claim_has_any(const struct ur_claim *claim, const struct ur_pkt *pkt)
{
	struct ur_udp udp;

	return ur_parse_udp_any(pkt->data, pkt->len, &udp) == UR_PARSE_OK &&
	       __ur_claim_to(claim, pkt->data, &udp) &&
	       !(udp.vlans && claim->not_flags & UR_PKT_VLAN) &&
	       !(udp.family == 6 && udp.no_csum);
}

/*
 * Is this packet claimed?  It is when it is UDP to a claimed port and address, by
 * IPv4 or IPv6, whole, sound as far as ur_parse_udp() looks, without a tag (see
 * ur_claim_tagged()), for us (see ur_claim_init()), the NIC found no checksum of it
 * wrong, and with IPv6 there is one.  All others are the host's: fragments, also
 * those of a claimed port, what has a way to go yet, ARP, ICMP, TCP, and what is
 * broken.
 */
static inline bool ur_claim_has(const struct ur_claim *claim,
				const struct ur_pkt *pkt)
{
	struct ur_udp udp;

	if (pkt->flags & claim->not_flags)
		return false;
	if (__ur_unlikely(!__ur_parse_udp_plain(pkt->data, pkt->len, &udp)))
		return __ur_claim_has_any(claim, pkt);
	return __ur_claim_to(claim, pkt->data, &udp);
}

/* ------------------------------------------------------------------------
 * Receive
 */

/*
 * Receives like ur_rx_burst(), at most n packets: those that are claimed are the
 * caller's, in pkts and in their order; all others went to the host, *passed of
 * them.  When one of the two is not 0 ur_sync() is due.
 *
 * It takes no more than the TX ring has room for, so that nothing is dropped when
 * the ring is full: packets wait in the RX ring then.  So as many packets as were
 * claimed can be sent after this without asking for room.
 *
 * Packets that went to the host did not go back in place: where there were any
 * ur_rx_release_kept() refuses, use ur_rx_release().  Their slots come back to the
 * pool, from which ur_sync() fills the RX ring, unless UR_QUEUE_NO_FILL.
 *
 * Return: packets that are claimed; 0 also when the port was reset, until
 * ur_sync().
 */
static inline uint32_t ur_rx_claim(struct ur_queue *q,
				   const struct ur_claim *claim,
				   struct ur_pkt *pkts, uint32_t n,
				   uint32_t *passed)
{
	uint32_t prod = q->user->tx_prod;
	uint32_t i, mine = 0;

	n = ur_rx_burst(q, pkts, ur_tx_make_room(q, n));
	for (i = 0; i < n; i++) {
		if (ur_claim_has(claim, &pkts[i])) {
			if (mine != i)
				pkts[mine] = pkts[i];
			mine++;
		} else {
			__ur_tx_write(q, prod++, &pkts[i],
				      __ur_host_flags(&pkts[i]));
		}
	}
	*passed = n - mine;
	__ur_tx_announce(q, prod, n - mine);
	return mine;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_HOST_H */
