/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules: the part of Suricata's and Snort's language that docs/urids.md lists,
 * from text to structs.  rule.c reads the file and what is in front of the
 * parenthesis, option.c what is in it, set.c lists of addresses and ports.
 *
 * Nothing is half understood: a rule that asks for what is not there is refused.
 */
#ifndef APPS_URIDS_RULE_H
#define APPS_URIDS_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_CONTENTS_MAX	32
#define RULE_CONTENT_LEN_MAX	255
#define RULE_VARS_MAX		64
#define RULE_WHY_MAX		256	/* bytes of a sentence */
#define RULE_PRIORITY		3	/* of a rule that does not say */

/* In the order in which they are tried: who passes a packet has the last word. */
enum rule_action {
	RULE_PASS,
	RULE_DROP,
	RULE_ALERT,
};

enum rule_proto {
	RULE_IP,	/* any */
	RULE_TCP,
	RULE_UDP,
	RULE_ICMP,	/* of IPv4 and of IPv6 */
};

struct rule_net {
	uint8_t family;	/* 4 or 6 */
	uint8_t bits;
	uint8_t addr[16];
};

/* What is in .in and not in .out; without any: all addresses. */
struct rule_addrs {
	struct rule_net *in, *out;
	uint32_t n_in, n_out;
};

struct rule_range {
	uint16_t first, last;
};

/* Ascending, with gaps between them; none: all ports. */
struct rule_ports {
	struct rule_range *range;
	uint32_t n;
};

struct rule_content {
	uint8_t *bytes;		/* lower case if .nocase */
	uint16_t len;
	bool nocase;
	bool negated;
	bool relative;		/* to the end of the content before it */
	/* bits of what was said, so that nothing is said twice */
	uint8_t said;
	int32_t offset;		/* distance, if .relative */
	uint32_t depth;		/* within, if .relative; 0: no limit */
};

struct rule {
	enum rule_action action;
	enum rule_proto proto;
	bool both;		/* <> */
	struct rule_addrs src, dst;
	struct rule_ports sport, dport;
	struct rule_content *content;
	uint32_t n_contents;
	uint32_t sid;
	uint32_t rev;
	bool has_rev;
	uint32_t priority;
	uint32_t line;
	char *msg;
};

struct rules {
	struct rule *rule;
	uint32_t n;
};

/* --var NAME=VALUE */
struct rule_vars {
	const char *name[RULE_VARS_MAX];	/* up to the '=' */
	uint32_t n;
};

enum rule_fault {
	RULE_FINE,
	RULE_WRONG,		/* nobody would take it */
	RULE_UNSUPPORTED,	/* sound as far as can be seen, but not for us */
	RULE_NO_MEMORY,
};

/* Is told of every rule that is refused, with a sentence. */
typedef void rule_refused_fn(void *arg, uint32_t line, enum rule_fault fault,
			     const char *why);

/*
 * Reads a file of rules.  Rules that are refused are left out; the caller decides
 * whether it takes the others.
 *
 * Return: 0, or -ENOMEM.  Either way *rules is to be freed.
 */
int rules_parse(struct rules *rules, const char *text, size_t len,
		const struct rule_vars *vars, rule_refused_fn *refused,
		void *arg);
void rules_free(struct rules *rules);

/* Takes NAME=VALUE, which stays the caller's.  Return: false: it is not that. */
bool rule_var_add(struct rule_vars *vars, const char *text);

/* Is the address, 4 or 16 bytes, among them? */
bool rule_addrs_have(const struct rule_addrs *addrs, uint8_t family,
		     const uint8_t *addr);
bool rule_ports_have(const struct rule_ports *ports, uint16_t port);

/* ------------------------------------------------------------------------
 * Between rule.c, option.c and set.c
 */

struct rule_text {
	const char *p, *end;
	const struct rule_vars *vars;
	enum rule_fault fault;
	char why[RULE_WHY_MAX];
};

/* Says why, unless something was said before.  Return: false. */
bool rule_fail(struct rule_text *t, enum rule_fault fault, const char *format,
	       ...) __attribute__((format(printf, 3, 4)));

/* Lists; t has the list and nothing else. */
bool rule_parse_addrs(struct rule_text *t, struct rule_addrs *addrs);
bool rule_parse_ports(struct rule_text *t, struct rule_ports *ports);

/* t is what is between the parentheses. */
bool rule_parse_options(struct rule_text *t, struct rule *rule);

#endif /* APPS_URIDS_RULE_H */
