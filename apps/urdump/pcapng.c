// SPDX-License-Identifier: BSD-2-Clause
#include "urdump/pcapng.h"

#include <stdbool.h>
#include <string.h>

#define SECTION		0x0a0d0d0aU
#define INTERFACE	1U
#define STATISTICS	5U
#define PACKET		6U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINK_ETHERNET	1

enum { OPT_END = 0, SHB_USERAPPL = 4 };
enum { IF_NAME = 2, IF_SPEED = 8, IF_TSRESOL = 9, IF_FILTER = 11 };
enum { ISB_START = 2, ISB_END, ISB_IFRECV, ISB_IFDROP, ISB_FILTERACCEPT,
       ISB_OSDROP, ISB_USRDELIV };
enum { EPB_DROPCOUNT = 4 };

#define TSRESOL_NS	9	/* 10^-9 */
#define FILTER_STRING	0	/* what follows is text */
#define TEXT_MAX	1024	/* of an option; longer ones are left out */
#define PACKET_HEAD	28
#define DROPS_SIZE	16	/* with the end of the options */

/* A block that is being put together; all of it is in the host's order. */
struct block {
	uint32_t len;
	uint8_t data[3 * TEXT_MAX];
};

static void put(struct block *b, const void *data, size_t len)
{
	memcpy(b->data + b->len, data, len);
	b->len += (uint32_t)len;
}

static void put32(struct block *b, uint32_t n)
{
	put(b, &n, sizeof(n));
}

static void put_time(struct block *b, uint64_t ns)
{
	put32(b, (uint32_t)(ns >> 32));
	put32(b, (uint32_t)ns);
}

static void begin(struct block *b, uint32_t type)
{
	b->len = 0;
	put32(b, type);
	put32(b, 0);
}

static void option(struct block *b, uint16_t code, const void *data, size_t len)
{
	static const uint8_t pad[4];
	uint16_t len16 = (uint16_t)len;

	put(b, &code, sizeof(code));
	put(b, &len16, sizeof(len16));
	put(b, data, len);
	put(b, pad, -len & 3);
}

static void option_text(struct block *b, uint16_t code, const char *text)
{
	if (strlen(text) && strlen(text) < TEXT_MAX)
		option(b, code, text, strlen(text));
}

static void option_u64(struct block *b, uint16_t code, uint64_t n)
{
	option(b, code, &n, sizeof(n));
}

static void option_time(struct block *b, uint16_t code, uint64_t ns)
{
	/* the higher half comes first, whatever the order within */
	option_u64(b, code, ns >> 32 | ns << 32);
}

static uint32_t end(struct block *b, FILE *file)
{
	uint32_t len;

	put32(b, OPT_END);
	len = b->len + 4;
	put32(b, len);
	memcpy(b->data + 4, &len, sizeof(len));
	fwrite(b->data, b->len, 1, file);
	return len;
}

static void put_filter(struct block *b, const char *filter)
{
	char text[TEXT_MAX] = { FILTER_STRING };
	size_t len = strlen(filter);

	if (!len || len >= sizeof(text))
		return;
	memcpy(text + 1, filter, len);
	option(b, IF_FILTER, text, 1 + len);
}

uint32_t pcapng_begin(FILE *file, const struct pcapng_interface *interface)
{
	static const uint16_t version[2] = { 1, 0 };
	static const uint16_t link[2] = { LINK_ETHERNET, 0 };
	static const uint8_t resolution = TSRESOL_NS;
	struct block b;
	uint32_t len;

	begin(&b, SECTION);
	put32(&b, BYTE_ORDER_MAGIC);
	put(&b, version, sizeof(version));
	/* how long the section is, nobody knows yet */
	put32(&b, UINT32_MAX);
	put32(&b, UINT32_MAX);
	option_text(&b, SHB_USERAPPL, interface->program);
	len = end(&b, file);

	begin(&b, INTERFACE);
	put(&b, link, sizeof(link));
	put32(&b, interface->snap_len);
	option_text(&b, IF_NAME, interface->name);
	if (interface->speed)
		option_u64(&b, IF_SPEED, interface->speed);
	option(&b, IF_TSRESOL, &resolution, 1);
	put_filter(&b, interface->filter);
	return len + end(&b, file);
}

uint32_t pcapng_packet_size(const struct pcapng_packet *pkt)
{
	return PACKET_HEAD + ((pkt->captured + 3) & ~3U) +
	       (pkt->drops ? DROPS_SIZE : 0) + 4;
}

uint32_t pcapng_packet(FILE *file, const struct pcapng_packet *pkt)
{
	static const uint8_t pad[4];
	uint32_t size = pcapng_packet_size(pkt);
	struct block b;

	begin(&b, PACKET);
	memcpy(b.data + 4, &size, sizeof(size));
	put32(&b, 0);		/* the interface */
	put_time(&b, pkt->time);
	put32(&b, pkt->captured);
	put32(&b, pkt->len);
	fwrite(b.data, b.len, 1, file);
	fwrite(pkt->data, pkt->captured, 1, file);

	b.len = 0;
	put(&b, pad, -pkt->captured & 3);
	if (pkt->drops) {
		option_u64(&b, EPB_DROPCOUNT, pkt->drops);
		put32(&b, OPT_END);
	}
	put32(&b, size);
	fwrite(b.data, b.len, 1, file);
	return size;
}

uint32_t pcapng_stats(FILE *file, const struct pcapng_stats *stats)
{
	struct block b;

	begin(&b, STATISTICS);
	put32(&b, 0);		/* the interface */
	put_time(&b, stats->end);
	option_time(&b, ISB_START, stats->start);
	option_time(&b, ISB_END, stats->end);
	option_u64(&b, ISB_IFRECV, stats->received);
	option_u64(&b, ISB_IFDROP, stats->dropped);
	option_u64(&b, ISB_FILTERACCEPT, stats->accepted);
	option_u64(&b, ISB_OSDROP, stats->lost);
	option_u64(&b, ISB_USRDELIV, stats->accepted - stats->lost);
	return end(&b, file);
}
