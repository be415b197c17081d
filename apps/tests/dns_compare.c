// SPDX-License-Identifier: BSD-2-Clause
/*
 * dns_compare nsd|knot PORT [ORIGIN=]FILE... < QUERIES: asks urdns, whose answer.c is
 * linked in, and that server on 127.0.0.1 the same, and compares the answers field by
 * field: header, question, each section as a set, OPT.
 *
 * Where the two may differ is explain(), each with a name; docs/urdns.md says
 * why.  The last line is the result, exit status 1: something else differs.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include <libuserring/csum.h>

#include "urdns/answer.h"

#define ORIGIN		"example.org."
#define PATIENCE_MS	200
#define TRIES		10

/* A query. */
struct ask {
	char name[300], type[32], edns[8], flags[16];
	uint16_t qtype;
	uint16_t size;		/* of EDNS; 0: without */
	uint8_t  wire[600];
	uint32_t len;
	bool     broken;	/* its bytes are not what they were */
};

/* A reply, so that two can be compared. */
struct told {
	uint8_t  wire[4096];
	ssize_t  len;		/* 0: none came */
	bool     host;		/* it would have gone on to Linux */
	bool     sound;		/* libknot can read it */
	uint16_t flags;
	uint16_t questions;
	char     question[300];
	char    *section[3];	/* lines, sorted */
	uint16_t records[3];
	bool     edns;
	uint16_t edns_size;
	uint8_t  edns_version;
	bool     edns_do;
	uint16_t rcode;		/* with what OPT has of it */
};

static uint32_t seed = 1;
static bool is_knot;	/* the other server, else it is NSD */

static uint32_t draw(uint32_t n)
{
	seed = (uint32_t)((uint64_t)seed * 48271 % 2147483647);
	return seed % n;
}

static bool has(const struct ask *ask, char flag)
{
	return strchr(ask->flags, flag);
}

/* ------------------------------------------------------------------------
 * Questions
 */

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	ur_put_be16(p, v);
	return p + 2;
}

static uint8_t *put_name(uint8_t *p, const char *name)
{
	knot_dname_storage_t wire;
	char text[600];
	size_t i, len;

	snprintf(text, sizeof(text), strcmp(name, "@") == 0 ? "%.0s" ORIGIN :
		 name[strlen(name) - 1] == '.' ? "%s" : "%s." ORIGIN, name);
	if (!knot_dname_from_str(wire, text, sizeof(wire))) {
		fprintf(stderr, "%s is no name\n", text);
		exit(2);
	}
	len = knot_dname_size(wire);
	/* any case will do */
	for (i = 0; i < len; i++)
		p[i] = wire[i] >= 'a' && wire[i] <= 'z' && draw(4) == 0 ?
		       wire[i] - 32 : wire[i];
	return p + len;
}

static uint8_t *put_opt(uint8_t *p, const struct ask *ask)
{
	*p++ = 0;
	p = put16(p, DNS_OPT);
	p = put16(p, ask->size);
	*p++ = 0;
	*p++ = has(ask, 'v');
	p = put16(p, has(ask, 'd') ? 0x8000 : 0);
	return put16(p, 0);
}

static void build(struct ask *ask, uint16_t id)
{
	uint16_t flags = 0, opts = ask->edns[0] != '-';
	uint8_t *p = ask->wire;
	uint32_t n;

	if (knot_rrtype_from_string(ask->type, &ask->qtype)) {
		fprintf(stderr, "%s is no type\n", ask->type);
		exit(2);
	}
	ask->size = (uint16_t)atoi(ask->edns);
	flags |= has(ask, 'r') ? DNS_RD : 0;
	flags |= has(ask, 'c') ? 0x0010 : 0;	/* CD */
	flags |= has(ask, 'o') ? 2 << 11 : 0;
	opts += opts && has(ask, '2');
	p = put16(p, id);
	p = put16(p, flags);
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, 0);
	p = put16(p, opts);
	p = put_name(p, ask->name);
	p = put16(p, ask->qtype);
	p = put16(p, has(ask, 'h') ? DNS_CLASS_CH : DNS_CLASS_IN);
	while (opts--)
		p = put_opt(p, ask);
	ask->len = (uint32_t)(p - ask->wire);
	ask->broken = has(ask, 'm') || has(ask, 't');
	/* not the id, by which we know the answer */
	for (n = has(ask, 'm') ? 1 + draw(2) : 0; n; n--)
		ask->wire[2 + draw(ask->len - 2)] = (uint8_t)draw(256);
	if (has(ask, 't'))
		ask->len = 2 + draw(ask->len - 2);
}

