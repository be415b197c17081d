// SPDX-License-Identifier: BSD-2-Clause
#include "urdump/capture.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC	1000000000ULL
#define BUFFER		262144

/* ------------------------------------------------------------------------
 * Names, as with tcpdump
 */

/* So wide that the names of a ring sort: 0 to 9, 00 to 10. */
static int digits(uint32_t files)
{
	int n = 0;

	for (files -= files > 0; files; files /= 10)
		n++;
	return n;
}

/* Return: false: it is too long. */
static bool make_name(struct capture *c, uint64_t now)
{
	int width = c->max_ns ? 0 : digits(c->max_files);
	time_t seconds = (time_t)(now / NS_PER_SEC);
	size_t len = strlen(c->path);
	struct tm tm;

	if (c->max_ns) {
		localtime_r(&seconds, &tm);
		len = strftime(c->name, sizeof(c->name), c->path, &tm);
	} else if (len < sizeof(c->name)) {
		strcpy(c->name, c->path);
	}
	if (!len || len + 12 > sizeof(c->name))
		return false;
	if (c->number || width)
		sprintf(c->name + len, "%0*u", width, c->number);
	return true;
}

/* ------------------------------------------------------------------------
 * One file
 */

static int error_of(FILE *file)
{
	return fflush(file) || ferror(file) ? -(errno ? errno : EIO) : 0;
}

int capture_open(struct capture *c, uint64_t now,
		 const struct capture_count *count)
{
	if (!make_name(c, now))
		return -ENAMETOOLONG;
	c->file = strcmp(c->path, "-") ? fopen(c->name, "we") : stdout;
	if (!c->file)
		return -errno;
	setvbuf(c->file, NULL, _IOFBF, BUFFER);
	c->start = now;
	c->packets = 0;
	c->before = *count;
	c->files++;
	c->size = pcapng_begin(c->file, &c->interface);
	c->bytes += c->size;
	/* who reads along sees that it begins */
	return error_of(c->file);
}

int capture_flush(struct capture *c)
{
	return c->file ? error_of(c->file) : 0;
}

int capture_close(struct capture *c, uint64_t now,
		  const struct capture_count *count)
{
	const struct pcapng_stats stats = {
		.start = c->start,
		.end = now,
		.received = count->received - c->before.received,
		.dropped = count->dropped - c->before.dropped,
		.accepted = count->accepted - c->before.accepted,
		.lost = count->lost - c->before.lost,
	};
	int ret;

	if (!c->file)
		return 0;
	c->bytes += pcapng_stats(c->file, &stats);
	ret = error_of(c->file);
	if (c->file != stdout)
		fclose(c->file);
	c->file = NULL;
	return ret;
}

/* ------------------------------------------------------------------------
 * One after the other
 */

/* Ends the file before a packet that belongs into the next one. */
static int turn(struct capture *c, uint64_t now, uint32_t size,
		const struct capture_count *count)
{
	bool late = c->max_ns && now >= c->start + c->max_ns;
	bool large = c->max_bytes && c->packets &&
		     c->size + size + PCAPNG_STATS_SIZE > c->max_bytes;
	/* the packet, and what was lost before it, is the next file's */
	const uint64_t lost = count->lost - c->lost;
	const struct capture_count until = {
		.received = count->received - 1 - lost -
			    (count->dropped - c->drops),
		.dropped = c->drops,
		.accepted = count->accepted - 1 - lost,
		.lost = c->lost,
	};
	int ret;

	if (!late && !large)
		return 0;
	ret = capture_close(c, now, &until);
	if (ret)
		return ret;
	if (c->max_ns && c->max_files && c->files >= c->max_files) {
		c->full = true;
		return 0;
	}
	c->number = late ? 0 : c->number + 1;
	if (!c->max_ns && c->max_files)		/* a ring */
		c->number %= c->max_files;
	return capture_open(c, now, &until);
}

int capture_put(struct capture *c, const uint8_t *frame, uint32_t captured,
		uint32_t len, uint64_t time, const struct capture_count *count)
{
	struct pcapng_packet pkt = {
		.data = frame,
		.time = time,
		.drops = count->dropped - c->drops + count->lost - c->lost,
		.captured = captured < c->interface.snap_len ?
			    captured : c->interface.snap_len,
		.len = len,
	};
	int ret = turn(c, time, pcapng_packet_size(&pkt), count);

	if (ret || c->full)
		return ret;
	c->drops = count->dropped;
	c->lost = count->lost;
	c->size += pcapng_packet(c->file, &pkt);
	c->bytes += pcapng_packet_size(&pkt);
	c->packets++;
	return ferror(c->file) ? error_of(c->file) : 0;
}
