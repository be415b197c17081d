/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbered test frames of which every byte can be checked by the receiver.
 *
 *	Ethernet II | tags | IPv4, 20 bytes | UDP | payload
 *
 * The payload, which is what is left of the frame's length:
 *
 *	0	the magic "URNGseq1"
 *	8	sequence number, u64, big endian
 *	16	pattern: u64 words, word j = pat_word(seq, j), little endian;
 *		the last one cut where the frame ends
 *
 * "len" is always the length without tags and without FCS, 60 at least: a
 * tagged frame is 4 bytes longer a tag, and has length len again once the tag
 * is stripped. Checksums of IPv4 and UDP are right unless told otherwise.
 */
#ifndef USERRING_TESTS_PATTERN_H
#define USERRING_TESTS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PAT_MAGIC	"URNGseq1"
#define PAT_MIN_LEN	60
#define PAT_MAX_LEN	16300
#define PAT_MAX_TAGS	2
#define PAT_NO_TAG	(-1)

#define PAT_ETH_LEN	14
#define PAT_TAG_LEN	4
#define PAT_IP_LEN	20
#define PAT_UDP_LEN	8
#define PAT_HEAD_LEN	16	/* magic and sequence number */

#define PAT_BAD_IPCSUM	0x1	/* the IPv4 header checksum is wrong */
#define PAT_BAD_UDPCSUM	0x2	/* the UDP checksum is wrong */

struct pat_flow {
	uint8_t dst[6];
	uint8_t src[6];
	int outer;		/* TCI of an 802.1ad tag, or PAT_NO_TAG */
	int vlan;		/* TCI of an 802.1Q tag, or PAT_NO_TAG */
	uint32_t sip;		/* addresses and ports in host order */
	uint32_t dip;
	uint16_t sport;
	uint16_t dport;
	unsigned int bad;	/* PAT_BAD_*: build frames with these faults */
};

enum pat_verdict {
	PAT_OK,
	PAT_OTHER,		/* not one of these frames */
	PAT_CORRUPT,		/* one of these frames, and a byte is wrong */
};

/* The flow between the far end and the guest when nobody says otherwise. */
static inline struct pat_flow pat_flow_default(void)
{
	return (struct pat_flow){
		.dst = { 0x52, 0x54, 0x00, 0x75, 0x72, 0x00 },
		.src = { 0x52, 0x54, 0x00, 0xfe, 0x00, 0x00 },
		.outer = PAT_NO_TAG,
		.vlan = PAT_NO_TAG,
		.sip = 0x0a630001,	/* 10.99.0.1 */
		.dip = 0x0a630002,	/* 10.99.0.2 */
		.sport = 7000,
		.dport = 7001,
	};
}

/* The same the other way round: what the guest sends to the far end. */
static inline struct pat_flow pat_flow_reverse(const struct pat_flow *flow)
{
	struct pat_flow back = *flow;

	memcpy(back.dst, flow->src, 6);
	memcpy(back.src, flow->dst, 6);
	back.sip = flow->dip;
	back.dip = flow->sip;
	back.sport = flow->dport;
	back.dport = flow->sport;
	return back;
}

static inline void pat_put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void pat_put32(uint8_t *p, uint32_t v)
{
	pat_put16(p, v >> 16);
	pat_put16(p + 2, v);
}

static inline uint16_t pat_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint64_t pat_word(uint64_t seq, uint64_t j)
{
	uint64_t x = (seq + 1) * 0x9e3779b97f4a7c15u + j * 0xc2b2ae3d27d4eb4fu;

	return x ^ (x >> 29);
}

/* The one's complement sum of RFC 1071, in memory order, not yet folded. */
static inline uint64_t pat_sum(const uint8_t *p, size_t len, uint64_t sum)
{
	uint32_t word;

	for (; len >= 4; p += 4, len -= 4) {
		memcpy(&word, p, 4);
		sum += word;
	}
	if (len) {
		word = 0;
		memcpy(&word, p, len);
		sum += word;
	}
	return sum;
}

