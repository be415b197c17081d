// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/rdata.h"

#include <ctype.h>
#include <string.h>

#include <libuserring/csum.h>

#include "urdns/zone.h"

/*
 * A type's fields, a letter each:
 *
 *	1 2 4	a number of so many bytes
 *	c	a name that may be compressed	n	one that may not
 *	s	a string			S	one or more
 *	x	any bytes to the end		X	at least one
 *	d	a digest: DIGESTS		t	the tag of CAA
 *	m	bitmaps of types		p	address prefixes (APL)
 *	v	parameters of SVCB		g	a gateway, by its type in front
 *	h	host identity (HIP)		f	... and the names behind
 */
#define FIELDS_MAX	261

static const char *const fields[FIELDS_MAX] = {
	[DNS_A] = "4", [DNS_NS] = "c", [3 /* MD */] = "c", [4 /* MF */] = "c",
	[DNS_CNAME] = "c", [DNS_SOA] = "cc44444", [7 /* MB */] = "c",
	[8 /* MG */] = "c", [9 /* MR */] = "c", [11 /* WKS */] = "41x",
	[12 /* PTR */] = "c", [13 /* HINFO */] = "ss", [14 /* MINFO */] = "cc",
	[15 /* MX */] = "2c", [DNS_TXT] = "S", [17 /* RP */] = "nn",
	[18 /* AFSDB */] = "2n", [19 /* X25 */] = "s", [20 /* ISDN */] = "S",
	[21 /* RT */] = "2n", [22 /* NSAP */] = "X", [23 /* NSAP-PTR */] = "n",
	[24 /* SIG */] = "2114442nx", [25 /* KEY */] = "211x", [26 /* PX */] = "2nn",
	[27 /* GPOS */] = "sss", [DNS_AAAA] = "4444", [29 /* LOC */] = "1111444",
	[30 /* NXT */] = "nx", [33 /* SRV */] = "222n", [35 /* NAPTR */] = "22sssn",
	[36 /* KX */] = "2n", [37 /* CERT */] = "221x", [DNS_DNAME] = "n",
	[42 /* APL */] = "p", [DNS_DS] = "211d", [44 /* SSHFP */] = "11d",
	[45 /* IPSECKEY */] = "111gx", [48 /* DNSKEY */] = "211x",
	[49 /* DHCID */] = "X", [52 /* TLSA */] = "111d", [53 /* SMIMEA */] = "111d",
	[55 /* HIP */] = "hf", [56 /* NINFO */] = "S", [57 /* RKEY */] = "211x",
	[58 /* TALINK */] = "nn", [59 /* CDS */] = "211d", [60 /* CDNSKEY */] = "211x",
	[61 /* OPENPGPKEY */] = "X", [62 /* CSYNC */] = "42m",
	[63 /* ZONEMD */] = "411d", [64 /* SVCB */] = "2nv", [65 /* HTTPS */] = "2nv",
	[99 /* SPF */] = "S", [104 /* NID */] = "244", [105 /* L32 */] = "24",
	[106 /* L64 */] = "244", [107 /* LP */] = "2n", [108 /* EUI48 */] = "24",
	[109 /* EUI64 */] = "44", [256 /* URI */] = "22X", [257 /* CAA */] = "1tx",
	[258 /* AVC */] = "S", [260 /* AMTRELAY */] = "11g",
};

/* How long a digest of some kind is; the kind is the byte in front. */
static const struct digest {
	uint16_t type;
	uint8_t  kind;
	uint8_t  len;
} digests[] = {
	{ DNS_DS, 1, 20 }, { DNS_DS, 2, 32 }, { DNS_DS, 3, 32 }, { DNS_DS, 4, 48 },
	{ 59, 1, 20 }, { 59, 2, 32 }, { 59, 3, 32 }, { 59, 4, 48 },
	{ 32769, 1, 20 }, { 32769, 2, 32 }, { 32769, 3, 32 }, { 32769, 4, 48 },
	{ 44, 1, 20 }, { 44, 2, 32 }, { 52, 1, 32 }, { 52, 2, 64 },
	{ 53, 1, 32 }, { 53, 2, 64 }, { 63, 1, 48 }, { 63, 2, 64 },
};

