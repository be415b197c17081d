// SPDX-License-Identifier: BSD-2-Clause
/*
 * Master files into a tree of names, by libzscanner; and what of them cannot be
 * served.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <libknot/descriptor.h>
#include <libknot/dname.h>
#include <libzscanner/scanner.h>

#include "urdns/file.h"
#include "urdns/rdata.h"
#include "urdns/text.h"
#include "urdns/tree.h"

#define DEFAULT_TTL	3600		/* where none was ever stated */
#define TTL_MAX		0x7fffffffU	/* RFC 2181, 8 */
#define BYTES_MAX	((size_t)1 << 30)	/* of a zone's files */
#define INCLUDES_MAX	1000
#define DEPTH_MAX	8		/* of files that include each other */
#define PLACE_MAX	1500		/* of a text with a file, a line and a record */

/* Records that are in no zone of their file. */
struct outside {
	unsigned long long n;
	char first[PLACE_MAX];	/* where it is, and which */
};

/* All zones that are loaded together. */
struct all {
	struct tree tree;
	struct outside outside;
	bool mends;		/* files are made so that libzscanner can read them */
	bool unreadable;	/* it could not */
};

/* One zone on its way in. */
struct load {
	struct all *all;
	struct tree *tree;
	struct name *apex;
	const struct dns_source *source;
	uint8_t  origin[DNS_NAME_MAX];	/* what names end with at first */
	uint32_t origin_len;
	bool     guessed;	/* nobody has said that, up to now */
	bool     waits;		/* records came before the SOA */
	uint32_t no_ttl;	/* stands for "not stated" */
	uint32_t includes;
	size_t   bytes;
	char    *text;		/* a sentence: it is over */
	size_t   size;
};

/* A file of it. */
struct file {
	struct load *load;
	const char *name;
	struct text text;
	unsigned long long line;	/* where another one includes it */
	const struct file *from;	/* that */
	uint32_t depth;
	uint32_t ttl;		/* that was stated last */
	bool     again;		/* from the beginning: now the origin is known */
};

/* ------------------------------------------------------------------------
 * Sentences
 */

static void fail(struct load *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fail(struct load *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->text, l->size, format, args);
	va_end(args);
}

/* Where s is, and which record that is. */
static void tell(const zs_scanner_t *s, char *text, size_t size)
{
	const struct file *f = s->process.data;
	knot_dname_txt_storage_t owner = "";
	char type[16] = "";

	knot_dname_to_str(owner, s->r_owner, sizeof(owner));
	knot_rrtype_to_string(s->r_type, type, sizeof(type));
	snprintf(text, size, "%s:%llu: %s %s", f->name,
		 (unsigned long long)s->line_counter, owner, type);
}

/* At a line of a file, which ends there. */
static void refuse(const zs_scanner_t *s, const char *what)
{
	const struct file *f = s->process.data;
	char place[PLACE_MAX];

	tell(s, place, sizeof(place));
	fail(f->load, "%s: %s", place, what);
}

static void fail_name(struct load *l, const struct name *n, const char *what)
{
	knot_dname_txt_storage_t text = "";

	knot_dname_to_str(text, n->wire, sizeof(text));
	fail(l, "%s: %s %s", l->source->file, text, what);
}

/* ------------------------------------------------------------------------
 * Records
 */

static const char no_memory[] = "there is no memory left for it";

static const char *unwanted(uint16_t type)
{
	switch (type) {
	case DNS_DNAME:
		return "urdns does not make CNAMEs of a DNAME; leave it out, or serve this zone by another server";
	case DNS_RRSIG:
	case DNS_NSEC:
	case DNS_NSEC3:
	case DNS_NSEC3PARAM:
		return "urdns does not send signatures, so that a signed zone would be taken for forged; give it the unsigned file";
	default:
		return NULL;
	}
}

/*
 * A TTL that is left out is $TTL's (RFC 2308, 4), or as long as there is none the one
 * that was stated last (RFC 1035, 5.1).
 */
static uint32_t ttl_of(const zs_scanner_t *s)
{
	struct file *f = s->process.data;

	if (s->r_ttl == f->load->no_ttl)
		return f->ttl;
	f->ttl = s->r_ttl;
	return s->r_ttl;
}

static bool is_origin(const struct load *l, const uint8_t *wire, uint32_t len)
{
	return len == l->origin_len && knot_dname_is_case_equal(wire, l->origin);
}

/*
 * The SOA says where the zone begins; what comes before it is read when it is known, in
 * one more run.  If neither the command line nor $ORIGIN said
 * what names end with, this is it, if it does not depend on that.
 */
