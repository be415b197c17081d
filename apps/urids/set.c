// SPDX-License-Identifier: BSD-2-Clause
/* Lists of addresses and of ports: [a,!b,[c,d]], variables, any. */
#include "urids/rule.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX	8	/* lists in lists, variables in variables */
#define ATOM_MAX	64	/* bytes of one address or range */
#define PORTS		65536

/* What one element is, in one of the two languages. */
typedef bool atom_fn(struct rule_text *t, void *set, const char *atom,
		     bool negated);

struct walk {
	atom_fn *atom;
	void *set;
};

static bool walk_list(struct rule_text *t, const struct walk *w, bool negated,
		      uint32_t depth);

static void skip_blanks(struct rule_text *t)
{
	while (t->p < t->end && isblank((unsigned char)*t->p))
		t->p++;
}

/* Is the next character this one?  Then it is taken. */
static bool take(struct rule_text *t, char c)
{
	skip_blanks(t);
	if (t->p == t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

static bool take_word(struct rule_text *t, char word[ATOM_MAX])
{
	size_t n = 0;

	skip_blanks(t);
	while (t->p + n < t->end && !strchr("[],! \t$", t->p[n]))
		n++;
	if (!n)
		return rule_fail(t, RULE_WRONG, "a list has an empty element");
	if (n >= ATOM_MAX)
		return rule_fail(t, RULE_WRONG, "\"%.20s...\" is no address and no port",
				 t->p);
	memcpy(word, t->p, n);
	word[n] = '\0';
	t->p += n;
	return true;
}

static const char *value_of(const struct rule_vars *vars, const char *name)
{
	size_t len = strlen(name);

	for (uint32_t i = 0; i < vars->n; i++)
		if (!strncmp(vars->name[i], name, len) &&
		    vars->name[i][len] == '=')
			return vars->name[i] + len + 1;
	return NULL;
}

static bool walk_variable(struct rule_text *t, const struct walk *w,
			  bool negated, uint32_t depth)
{
	const char *p, *end, *value;
	char name[ATOM_MAX];
	bool ok;

	if (!take_word(t, name))
		return false;
	value = value_of(t->vars, name);
	if (!value)
		return rule_fail(t, RULE_WRONG, "$%s is not set: --var %s=VALUE",
				 name, name);
	p = t->p;
	end = t->end;
	t->p = value;
	t->end = value + strlen(value);
	ok = walk_list(t, w, negated, depth + 1);
	if (ok && take(t, ','))
		ok = rule_fail(t, RULE_WRONG, "the value of $%s is a list without brackets",
			       name);
	skip_blanks(t);
	if (ok && t->p != t->end)
		ok = rule_fail(t, RULE_WRONG, "the value of $%s ends in \"%.20s\"",
			       name, t->p);
	t->p = p;
	t->end = end;
	return ok;
}

/* One element, which may be a list. */
static bool walk_list(struct rule_text *t, const struct walk *w, bool negated,
		      uint32_t depth)
{
	char word[ATOM_MAX];

	if (depth > DEPTH_MAX)
		return rule_fail(t, RULE_UNSUPPORTED, "lists and variables lie in each other more than %d deep",
				 DEPTH_MAX);
	if (take(t, '!')) {
		if (negated)
			return rule_fail(t, RULE_UNSUPPORTED, "a negation within a negated list or variable");
		negated = true;
	}
	if (take(t, '$'))
		return walk_variable(t, w, negated, depth);
	if (!take(t, '['))
		return take_word(t, word) && w->atom(t, w->set, word, negated);
	do {
		if (!walk_list(t, w, negated, depth + 1))
			return false;
	} while (take(t, ','));
	return take(t, ']') ||
	       rule_fail(t, RULE_WRONG, "a list lacks its \"]\"");
}

static bool walk(struct rule_text *t, atom_fn *atom, void *set)
{
	const struct walk w = { atom, set };

	/* the brackets of the whole may be left out */
	do {
		if (!walk_list(t, &w, false, 0))
			return false;
	} while (take(t, ','));
	return t->p == t->end ||
	       rule_fail(t, RULE_WRONG, "\"%.*s\" is left over behind a list",
			 t->end - t->p < 20 ? (int)(t->end - t->p) : 20, t->p);
}

/* ------------------------------------------------------------------------
 * Addresses
 */

struct addr_set {
	struct rule_addrs *addrs;
	bool any;
};

static bool add_net(struct rule_text *t, struct rule_net **nets, uint32_t *n,
		    const struct rule_net *net)
{
	struct rule_net *grown = realloc(*nets, (*n + 1) * sizeof(*net));

	if (!grown)
		return rule_fail(t, RULE_NO_MEMORY, "no memory");
	grown[(*n)++] = *net;
	*nets = grown;
	return true;
}

/* 255.255.255.0 */
static bool parse_mask(const char *text, uint8_t *bits)
{
	uint8_t bytes[4];
	uint32_t mask;

	if (inet_pton(AF_INET, text, bytes) != 1)
		return false;
	mask = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
	for (*bits = 0; *bits < 32 && mask >> 31; mask <<= 1)
		(*bits)++;
	return !mask;
}

/* "/24", "/255.255.255.0" of IPv4, or nothing. */
static bool parse_bits(const char *text, uint8_t max, uint8_t *bits)
{
	char *end;
	long n;

	*bits = max;
	if (!text)
		return true;
	if (max == 32 && strchr(text, '.'))
		return parse_mask(text, bits);
	n = strtol(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || n > max)
		return false;
	*bits = (uint8_t)n;
	return true;
}

static bool addr_atom(struct rule_text *t, void *arg, const char *atom,
		      bool negated)
{
	struct rule_net net = { .family = 4 };
	struct addr_set *set = arg;
	struct rule_addrs *a = set->addrs;
	char addr[ATOM_MAX], *slash;

	if (!strcmp(atom, "any")) {
		set->any = true;
		return !negated || rule_fail(t, RULE_WRONG, "!any is no address");
	}
	strcpy(addr, atom);
	slash = strchr(addr, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, addr, net.addr) != 1) {
		net.family = 6;
		if (inet_pton(AF_INET6, addr, net.addr) != 1)
			return rule_fail(t, strchr(atom, '-') ? RULE_UNSUPPORTED :
					 RULE_WRONG, "\"%s\" is no address and no network like 10.0.0.0/8",
					 atom);
	}
	if (!parse_bits(slash, net.family == 4 ? 32 : 128, &net.bits))
		return rule_fail(t, RULE_WRONG, "\"%s\" has no prefix length from 0 to %d",
				 atom, net.family == 4 ? 32 : 128);
	if (negated)
		return add_net(t, &a->out, &a->n_out, &net);
	return add_net(t, &a->in, &a->n_in, &net);
}

bool rule_parse_addrs(struct rule_text *t, struct rule_addrs *addrs)
{
	struct addr_set set = { .addrs = addrs };

	if (!walk(t, addr_atom, &set))
		return false;
	if (set.any)
		addrs->n_in = 0;	/* all but those in .out */
	return true;
}

static bool net_has(const struct rule_net *net, uint8_t family,
		    const uint8_t *addr)
{
	uint32_t whole = net->bits / 8, rest = net->bits % 8;

	return net->family == family && !memcmp(net->addr, addr, whole) &&
	       (!rest || !((net->addr[whole] ^ addr[whole]) >> (8 - rest)));
}

static bool nets_have(const struct rule_net *nets, uint32_t n, uint8_t family,
		      const uint8_t *addr)
{
	for (uint32_t i = 0; i < n; i++)
		if (net_has(&nets[i], family, addr))
			return true;
	return false;
}

bool rule_addrs_have(const struct rule_addrs *addrs, uint8_t family,
		     const uint8_t *addr)
{
	return (!addrs->n_in ||
		nets_have(addrs->in, addrs->n_in, family, addr)) &&
	       !nets_have(addrs->out, addrs->n_out, family, addr);
}

/* ------------------------------------------------------------------------
 * Ports
 */

struct port_set {
	uint8_t in[PORTS], out[PORTS];
	bool any_in;
};

/* 80, 1024:, :1023, 5000:5010 */
static bool parse_range(const char *text, uint32_t *first, uint32_t *last)
{
	const char *colon = strchr(text, ':');
	char *end;

	*first = 0;
	*last = PORTS - 1;
	if (colon != text) {
		if (!isdigit((unsigned char)*text))
			return false;
		*first = (uint32_t)strtoul(text, &end, 10);
		if (end != (colon ? colon : text + strlen(text)) || *first >= PORTS)
			return false;
		if (!colon)
			*last = *first;
	}
	if (colon && colon[1]) {
		if (!isdigit((unsigned char)colon[1]))
			return false;
		*last = (uint32_t)strtoul(colon + 1, &end, 10);
		if (*end || *last >= PORTS)
			return false;
	}
	return *first <= *last && strlen(text) > !!colon;
}

static bool port_atom(struct rule_text *t, void *arg, const char *atom,
		      bool negated)
{
	struct port_set *set = arg;
	uint32_t first = 0, last = PORTS - 1;

	if (!strcmp(atom, "any")) {
		if (negated)
			return rule_fail(t, RULE_WRONG, "!any is no port");
	} else if (!parse_range(atom, &first, &last)) {
		return rule_fail(t, RULE_WRONG, "\"%s\" is no port and no range like 1024:2047",
				 atom);
	}
	memset((negated ? set->out : set->in) + first, 1, last - first + 1);
	set->any_in |= !negated;
	return true;
}

/* Ranges of what is in and not out. */
static bool make_ranges(struct rule_text *t, const struct port_set *set,
			struct rule_ports *ports)
{
	struct rule_range *grown, range;
	uint32_t i = 0;

	while (i < PORTS) {
		while (i < PORTS && !(set->in[i] && !set->out[i]))
			i++;
		if (i == PORTS)
			break;
		range.first = (uint16_t)i;
		while (i < PORTS && set->in[i] && !set->out[i])
			i++;
		range.last = (uint16_t)(i - 1);
		grown = realloc(ports->range, (ports->n + 1) * sizeof(range));
		if (!grown)
			return rule_fail(t, RULE_NO_MEMORY, "no memory");
		grown[ports->n++] = range;
		ports->range = grown;
	}
	if (!ports->n)
		return rule_fail(t, RULE_WRONG, "no port is left by this list");
	/* all: the usual "any" */
	if (!ports->range[0].first && ports->range[0].last == PORTS - 1)
		ports->n = 0;
	return true;
}

bool rule_parse_ports(struct rule_text *t, struct rule_ports *ports)
{
	struct port_set *set;
	bool ok;

	/* what most rules say takes no table */
	if (t->end - t->p == 3 && !memcmp(t->p, "any", 3))
		return true;
	set = calloc(1, sizeof(*set));
	if (!set)
		return rule_fail(t, RULE_NO_MEMORY, "no memory");
	ok = walk(t, port_atom, set);
	if (ok && !set->any_in)
		memset(set->in, 1, sizeof(set->in));
	ok = ok && make_ranges(t, set, ports);
	free(set);
	return ok;
}

bool rule_ports_have(const struct rule_ports *ports, uint16_t port)
{
	if (!ports->n)
		return true;
	for (uint32_t i = 0; i < ports->n; i++)
		if (port <= ports->range[i].last)
			return port >= ports->range[i].first;
	return false;
}