static const char *fields_of(uint16_t type)
{
	if (type < FIELDS_MAX && fields[type])
		return fields[type];
	return type == 32769 /* DLV */ ? "211d" : "x";
}

/* ------------------------------------------------------------------------
 * Fields: each takes bytes, or says that they are wrong
 */

struct rest {
	uint16_t type;
	const uint8_t *p;
	uint32_t left;
	const char *why;	/* it is wrong */
};

static void wrong(struct rest *r, const char *why)
{
	r->why = why;
	r->left = 0;
}

static void take(struct rest *r, uint32_t n)
{
	if (n > r->left) {
		wrong(r, "its data is too short");
		return;
	}
	r->p += n;
	r->left -= n;
}

static void take_name(struct rest *r)
{
	uint32_t len = 0;

	while (len < r->left && r->p[len] && r->p[len] <= DNS_LABEL_MAX)
		len += 1U + r->p[len];
	if (len >= r->left)
		wrong(r, "a name in its data is not whole");
	else if (r->p[len])
		wrong(r, "a name in its data is compressed, or has a label of an unknown kind");
	else if (len >= DNS_NAME_MAX)
		wrong(r, "a name in its data has more than 255 bytes");
	else
		take(r, len + 1);
}

static void take_string(struct rest *r)
{
	take(r, r->left ? 1U + r->p[0] : 1);
}

static void take_strings(struct rest *r)
{
	do {
		take_string(r);
	} while (r->left);
}

