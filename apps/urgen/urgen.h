/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of urgen, in the order of its files: main.c options and loops,
 * resolve.c whom to send to, send.c, receive.c.
 */
#ifndef APPS_URGEN_H
#define APPS_URGEN_H

#include "common/common.h"
#include "common/reply.h"
#include "urgen/frame.h"
#include "urgen/track.h"

#define STREAMS		8
#define TEMPLATE_MAX	64

enum mode {
	SEND,
	RECEIVE,
	BOTH,
};

struct gen {
	struct app app;
	enum mode mode;

	/* options */
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

	/* the frame up to the payload, and its checksum so far */
	uint8_t  head[TEMPLATE_MAX];
	uint32_t head_len;
	uint32_t udp_at;
	uint32_t payload_len;
	uint64_t csum;

	struct echo_cfg answer;	/* ARP, ping for our address */

	/* sending */
	uint16_t stream;
	uint64_t sent;
	uint64_t paced;		/* packets that the bucket has let out */
	uint64_t pace_start;
	uint64_t last_sent;	/* ns */

	/* receiving */
	struct track *tracks[STREAMS];
	uint16_t track_stream[STREAMS];
	uint32_t n_tracks;
	uint64_t foreign;	/* streams beyond those, or of others */
	uint64_t other;		/* not from urgen */
	uint64_t corrupt;
	bool     said_corrupt;
	uint64_t last_new;	/* ns: when the last one came */
	struct hist rtt;
};

/* resolve.c */

/* The address to send from, and whom to answer.  Says what is missing. */
bool find_source(struct gen *g);
void set_up_answers(struct gen *g);

/* The MAC address to send to; asks for it on the wire. */
bool resolve(struct gen *g);

/* Ethernet header, with the tag.  Return: its length. */
uint32_t write_eth(const struct gen *g, uint8_t *p, const uint8_t *to,
		   uint16_t type);

/* send.c */

void prepare_to_send(struct gen *g);

/* Sends what may go now.  Return: packets. */
uint32_t send_burst(struct gen *g);

/* When the next one may go, ns. */
uint64_t next_due(const struct gen *g);

/* receive.c */

/* Takes what came.  Return: packets. */
uint32_t receive_burst(struct gen *g);

/*
 * Packets that are not urgen's: whoever asks for our address gets an answer,
 * or the far end could not send to us.  All slots go back.
 */
void answer_others(struct gen *g, struct ur_pkt *pkts, uint32_t n);

#endif /* APPS_URGEN_H */
