/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Share a queue with Linux: what is not for this process goes up the local
 * stack, as if the port had received it.  So ARP, ping and ssh work on a port
 * whose one queue a process has.
 *
 *	ur_claim_init(&claim, info.mac);	info of ur_port_info()
 *	ur_claim_udp(&claim, 7);
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
static inline uint16_t ur_host_flags(const struct ur_pkt *pkt)
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
	uint32_t i;

	n = ur_tx_make_room(q, n);
	for (i = 0; i < n; i++)
		ur_tx_write(q, prod++, &pkts[i], ur_host_flags(&pkts[i]));
	ur_tx_announce(q, prod, n);
	return n;
}

/* ------------------------------------------------------------------------
 * Claim
 */

/* What a process wants for itself.  The fields are of the calls below. */
struct ur_claim {
	uint64_t udp[65536 / 64];	/* bitmap of UDP destination ports */
	uint64_t mac;		/* as the first 8 bytes of a frame */
	uint64_t mac_mask;	/* which of them count */
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
 */
static inline void ur_claim_init(struct ur_claim *claim, const uint8_t *mac)
{
	memset(claim, 0, sizeof(*claim));
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

/* Is this frame, of 8 bytes or more, for the port's address, or for many? */
static inline bool ur_claim_for_us(const struct ur_claim *claim,
				   const uint8_t *data)
{
	uint64_t dst;

	memcpy(&dst, data, sizeof(dst));
	return !((dst ^ claim->mac) & claim->mac_mask) || data[0] & 1;
}

/*
 * Is this packet claimed?  It is when it is UDP to a claimed port, by IPv4 or
 * IPv6, whole, sound as far as ur_parse_udp() looks, tagged or not, for us (see
 * ur_claim_init()), and the NIC found no checksum of it wrong.  All others are
 * the host's: fragments, also those of a claimed port, ARP, ICMP, TCP, and what
 * is broken.
 */
static inline bool ur_claim_has(const struct ur_claim *claim,
				const struct ur_pkt *pkt)
{
	struct ur_udp udp;

	return !(pkt->flags & (UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_BAD)) &&
	       ur_parse_udp(pkt->data, pkt->len, &udp) == UR_PARSE_OK &&
	       claim->udp[udp.dport / 64] >> udp.dport % 64 & 1 &&
	       ur_claim_for_us(claim, pkt->data);
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
			ur_tx_write(q, prod++, &pkts[i],
				    ur_host_flags(&pkts[i]));
		}
	}
	*passed = n - mine;
	ur_tx_announce(q, prod, n - mine);
	return mine;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_HOST_H */
