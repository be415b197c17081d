// SPDX-License-Identifier: GPL-2.0-only
#include "traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#include <libuserring/csum.h>

/* Registers of the 82574L. */
#define CTRL	0x0000
#define CTRL_SLU	(1U << 6)	/* set link up */
#define IMC	0x00d8
#define RCTL	0x0100
#define RCTL_EN		(1U << 1)
#define RCTL_UPE	(1U << 3)	/* any address */
#define RCTL_MPE	(1U << 4)
#define RCTL_BAM	(1U << 15)
#define RCTL_BSIZE_256	(3U << 16)
#define RCTL_SECRC	(1U << 26)	/* leave the FCS away */
#define TCTL	0x0400
#define TCTL_EN		(1U << 1)
#define RDBAL	0x2800
#define RDBAH	0x2804
#define RDLEN	0x2808
#define RDH	0x2810
#define RDT	0x2818
#define TDBAL	0x3800
#define TDBAH	0x3804
#define TDLEN	0x3808
#define TDH	0x3810
#define TDT	0x3818

#define REGS_SIZE	0x20000
#define HUGE_PAGE	(2UL << 20)	/* is contiguous for a device */

#define TX_PLACES	2048U
#define RX_PLACES	4096U
#define RX_BYTES	256U

struct tx_desc {
	uint64_t addr;
	uint16_t len;
	uint8_t cso;
	uint8_t cmd;
#define TX_CMD_EOP	0x01
#define TX_CMD_IFCS	0x02
	uint32_t status;
};

struct rx_desc {
	uint64_t addr;
	uint16_t len;
	uint16_t csum;
	uint8_t status;
#define RX_STAT_DD	0x01
	uint8_t errors;
	uint16_t vlan;
};

struct traffic_memory {
	struct tx_desc tx[TX_PLACES];
	struct rx_desc rx[RX_PLACES];
	uint8_t tx_data[TX_PLACES][TRAFFIC_FRAME];
	uint8_t rx_data[RX_PLACES][RX_BYTES];
};

_Static_assert(sizeof(struct traffic_memory) <= HUGE_PAGE, "one page");
_Static_assert(BENCH_BURST_MAX < TX_PLACES, "a burst fits");

static void reg_write(struct traffic *t, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(t->regs + reg) = value;
}

static uint64_t phys_of(const void *p)
{
	const uint64_t number_mask = (1ULL << 55) - 1;
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)p / 4096 * 8)) !=
	    sizeof(entry) || !(entry & number_mask))
		bench_die(errno, "/proc/self/pagemap tells no physical address");
	close(fd);
	return (entry & number_mask) * 4096;
}

/* The device answers to reads and writes, and may read and write memory itself. */
static void enable(const char *pci)
{
	const uint16_t memory_and_master = 0x0006;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", pci);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, &memory_and_master, 2, 4) != 2)
		bench_die(errno, "enabling %s", pci);
	close(fd);
}

static void map_regs(struct traffic *t, const char *pci)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", pci);
	fd = open(path, O_RDWR | O_CLOEXEC);
	t->regs = mmap(NULL, REGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || t->regs == MAP_FAILED)
		bench_die(errno, "mapping the registers of %s", pci);
	close(fd);
}

static void make_rings(struct traffic *t)
{
	struct traffic_memory *m = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE,
					-1, 0);

	if (m == MAP_FAILED)
		bench_die(errno, "a huge page for a traffic NIC");
	t->mem = m;
	t->phys = phys_of(m);
	for (uint32_t i = 0; i < TX_PLACES; i++) {
		m->tx[i].addr = t->phys + (uint64_t)((uint8_t *)m->tx_data[i] - (uint8_t *)m);
		m->tx[i].len = BENCH_FRAME;
		m->tx[i].cmd = TX_CMD_EOP | TX_CMD_IFCS;
	}
	for (uint32_t i = 0; i < RX_PLACES; i++)
		m->rx[i].addr = t->phys + (uint64_t)((uint8_t *)m->rx_data[i] - (uint8_t *)m);
}

void traffic_open(struct traffic *t, const char *pci)
{
	uint64_t tx, rx;

	enable(pci);
	map_regs(t, pci);
	make_rings(t);
	tx = t->phys + offsetof(struct traffic_memory, tx);
	rx = t->phys + offsetof(struct traffic_memory, rx);
	t->injected = BENCH_FIRST;
	t->next = BENCH_FIRST;
	reg_write(t, IMC, ~0U);
	reg_write(t, RCTL, 0);
	reg_write(t, TCTL, 0);
	reg_write(t, CTRL, CTRL_SLU);
	reg_write(t, TDBAL, (uint32_t)tx);
	reg_write(t, TDBAH, (uint32_t)(tx >> 32));
	reg_write(t, TDLEN, TX_PLACES * sizeof(struct tx_desc));
	reg_write(t, TDH, 0);
	reg_write(t, TDT, 0);
	reg_write(t, TCTL, TCTL_EN);
	reg_write(t, RDBAL, (uint32_t)rx);
	reg_write(t, RDBAH, (uint32_t)(rx >> 32));
	reg_write(t, RDLEN, RX_PLACES * sizeof(struct rx_desc));
	reg_write(t, RDH, 0);
	reg_write(t, RDT, RX_PLACES - 1);
	reg_write(t, RCTL, RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_BSIZE_256 | RCTL_SECRC);
}