/* Folded and inverted; bytes as they lie in the frame. */
static inline uint16_t pat_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Sum over the UDP datagram at @udp and its pseudo header from @ip. */
static inline uint16_t pat_udp_csum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	uint8_t pseudo[4] = { 0, 17 };
	uint64_t sum;

	pat_put16(pseudo + 2, (uint16_t)len);
	sum = pat_sum(ip + 12, 8, 0);
	sum = pat_sum(pseudo, 4, sum);
	return pat_fold(pat_sum(udp, len, sum));
}

static inline size_t pat_tags_len(const struct pat_flow *flow)
{
	return (size_t)PAT_TAG_LEN * ((flow->outer != PAT_NO_TAG) + (flow->vlan != PAT_NO_TAG));
}

/*
 * Build the frame with number @seq into @frame, which has room for @len bytes
 * and the tags.
 * Return: the frame's length, tags included; 0 if @len is out of range.
 */
static inline size_t pat_build(void *frame, size_t len, uint64_t seq,
			       const struct pat_flow *flow)
{
	uint8_t *p = frame, *ip, *udp, *end;
	uint16_t csum;

	if (len < PAT_MIN_LEN || len > PAT_MAX_LEN)
		return 0;

	memcpy(p, flow->dst, 6);
	memcpy(p + 6, flow->src, 6);
	p += 12;
	if (flow->outer != PAT_NO_TAG) {
		pat_put16(p, 0x88a8);
		pat_put16(p + 2, (uint16_t)flow->outer);
		p += PAT_TAG_LEN;
	}
	if (flow->vlan != PAT_NO_TAG) {
		pat_put16(p, 0x8100);
		pat_put16(p + 2, (uint16_t)flow->vlan);
		p += PAT_TAG_LEN;
	}
	pat_put16(p, 0x0800);
	ip = p + 2;
	end = ip + len - PAT_ETH_LEN;

	memset(ip, 0, PAT_IP_LEN);
	ip[0] = 0x45;
	pat_put16(ip + 2, (uint16_t)(len - PAT_ETH_LEN));
	pat_put16(ip + 4, (uint16_t)seq);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 17;
	pat_put32(ip + 12, flow->sip);
	pat_put32(ip + 16, flow->dip);
	csum = pat_fold(pat_sum(ip, PAT_IP_LEN, 0));
	if (flow->bad & PAT_BAD_IPCSUM)
		csum ^= 0x5555;
	memcpy(ip + 10, &csum, 2);

	udp = ip + PAT_IP_LEN;
	pat_put16(udp, flow->sport);
	pat_put16(udp + 2, flow->dport);
	pat_put16(udp + 4, (uint16_t)(end - udp));
	memset(udp + 6, 0, 2);

	p = udp + PAT_UDP_LEN;
	memcpy(p, PAT_MAGIC, 8);
	pat_put32(p + 8, seq >> 32);
	pat_put32(p + 12, (uint32_t)seq);
	p += PAT_HEAD_LEN;
	for (uint64_t j = 0; p < end; j++) {
		uint64_t word = pat_word(seq, j);
		size_t n = (size_t)(end - p) < 8 ? (size_t)(end - p) : 8;

		memcpy(p, &word, n);
		p += n;
	}

	csum = pat_udp_csum(ip, udp, (size_t)(end - udp));
	if (!csum)
		csum = 0xffff;	/* RFC 768: 0 would say "none computed" */
	if (flow->bad & PAT_BAD_UDPCSUM)
		csum ^= 0x5555;
	memcpy(udp + 6, &csum, 2);

	return (size_t)(end - (uint8_t *)frame);
}

/*
 * Check every byte after the addresses of a received frame of @len bytes, tags
 * included; those are checked by the caller who knows them. @seq gets the number,
 * unless the verdict is PAT_OTHER. @offset, if not NULL, gets the place of the
 * first wrong byte (that of the checksum, when only this is wrong).
 */
