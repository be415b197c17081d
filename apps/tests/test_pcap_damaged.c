// SPDX-License-Identifier: BSD-2-Clause
/*
 * Captures in which bytes are wrong, by a seed, through urdump and urfwd: each run ends,
 * with the packets that libpcap reads of the file before what it cannot read, and with
 * its words for that.
 *
 * test_pcap_damaged [N [SEED]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "common/common.h"
#include "tests/contents.h"
#include "tests/damage.h"

#define ROOM		65536
#define FRAMES		12
#define SEEN_MAX	4096
#define SLOT		2048	/* bytes of a slot: what is longer does not come */
#define TX_MIN		17	/* bytes that the software NIC sends */
#define TX_MAX		1522
#define LIMIT_S		30	/* of a run */
#define NS		1000000000ULL

int urdump_main(int argc, char **argv);
int urfwd_main(int argc, char **argv);

static uint32_t seed = 1, times = 300;
static char dir[] = "/tmp/pcap-damaged-XXXXXX";
static char in_name[64], out_name[64], said_name[64], total_name[64];

/* ------------------------------------------------------------------------
 * A capture
 */

enum format {
	PCAP_US, PCAP_NS, PCAP_US_BIG, PCAP_NS_BIG, PCAPNG, PCAPNG_BIG, FORMATS
};

static const char *const format_name[FORMATS] = {
	"pcap, us", "pcap, ns", "pcap, us, big endian", "pcap, ns, big endian",
	"pcapng", "pcapng, big endian",
};

static struct damage d;
static bool big;
static size_t head[2 * FRAMES + 8];	/* where headers of records are */
static uint32_t heads;

static void put(uint64_t n, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		d.bytes[d.len++] = (uint8_t)(n >> 8 * (big ? bytes - 1 - i : i));
}

static void put_frame(uint32_t number, uint32_t len)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	for (uint32_t i = 0; i < len; i++)
		d.bytes[d.len + i] = (uint8_t)(number * 13 + i);
	memcpy(d.bytes + d.len, macs, sizeof(macs));
	memcpy(d.bytes + d.len + 12, "\x88\xb5", 2);
	d.len += len;
}

static uint32_t len_of(uint32_t number)
{
	return 60 + number * 131 % 1455;
}

/* The last one was cut off when it was captured. */
static uint32_t wire_len(uint32_t number)
{
	return len_of(number) + (number == FRAMES - 1 ? 1000 : 0);
}

/* The first one has no time that anybody knew. */
static uint32_t seconds_of(uint32_t number)
{
	return number ? 1500000000 + number : 0;
}

static void put_pcap(bool nano)
{
	put(nano ? 0xa1b23c4d : 0xa1b2c3d4, 4);
	put(2, 2);
	put(4, 2);
	put(0, 8);
	put(262144, 4);
	put(1, 4);
	for (uint32_t i = 0; i < FRAMES; i++) {
		head[heads++] = d.len;
		put(seconds_of(i), 4);
		put(i * 1001, 4);
		put(len_of(i), 4);
		put(wire_len(i), 4);
		put_frame(i, len_of(i));
	}
}

static void put_block(uint32_t type, uint32_t len)
{
	head[heads++] = d.len;
	put(type, 4);
	put(len, 4);
}

static void put_pcapng(void)
{
	put_block(0x0a0d0d0a, 28);
	put(0x1a2b3c4d, 4);
	put(1, 2);		/* 1.0 */
	put(0, 2);
	put(UINT64_MAX, 8);
	put(28, 4);
	put_block(1, 32);
	put(1, 2);
	put(0, 2);
	put(262144, 4);
	put(9, 2);		/* if_tsresol: nanoseconds */
	put(1, 2);
	memcpy(d.bytes + d.len, "\x09\0\0\0", 4);
	d.len += 4;
	put(0, 4);
	put(32, 4);
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint64_t time = seconds_of(i) * NS + i * 1001;
		uint32_t len = len_of(i), padded = (len + 3) & ~3U;

		if (i == FRAMES / 2) {		/* of a type that is skipped */
			put_block(0x0bad, 16);
			put(0, 4);
			put(16, 4);
		}
		put_block(6, 32 + padded);
		put(0, 4);
		put(time >> 32, 4);
		put(time & UINT32_MAX, 4);
		put(len, 4);
		put(wire_len(i), 4);
		put_frame(i, len);
		put(0, padded - len);
		put(32 + padded, 4);
	}
}

static void make(enum format format)
{
	d.len = 0;
	heads = 0;
	big = format == PCAP_US_BIG || format == PCAP_NS_BIG || format == PCAPNG_BIG;
	if (format < PCAPNG)
		put_pcap(format == PCAP_NS || format == PCAP_NS_BIG);
	else
		put_pcapng();
}

