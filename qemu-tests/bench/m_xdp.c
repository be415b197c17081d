// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_XDP by libxdp, one UMEM for both ports: "generic" copies, and works with every
 * driver; "zerocopy" is for drivers that can.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "bench.h"

#define FRAME		2048U
#define FRAMES		8192U
#define PLACES		2048U
#define TRIES		20
#define KICKS		64	/* a call sends no more than 32 when it copies */

static struct side {
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons comp, rx;
	struct xsk_socket *sock;
	int map, prog, link;
} side[2];

static struct xsk_umem *umem;
static uint8_t *area;
static uint64_t unused[FRAMES];		/* frames that nobody has */
static uint32_t n_unused;

/* ------------------------------------------------------------------------
 * Set-up
 */

/* Every packet goes to the socket of the queue that it came by. */
static int load_program(int map)
{
	const struct bpf_insn program[] = {
		{ BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1,
		  offsetof(struct xdp_md, rx_queue_index), 0 },
		{ BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map },
		{ 0, 0, 0, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, XDP_PASS },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "to_socket", "GPL", program,
			     sizeof(program) / sizeof(program[0]), NULL);
}

/* -EOPNOTSUPP: the driver has no XDP of its own. */
static int attach_program(struct side *s, const struct bench_port *port, uint32_t mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);

	s->map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "sockets", 4, 4, 1, NULL);
	s->prog = load_program(s->map);
	s->link = bpf_link_create(s->prog, (int)if_nametoindex(port->netdev), BPF_XDP, &opts);
	return s->map < 0 || s->prog < 0 || s->link < 0 ? -errno : 0;
}

static void make_umem(void)
{
	const struct xsk_umem_config config = {
		.fill_size = PLACES, .comp_size = PLACES, .frame_size = FRAME,
	};
	int err;

	for (int i = 0; i < 2; i++)
		side[i] = (struct side){ .map = -1, .prog = -1, .link = -1 };
	area = mmap(NULL, (size_t)FRAME * FRAMES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED)
		bench_die(errno, "memory for AF_XDP");
	err = xsk_umem__create(&umem, area, (uint64_t)FRAME * FRAMES, &side[0].fill,
			       &side[0].comp, &config);
	if (err)
		bench_die(-err, "xsk_umem__create()");
	for (n_unused = 0; n_unused < FRAMES; n_unused++)
		unused[n_unused] = (uint64_t)n_unused * FRAME;
}

/* Gives the NIC as many frames as its ring takes. */
static void fill(struct side *s)
{
	uint32_t n = xsk_prod_nb_free(&s->fill, PLACES), at;

	n = n < n_unused ? n : n_unused;
	if (!n || !xsk_ring_prod__reserve(&s->fill, n, &at))
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&s->fill, at + i) = unused[--n_unused];
	xsk_ring_prod__submit(&s->fill, n);
}

static void close_sockets(struct bench *b)
{
	(void)b;
	for (int i = 0; i < 2; i++) {
		if (side[i].sock)
			xsk_socket__delete(side[i].sock);
		close(side[i].link);
		close(side[i].prog);
		close(side[i].map);
		side[i].sock = NULL;
	}
	xsk_umem__delete(umem);
	munmap(area, (size_t)FRAME * FRAMES);
}

static int try_open(struct bench *b, uint32_t mode, uint16_t bind_flags)
{
	const struct xsk_socket_config config = {
		.rx_size = PLACES, .tx_size = PLACES, .xdp_flags = mode,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = (uint16_t)(bind_flags | XDP_USE_NEED_WAKEUP),
	};
	int err = 0;

	make_umem();
	for (int i = 0; i < 2 && !err; i++) {
		struct side *s = &side[i];

		err = attach_program(s, &b->port[i], mode);
		if (!err)
			err = xsk_socket__create_shared(&s->sock, b->port[i].netdev, 0, umem,
							&s->rx, &s->tx, &s->fill, &s->comp,
							&config);
		if (!err)
			err = xsk_socket__update_xskmap(s->sock, s->map);
		if (!err)
			fill(s);
	}
	if (err)
		close_sockets(b);
	return err;
}

/* What was closed a moment ago is still on its way out: RCU. */
static int open_sockets(struct bench *b, uint32_t mode, uint16_t bind_flags)
{
	int err = try_open(b, mode, bind_flags);

	for (int i = 0; err == -EBUSY && i < TRIES; i++) {
		usleep(100000);
		err = try_open(b, mode, bind_flags);
	}
	return err;
}

