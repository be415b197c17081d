/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Share a queue with Linux: packets that are not for this process go to the
 * local stack, as if the port had received them.  So ARP, ping and ssh work on
 * a port whose only queue a process has.
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
 * A port offers this when ur_port_info.features has UR_FEATURE_HOST.  Otherwise
 * the module refuses packets that are passed: they are lost and counted
 * (ur_counters.tx_refused), and their slots come back.  Check this before the
 * first one.
 *
 * Packets for the host go through the TX ring: their entries lie in it like
 * those of packets that are sent, in the same order.
 */
/* all headers, in the order that they need */
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
 * Queues at most n packets for the local stack; ur_sync() passes them on.
 * .data and .len as with ur_tx_burst().  Of .flags two are used:
 * UR_PKT_L4_CSUM_OK, with which the stack need not check the checksum, and
 * UR_PKT_VLAN: .vlan is the tag that was stripped.  The stack gets a copy; the
 * slots come back to the pool by ur_tx_reap(), like those of packets that were
 * sent.
 *
 * Return: packets taken, the first ones; the others are still the caller's.
 */
static inline uint32_t ur_to_host(struct ur_queue *q,
				  const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t prod = q->user->tx_prod;
	uint32_t i;

	n = ur_tx_make_room(q, n);
	for (i = 0; i < n; i++)
		__ur_tx_write(q, prod++, &pkts[i], __ur_host_flags(&pkts[i]));
	__ur_debug_give_all(q->pool, pkts, n, "ur_to_host");
	__ur_tx_announce(q, prod, n);
	return n;
}

/* ------------------------------------------------------------------------
 * Claim
 */

#define UR_CLAIM_ADDRS	64	/* of each IP version, at most */

/* What a process wants for itself.  The fields are for the calls below. */
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
 * Initialises: nothing is claimed yet.
 *
 * mac: 6 bytes, the port's address (ur_port_info.mac); when it changes, call
 * this again.  Frames for other hosts, which a port in promiscuous mode
 * receives as well (tcpdump sets it), are then never claimed; the stack gets
 * them and drops them, as it always does.  Frames for a second address of the
 * port (macvlan) are left to Linux too.  Frames to multicast and broadcast
 * addresses can be claimed.
 *
 * mac NULL: every frame that the port receives can be claimed.
 *
 * Frames with a VLAN tag go to Linux unless ur_claim_tagged() is called.  On a
 * router, ur_claim_ip() tells packets for this host from those to be forwarded.
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
 * Claims packets to an IP address: version 4 or 6, and its 4 or 16 bytes.  From
 * the first such call on, no packet to another address is claimed: not one for
 * a router to forward, nor multicast, nor broadcast.  Without such a call the
 * destination address does not matter.
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
 * Claims frames with a VLAN tag as well, in the frame or stripped by the NIC.
 * Otherwise they go to Linux, because its interface for that VLAN may have the
 * address.
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

/* Is this frame, of 8 bytes or more, for the port or for a group? */
static inline bool __ur_claim_for_us(const struct ur_claim *claim,
				     const uint8_t *data)
{
	uint64_t dst;

	memcpy(&dst, data, sizeof(dst));
	return !((dst ^ claim->mac) & claim->mac_mask) || data[0] & 1;
}

/* Does the destination match: port, MAC and IP address? */
static inline bool __ur_claim_to(const struct ur_claim *claim, const uint8_t *data,
				 const struct ur_udp *udp)
{
	return claim->udp[udp->dport / 64] >> udp->dport % 64 & 1 &&
	       __ur_claim_for_us(claim, data) &&
	       (!claim->n_ip || __ur_claim_listed(claim, udp));
}

/* ur_claim_has() for a packet that is not plain. */
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
 * Is this packet claimed?  It must be UDP over IPv4 or IPv6 to a claimed port
 * and address, whole, valid as far as ur_parse_udp() checks, without a tag (see
 * ur_claim_tagged()), and for us (see ur_claim_init()).  The NIC must not have
 * found a wrong checksum in it, and over IPv6 it must have a UDP checksum.  All
 * others go to the host: fragments, also those of a claimed port, packets with
 * ur_ip.detour, ARP, ICMP, TCP, and broken packets.
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
 * Receives at most n packets, like ur_rx_burst().  Those that are claimed
 * belong to the caller, in pkts and in their order; all others, *passed of
 * them, go to the host.  If either number is not 0, call ur_sync().
 *
 * It takes no more packets than the TX ring has room for, so that none is
 * dropped when that ring is full: they wait in the RX ring.  So as many packets
 * as were claimed can be sent after this without asking for room.
 *
 * The slots of packets that went to the host come back to the pool, from which
 * ur_sync() fills the RX ring, unless UR_QUEUE_NO_FILL is set.
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
			__ur_debug_give(q->pool, pkts[i].slot, "ur_rx_claim");
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
