// SPDX-License-Identifier: BSD-2-Clause
/* Capture files of urdump: what is in them, and when the next one begins. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "urdump/capture.h"

#define SECOND	1000000000ULL

static char folder[] = "/tmp/userring-capture-XXXXXX";

static int enter(void **state)
{
	(void)state;
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int leave(void **state)
{
	(void)state;
	return system("rm -f *") || chdir("/") || rmdir(folder);
}

/* ------------------------------------------------------------------------
 * What a file has
 */

struct found {
	uint32_t size;
	uint32_t first, packets;	/* by the number in a packet */
	uint64_t drops;
	uint64_t received, dropped, accepted, lost;	/* as the statistics say */
	uint64_t start, end;
};

static uint32_t u32(const uint8_t *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return n;
}

static uint64_t u64(const uint8_t *p)
{
	uint64_t n;

	memcpy(&n, p, sizeof(n));
	return n;
}

static uint64_t time_at(const uint8_t *p)
{
	return (uint64_t)u32(p) << 32 | u32(p + 4);
}

/* The option of that code between p and end, or NULL. */
static const uint8_t *find_option(const uint8_t *p, const uint8_t *end,
				  uint16_t code, uint16_t len)
{
	while (p < end) {
		uint32_t head = u32(p);

		if (!head) {
			assert_ptr_equal(p + 4, end);
			return NULL;
		}
		if ((head & 0xffff) == code) {
			assert_int_equal(head >> 16, len);
			return p + 4;
		}
		p += 4 + (((head >> 16) + 3) & ~3U);
	}
	assert_ptr_equal(p, end);
	return NULL;
}

/* The packet of a number: its length follows from it, its bytes too. */
static uint32_t make(uint8_t *frame, uint32_t number, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		frame[i] = (uint8_t)(number + i);
	if (len >= 4)
		memcpy(frame, &number, sizeof(number));
	return len;
}

static void read_packet(const uint8_t *p, const uint8_t *end, uint32_t snap,
			uint32_t (*length)(uint32_t), struct found *f)
{
	uint32_t number = f->first + f->packets++;
	uint32_t len = length(number);
	uint32_t captured = len < snap ? len : snap;
	uint8_t *want = malloc(len + 1);
	const uint8_t *drops;

	make(want, number, len);
	assert_int_equal(u32(p + 8), 0);
	assert_int_equal(u32(p + 20), captured);
	assert_int_equal(u32(p + 24), len);
	assert_memory_equal(p + 28, want, captured);
	free(want);
	p += 28 + ((captured + 3) & ~3U);
	drops = p < end ? find_option(p, end, 4, 8) : NULL;
	if (drops)
		f->drops += u64(drops);
}

static void read_stats(const uint8_t *p, const uint8_t *end, struct found *f)
{
	f->end = time_at(p + 12);
	assert_int_equal(time_at(find_option(p + 20, end, 3, 8)), f->end);
	f->start = time_at(find_option(p + 20, end, 2, 8));
	f->received = u64(find_option(p + 20, end, 4, 8));
	f->dropped = u64(find_option(p + 20, end, 5, 8));
	f->accepted = u64(find_option(p + 20, end, 6, 8));
	f->lost = u64(find_option(p + 20, end, 7, 8));
	assert_int_equal(u64(find_option(p + 20, end, 8, 8)),
			 f->accepted - f->lost);
}

/* Reads a file; its first packet has that number. */
static struct found read_file(const char *name, uint32_t first, uint32_t snap,
			      uint32_t (*length)(uint32_t))
{
	struct found f = { .first = first };
	static uint8_t data[1 << 20];
	const uint8_t *p = data;
	FILE *file = fopen(name, "r");
	uint32_t blocks = 0;
	bool over = false;

	if (!file)
		fail_msg("there is no file %s", name);
	f.size = (uint32_t)fread(data, 1, sizeof(data), file);
	fclose(file);
	while (p < data + f.size) {
		uint32_t len = u32(p + 4);

		assert_false(over);
		assert_int_equal(len % 4, 0);
		assert_true(p + len <= data + f.size);
		assert_int_equal(u32(p + len - 4), len);
		switch (u32(p)) {
		case 0x0a0d0d0a:
			assert_int_equal(blocks, 0);
			assert_int_equal(u32(p + 8), 0x1a2b3c4d);
			break;
		case 1:
			assert_int_equal(blocks, 1);
			assert_int_equal(u32(p + 8), 1);
			assert_int_equal(u32(p + 12), snap);
			assert_int_equal(*find_option(p + 16, p + len - 4, 9, 1),
					 9);
			break;
		case 6:
			assert_true(blocks > 1);
			read_packet(p, p + len - 4, snap, length, &f);
			break;
		case 5:
			read_stats(p, p + len - 4, &f);
			over = true;
			break;
		default:
			fail_msg("a block of type %u", u32(p));
		}
		blocks++;
		p += len;
	}
	assert_true(over);
	return f;
}