static void take_digest(struct rest *r)
{
	uint8_t kind = r->p[-1];
	size_t i;

	for (i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (digests[i].type == r->type && digests[i].kind == kind &&
		    digests[i].len != r->left)
			wrong(r, "its digest has not the length that its kind has");
	if (!r->why && (!r->left || (r->type == 63 && r->left < 12)))
		wrong(r, "its digest is too short");
	r->left = 0;
}

static void take_tag(struct rest *r)
{
	uint32_t n = r->left ? r->p[0] : 0, i;

	if (!n || n >= r->left) {
		wrong(r, "its tag is empty, or not whole");
		return;
	}
	for (i = 1; i <= n; i++)
		if (!isalnum(r->p[i])) {
			wrong(r, "its tag is to have letters and digits only");
			return;
		}
	take(r, 1 + n);
}

static void take_bitmaps(struct rest *r)
{
	int last = -1;

	while (r->left) {
		if (r->left < 2 || r->p[0] <= last || !r->p[1] || r->p[1] > 32) {
			wrong(r, "its bitmap of types is wrong");
			return;
		}
		last = r->p[0];
		take(r, 2U + r->p[1]);
	}
}

static void take_prefixes(struct rest *r)
{
	while (r->left) {
		uint32_t n = r->left < 4 ? 0 : r->p[3] & 0x7fU;
		uint16_t family = r->left < 4 ? 0 : ur_get_be16(r->p);

		if ((family == 1 && (n > 4 || r->p[2] > 32)) ||
		    (family == 2 && (n > 16 || r->p[2] > 128))) {
			wrong(r, "an address prefix in its data is too long");
			return;
		}
		take(r, 4 + n);
	}
}

static void take_params(struct rest *r)
{
	int32_t last = -1;

	while (r->left) {
		int32_t key = r->left < 4 ? 0 : ur_get_be16(r->p);

		if (r->left >= 4 && key <= last) {
			wrong(r, "its parameters are not in order");
			return;
		}
		last = key;
		take(r, r->left < 4 ? 4 : 4U + ur_get_be16(r->p + 2));
	}
}

/* Its type is two bytes in front in IPSECKEY, the last one in AMTRELAY. */
static void take_gateway(struct rest *r)
{
	switch (r->type == 45 ? r->p[-2] : r->p[-1] & 0x7f) {
	case 0:
		break;
	case 1:
		take(r, 4);
		break;
	case 2:
		take(r, 16);
		break;
	case 3:
		take_name(r);
		break;
	default:
		wrong(r, "its gateway is of an unknown kind");
	}
}

static void take_identity(struct rest *r)
{
	if (r->left < 4 || !r->p[0] || !ur_get_be16(r->p + 2))
		wrong(r, "its data is too short");
	else
		take(r, 4U + r->p[0] + ur_get_be16(r->p + 2));
}

static void take_field(struct rest *r, char field)
{
	switch (field) {
	case '1': case '2': case '4':
		take(r, (uint32_t)(field - '0'));
		break;
	case 'c': case 'n':
		take_name(r);
		break;
	case 's':
		take_string(r);
		break;
	case 'S':
		take_strings(r);
		break;
	case 'd':
		take_digest(r);
		break;
	case 't':
		take_tag(r);
		break;
	case 'm':
		take_bitmaps(r);
		break;
	case 'p':
		take_prefixes(r);
		break;
	case 'v':
		take_params(r);
		break;
	case 'g':
		take_gateway(r);
		break;
	case 'h':
		take_identity(r);
		break;
	case 'f':
		while (r->left)
			take_name(r);
		break;
	case 'X':
		if (!r->left)
			wrong(r, "its data is too short");
		/* fall through */
	default:
		r->left = 0;
	}
}

/* ------------------------------------------------------------------------
 * Data
 */

const char *rdata_wrong(uint16_t type, const uint8_t *data, uint32_t len)
{
	struct rest r = { type, data, len, NULL };
	const char *f;

	/* RFC 6895, 3.1 */
	if (!type || type == DNS_OPT || (type >= 128 && type <= 255))
		return "this is no type for a record of a zone";
	for (f = fields_of(type); *f && !r.why; f++)
		take_field(&r, *f);
	if (!r.why && r.left)
		return "its data is too long";
	return r.why;
}

/* Return: its length, 0: it is none. */
static uint32_t name_length(char field, const uint8_t *p)
{
	const uint8_t *end = p;

	if (field != 'c' && field != 'n')
		return 0;
	while (*end)
		end += 1 + *end;
	return (uint32_t)(end - p) + 1;
}

/* Names can be alike only where all in front is of the same length. */
bool rdata_same(uint16_t type, const uint8_t *a, uint32_t a_len,
		const uint8_t *b, uint32_t b_len)
{
	struct rest r = { type, a, a_len, NULL };
	const char *f;
	uint32_t at, n, i;

	if (a_len != b_len)
		return false;
	if (memcmp(a, b, a_len) == 0)
		return true;
	for (f = fields_of(type); *f; f++) {
		at = (uint32_t)(r.p - a);
		n = name_length(*f, r.p);
		take_field(&r, *f);
		if (!n) {
			n = r.left ? (uint32_t)(r.p - a) - at : a_len - at;
			if (memcmp(a + at, b + at, n) != 0)
				return false;
			continue;
		}
		for (i = 0; i < n; i++)
			if (tolower(a[at + i]) != tolower(b[at + i]))
				return false;
	}
	return true;
}

uint32_t rdata_piece(uint16_t type, const uint8_t *data, uint32_t len,
		     uint32_t *at, bool *is_name)
{
	const char *f = fields_of(type);
	uint32_t begin = *at, pos = 0, n;

	/* of the types with such names the others have a length of their own */
	for (; *f == 'c' || (*f >= '1' && *f <= '4'); f++) {
		n = *f == 'c' ? name_length(*f, data + pos) :
				(uint32_t)(*f - '0');
		if (pos == begin && *f == 'c') {
			*is_name = true;
			*at = pos + n;
			return n;
		}
		if (pos >= begin && *f == 'c')
			break;
		pos += n;
	}
	*is_name = false;
	*at = *f == 'c' ? pos : len;
	return *at - begin;
}