void traffic_close(struct traffic *t)
{
	if (!t->mem)
		return;
	reg_write(t, RCTL, 0);
	reg_write(t, TCTL, 0);
}

/* Checksums of a frame whose payload is filled in. */
static void sum_up(uint8_t *frame)
{
	uint8_t *ip = frame + UR_ETH_LEN, *udp = ip + UR_IPV4_LEN;

	ur_put_be16(ip + 10, 0);
	ur_put_be16(ip + 10, ur_csum(ip, UR_IPV4_LEN));
	ur_put_be16(udp + 6, 0);
	ur_put_be16(udp + 6, ur_csum_udp4(ip + 12, ip + 16, udp, UR_UDP_LEN + BENCH_PAYLOAD));
}

void traffic_frame(uint8_t *frame, const struct traffic_flow *flow)
{
	uint8_t *ip = frame + UR_ETH_LEN, *udp = ip + UR_IPV4_LEN;

	memset(frame, 0, BENCH_FRAME);
	memcpy(frame, flow->dst_mac, 6);
	memcpy(frame + 6, flow->src_mac, 6);
	ur_put_be16(frame + 12, UR_ETH_IPV4);
	ip[0] = 0x45;
	ur_put_be16(ip + 2, UR_IPV4_LEN + UR_UDP_LEN + BENCH_PAYLOAD);
	ip[8] = 64;
	ip[9] = UR_IP_UDP;
	memcpy(ip + 12, &flow->src_ip, 4);
	memcpy(ip + 16, &flow->dst_ip, 4);
	ur_put_be16(udp, BENCH_UDP_FROM);
	ur_put_be16(udp + 2, BENCH_UDP_PORT);
	ur_put_be16(udp + 4, UR_UDP_LEN + BENCH_PAYLOAD);
	for (uint8_t i = 0; i < BENCH_PAYLOAD; i++)
		udp[UR_UDP_LEN + i] = (uint8_t)(0x60 + i);
	sum_up(frame);
}

void traffic_inject(struct traffic *t, const uint8_t *frame, uint32_t n)
{
	while (n--) {
		uint8_t *data = t->mem->tx_data[t->tx_tail];

		build_frame(data, frame, t->injected);
		if (t->flows)
			data[UR_ETH_LEN + 15] = (uint8_t)(64 + t->injected % t->flows);
		t->injected++;
		sum_up(data);
		t->tx_tail = (t->tx_tail + 1) % TX_PLACES;
	}
	reg_write(t, TDT, t->tx_tail);
}

uint8_t *traffic_place(struct traffic *t, uint16_t len)
{
	uint8_t *data = t->mem->tx_data[t->tx_tail];

	t->mem->tx[t->tx_tail].len = len;
	t->tx_tail = (t->tx_tail + 1) % TX_PLACES;
	return data;
}

void traffic_go(struct traffic *t)
{
	reg_write(t, TDT, t->tx_tail);
}

const uint8_t *traffic_came(struct traffic *t, uint32_t *len)
{
	struct rx_desc *d = &t->mem->rx[t->rx_next];
	const uint8_t *data = t->mem->rx_data[t->rx_next];

	if (!(*(volatile uint8_t *)&d->status & RX_STAT_DD))
		return NULL;
	*len = d->len;
	d->status = 0;
	/* this place is the NIC's again after the next one was looked at */
	reg_write(t, RDT, (t->rx_next + RX_PLACES - 1) % RX_PLACES);
	t->rx_next = (t->rx_next + 1) % RX_PLACES;
	return data;
}

/* Is it one of our packets? Then its number is compared, and its bytes. */
static void look_at(struct traffic *t, const uint8_t *data, uint32_t len, const uint8_t *frame,
		    bool whole)
{
	const uint32_t rest = BENCH_HEADERS + sizeof(uint64_t);
	const uint32_t sums = UR_ETH_LEN + UR_IPV4_LEN + 6;
	struct ur_udp udp;
	uint64_t number;
	bool same;

	if (len != BENCH_FRAME || ur_parse_udp(data, len, &udp) != UR_PARSE_OK ||
	    !(udp.dport == BENCH_UDP_PORT || (whole && udp.sport == BENCH_UDP_PORT)) ||
	    udp.payload_len != BENCH_PAYLOAD) {
		t->strange++;
		return;
	}
	memcpy(&number, udp.payload, sizeof(number));
	same = number == t->next && !memcmp(data + rest, frame + rest, BENCH_FRAME - rest);
	/* the checksum of UDP is another one for each number */
	if (whole)
		same = same && !memcmp(data, frame, sums);
	t->wrong += !same;
	t->next = number + 1;
	t->seen++;
}

void traffic_look(struct traffic *t, const uint8_t *frame, bool whole)
{
	struct rx_desc *d = &t->mem->rx[t->rx_next];
	uint32_t n = 0;

	while (*(volatile uint8_t *)&d->status & RX_STAT_DD) {
		look_at(t, t->mem->rx_data[t->rx_next], d->len, frame, whole);
		d->status = 0;
		t->rx_next = (t->rx_next + 1) % RX_PLACES;
		d = &t->mem->rx[t->rx_next];
		n++;
	}
	if (n)
		reg_write(t, RDT, (t->rx_next + RX_PLACES - 1) % RX_PLACES);
}
