/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of urgen, in the order of its files: main.c options and threads,
 * resolve.c whom to send to, send.c, receive.c, report.c what came of it.
 */
#ifndef APPS_URGEN_H
#define APPS_URGEN_H

#include "common/queues.h"
#include "common/reply.h"
#include "urgen/frame.h"
#include "urgen/track.h"

#define STREAMS		8
#define FLOWS_MAX	65536
#define HOSTS_MAX	ECHO_MAX_ADDRS
#define TEMPLATE_MAX	64

enum mode {
	SEND,
	RECEIVE,
	BOTH,
};

/* A frame up to the payload, of a source address; without the source port. */
struct gen_head {
	uint8_t  bytes[TEMPLATE_MAX];
	uint64_t csum;		/* so far */
};

/* What came of one run of urgen. */
struct gen_stream {
	uint16_t number;
	uint32_t room;		/* for so many flows, from 0 on */
	struct track **flow;	/* NULL: nothing came of it */
};

/* A queue: its thread alone writes. */
struct gen_lane {
	struct queue q;
	struct gen *g;

	/* sending: flows index, index + queues, ... in turn */
	uint32_t index;
	uint32_t flows;
	uint32_t turn;		/* whose it is */
	uint64_t seq;		/* its number */
	uint64_t count;		/* to send in all, if there is a --count */
	double   rate;
	uint64_t paced;		/* packets that the bucket has let out */
	uint64_t pace_start;

	/* read by the others */
	uint64_t sent;
	uint64_t last_sent;	/* ns */
	uint64_t received;	/* --both: of those that were sent */
	uint64_t last_new;	/* ns: when the last one came */
	uint64_t out;		/* all is on the wire */

	/* receiving */
	struct gen_stream stream[STREAMS];
	uint32_t streams;
	uint64_t foreign;	/* streams beyond those, or of others */
	uint64_t other;		/* not from urgen */
	uint64_t corrupt;
	bool     said_corrupt;
	struct hist rtt;
};

/* Written before the threads start. */
struct gen {
	struct queues all;
	enum mode mode;

	/* options */
	bool     rate_said;
	const char *for_sender;	/* the last option that is, or NULL */
	bool     take;		/* Linux gets nothing */
	int      version;	/* of IP: 4 or 6 */
	uint8_t  dst[16];
	int      src_version;	/* 0: not given */
	uint8_t  src[16];
	bool     have_mac;
	uint8_t  dst_mac[6];
	uint16_t sport;
	uint16_t dport;
	int32_t  port;		/* -1: any */
	uint32_t size;
	double   rate;		/* 0: flat out */
	int32_t  vlan;		/* -1: none */
	uint32_t flows;		/* 0: as many as queues */
	uint32_t hosts;

	struct gen_head head[HOSTS_MAX];
	uint32_t head_len;
	uint32_t udp_at;
	uint32_t payload_len;
	uint16_t stream;

	struct echo_cfg answer;	/* ARP, ping for our addresses */
	struct echo_addr answer_addrs[HOSTS_MAX];
	struct gen_lane lane[LANES_MAX];
};

/* resolve.c */

/* The address to send from, and whom to answer.  Says what is missing. */
bool find_source(struct gen *g);
void set_up_answers(struct gen *g);

/* The source address of host i. */
void host_address(const struct gen *g, uint32_t i, uint8_t ip[16]);

/* The MAC address to send to; asks for it on the wire. */
bool resolve(struct gen *g);

/* Ethernet header, with the tag.  Return: its length. */
uint32_t write_eth(const struct gen *g, uint8_t *p, const uint8_t *to,
		   uint16_t type);

/* send.c */

void prepare_to_send(struct gen *g);

/* Sends what may go now.  Return: packets. */
uint32_t send_burst(struct gen_lane *lane);

/* When the next one may go, ns. */
uint64_t next_due(const struct gen_lane *lane);

/* receive.c */

/* Takes what came.  Return: packets. */
uint32_t receive_burst(struct gen_lane *lane);

/*
 * Packets that are not urgen's: whoever asks for an address of ours gets an
 * answer, or the far end could not send to us; all else is Linux's.  There is
 * room in the TX ring for all of them, if Linux has a share.
 */
void answer_others(struct gen_lane *lane, struct ur_pkt *pkts, uint32_t n);

/* report.c */

/* Says what came of it.  Return: all was well, as far as --count tells. */
bool report(const struct gen *g);

#endif /* APPS_URGEN_H */