static bool begin_zone(zs_scanner_t *s)
{
	struct file *f = s->process.data;
	struct load *l = f->load;

	if (s->r_type != DNS_SOA) {
		l->waits = true;
		return false;
	}
	if (l->guessed && is_origin(l, s->zone_origin, s->zone_origin_length)) {
		if (knot_dname_in_bailiwick(s->r_owner, l->origin) >= 0) {
			fail(l, "%s:%llu: which zone is it? There is no $ORIGIN: say --zone ORIGIN=%s",
			     f->name, (unsigned long long)s->line_counter,
			     l->source->file);
			return false;
		}
		memcpy(l->origin, s->r_owner, s->r_owner_length);
		l->origin_len = s->r_owner_length;
		l->guessed = false;
		f->again = true;
		return false;
	}
	if (l->source->origin && !is_origin(l, s->r_owner, s->r_owner_length)) {
		refuse(s, "the zone is to be another one, by --zone ORIGIN=FILE");
		return false;
	}
	if (tree_find(l->tree, s->r_owner, s->r_owner_length)) {
		refuse(s, "there is a zone with this name already, or one around it");
		return false;
	}
	l->apex = tree_add_apex(l->tree, s->r_owner, s->r_owner_length);
	if (!l->apex)
		refuse(s, no_memory);
	f->again = l->waits;
	return l->apex && !f->again;
}

static void add_record(zs_scanner_t *s, struct name *name, uint32_t ttl)
{
	struct file *f = s->process.data;

	switch (tree_add_record(f->load->tree, name, s->r_type, ttl, s->r_data,
				s->r_data_length)) {
	case TREE_ADDED:
		break;
	case TREE_NO_MEMORY:
		refuse(s, no_memory);
		break;
	case TREE_SETS_MAX:
		refuse(s, "a name has at most 256 types");
		break;
	case TREE_RECORDS_MAX:
		refuse(s, "a name has at most 4,096 records of one type: no message has room for more");
		break;
	}
}

/* A zone says nothing about names that are not in it; who wrote it is told. */
static void leave_out(const zs_scanner_t *s)
{
	const struct file *f = s->process.data;
	struct outside *o = &f->load->all->outside;

	if (!o->n++)
		tell(s, o->first, sizeof(o->first));
}

/* The SOA is there once, or the same one again, as at the end of a transfer. */
static bool is_second_soa(const zs_scanner_t *s, const struct name *name)
{
	const struct rrset *soa = name_set(name, DNS_SOA);

	return name->up || (soa && !rdata_same(DNS_SOA, soa->first->data,
					       soa->first->len, s->r_data,
					       s->r_data_length));
}

/*
 * The owner lies in the scanner behind other things, so that dns_word() is at ease.
 */
static void on_record(zs_scanner_t *s)
{
	struct file *f = s->process.data;
	struct load *l = f->load;
	const char *why = unwanted(s->r_type);
	uint32_t ttl = ttl_of(s);
	struct name *name;
	bool outside;

	if (!why)
		why = rdata_wrong(s->r_type, s->r_data, s->r_data_length);
	if (!why && ttl > TTL_MAX)
		why = "its TTL is more than 2147483647";
	if (why) {
		refuse(s, why);
		return;
	}
	if (!l->apex && !begin_zone(s))
		return;
	if (!tree_is_below(l->apex, s->r_owner, s->r_owner_length)) {
		leave_out(s);
		return;
	}
	name = tree_name(l->tree, l->apex, s->r_owner, s->r_owner_length,
			 &outside);
	if (!name)
		refuse(s, outside ? "it is in one more zone that is served: a zone is to lie in no other" :
				    no_memory);
	else if (s->r_type == DNS_SOA && is_second_soa(s, name))
		refuse(s, "a zone has one SOA");
	else
		add_record(s, name, ttl);
}

/* ------------------------------------------------------------------------
 * Files
 */

static void parse_file(struct file *f, const uint8_t *origin,
		       uint32_t origin_len, uint32_t default_ttl);