/* ------------------------------------------------------------------------
 * Replies
 */

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *line_of(const knot_rrset_t *rr)
{
	knot_rrset_t *copy = knot_rrset_copy(rr, NULL);
	knot_dname_txt_storage_t owner = "";
	size_t i, room;
	char *line;
	FILE *out;

	knot_rrset_rr_to_canonical(copy);
	knot_dname_to_str(owner, copy->owner, sizeof(owner));
	out = open_memstream(&line, &room);
	fprintf(out, "%s %u %u ", owner, copy->type, copy->ttl);
	for (i = 0; i < copy->rrs.rdata->len; i++)
		fprintf(out, "%02x", copy->rrs.rdata->data[i]);
	fclose(out);
	knot_rrset_free(copy, NULL);
	return line;
}

static char *section_of(const knot_pktsection_t *section, uint16_t *records)
{
	char **lines = calloc(section->count + 1U, sizeof(*lines)), *text;
	size_t n = 0, i, room;
	FILE *out = open_memstream(&text, &room);

	for (i = 0; i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, (uint16_t)i);

		if (rr->type != KNOT_RRTYPE_OPT)
			lines[n++] = line_of(rr);
	}
	qsort(lines, n, sizeof(*lines), by_line);
	for (i = 0; i < n; i++) {
		fprintf(out, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	fclose(out);
	*records = (uint16_t)n;
	return text;
}

static void read_reply(struct told *t)
{
	knot_pkt_t *pkt;
	int i;

	if (t->len < DNS_HEADER)
		return;
	t->flags = ur_get_be16(t->wire + 2);
	t->questions = ur_get_be16(t->wire + 4);
	t->rcode = t->flags & 15;
	pkt = knot_pkt_new(t->wire, (uint16_t)t->len, NULL);
	t->sound = knot_pkt_parse(pkt, 0) == KNOT_EOK;
	if (t->sound && t->questions)
		snprintf(t->question, sizeof(t->question), "%.*s %u %u",
			 (int)knot_dname_size(knot_pkt_qname(pkt)) - 1,
			 (const char *)knot_pkt_qname(pkt),
			 knot_pkt_qtype(pkt), knot_pkt_qclass(pkt));
	for (i = 0; i < 3; i++)
		t->section[i] = section_of(knot_pkt_section(pkt,
							    (knot_section_t)i),
					   &t->records[i]);
	t->edns = pkt->opt_rr;
	if (t->edns) {
		t->edns_size = knot_edns_get_payload(pkt->opt_rr);
		t->edns_version = knot_edns_get_version(pkt->opt_rr);
		t->edns_do = knot_edns_do(pkt->opt_rr);
		t->rcode |= (uint16_t)(knot_edns_get_ext_rcode(pkt->opt_rr)
				       << 4);
	}
	knot_pkt_free(pkt);
}

static void forget(struct told *t)
{
	for (int i = 0; i < 3; i++)
		free(t->section[i]);
}

static void ask_ours(const struct dns_zone *zone, const struct ask *ask,
		     struct told *t)
{
	uint8_t *msg = calloc(1, 8 + DNS_ROOM + sizeof(ask->wire));
	struct dns_query q;

	memcpy(msg + 8, ask->wire, ask->len);
	t->len = dns_answer(zone, NULL, &q, msg + 8, ask->len);
	t->host = q.host;
	memcpy(t->wire, msg + 8, (size_t)t->len);
	free(msg);
	read_reply(t);
}

/* false: nothing came in time. */
static bool receive(int fd, const struct ask *ask, struct told *t)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	do {
		t->len = 0;
		if (poll(&p, 1, PATIENCE_MS) <= 0)
			return false;
		t->len = recv(fd, t->wire, sizeof(t->wire), 0);
		if (t->len < 0) {
			perror("dns_compare: nobody answers");
			exit(2);
		}
	} while (t->len < 2 || memcmp(t->wire, ask->wire, 2) != 0);
	return true;
}