/* A word of a header, near the limits of somebody. */
static void damage_head(void)
{
	static const uint32_t words[] = {
		0, 1, 12, 16, 17, 28, 32, 59, 1522, 1523, 2047, 2048, 2049, 16384, 65535, 65536,
		262143, 262144, 262145, 524289, 0x7fffffff, 0x80000000, 0xffffffff, 999999999,
	};
	size_t at = damage_draw(&d, 8) ? head[damage_draw(&d, heads)] : 0, len = d.len;

	at += 4 * damage_draw(&d, 7);
	if (at + 4 > len)
		return;
	d.len = at;
	put(words[damage_draw(&d, sizeof(words) / sizeof(words[0]))], 4);
	d.len = len;
}

static void damage(void)
{
	for (uint32_t n = damage_draw(&d, 4); n; n--)
		if (damage_draw(&d, 2))
			damage_head();
		else
			damage_once(&d);
}

/* ------------------------------------------------------------------------
 * What libpcap reads of a file
 */

struct frame {
	uint64_t time, hash;
	uint32_t len, captured;
};

struct seen {
	struct frame frame[SEEN_MAX];
	uint32_t n, empty, too_long;
	bool ends;		/* where the file does */
	char why[PCAP_ERRBUF_SIZE];	/* if not */
};

static uint64_t hash_of(const uint8_t *p, uint32_t len)
{
	uint64_t h = 14695981039346656037ULL;

	while (len--)
		h = (h ^ *p++) * 1099511628211ULL;
	return h;
}

/* All but what has no place in a NIC. */
static void read_file(const char *name, struct seen *s)
{
	struct pcap_pkthdr *of;
	const u_char *data;
	int more;
	pcap_t *in;

	s->n = s->empty = s->too_long = 0;
	s->ends = false;
	in = pcap_open_offline_with_tstamp_precision(name, PCAP_TSTAMP_PRECISION_NANO,
						     s->why);
	if (!in)
		return;
	if (pcap_datalink(in) != DLT_EN10MB) {
		strcpy(s->why, "not of Ethernet");
		goto out;
	}
	while ((more = pcap_next_ex(in, &of, &data)) == 1) {
		s->empty += !of->caplen;
		s->too_long += of->caplen > SLOT;
		if (!of->caplen || of->caplen > SLOT)
			continue;
		assert_true(s->n < SEEN_MAX);
		s->frame[s->n++] = (struct frame){
			.time = (uint64_t)of->ts.tv_sec * NS + (uint64_t)of->ts.tv_usec,
			.hash = hash_of(data, of->caplen),
			.len = of->len > of->caplen ? of->len : of->caplen,
			.captured = of->caplen,
		};
	}
	s->ends = more == PCAP_ERROR_BREAK;
	if (!s->ends)
		strcpy(s->why, pcap_geterr(in));
out:
	pcap_close(in);
}

/* ------------------------------------------------------------------------
 * A run
 */

static void save(void)
{
	FILE *file = fopen(in_name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(d.bytes, 1, d.len, file), d.len);
	fclose(file);
}

/* What is wrong leaves its files behind. */
#define wrong(format, ...)	\
	fail_msg(format " (%s): %s", __VA_ARGS__, dir, contents(said_name))