static inline enum pat_verdict pat_check(const void *frame, size_t len, uint64_t *seq,
					 size_t *offset)
{
	const uint8_t *start = frame, *p = start + 12, *end = start + len, *ip, *udp;
	const uint8_t *wrong;

	for (int tags = 0; tags < PAT_MAX_TAGS && end - p >= 2; tags++) {
		uint16_t type = pat_get16(p);

		if (type != 0x8100 && type != 0x88a8)
			break;
		p += PAT_TAG_LEN;
	}
	if (end - p < 2 + PAT_IP_LEN + PAT_UDP_LEN + PAT_HEAD_LEN || pat_get16(p) != 0x0800)
		return PAT_OTHER;
	ip = p + 2;
	udp = ip + PAT_IP_LEN;
	p = udp + PAT_UDP_LEN;
	if (memcmp(p, PAT_MAGIC, 8))
		return PAT_OTHER;
	*seq = 0;
	for (int i = 8; i < 16; i++)
		*seq = *seq << 8 | p[i];

	wrong = ip;
	if (ip[0] != 0x45 || ip[9] != 17)
		goto corrupt;
	wrong = ip + 2;
	if (pat_get16(wrong) != end - ip)
		goto corrupt;
	wrong = udp + 4;
	if (pat_get16(wrong) != end - udp)
		goto corrupt;

	p += PAT_HEAD_LEN;
	for (uint64_t j = 0; p < end; j++) {
		uint64_t word = pat_word(*seq, j);
		size_t n = (size_t)(end - p) < 8 ? (size_t)(end - p) : 8;

		if (memcmp(p, &word, n)) {
			wrong = p;
			while (*wrong == ((const uint8_t *)&word)[wrong - p])
				wrong++;
			goto corrupt;
		}
		p += n;
	}

	wrong = ip + 10;
	if (pat_fold(pat_sum(ip, PAT_IP_LEN, 0)))
		goto corrupt;
	wrong = udp + 6;
	if (!pat_get16(wrong) || pat_udp_csum(ip, udp, (size_t)(end - udp)))
		goto corrupt;
	return PAT_OK;

corrupt:
	if (offset)
		*offset = (size_t)(wrong - start);
	return PAT_CORRUPT;
}

/*
 * What arrived, against a sequence that should come complete and in order.
 * A number that was missed and comes later counts as reordered, no longer as lost;
 * numbers are remembered for the last PAT_WINDOW.
 */
#define PAT_WINDOW	65536

struct pat_track {
	uint64_t next;
	uint64_t good, corrupt, other;
	uint64_t lost, reordered, dup;
	uint64_t first, last;
	uint8_t seen[PAT_WINDOW / 8];
};

static inline void pat_track_reset(struct pat_track *t, uint64_t seq)
{
	memset(t, 0, sizeof(*t));
	t->next = seq;
}

static inline enum pat_verdict pat_track(struct pat_track *t, const void *frame, size_t len)
{
	uint64_t seq = 0;
	enum pat_verdict verdict = pat_check(frame, len, &seq, NULL);
	uint8_t *byte, bit;

	if (verdict == PAT_OTHER) {
		t->other++;
		return verdict;
	}
	if (verdict == PAT_CORRUPT) {
		t->corrupt++;
		return verdict;
	}
	if (!t->good++)
		t->first = seq;
	t->last = seq;
	byte = &t->seen[seq % PAT_WINDOW / 8];
	bit = (uint8_t)(1u << (seq % 8));
	if (seq < t->next) {
		if (t->next - seq > PAT_WINDOW || (*byte & bit) || !t->lost) {
			t->dup++;
		} else {
			t->reordered++;
			t->lost--;
		}
		*byte |= bit;
		return verdict;
	}
	t->lost += seq - t->next;
	if (seq - t->next >= PAT_WINDOW)
		memset(t->seen, 0, sizeof(t->seen));
	else
		for (; t->next < seq; t->next++)
			t->seen[t->next % PAT_WINDOW / 8] &= (uint8_t)~(1u << (t->next % 8));
	*byte |= bit;
	t->next = seq + 1;
	return verdict;
}

/* FNV-1a, 64 bits: the checksum of the far end's TCP service. */
#define PAT_FNV_START	0xcbf29ce484222325u

static inline uint64_t pat_fnv1a(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3u;
	return hash;
}

/* Bytes [@at, @at + @len) of the stream that the far end's TCP GET sends. */
static inline void pat_stream(void *data, uint64_t at, size_t len)
{
	uint8_t *p = data;

	for (; len--; at++)
		*p++ = (uint8_t)(pat_word(0, at / 8) >> at % 8 * 8);
}

#endif /* USERRING_TESTS_PATTERN_H */