/* Names of files are as in the one that includes them, from the folder we are in. */
static void include(zs_scanner_t *s)
{
	struct file *f = s->process.data;
	struct load *l = f->load;
	const char *name = s->include_filename;
	knot_dname_storage_t origin;
	struct file in = { .load = l, .line = s->line_counter, .from = f,
			   .depth = f->depth + 1, .ttl = f->ttl };
	const char *slash = strrchr(f->name, '/');
	char *path = NULL;

	if (in.depth > DEPTH_MAX || ++l->includes > INCLUDES_MAX) {
		fail(l, "%s:%llu: files include each other, or %d files are included: that is too much",
		     f->name, (unsigned long long)s->line_counter, INCLUDES_MAX);
		return;
	}
	/* the scanner put its own folder in front, which is "." */
	if (name[0] != '/')
		name += 2;
	if (asprintf(&path, "%.*s%s", name[0] == '/' || !slash ? 0 :
		     (int)(slash + 1 - f->name), f->name, name) < 0) {
		fail(l, "%s: %s", f->name, no_memory);
		return;
	}
	in.name = path;
	/* the origin as text, whether it was stated or not */
	if (knot_dname_from_str(origin, (const char *)s->buffer, sizeof(origin)))
		parse_file(&in, origin, (uint32_t)knot_dname_size(origin),
			   s->default_ttl);
	else
		fail(l, "%s: %s", f->name, no_memory);
	f->again = in.again;
	free(path);
}

/* Bytes of the text that are read. */
static size_t offset(const zs_scanner_t *s)
{
	return (size_t)(s->input.current - s->input.start);
}

static void on_error(const zs_scanner_t *s)
{
	const struct file *f = s->process.data;
	uint16_t number = 0;
	const char *type = text_unknown_type(&f->text, offset(s), &number);

	f->load->all->unreadable = true;
	if (type) {
		fail(f->load, "%s:%llu: type %s is not supported in this form; write it as TYPE%u \\# LENGTH HEX",
		     f->name, (unsigned long long)s->line_counter, type, number);
		return;
	}
	/* what libzscanner does not know might have been a TTL, to its mind */
	fail(f->load, "%s:%llu: %s%s", f->name,
	     (unsigned long long)s->line_counter, zs_strerror(s->error.code),
	     s->error.code == ZS_BAD_NUMBER && !s->r_type ?
	     ", or this type is not supported; write it as TYPEn \\# LENGTH HEX" :
	     "");
}

static void parse(struct file *f, zs_scanner_t *s)
{
	struct load *l = f->load;

	do {
		s->r_type = 0;
		if (zs_parse_record(s))
			s->state = ZS_STATE_ERROR;
		switch (s->state) {
		case ZS_STATE_DATA:
			s->r_type = text_type(&f->text, offset(s), s->r_type);
			on_record(s);
			break;
		case ZS_STATE_INCLUDE:
			include(s);
			break;
		case ZS_STATE_EOF:
			return;
		default:
			on_error(s);
		}
		if (tree_stopped(l->tree))
			fail(l, "it was stopped");
	} while (!l->text[0] && !f->again);
}

static void parse_text(struct file *f, const uint8_t *origin,
		       uint32_t origin_len, uint32_t default_ttl)
{
	zs_scanner_t *s = malloc(sizeof(*s));

	if (!s || zs_init(s, ".", DNS_CLASS_IN, default_ttl)) {
		fail(f->load, "%s: %s", f->name, no_memory);
		free(s);
		return;
	}
	memcpy(s->zone_origin, origin, origin_len);
	s->zone_origin_length = origin_len;
	s->process.data = f;
	if (zs_set_input_string(s, f->text.bytes, f->text.len))
		on_error(s);
	else
		parse(f, s);
	zs_deinit(s);
	free(s);
}

static const char *read_text(struct file *f)
{
	struct load *l = f->load;
	const size_t most = BYTES_MAX - l->bytes;
	const char *why;

	why = file_read(f->name, most, &f->text.bytes, &f->text.len);
	if (why)
		return why;
	text_unix_lines(&f->text);
	if (l->all->mends)
		why = text_mend(&f->text, most);
	l->bytes += f->text.len;
	return why;
}

static void parse_file(struct file *f, const uint8_t *origin,
		       uint32_t origin_len, uint32_t default_ttl)
{
	struct load *l = f->load;
	const char *why = read_text(f);

	if (why && f->from)
		fail(l, "%s:%llu: cannot read %s: %s", f->from->name, f->line,
		     f->name, why);
	else if (why)
		fail(l, "cannot read zone %s: %s", f->name, why);
	else if (f->text.len)
		parse_text(f, origin, origin_len, default_ttl);
	text_free(&f->text);
	f->text = (struct text){ 0 };
}

/* ------------------------------------------------------------------------
 * Whole zones
 */

static void find_cut(struct name *name)
{
	for (struct name *n = name; n->up; n = n->up)
		if (n->has_ns)
			name->cut = n;
}