/* ------------------------------------------------------------------------
 * Writing
 */

static struct capture begin(const char *path, uint32_t snap)
{
	return (struct capture){
		.path = path,
		.interface = {
			.program = "test", .name = "eth1", .filter = "udp",
			.snap_len = snap, .speed = 1000000000,
		},
	};
}

/* Of each four packets one is dropped, one not wanted, one wanted and lost. */
static struct capture_count count_at(uint32_t number)
{
	return (struct capture_count){
		.received = 4ULL * number + 4,
		.dropped = number + 1,
		.accepted = 2ULL * number + 2,
		.lost = number + 1,
	};
}

static const struct capture_count none;

static int put(struct capture *c, uint32_t number, uint32_t len, uint64_t time)
{
	const struct capture_count count = count_at(number);
	uint8_t *frame = malloc(len + 1);
	int ret;

	len = make(frame, number, len);
	ret = capture_put(c, frame, len, len, time, &count);
	free(frame);
	return ret;
}

static uint32_t many_lengths(uint32_t number)
{
	return number < 100 ? number : 1514;
}

static void one_file(void **state)
{
	static const uint32_t snaps[] = { 1, 60, 61, 62, 63, 64, 262144 };
	const struct capture_count last = { 1000, 500, 200, 50 };
	struct capture c;
	struct found f;
	uint32_t i;
	size_t s;

	(void)state;
	for (s = 0; s < sizeof(snaps) / sizeof(snaps[0]); s++) {
		c = begin("one", snaps[s]);
		assert_int_equal(capture_open(&c, 7 * SECOND, &none), 0);
		for (i = 0; i < 120; i++)
			assert_int_equal(put(&c, i, many_lengths(i),
					     7 * SECOND + i), 0);
		assert_int_equal(capture_close(&c, 9 * SECOND, &last), 0);
		f = read_file("one", 0, snaps[s], many_lengths);
		assert_int_equal(f.packets, 120);
		assert_int_equal(f.drops, 240);
		assert_int_equal(f.received, 1000);
		assert_int_equal(f.dropped, 500);
		assert_int_equal(f.accepted, 200);
		assert_int_equal(f.lost, 50);
		assert_int_equal(f.start, 7 * SECOND);
		assert_int_equal(f.end, 9 * SECOND);
		assert_int_equal(f.size, c.bytes);
		assert_int_equal(c.files, 1);
		/* closed already */
		assert_int_equal(capture_close(&c, 9 * SECOND, &last), 0);
	}
}

/* What cannot be in the file's head is left out. */
static void odd_names(void **state)
{
	static char text[70000];
	struct capture c;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (size_t len = 0; len < 4200; len++) {
		text[len] = '\0';
		c = begin("odd", 100);
		c.interface.name = c.interface.filter = c.interface.program =
			text;
		assert_int_equal(capture_open(&c, 0, &none), 0);
		assert_int_equal(capture_close(&c, 0, &none), 0);
		if (len % 100 < 4 || (len > 1000 && len < 1030))
			read_file("odd", 0, 100, many_lengths);
		text[len] = 'x';
		if (len == 1030)
			len = 4100;
	}
}

/* Files that follow each other: no packet missing, the sums are the totals. */
struct series {
	uint32_t packets;
	uint64_t drops, received, dropped, accepted, lost, bytes;
};

