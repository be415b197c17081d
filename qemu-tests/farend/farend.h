/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the far end share.  All but the threads of host.c runs in the loop
 * of main.c.
 */
#ifndef USERRING_FAREND_H
#define USERRING_FAREND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "../pattern.h"

#define FRAME_ROOM	(PAT_MAX_LEN + PAT_MAX_TAGS * PAT_TAG_LEN + 64)
#define MAX_LENGTHS	16
#define MAX_FLOWS	1024
#define NSEC		1000000000ull

/* ---- main.c ---- */

void __attribute__((noreturn)) fatal(const char *what);
uint64_t now_ns(void);
void watch(int fd, uint32_t events, int op);
void write_all(int fd, const char *data, size_t len);
void start_thread(void *(*run)(void *), void *arg);

/* ---- wire.c: frames to and from the guest's NIC ---- */

struct frame {
	size_t len;
	uint8_t data[FRAME_ROOM];
};

struct sender {
	bool active;
	bool blocked;		/* the wire is full: wait for EPOLLOUT */
	uint64_t count;		/* frames to build, and how many have been */
	uint64_t built;
	uint64_t sent;
	uint64_t seq;
	uint64_t rate;		/* frames/s, 0 = as fast as the wire takes them */
	uint64_t start;		/* ns */
	size_t lengths[MAX_LENGTHS];
	unsigned int n_lengths;
	unsigned int flows, hosts;
	struct pat_flow flow;
	unsigned int from, to;	/* of the batch: built, not yet sent */
};

struct wire {
	int fd;
	struct sender tx;
	struct pat_track rx;
	uint64_t rx_bytes, rx_overtaken;
	unsigned int rx_flows;	/* 0: nobody asks for their order */
	bool echoing;
	uint32_t arp_ip;	/* 0: nobody asks for answers */
};

extern struct wire wire;

void wire_init(int fd);
bool connect_wire(void);
/* Not lossy: waits until QEMU has room, five seconds at most. */
bool send_frame(const void *data, size_t len);
/* Sends of wire.tx what is due, as far as there is room. */
void send_batches(void);
/* Frames may have come, and with @room there is room for more again. */
void wire_ready(bool room);
/* Counts begin anew; the next number to come is @seq. */
void wire_expect(uint64_t seq, unsigned int flows);
/* Keeps frames from now on: those of a type, or with 0 all; type -1: none. */
void wire_keep(int type);
/* The oldest of them, for once and until the next frame comes; NULL if there is none. */
const struct frame *wire_kept(void);
/* How long the loop may sleep: until the next frame is due, if one is to be sent. */
const struct timespec *sleep_time(void);

/* ---- monitor.c: QEMU's monitor ---- */

extern int monitor_fd;

void accept_monitor(int listener);
/* Runs a command; @text gets what it printed, on one line, or why it failed. */
bool hmp(char *text, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
uint16_t forwarded_port(const char *protocol);

/* ---- host.c: the other side of the guest's NIC 1 ---- */

/* The echo client runs in a thread of its own; its results come at the end. */
struct echo_client {
	bool running;
	bool tcp;
	uint16_t port;
	uint64_t count, size, window;
	int timeout_ms;
	uint64_t sent, received, bad, median_us;
};

/* False if one runs already. */
bool client_start(const struct echo_client *c);
void client_look(struct echo_client *c);
int listen_tcp(void);
void *serve_connection(void *arg);

/* ---- control.c: commands of the guest ---- */

extern int control_fd;

void read_control(void);

#endif /* USERRING_FAREND_H */