/* Where an answer is to be expected, a busy server is asked again. */
static void ask_theirs(int fd, const struct ask *ask, struct told *t,
		       bool expected)
{
	int tries = expected ? TRIES : 1;

	do {
		if (send(fd, ask->wire, ask->len, 0) != (ssize_t)ask->len) {
			perror("dns_compare: send");
			exit(2);
		}
	} while (!receive(fd, ask, t) && --tries);
	read_reply(t);
}

/* ------------------------------------------------------------------------
 * Differences
 */

static bool same_section(const struct told *a, const struct told *b, int i)
{
	return strcmp(a->section[i], b->section[i]) == 0;
}

static const char *difference(const struct told *ours,
			      const struct told *theirs)
{
	static const char *const section[] = { "answer", "authority",
					       "additional" };
	int i;

	if (!ours->len || !theirs->len)
		return ours->len == theirs->len ? NULL : "whether to answer";
	if (!ours->sound)
		return "ours is broken";
	if (ours->flags != theirs->flags)
		return "header";
	if (ours->rcode != theirs->rcode)
		return "rcode";
	if (ours->questions != theirs->questions ||
	    strcmp(ours->question, theirs->question) != 0)
		return "question";
	for (i = 0; i < 3; i++)
		if (!same_section(ours, theirs, i))
			return section[i];
	if (ours->edns != theirs->edns)
		return "whether OPT";
	if (ours->edns_size != theirs->edns_size ||
	    ours->edns_version != theirs->edns_version ||
	    ours->edns_do != theirs->edns_do)
		return "OPT";
	return NULL;
}

/* Each line of one is in the other, too. */
static bool is_part(const struct told *part, const struct told *of, int i)
{
	const char *line = part->section[i];
	size_t len;

	for (; *line; line += len) {
		char text[2100];

		len = (size_t)(strchr(line, '\n') - line) + 1;
		snprintf(text, sizeof(text), "%.*s", (int)len, line);
		if (!strstr(of->section[i], text))
			return false;
	}
	return true;
}

static bool same_but_additional(const struct told *a, const struct told *b)
{
	return a->flags == b->flags && same_section(a, b, 0) &&
	       same_section(a, b, 1);
}

/* Return: the name of a difference that is meant to be, or NULL. */
static const char *explain(const struct ask *ask, const struct told *ours,
			   const struct told *theirs)
{
	uint16_t asked = ur_get_be16(ask->wire + 2);
	bool refuses = ours->rcode == DNS_REFUSED &&
		       theirs->rcode == DNS_REFUSED;

	if (ours->host)
		return "linux";
	if (theirs->rcode == DNS_FORMERR) {
		if (ours->rcode == DNS_FORMERR && !ours->questions &&
		    !((ours->flags ^ theirs->flags) & ~DNS_RD))
			return "formerr-rd";
		if (ask->broken && asked & 15)
			return "rcode-in-query";
		if (ask->broken && ask->size && !ours->edns)
			return "additional-record";
	}
	if (refuses && ask->broken && ours->questions && !theirs->questions)
		return "class-question";
	if (ours->rcode == DNS_BADVERS && theirs->rcode == DNS_BADVERS &&
	    !((ours->flags ^ theirs->flags) & ~0x0010))	/* CD */
		return "badvers-bits";
	if (ask->qtype == DNS_ANY && ours->records[0] && theirs->records[0] &&
	    ours->flags == theirs->flags)
		return "any-set";
	if (ours->flags == theirs->flags && is_part(ours, theirs, 0) &&
	    is_part(theirs, ours, 0) &&
	    ours->records[0] != theirs->records[0])
		return "leads-to-itself";
	if (ours->records[1] && is_part(ours, theirs, 2) &&
	    same_but_additional(ours, theirs))
		return "wild-glue";
	if ((ask->qtype == DNS_NS || (is_knot && ours->records[0])) &&
	    !ours->records[2] && same_but_additional(ours, theirs))
		return "positive-additional";
	if (ours->rcode == DNS_NOTIMP && theirs->rcode == DNS_NOTIMP &&
	    (asked & ~(DNS_OPCODE | DNS_RD) || (ours->edns && !theirs->edns)))
		return "notimp-bits";
	return NULL;
}

