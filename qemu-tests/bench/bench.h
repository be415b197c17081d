/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ways of packet I/O that are compared have in common. Each is a file m_NAME.c
 * with a table bench_methods[], linked with main.c to a program of its own. The guest:
 *
 *	traffic[0] ==hub== port[0]   port[1] ==hub== traffic[1]
 *
 * Packets to receive come from traffic[0]; what is sent by port[0] is looked at there,
 * what was forwarded from port[0] to port[1] at traffic[1].
 */
#ifndef USERRING_BENCH_H
#define USERRING_BENCH_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "traffic.h"

#define BENCH_BURST_MAX	256

struct bench_port {
	const char *pci;
	char netdev[IFNAMSIZ];		/* "": no driver of Linux has it */
	uint8_t mac[6];
	uint8_t peer_mac[6];		/* of its traffic NIC */
	uint32_t ip;			/* 10.77.N.1, network order; its peer's: .2 */
	uint32_t peer_ip;
};

struct bench {
	struct bench_port port[2];
	struct traffic traffic[2];
	struct check check;		/* of what is received */
	uint8_t frame[BENCH_FRAME];	/* to be sent by port[0], but for its number */
	uint64_t sent;			/* the number of the next one */
	bool dont_wait;			/* .rx() comes back at once */
};

/*
 * The calls take at most n packets, n <= BENCH_BURST_MAX (times .queues), and return how
 * many it were.
 * They say what is wrong on stderr and end the program where nothing can go on.
 */
struct bench_method {
	const char *name;
	const char *variant;
	bool by_socket;		/* of UDP: headers are the kernel's, not looked at */
	bool foreign;		/* packets are for another host, as a sniffer or a bridge
				 * sees them: Linux drops them at once
				 */
	uint32_t queues;	/* that share what comes; 0: one */
	/* both ports; an error: this kernel and NIC have no such thing */
	int (*open)(struct bench *b);
	/* receive, look at (check.h), give back; a method that blocks does so until a
	 * packet comes or a tenth of a second has passed, unless b->dont_wait
	 */
	uint32_t (*rx)(struct bench *b, uint32_t n);
	/* build (check.h) and send by port[0] */
	uint32_t (*tx)(struct bench *b, uint32_t n);
	/* from port[0] to port[1]; NULL: it cannot */
	uint32_t (*fwd)(struct bench *b, uint32_t n);
	/* sleep until a packet has come or the time is up; NULL: it never sleeps */
	void (*wait)(struct bench *b, int timeout_ms);
	void (*close)(struct bench *b);
};

extern const struct bench_method bench_methods[];	/* until .name is NULL */

/* An error number (or 0) and what was tried; ends the program. */
_Noreturn void bench_die(int err, const char *what, ...) __attribute__((format(printf, 2, 3)));

#endif /* USERRING_BENCH_H */