static void follow(struct series *s, const char *name, uint32_t snap,
		   uint32_t (*length)(uint32_t), struct found *f)
{
	*f = read_file(name, s->packets, snap, length);
	s->packets += f->packets;
	s->drops += f->drops;
	s->received += f->received;
	s->dropped += f->dropped;
	s->accepted += f->accepted;
	s->lost += f->lost;
	s->bytes += f->size;
	/* each file by itself says the same in packets and at its end */
	assert_int_equal(f->drops, f->dropped + f->lost);
	assert_int_equal(f->packets, f->accepted - f->lost);
}

static void check_series(const struct series *s, const struct capture *c,
			 uint32_t packets)
{
	const struct capture_count count = count_at(packets - 1);

	assert_int_equal(s->packets, packets);
	assert_int_equal(s->drops, count.dropped + count.lost);
	assert_int_equal(s->lost, count.lost);
	assert_int_equal(s->dropped, count.dropped);
	assert_int_equal(s->received, count.received);
	assert_int_equal(s->accepted, count.accepted);
	assert_int_equal(s->bytes, c->bytes);
}

/* A whole capture: a packet each step, the end a step behind the last. */
static void record(struct capture *c, uint64_t start, uint64_t step,
		   uint32_t packets, uint32_t (*length)(uint32_t))
{
	const struct capture_count last = count_at(packets - 1);
	uint32_t i;

	assert_int_equal(capture_open(c, start, &none), 0);
	for (i = 0; i < packets; i++)
		assert_int_equal(put(c, i, length(i), start + i * step), 0);
	assert_int_equal(capture_close(c, start + i * step, &last), 0);
}

static uint32_t varied(uint32_t number)
{
	return 60 + number * 37 % 1455;
}

/* By size: none is longer, and none ends before it has to. */
static void by_size(void **state)
{
	struct capture c = begin("size", 262144);
	struct series s = { 0 };
	struct found f;
	char name[32];
	uint32_t n;

	(void)state;
	c.max_bytes = 20000;
	record(&c, 0, 1, 1000, varied);
	for (n = 0; n < c.files; n++) {
		snprintf(name, sizeof(name), n ? "size%u" : "size", n);
		follow(&s, name, 262144, varied, &f);
		assert_true(f.size <= 20000);
		/* 32 of the block, 16 of the drops */
		if (n + 1 < c.files)
			assert_true(f.size + 32 + 16 +
				    ((varied(s.packets) + 3) & ~3U) > 20000);
	}
	check_series(&s, &c, 1000);
	snprintf(name, sizeof(name), "size%u", n);
	assert_int_equal(access(name, F_OK), -1);
}

static uint32_t always_1514(uint32_t number)
{
	(void)number;
	return 1514;
}

/* One that is too long for any file has one to itself. */
static void too_long(void **state)
{
	struct capture c = begin("long", 262144);
	struct series s = { 0 };
	struct found f;

	(void)state;
	c.max_bytes = 1000;
	record(&c, 0, 1, 3, always_1514);
	follow(&s, "long", 262144, always_1514, &f);
	follow(&s, "long1", 262144, always_1514, &f);
	follow(&s, "long2", 262144, always_1514, &f);
	check_series(&s, &c, 3);
}

/* A ring: the last files are there, under names that sort. */
static void ring(void **state)
{
	static const struct {
		uint32_t files;
		const char *first, *last;
	} rings[] = {
		{ 1, "ring", "ring" }, { 2, "ring0", "ring1" },
		{ 10, "ring0", "ring9" }, { 11, "ring00", "ring10" },
		{ 100, "ring00", "ring99" }, { 101, "ring000", "ring100" },
	};
	size_t r;

	(void)state;
	for (r = 0; r < sizeof(rings) / sizeof(rings[0]); r++) {
		/* two packets a file, twice around and one file more */
		const uint32_t files = rings[r].files;
		const uint32_t packets = 2 * (2 * files + 1);
		struct capture c = begin("ring", 262144);
		struct found f;
		char name[64];

		assert_int_equal(system("rm -f ring*"), 0);
		c.max_bytes = 2 * 1600 + 300;
		c.max_files = files;
		record(&c, 0, 1, packets, always_1514);
		assert_int_equal(c.files, 2 * files + 1);
		f = read_file(rings[r].first, packets - 2, 262144, always_1514);
		assert_int_equal(f.packets, 2);
		if (files > 1) {
			f = read_file(rings[r].last, packets - 4, 262144,
				      always_1514);
			assert_int_equal(f.packets, 2);
		}
		snprintf(name, sizeof(name), "test $(ls ring* | wc -l) -eq %u",
			 files);
		assert_int_equal(system(name), 0);
	}
}