static int open_generic(struct bench *b)
{
	int err = open_sockets(b, XDP_FLAGS_SKB_MODE, XDP_COPY);

	if (err)
		bench_die(-err, "a socket of AF_XDP");
	return 0;
}

static int open_zerocopy(struct bench *b)
{
	return open_sockets(b, XDP_FLAGS_DRV_MODE, XDP_ZEROCOPY);
}

/* ------------------------------------------------------------------------
 * Packets
 */

static void wait_socket(struct bench *b, int timeout_ms)
{
	struct pollfd pfd = { .fd = xsk_socket__fd(side[0].sock), .events = POLLIN };

	(void)b;
	poll(&pfd, 1, timeout_ms);
}

/* How many frames have come; when there is none it sleeps, unless told not to. */
static uint32_t peek(struct bench *b, uint32_t n, uint32_t *at)
{
	n = xsk_ring_cons__peek(&side[0].rx, n, at);
	if (!n && !b->dont_wait)
		wait_socket(b, 100);
	return n;
}

/* The driver asks for a call when it has run out of frames. */
static void refill(struct side *s)
{
	fill(s);
	if (xsk_ring_prod__needs_wakeup(&s->fill))
		recvfrom(xsk_socket__fd(s->sock), NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

static uint32_t rx(struct bench *b, uint32_t n)
{
	struct check c = b->check;
	struct side *s = &side[0];
	uint32_t at;

	n = peek(b, n, &at);
	if (!n)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&s->rx, at + i);

		check_frame(&c, area + desc->addr, desc->len);
		unused[n_unused++] = desc->addr & ~(uint64_t)(FRAME - 1);
	}
	b->check = c;
	xsk_ring_cons__release(&s->rx, n);
	refill(s);
	return n;
}

/* Collects what was sent; hands on what is to be. */
static void reap(struct side *s)
{
	uint32_t at, n = xsk_ring_cons__peek(&s->comp, PLACES, &at);

	for (uint32_t i = 0; i < n; i++)
		unused[n_unused++] = *xsk_ring_cons__comp_addr(&s->comp, at + i) &
				     ~(uint64_t)(FRAME - 1);
	xsk_ring_cons__release(&s->comp, n);
}

static void kick(struct side *s)
{
	if (!xsk_ring_prod__needs_wakeup(&s->tx))
		return;
	for (int i = 0; i < KICKS; i++)
		if (sendto(xsk_socket__fd(s->sock), NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 ||
		    errno != EAGAIN)
			break;
}

static uint32_t tx(struct bench *b, uint32_t n)
{
	struct side *s = &side[0];
	uint32_t at;

	reap(s);
	if (n_unused < n || !xsk_ring_prod__reserve(&s->tx, n, &at)) {
		kick(s);
		return 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = unused[--n_unused];

		build_frame(area + addr, b->frame, b->sent + i);
		*xsk_ring_prod__tx_desc(&s->tx, at + i) = (struct xdp_desc){
			.addr = addr, .len = BENCH_FRAME,
		};
	}
	b->sent += n;
	xsk_ring_prod__submit(&s->tx, n);
	kick(s);
	return n;
}

static uint32_t fwd(struct bench *b, uint32_t n)
{
	struct side *in = &side[0], *out = &side[1];
	uint32_t from, to;

	reap(out);
	n = peek(b, n, &from);
	if (!n)
		return 0;
	while (!xsk_ring_prod__reserve(&out->tx, n, &to)) {
		kick(out);
		reap(out);
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&in->rx, from + i);

		swap_addresses(area + desc->addr);
		*xsk_ring_prod__tx_desc(&out->tx, to + i) = *desc;
	}
	xsk_ring_prod__submit(&out->tx, n);
	xsk_ring_cons__release(&in->rx, n);
	kick(out);
	refill(in);
	return n;
}

#define CALLS	.rx = rx, .tx = tx, .fwd = fwd, .wait = wait_socket, .close = close_sockets

const struct bench_method bench_methods[] = {
	{ .name = "xdp", .variant = "generic", .open = open_generic, CALLS },
	{ .name = "xdp", .variant = "zerocopy", .open = open_zerocopy, CALLS },
	{ .name = NULL },
};
