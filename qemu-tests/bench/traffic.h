/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A traffic NIC: a second 82574L, driven from here. It sends what a port under test is to
 * receive, a burst by one register write, and looks at what that port sent. QEMU carries a
 * burst over the hub within the write: it lies in the other NIC's ring before the next
 * instruction. For one CPU without an IOMMU, as root.
 */
#ifndef USERRING_BENCH_TRAFFIC_H
#define USERRING_BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#define TRAFFIC_FRAME	128	/* bytes that a frame of another program may have */

struct traffic {
	volatile uint8_t *regs;
	struct traffic_memory *mem;	/* that the NIC reaches */
	uint64_t phys;			/* its physical address */
	uint32_t flows;			/* from so many addresses, in turn; 0: one */
	uint32_t tx_tail;
	uint32_t rx_next;
	uint64_t injected;		/* the number of the next packet */
	uint64_t seen;			/* frames with a number */
	uint64_t wrong;			/* with another one, or other bytes, than expected */
	uint64_t strange;		/* frames that are not ours */
	uint64_t next;			/* number */
};

struct traffic_flow {
	const uint8_t *src_mac, *dst_mac;
	uint32_t src_ip, dst_ip;	/* network order */
};

void traffic_open(struct traffic *t, const char *pci);

/* Before the process ends: else the NIC writes on into memory that others have by then. */
void traffic_close(struct traffic *t);

/* A frame of this flow with packet number 0 and its checksums. */
void traffic_frame(uint8_t *frame, const struct traffic_flow *flow);

/*
 * For other frames than numbered ones: room for one of len bytes, which traffic_go()
 * sends with all before it; and the next one that came, NULL: none. It may be read
 * until the next call.
 */
uint8_t *traffic_place(struct traffic *t, uint16_t len);
void traffic_go(struct traffic *t);
const uint8_t *traffic_came(struct traffic *t, uint32_t *len);

/* Sends n packets like this frame, with the next numbers. */
void traffic_inject(struct traffic *t, const uint8_t *frame, uint32_t n);

/*
 * Looks at what came since: UDP packets with the next numbers, and every byte of
 * the payload as in frame; of the headers too with whole.
 */
void traffic_look(struct traffic *t, const uint8_t *frame, bool whole);

#endif /* USERRING_BENCH_TRAFFIC_H */