static uint32_t always_60(uint32_t number)
{
	(void)number;
	return 60;
}

/* By time: the packet that comes when time is up is the first of the next. */
static void by_time(void **state)
{
	struct capture c = begin("time%s", 262144);
	struct series s = { 0 };
	struct found f;
	char name[32];
	uint32_t n;

	(void)state;
	c.max_ns = 10 * SECOND;
	record(&c, 1000 * SECOND, SECOND, 100, always_60);
	assert_int_equal(c.files, 10);
	for (n = 0; n < 10; n++) {
		snprintf(name, sizeof(name), "time%u", 1000 + 10 * n);
		follow(&s, name, 262144, always_60, &f);
		assert_int_equal(f.packets, 10);
		assert_int_equal(f.start, (1000 + 10 * n) * SECOND);
		assert_int_equal(f.end, (1010 + 10 * n) * SECOND);
	}
	check_series(&s, &c, 100);
}

static void so_many(void **state)
{
	struct capture c = begin("many%s", 262144);
	struct series s = { 0 };
	struct found f;
	uint32_t i;

	(void)state;
	c.max_ns = 10 * SECOND;
	c.max_files = 3;
	assert_int_equal(capture_open(&c, 0, &none), 0);
	for (i = 0; !c.full; i++)
		assert_int_equal(put(&c, i, 60, i * SECOND), 0);
	assert_int_equal(i, 31);
	assert_null(c.file);
	follow(&s, "many0", 262144, always_60, &f);
	follow(&s, "many10", 262144, always_60, &f);
	follow(&s, "many20", 262144, always_60, &f);
	assert_int_equal(s.packets, 30);
	assert_int_equal(s.bytes, c.bytes);
	/* also the packet before the 31st that was not wanted */
	assert_int_equal(s.received, 4 * 30 + 1);
	assert_int_equal(access("many30", F_OK), -1);
}

/* By both: numbers begin anew with each time. */
static void by_both(void **state)
{
	struct capture c = begin("both%s.", 262144);
	struct series s = { 0 };
	struct found f;

	(void)state;
	c.max_ns = 10 * SECOND;
	c.max_bytes = 2 * 1600 + 300;
	record(&c, 0, 3 * SECOND, 6, always_1514);
	follow(&s, "both0.", 262144, always_1514, &f);
	assert_int_equal(f.packets, 2);
	follow(&s, "both6.1", 262144, always_1514, &f);
	assert_int_equal(f.packets, 2);
	follow(&s, "both12.2", 262144, always_1514, &f);
	assert_int_equal(f.packets, 2);
	check_series(&s, &c, 6);
}

static void wrong(void **state)
{
	char *path = malloc(PATH_MAX + 10);
	struct capture c = begin("/no/such/file", 100);
	uint32_t i;
	int ret = 0;

	(void)state;
	assert_int_equal(capture_open(&c, 0, &none), -ENOENT);
	memset(path, 'x', PATH_MAX);
	path[PATH_MAX] = '\0';
	c = begin(path, 100);
	assert_int_equal(capture_open(&c, 0, &none), -ENAMETOOLONG);
	c.max_ns = 1;
	assert_int_equal(capture_open(&c, 0, &none), -ENAMETOOLONG);
	free(path);
	c = begin("/dev/full", 100);
	assert_int_equal(capture_open(&c, 0, &none), -ENOSPC);
	for (i = 0; i < 10000 && !ret; i++)
		ret = put(&c, i, 100, i);
	assert_int_equal(ret, -ENOSPC);
	assert_int_equal(capture_close(&c, 0, &none), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_file),
		cmocka_unit_test(odd_names),
		cmocka_unit_test(by_size),
		cmocka_unit_test(too_long),
		cmocka_unit_test(ring),
		cmocka_unit_test(by_time),
		cmocka_unit_test(so_many),
		cmocka_unit_test(by_both),
		cmocka_unit_test(wrong),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