static const char *wrong_with(const struct name *n)
{
	const struct rrset *cname = name_set(n, DNS_CNAME);

	if (cname && cname->count > 1)
		return "has more than one CNAME";
	if (cname && n->types > 1)
		return "has a CNAME, and other records beside it";
	if (is_wildcard(n) && n->has_ns)
		return "is a wildcard with NS: what that means nobody has said";
	if (!n->up && !n->has_ns)
		return "has no NS record";
	/* it was there when the file was read the first time */
	if (!n->up && !name_set(n, DNS_SOA))
		return "has no SOA record";
	return NULL;
}

static bool lies_in_another(const struct tree *tree, const struct name *apex)
{
	const uint8_t *p = apex->wire;

	while (*p) {
		p += 1 + *p;
		if (tree_find(tree, p, wire_len(p)))
			return true;
	}
	return false;
}

static bool check_zone(struct load *l)
{
	struct name *n;

	for (n = l->apex; n; n = n->next) {
		const char *why = NULL;

		find_cut(n);
		/* what lies below a cut is there for glue */
		if (!n->cut || n->cut == n)
			why = wrong_with(n);
		if (why) {
			fail_name(l, n, why);
			return false;
		}
	}
	return true;
}

/* What is not said anywhere is a number, and a name, that no file can know. */
static bool begin_load(struct load *l)
{
	const char *origin = l->source->origin;
	uint8_t *label = l->origin + 1;

	if (origin) {
		if (!knot_dname_from_str(l->origin, origin, sizeof(l->origin))) {
			fail(l, "\"%s\" is no name of a zone", origin);
			return false;
		}
		l->origin_len = (uint32_t)knot_dname_size(l->origin);
	} else {
		l->guessed = true;
		l->origin[0] = 16;
		l->origin_len = 18;
	}
	if ((!origin && getrandom(label, 16, 0) != 16) ||
	    getrandom(&l->no_ttl, sizeof(l->no_ttl), 0) != sizeof(l->no_ttl)) {
		fail(l, "%s: there are no random numbers", l->source->file);
		return false;
	}
	l->no_ttl |= TTL_MAX + 1;
	return true;
}

static bool load_zone(struct all *all, const struct dns_source *source,
		      char *text, size_t size)
{
	struct load l = { .all = all, .tree = &all->tree, .source = source,
			  .text = text, .size = size };
	struct file f;

	text[0] = '\0';
	if (!begin_load(&l))
		return false;
	do {
		f = (struct file){ .load = &l, .name = source->file, .ttl = DEFAULT_TTL };
		l.bytes = 0;
		l.includes = 0;
		parse_file(&f, l.origin, l.origin_len, l.no_ttl);
	} while (!text[0] && f.again);
	if (!text[0] && !l.apex)
		fail(&l, "%s: there is no %s in it", source->file,
		     l.waits ? "SOA record" : "record");
	return !text[0] && check_zone(&l);
}

/* Each zone lies in no other one. */
static bool load_zones(struct all *all, const struct dns_source *sources,
		       uint32_t n, char *text, size_t size)
{
	struct name *name;
	uint32_t i;

	for (i = 0; i < n; i++)
		if (!load_zone(all, &sources[i], text, size))
			return false;
	for (name = all->tree.first; name; name = name->next) {
		struct load l = { .source = &sources[0], .text = text,
				  .size = size };

		if (!name->up && lies_in_another(&all->tree, name)) {
			fail_name(&l, name, "lies in another zone that is served: give it to a server of its own");
			return false;
		}
	}
	return true;
}

static void say_outside(const struct outside *o, char *text, size_t size)
{
	if (o->n == 1)
		snprintf(text, size, "%s: it is not in the zone, and left out",
			 o->first);
	else if (o->n)
		snprintf(text, size, "%s: it is not in the zone, and left out; so are %llu other records",
			 o->first, o->n - 1);
}

/* Of files that libzscanner can read nothing is looked at but by it. */
struct dns_zone *dns_zone_load(const struct dns_source *sources, uint32_t n,
			       const uint32_t *stop, char *text, size_t size)
{
	struct all all = { .mends = false };
	struct dns_zone *zone = NULL;
	const char *why = "";
	bool loaded;

	for (;;) {
		if (!tree_init(&all.tree, stop)) {
			snprintf(text, size, "there is no memory left");
			return NULL;
		}
		loaded = load_zones(&all, sources, n, text, size);
		if (loaded || all.mends || !all.unreadable)
			break;
		tree_free(&all.tree);
		all = (struct all){ .mends = true };
	}
	if (loaded) {
		zone = encode(&all.tree, &why);
		snprintf(text, size, "%s", why);
	}
	if (zone)
		say_outside(&all.outside, text, size);
	tree_free(&all.tree);
	return zone;
}