static void show(const char *who, const struct told *t)
{
	printf("  %s: %zd bytes, flags %04x, rcode %u, question %u, OPT %d %u %u\n",
	       who, t->len, t->flags, t->rcode, t->questions, t->edns,
	       t->edns_size, t->edns_do);
	for (int i = 0; i < 3; i++)
		if (t->section[i] && t->section[i][0])
			printf("    %d: %u records, %.100s\n", i, t->records[i],
			       t->section[i]);
}

#define KINDS	32

static struct {
	const char *name;
	uint32_t count;
} kind[KINDS];

static void count_kind(const char *name)
{
	int i;

	for (i = 0; kind[i].name && strcmp(kind[i].name, name) != 0; i++)
		;
	kind[i].name = name;
	kind[i].count++;
}

static int connect_to(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_port = htons((uint16_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror("dns_compare");
		exit(2);
	}
	return fd;
}

static struct dns_zone *load(char **names, uint32_t n)
{
	struct dns_source *source = calloc(n, sizeof(*source));
	struct dns_zone *zone;
	char text[400], *equals;
	uint32_t i;

	for (i = 0; i < n; i++) {
		equals = strchr(names[i], '=');
		source[i].file = equals ? equals + 1 : names[i];
		source[i].origin = equals ? names[i] : NULL;
		if (equals)
			*equals = '\0';
	}
	zone = dns_zone_load(source, n, NULL, text, sizeof(text));
	free(source);
	if (!zone) {
		fprintf(stderr, "dns_compare: %s\n", text);
		exit(2);
	}
	return zone;
}

int main(int argc, char **argv)
{
	uint32_t asked = 0, same = 0, explained = 0, wrong = 0;
	struct dns_zone *zone;
	int fd, i;

	if (argc < 4) {
		fprintf(stderr, "usage: dns_compare nsd|knot PORT [ORIGIN=]FILE...\n");
		return 2;
	}
	is_knot = strcmp(argv[1], "knot") == 0;
	zone = load(argv + 3, (uint32_t)argc - 3);
	fd = connect_to(atoi(argv[2]));
	for (;;) {
		struct told ours = { 0 }, theirs = { 0 };
		const char *what, *why;
		struct ask ask = { 0 };

		if (scanf("%299s %31s %7s %15s", ask.name, ask.type, ask.edns,
			  ask.flags) != 4)
			break;
		build(&ask, (uint16_t)++asked);
		ask_ours(zone, &ask, &ours);
		ask_theirs(fd, &ask, &theirs, ours.len);
		what = difference(&ours, &theirs);
		why = what ? explain(&ask, &ours, &theirs) : NULL;
		if (why) {
			count_kind(why);
			explained++;
		} else if (what) {
			wrong++;
			printf("%s %s edns %s flags %s: %s differs\n", ask.name,
			       ask.type, ask.edns, ask.flags, what);
			for (i = 0; ask.broken && i < (int)ask.len; i++)
				printf("%02x", ask.wire[i]);
			printf("\n");
			show("urdns ", &ours);
			show("theirs", &theirs);
		} else {
			same++;
		}
		forget(&ours);
		forget(&theirs);
	}
	for (i = 0; kind[i].name; i++)
		printf("%5u differ as they should: %s\n", kind[i].count,
		       kind[i].name);
	printf("%u queries: %u answers are the same, %u differ as they should, %u differ\n",
	       asked, same, explained, wrong);
	close(fd);
	dns_zone_free(zone);
	return wrong || !asked;
}
