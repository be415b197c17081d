/* SPDX-License-Identifier: GPL-2.0-only */
/* What m_packet.c and m_tpacket.c share: sockets that see a port's IPv4 frames. */
#ifndef USERRING_BENCH_PACKET_H
#define USERRING_BENCH_PACKET_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "bench.h"

/* It receives nothing until it is bound: its ring is made first. */
static inline int packet_socket(void)
{
	const struct timeval limit = { .tv_usec = 100000 };
	const int room = 4 << 20, yes = 1;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)))
		bench_die(errno, "a packet socket");
	return fd;
}

/* Frames to other hosts too, which is what the bench sends: bench_method.foreign. */
static inline void packet_bind(int fd, const struct bench_port *port)
{
	const struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(port->netdev),
	};
	const struct packet_mreq all = {
		.mr_ifindex = addr.sll_ifindex, .mr_type = PACKET_MR_PROMISC,
	};

	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)))
		bench_die(errno, "binding a packet socket to %s", port->netdev);
}

#endif /* USERRING_BENCH_PACKET_H */
