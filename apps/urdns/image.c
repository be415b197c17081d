// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/image.h"

#include <sys/mman.h>

#include <libuserring/csum.h>
#include <libuserring/parse.h>

#define HUGE_PAGE	((size_t)2 << 20)
#define IMAGE_MAX	((size_t)UINT32_MAX & ~(HUGE_PAGE - 1))

/* ------------------------------------------------------------------------
 * Room
 */

/* Addresses that begin with a huge page: lookups go all over the place. */
static uint8_t *find_addresses(size_t size)
{
	uint8_t *p = mmap(NULL, size + HUGE_PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p & (HUGE_PAGE - 1);
	if (before)
		munmap(p, before);
	if (HUGE_PAGE - before)
		munmap(p + before + size, HUGE_PAGE - before);
	return p + before;
}

/* Pages change their addresses, nothing is copied. */
static bool grow(struct image *im, size_t need)
{
	struct dns_zone *zone = im->zone;
	size_t size = zone->size + zone->size / 2;
	uint8_t *p;

	if (need > IMAGE_MAX) {
		im->why = "the answers take more than 4 GiB: divide the zones among processes";
		return false;
	}
	size = ((need > size ? need : size) + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	if (size > IMAGE_MAX)
		size = IMAGE_MAX;
	p = find_addresses(size);
	if (!p)
		goto no_memory;
	if (zone->base)
		p = mremap(zone->base, zone->size, size,
			   MREMAP_MAYMOVE | MREMAP_FIXED, p);
	else
		p = mmap(p, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED)
		goto no_memory;
	zone->base = p;
	zone->size = size;
	madvise(zone->base, zone->size, MADV_HUGEPAGE);
	return true;

no_memory:
	im->why = "there is no memory for the answers";
	return false;
}

uint32_t image_place(struct image *im, size_t size)
{
	size_t at = (im->used + 7) & ~(size_t)7;

	if (at + size > im->zone->size && !grow(im, at + size))
		return 0;
	im->used = at + size;
	return (uint32_t)at;
}

void image_seal(struct image *im)
{
	size_t used = (im->used + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);

	if (used < im->zone->size)
		munmap(im->zone->base + used, im->zone->size - used);
	im->zone->size = used;
	im->zone->used = im->used;
	mprotect(im->zone->base, used, PROT_READ);
}

/* ------------------------------------------------------------------------
 * Answers
 */

/* A sum of words of 16 bits, as one: 0 only if all were. */
static uint16_t fold(uint64_t sum)
{
	return (uint16_t)~UR_BE16(ur_csum_fold(sum));
}

/* The reply's lengths, with an OPT, and the header of IPv4 around it. */
static void measure(struct dns_answer *a)
{
	const uint32_t udp = UR_UDP_LEN + DNS_HEADER + a->name_len + 4U +
			     a->len + DNS_OPT_LEN;
	const uint16_t head[] = {
		UR_BE16(0x4500), UR_BE16((uint16_t)(UR_IPV4_LEN + udp)),
		0, UR_BE16(DNS_IP_DF), UR_BE16(DNS_REPLY_TTL << 8 | UR_IP_UDP),
	};

	a->ip_len = head[1];
	a->udp_len = UR_BE16((uint16_t)udp);
	a->ip_sum = fold(ur_csum_add(0, head, sizeof(head)));
}

/*
 * What is to be added to the checksum of a query with an OPT, modulo 0xffff.  What
 * begins at an odd offset counts 256 times as much.
 */
static void sum_up(struct dns_answer *a, const uint8_t *data)
{
	static const uint8_t opt[] = { 0, 0, DNS_OPT, DNS_SIZE_MAX >> 8,
				       DNS_SIZE_MAX & 0xff };
	const uint32_t odd = a->name_len & 1, begin = 8 * odd;
	uint32_t end = 8 * ((a->name_len + a->len) & 1);
	/* the length is in the pseudo header as well */
	uint64_t sum = a->wire_flags + 2U * UR_BE16(a->len);

	sum += a->counts[1] + a->counts[2];
	sum += (uint64_t)fold(ur_csum_add(0, data, a->len)) << begin;
	sum += ur_csum_add(0, opt, sizeof(opt)) << end;
	/* of the query's OPT: the type is in the same word as the size, or not */
	if (odd)
		sum += 0xffff00 - ((uint64_t)DNS_OPT << begin);
	a->size_at = (uint8_t)(2 + odd);
	a->odd = a->len & 1;
	a->sum = 0xffff - fold(sum);
}

bool image_is_quick(const struct msg *m, uint16_t type)
{
	return type && type < DNS_COUNTED && !m->full && !msg_moves(m) &&
	       m->rcode == DNS_NOERROR && !m->counts[ADDITIONAL] &&
	       msg_position(m) + DNS_OPT_LEN <= DNS_PLAIN_SIZE;
}

uint32_t image_store(struct image *im, const struct msg *m, uint16_t type)
{
	uint32_t len = m->full ? 0 : m->len, padded = (len + 15) & ~15U;
	uint32_t fixes = m->full ? 0 : m->fixes;
	struct dns_answer *a;
	uint32_t at, i;

	at = image_place(im, sizeof(*a) + padded + fixes * sizeof(m->fix[0]));
	if (!at)
		return 0;
	a = image_at(im, at);
	a->counts[0] = UR_BE16(1);
	for (i = 0; i < 3; i++)
		a->counts[i + 1] = UR_BE16(m->counts[i]);
	a->flags = m->flags;
	a->rcode = m->rcode;
	a->name_len = m->base->len;
	a->len = m->full ? UINT16_MAX : (uint16_t)len;
	a->fixes = (uint16_t)fixes;
	a->type = type;
	a->wire_flags = UR_BE16(m->flags | m->rcode);
	if (image_is_quick(m, type)) {
		measure(a);
		sum_up(a, m->data);
	}
	memcpy(a->data, m->data, len);
	memcpy(a->data + padded, m->fix, fixes * sizeof(m->fix[0]));
	return at;
}