/* Return: how it ended, as waitpid() says. */
static int run(int (*main_of)(int argc, char **argv), int argc, char **argv)
{
	int status;
	pid_t pid;

	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (!pid) {
		if (!freopen(total_name, "w", stdout) || !freopen(said_name, "w", stderr))
			_exit(99);
		alarm(LIMIT_S);
		status = main_of(argc, argv);
		fflush(stdout);
		fflush(stderr);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static uint64_t number(const char *key)
{
	const char *text = contents(total_name);
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	text = strstr(text, quoted);
	if (!text)
		wrong("no %s", key);
	return strtoull(text + strlen(quoted), NULL, 10);
}

/* The exit status and the sentences are those of such a file. */
static void check_end(const char *app, int status, const struct seen *want)
{
	bool partial = !want->ends || want->empty || want->too_long;
	char text[200] = "";

	if (!WIFEXITED(status) || WEXITSTATUS(status) != partial)
		wrong("%s ended with %#x, not %d", app, status, partial);
	if (!want->ends && !strstr(contents(said_name), want->why))
		wrong("%s does not say: %s", app, want->why);
	if (want->too_long)
		snprintf(text, sizeof(text), "not all came: %u frame%s longer than a slot of %d bytes%s",
			 want->too_long, app_s(want->too_long), SLOT, want->empty ? ", " : "\n");
	else if (want->empty)
		snprintf(text, sizeof(text), "not all came: %u empty frame%s\n", want->empty,
			 app_s(want->empty));
	if (!strstr(contents(said_name), text))
		wrong("%s does not say: %s", app, text);
	snprintf(text, sizeof(text), " %u empty frame%s\n", want->empty, app_s(want->empty));
	if (want->empty && !strstr(contents(said_name), text))
		wrong("%s does not say: %s", app, text);
	if (!partial && *contents(said_name))
		wrong("%s has something to say", app);
}

/* Of what came, that of a length that leaves is there as it was. */
static void check_frames(const char *app, const struct seen *want, uint32_t min, uint32_t max,
			 uint64_t seconds_max)
{
	static struct seen have;
	uint32_t i, n = 0;

	read_file(out_name, &have);
	if (!have.ends)
		wrong("what %s wrote cannot be read: %s", app, have.why);
	for (i = 0; i < want->n; i++) {
		const struct frame *a = &want->frame[i], *b = &have.frame[n];

		if (a->captured < min || a->captured > max)
			continue;
		if (n == have.n)
			wrong("%s lacks frame %u of %u", app, i, want->n);
		if (a->hash != b->hash || a->captured != b->captured || a->len != b->len)
			wrong("%s: frame %u is another one", app, i);
		if (a->time != b->time && a->time / NS <= seconds_max)
			wrong("%s: frame %u has another time", app, i);
		n++;
	}
	if (n != have.n)
		wrong("%s has %u frames, not %u", app, have.n, n);
}

static void through_urdump(const struct seen *want)
{
	char device[80];
	char *argv[] = { "urdump", "--json", "-w", out_name, device, NULL };
	int status;

	snprintf(device, sizeof(device), "pcap:%s", in_name);
	unlink(out_name);
	status = run(urdump_main, 5, argv);
	check_end("urdump", status, want);
	/* nothing was opened */
	if (!*contents(total_name)) {
		if (want->ends || want->n)
			wrong("no total of %s", "urdump");
		return;
	}
	check_frames("urdump", want, 0, SLOT, UINT64_MAX);
	if (number("rx_packets") != want->n || number("taken") != want->n)
		wrong("urdump counts other packets than %u", want->n);
	if (number("rx_bad") + number("missed") != (uint64_t)want->empty + want->too_long)
		wrong("urdump misses other packets than %u", want->empty + want->too_long);
}

static void through_urfwd(const struct seen *want)
{
	char one[80], two[80];
	char *argv[] = { "urfwd", "--json", one, two, NULL };
	int status;

	snprintf(one, sizeof(one), "pcap:%s", in_name);
	snprintf(two, sizeof(two), "pcap:,%s", out_name);
	unlink(out_name);
	status = run(urfwd_main, 4, argv);
	check_end("urfwd", status, want);
	if (!*contents(total_name)) {
		if (want->ends || want->n)
			wrong("no total of %s", "urfwd");
		return;
	}
	/* pcap has 32 bits of seconds */
	check_frames("urfwd", want, TX_MIN, TX_MAX, INT32_MAX);
	if (number("rx_packets") != want->n || number("slots_lost"))
		wrong("urfwd counts other packets than %u", want->n);
}

static void one_file(struct seen *want)
{
	save();
	read_file(in_name, want);
	through_urdump(want);
	through_urfwd(want);
}

static void whole(void **state)
{
	static struct seen want;

	(void)state;
	for (enum format f = 0; f < FORMATS; f++) {
		make(f);
		one_file(&want);
		assert_true(want.ends);
		assert_int_equal(want.n, FRAMES);
	}
}

static void damaged(void **state)
{
	static struct seen want;

	(void)state;
	damage_seed(&d, seed);
	for (enum format f = 0; f < FORMATS; f++) {
		uint32_t ended = 0, i;
		uint64_t frames = 0;

		for (i = 0; i < times; i++) {
			make(f);
			damage();
			one_file(&want);
			ended += want.ends;
			frames += want.n;
		}
		print_message("seed %u: %u damaged captures (%s): %u can be read to the end, of %u frames in all %llu came\n",
			      seed, times, format_name[f], ended, times * FRAMES,
			      (unsigned long long)frames);
		assert_in_range(ended, times / 10, times - times / 10);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole), cmocka_unit_test(damaged),
	};
	static uint8_t bytes[ROOM];
	int r;

	times = argc > 1 ? (uint32_t)atoi(argv[1]) / FORMATS : times / FORMATS;
	seed = argc > 2 ? (uint32_t)atoi(argv[2]) : seed;
	d = (struct damage){ .bytes = bytes, .room = ROOM };
	if (!mkdtemp(dir))
		return 1;
	snprintf(in_name, sizeof(in_name), "%s/in", dir);
	snprintf(out_name, sizeof(out_name), "%s/out", dir);
	snprintf(said_name, sizeof(said_name), "%s/said", dir);
	snprintf(total_name, sizeof(total_name), "%s/total", dir);
	r = cmocka_run_group_tests_name("pcap_damaged", tests, NULL, NULL);
	if (r)
		return r;
	unlink(in_name);
	unlink(out_name);
	unlink(said_name);
	unlink(total_name);
	rmdir(dir);
	return 0;
}
