// SPDX-License-Identifier: BSD-2-Clause
/*
 * A software NIC whose wire is a capture file.  The files are made and read
 * here, byte by byte.
 */
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

#define IN	"in.pcap"
#define OUT	"out.pcap"

static char folder[] = "/tmp/userring-pcap-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	remove(IN);
	remove(OUT);
	return chdir("/") || rmdir(folder);
}

/* ------------------------------------------------------------------------
 * Files
 */

struct kind {
	uint32_t magic;		/* of pcap; 0: pcapng */
	bool swapped;
	uint32_t per_second;	/* of the times */
};

static const struct kind kinds[] = {
	{ 0xa1b2c3d4, false, 1000000 },
	{ 0xa1b2c3d4, true, 1000000 },
	{ 0xa1b23c4d, false, 1000000000 },
	{ 0, false, 1000000 },
	{ 0, true, 1000000 },
};

static const struct kind *const nano = &kinds[2];

static void put(FILE *f, const struct kind *kind, uint32_t n)
{
	if (kind->swapped)
		n = __builtin_bswap32(n);
	assert_int_equal(fwrite(&n, 4, 1, f), 1);
}

static FILE *begin(const struct kind *kind, uint32_t link_type)
{
	FILE *f = fopen(IN, "w");
	uint16_t version[2] = { kind->swapped ? 0x200 : 2,
				kind->swapped ? 0x400 : 4 };

	assert_non_null(f);
	if (kind->magic) {
		put(f, kind, kind->magic);
		fwrite(version, 4, 1, f);
		put(f, kind, 0);
		put(f, kind, 0);
		put(f, kind, 262144);
		put(f, kind, link_type);
		return f;
	}
	version[0] = kind->swapped ? 0x100 : 1;
	version[1] = 0;
	put(f, kind, 0x0a0d0d0a);	/* section */
	put(f, kind, 28);
	put(f, kind, 0x1a2b3c4d);
	fwrite(version, 4, 1, f);
	put(f, kind, UINT32_MAX);
	put(f, kind, UINT32_MAX);
	put(f, kind, 28);
	put(f, kind, 1);		/* interface */
	put(f, kind, 20);
	put(f, kind, kind->swapped ? link_type << 16 : link_type);
	put(f, kind, 262144);
	put(f, kind, 20);
	return f;
}

static void add(FILE *f, const struct kind *kind, const uint8_t *frame,
		uint32_t len, uint64_t us)
{
	static const uint8_t pad[4];
	uint64_t time = us * (kind->per_second / 1000000);
	uint32_t room = (len + 3) & ~3U;

	if (kind->magic) {
		put(f, kind, (uint32_t)(time / kind->per_second));
		put(f, kind, (uint32_t)(time % kind->per_second));
	} else {
		put(f, kind, 6);
		put(f, kind, 32 + room);
		put(f, kind, 0);
		put(f, kind, (uint32_t)(time >> 32));
		put(f, kind, (uint32_t)time);
	}
	put(f, kind, len);
	put(f, kind, len);
	if (len)
		assert_int_equal(fwrite(frame, len, 1, f), 1);
	if (!kind->magic) {
		fwrite(pad, room - len, 1, f);
		put(f, kind, 32 + room);
	}
}

static uint32_t length(uint32_t i)
{
	static const uint32_t lengths[] = { 60, 61, 62, 63, 1514, 14, 1522, 2048 };

	return lengths[i % COUNT(lengths)];
}

/* n frames, each with its number (as far as there is room) and a time. */
static void make_file(const struct kind *kind, uint32_t n, uint64_t gap_us)
{
	uint8_t frame[SIM_FRAME_MAX];
	FILE *f = begin(kind, 1);
	uint32_t i;

	for (i = 0; i < n; i++)
		add(f, kind, frame, make_frame(frame, i, length(i)),
		    1000000 + i * gap_us);
	assert_int_equal(fclose(f), 0);
}

/* ------------------------------------------------------------------------
 * The port
 */

static void open_with(struct env *e, const char *name,
		      const struct ur_queue_opts *opts)
{
	struct ur_error err;

	if (ur_port_open(&e->port, name, &err) ||
	    ur_pool_create(&e->pool, e->port, NULL, &err) ||
	    ur_queue_attach(&e->q, e->port, e->pool, opts, &err))
		fail_msg("%s: %s", name, err.text);
	e->sim = e->port->priv;
}

static void open_small(struct env *e, const char *name)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};

	open_with(e, name, &opts);
}

/* Takes all that comes.  Return: how it ended. */
static int take(struct env *e, uint32_t want)
{
	uint8_t frame[SIM_FRAME_MAX];
	struct ur_pkt pkts[16];
	uint32_t n, i, next = 0;
	int ret;

	while ((ret = ur_wait(e->q, -1)) >= 0) {
		n = ur_rx_burst(e->q, pkts, 16);
		for (i = 0; i < n; i++, next++) {
			uint32_t len = make_frame(frame, next % want,
						  length(next % want));

			assert_int_equal(pkts[i].len, len);
			assert_int_equal(pkts[i].flags, 0);
			assert_memory_equal(pkts[i].data, frame, len);
		}
		ur_rx_release(e->q, pkts, n);
		ret = ur_sync(e->q);
		if (ret)
			break;
	}
	assert_int_equal(next % want, 0);
	assert_int_not_equal(next, 0);
	return ret;
}

static void reads(void **state)
{
	struct env e;
	char name[64];
	size_t i;

	for (i = 0; i < COUNT(kinds); i++) {
		make_file(&kinds[i], 1000, 1);
		snprintf(name, sizeof(name), "pcap:" IN ",format=%s",
			 (char *)*state);
		open_small(&e, name);
		assert_int_equal(take(&e, 1000), -ENODATA);
		/* and so it stays */
		assert_int_equal(ur_wait(e.q, -1), -ENODATA);
		assert_int_equal(ur_sync(e.q), -ENODATA);
		assert_int_equal(counters(&e).rx_packets, 1000);
		assert_int_equal(ur_sim_missed(e.port), 0);
		env_close(&e);
	}
}

static void period(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.sync_period_us = 100,
	};
	struct env e;

	(void)state;
	make_file(nano, 500, 1);
	open_with(&e, "pcap:" IN, &opts);
	assert_int_equal(take(&e, 500), -ENODATA);
	assert_int_equal(ur_sync(e.q), -ENODATA);
	env_close(&e);
}

/* What is written after the timer has seen the end goes out before it is told. */
static void last_words(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.sync_period_us = 1000,
	};
	struct ur_pkt more[63];
	uint32_t i;
	struct ur_pkt pkt;
	struct env e;

	(void)state;
	make_file(nano, 1, 0);
	open_with(&e, "pcap:" IN, &opts);
	while (!ur_rx_burst(e.q, &pkt, 1))
		usleep(100);
	while (ur_queue_state(e.q) != UR_STATE_OVER)
		usleep(100);
	assert_int_equal(ur_tx_burst(e.q, &pkt, 1), 1);
	assert_int_equal(ur_sync(e.q), -ENODATA);
	assert_int_equal(ur_sim_sent(e.port), 1);
	/* more than the module takes at once: there is no end before it has */
	for (i = 0; i < COUNT(more); i++)
		more[i] = make_pkt(&e, i, 0, 60);
	assert_int_equal(ur_tx_burst(e.q, more, COUNT(more)), COUNT(more));
	while (!ur_sync(e.q))
		usleep(100);
	assert_int_equal(ur_sim_sent(e.port), 1 + COUNT(more));
	env_close(&e);
}

static void laps(void **state)
{
	struct env e;

	(void)state;
	make_file(nano, 100, 1);
	open_small(&e, "pcap:" IN ",loop=7");
	assert_int_equal(take(&e, 100), -ENODATA);
	assert_int_equal(counters(&e).rx_packets, 700);
	env_close(&e);
}

static void speed(void **state)
{
	static const struct {
		const char *name;
		uint64_t min_ms, max_ms;
	} speeds[] = {
		{ "pcap:" IN ",speed=1", 200, 30000 },
		{ "pcap:" IN ",speed=4", 50, 30000 },
		{ "pcap:" IN ",speed=2,loop=3", 300, 30000 },
		{ "pcap:" IN ",speed=full,loop=100", 0, 10000 },
	};
	struct env e;
	uint64_t ms;
	size_t i;

	(void)state;
	make_file(nano, 41, 5000);
	for (i = 0; i < COUNT(speeds); i++) {
		/* its clock runs from the look that ends the attach */
		ms = ur_now_ns();
		open_small(&e, speeds[i].name);
		assert_int_equal(take(&e, 41), -ENODATA);
		ms = (ur_now_ns() - ms) / 1000000;
		if (ms < speeds[i].min_ms || ms > speeds[i].max_ms)
			fail_msg("%s took %u ms", speeds[i].name, (unsigned)ms);
		env_close(&e);
	}
}

static void no_packet(void **state)
{
	struct env e;

	(void)state;
	make_file(nano, 0, 0);
	open_small(&e, "pcap:" IN ",loop=0");
	assert_int_equal(ur_wait(e.q, -1), -ENODATA);
	env_close(&e);
}

/* Longer than a slot, than the ring, empty: counted, and the next one comes. */
static void odd_lengths(void **state)
{
	struct ur_pcap_info info;
	static uint8_t frame[200000];
	struct ur_pkt pkt;
	struct env e;
	FILE *f;

	(void)state;
	f = begin(nano, 1);
	add(f, nano, frame, 2049, 0);
	add(f, nano, frame, sizeof(frame), 0);
	add(f, nano, frame, 0, 0);
	add(f, nano, frame, make_frame(frame, 9, 77), 0);
	add(f, nano, frame, 0, 0);
	fclose(f);
	open_small(&e, "pcap:" IN);
	do
		assert_int_equal(ur_wait(e.q, -1), 1);
	while (!ur_rx_burst(e.q, &pkt, 1));
	assert_int_equal(pkt.len, 77);
	check_frame(pkt.data, 9, 77);
	ur_rx_release(e.q, &pkt, 1);
	assert_int_equal(ur_wait(e.q, -1), -ENODATA);
	assert_int_equal(stats(&e).rx_bad, 1);
	assert_int_equal(ur_sim_missed(e.port), 3);
	assert_int_equal(ur_pcap_info(e.port, &info), 0);
	assert_int_equal(info.too_long, 2);
	assert_int_equal(info.empty, 2);
	assert_string_equal(info.why, "");
	env_close(&e);
}

/* When each was captured; and of no packet of another port. */
static void heads(void **state)
{
	uint8_t frame[256];
	struct ur_pcap_head head;
	struct ur_pkt pkt;
	struct env e;
	FILE *f;

	(void)state;
	f = begin(nano, 1);
	for (uint32_t i = 0; i < 3; i++)
		add(f, nano, frame, make_frame(frame, i, 60 + i), i);
	fclose(f);
	open_small(&e, "pcap:" IN);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(ur_wait(e.q, -1), 1);
		assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
		assert_int_equal(ur_pcap_head(e.port, pkt.slot, &head), 0);
		/* the first one when time began */
		assert_int_equal(head.time, i * 1000);
		assert_int_equal(head.captured, 60 + i);
		assert_int_equal(head.len, 60 + i);
		ur_rx_release(e.q, &pkt, 1);
	}
	assert_int_equal(ur_pcap_head(e.port, UINT32_MAX, &head), -ENODATA);
	env_close(&e);
	open_small(&e, "sim:gen=udp");
	assert_int_equal(ur_wait(e.q, -1), 1);
	assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
	assert_int_equal(ur_pcap_head(e.port, pkt.slot, &head), -ENODATA);
	ur_rx_release(e.q, &pkt, 1);
	env_close(&e);
}

static void tags(void **state)
{
	uint8_t frame[256], plain[256];
	struct ur_pkt pkts[4];
	char name[64];
	struct env e;
	FILE *f;

	f = begin(nano, 1);
	add(f, nano, frame, make_frame(frame, 5, 100), 0);
	memcpy(plain, frame, 100);
	add(f, nano, frame, sim_insert_tag(frame, 100, 0xe00a), 0);
	add(f, nano, frame, sim_insert_tag(frame, 104, 7), 0);
	/* too short to be a tagged frame */
	add(f, nano, frame, 17, 0);
	fclose(f);
	snprintf(name, sizeof(name), "pcap:" IN ",vlan=strip,format=%s",
		 (char *)*state);
	open_small(&e, name);
	assert_int_equal(ur_wait(e.q, -1), 1);
	assert_int_equal(ur_rx_burst(e.q, pkts, 4), 4);
	assert_int_equal(pkts[0].flags, 0);
	assert_int_equal(pkts[1].flags, UR_PKT_VLAN);
	assert_int_equal(pkts[1].vlan, 0xe00a);
	assert_int_equal(pkts[1].len, 100);
	assert_memory_equal(pkts[1].data, plain, 100);
	assert_int_equal(pkts[2].flags, UR_PKT_VLAN);
	assert_int_equal(pkts[2].vlan, 7);
	assert_int_equal(pkts[2].len, 104);
	assert_int_equal(pkts[3].flags, 0);
	assert_int_equal(pkts[3].len, 17);
	ur_rx_release(e.q, pkts, 4);
	env_close(&e);
}

/* What is sent: in the file as soon as it was synced, tag and all, timed. */
static void writes(void **state)
{
	uint8_t want[256], file[512];
	uint64_t before, time_ns;
	uint32_t record[4];
	struct ur_pkt pkt;
	char name[64];
	uint32_t len, i;
	struct env e;
	size_t size;
	FILE *f;

	snprintf(name, sizeof(name), "pcap:," OUT ",format=%s",
		 (char *)*state);
	open_small(&e, name);
	before = (uint64_t)time(NULL) * 1000000000ULL;
	for (i = 0; i < 2; i++) {
		pkt = make_pkt(&e, i, 3, 60 + i);
		if (i && strcmp(*state, "advanced")) {
			pkt.flags = UR_PKT_VLAN;
			pkt.vlan = 77;
		}
		assert_int_equal(ur_tx_burst(e.q, &pkt, 1), 1);
	}
	/* no input is no end */
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_wait(e.q, 1), 0);
	assert_int_equal(ur_sim_sent(e.port), 2);
	assert_int_equal(ur_sim_collect(e.port, want, sizeof(want)), -ENOENT);
	f = fopen(OUT, "r");
	assert_non_null(f);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	for (i = 0, len = 24; i < 2; i++) {
		uint32_t n = make_frame(want, i, 60 + i);

		if (i && pkt.flags)
			n = sim_insert_tag(want, n, 77);
		memcpy(record, file + len, sizeof(record));
		time_ns = record[0] * 1000000000ULL + record[1];
		assert_in_range(time_ns, before, before + 60000000000ULL);
		assert_int_equal(record[2], n);
		assert_int_equal(record[3], n);
		assert_memory_equal(file + len + 16, want, n);
		len += 16 + n;
	}
	assert_int_equal(size, len);
	memcpy(record, file, 4);
	assert_int_equal(record[0], 0xa1b23c4d);
	env_close(&e);
}

static void to_linux(void **state)
{
	uint8_t frame[64];
	struct ur_pkt pkt;
	struct env e;

	(void)state;
	make_file(nano, 1, 0);
	open_small(&e, "pcap:" IN);
	assert_int_equal(ur_wait(e.q, -1), 1);
	assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
	assert_int_equal(ur_to_host(e.q, &pkt, 1), 1);
	assert_int_equal(ur_sync(e.q), -ENODATA);
	assert_int_equal(counters(&e).host_packets, 1);
	assert_int_equal(ur_sim_host(e.port, frame, sizeof(frame)), 60);
	check_frame(frame, 0, 60);
	env_close(&e);
}

static void damaged(void **state)
{
	struct stat st;
	struct env e;

	(void)state;
	make_file(nano, 8, 1);
	assert_int_equal(stat(IN, &st), 0);
	/* the last one lacks a byte */
	assert_int_equal(truncate(IN, st.st_size - 1), 0);
	open_small(&e, "pcap:" IN ",loop=2");
	assert_int_equal(take(&e, 7), -EBADMSG);
	assert_non_null(strstr(ur_strerror(-EBADMSG), "damaged"));
	env_close(&e);
}

static void disk_full(void **state)
{
	struct ur_pkt pkt;
	struct env e;

	(void)state;
	make_file(nano, 1, 0);
	open_small(&e, "pcap:" IN ",/dev/full");
	assert_int_equal(ur_wait(e.q, -1), 1);
	assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
	assert_int_equal(ur_tx_burst(e.q, &pkt, 1), 1);
	assert_int_equal(ur_sync(e.q), -ENOSPC);
	env_close(&e);
}

static void refused(void **state)
{
	static const struct {
		const char *name;
		int code;
		const char *says;
	} bad[] = {
		{ "pcap:", -EINVAL, "which file?" },
		{ "pcap:,", -EINVAL, "one name too many" },
		{ "pcap:,speed=1", -EINVAL, "which file?" },
		{ "pcap:" IN "," OUT ",more", -EINVAL, "\"more\" is one name" },
		{ "pcap:" IN ",rate=5", -EINVAL, "no option \"rate\"" },
		{ "pcap:" IN ",speed=", -EINVAL, "speed is full" },
		{ "pcap:" IN ",speed=fast", -EINVAL, "speed is full" },
		{ "pcap:" IN ",speed=0", -EINVAL, "speed is full" },
		{ "pcap:" IN ",speed=1001", -EINVAL, "speed is full" },
		{ "pcap:" IN ",speed=nan", -EINVAL, "speed is full" },
		{ "pcap:" IN ",loop=-1", -EINVAL, "loop takes" },
		{ "pcap:" IN ",loop=x", -EINVAL, "loop takes" },
		{ "pcap:" IN ",vlan=5", -EINVAL, "vlan is keep or strip" },
		{ "pcap:" IN ",format=old", -EINVAL, "pcap: format is legacy" },
		{ "pcap:-,loop=2", -EINVAL, "leave loop out" },
		{ "pcap:none.pcap", -ENOENT, "none.pcap cannot be read: No such" },
		{ "pcap:/", -EINVAL, "is no capture file" },
		{ "pcap:/dev/null", -EINVAL, "is no capture file" },
		{ "pcap:/proc/self/exe", -EINVAL, "is no capture file" },
		{ "pcap:,/no/such/" OUT, -ENOENT, "No such file" },
		{ "pcap:,/", -EISDIR, "Is a directory" },
	};
	struct ur_error err;
	struct ur_port *port;
	size_t i;

	(void)state;
	make_file(nano, 1, 0);
	for (i = 0; i < COUNT(bad); i++) {
		int ret = ur_port_open(&port, bad[i].name, &err);

		if (ret != bad[i].code || !strstr(err.text, bad[i].says))
			fail_msg("%s: %d, %s", bad[i].name, ret, err.text);
		assert_null(port);
		assert_int_equal(ur_port_open(&port, bad[i].name, NULL),
				 bad[i].code);
	}
	fclose(begin(nano, 113));	/* Linux "any" */
	assert_int_equal(ur_port_open(&port, "pcap:" IN, &err),
			 -EPROTONOSUPPORT);
	assert_non_null(strstr(err.text, "of type LINUX_SLL (113), not of Ethernet"));
}

static long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (long)st.st_size;
}

/* What is read is not destroyed, by whatever name. */
static void same_file(void **state)
{
	static const char *const names[] = {
		("pcap:" IN "," IN), ("pcap:" IN ",./" IN), ("pcap:" IN ",hard"),
		("pcap:" IN ",soft"), ("pcap:soft," IN), "pcap:hard,soft",
	};
	struct ur_error err;
	struct ur_port *port, *other;
	long size;
	size_t i;

	(void)state;
	make_file(nano, 100, 0);
	size = size_of(IN);
	assert_true(size > 1000);
	assert_int_equal(link(IN, "hard"), 0);
	assert_int_equal(symlink(IN, "soft"), 0);
	for (i = 0; i < COUNT(names); i++) {
		assert_int_equal(ur_port_open(&port, names[i], &err), -EINVAL);
		assert_non_null(strstr(err.text, "would be destroyed"));
		assert_int_equal(size_of(IN), size);
	}

	/* by two ports, in either order; two may read */
	assert_int_equal(ur_port_open(&port, "pcap:" IN, &err), 0);
	assert_int_equal(ur_port_open(&other, "pcap:,soft", &err), -EBUSY);
	assert_non_null(strstr(err.text, "read or written by another port"));
	assert_int_equal(size_of(IN), size);
	assert_int_equal(ur_port_open(&other, "pcap:hard", &err), 0);
	ur_port_close(port);
	assert_int_equal(ur_port_open(&port, "pcap:," IN, &err), -EBUSY);
	ur_port_close(other);
	assert_int_equal(size_of(IN), size);

	assert_int_equal(ur_port_open(&port, "pcap:" IN "," OUT, &err), 0);
	assert_int_equal(ur_port_open(&other, "pcap:," OUT, &err), -EBUSY);
	assert_int_equal(ur_port_open(&other, "pcap:" OUT, &err), -EBUSY);
	assert_non_null(strstr(err.text, "being written by another port"));
	ur_port_close(port);
	/* and when it is closed it is anybody's */
	assert_int_equal(ur_port_open(&port, "pcap:" OUT, &err), 0);
	ur_port_close(port);
	assert_int_equal(ur_port_open(&port, "pcap:," OUT, &err), 0);
	ur_port_close(port);
	/* what is no file is for all */
	assert_int_equal(ur_port_open(&port, "pcap:,/dev/null", &err), 0);
	assert_int_equal(ur_port_open(&other, "pcap:,/dev/null", &err), 0);
	ur_port_close(other);
	ur_port_close(port);
	remove("hard");
	remove("soft");
}

/* Laps open the file again, and it stays locked. */
static void same_file_laps(void **state)
{
	struct ur_port *other;
	struct ur_error err;
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t n = 0, got;

	(void)state;
	make_file(nano, 100, 0);
	open_small(&e, "pcap:" IN ",loop=3");
	while (n < 250) {
		assert_int_equal(ur_wait(e.q, 5000), 1);
		got = ur_rx_burst(e.q, pkts, 64);
		ur_rx_release(e.q, pkts, got);
		assert_int_equal(ur_sync(e.q), 0);
		n += got;
	}
	assert_int_equal(ur_port_open(&other, "pcap:," IN, &err), -EBUSY);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(reads), TEST(tags), TEST(writes),
	};
	const struct CMUnitTest once[] = {
		cmocka_unit_test(heads), cmocka_unit_test(period),
		cmocka_unit_test(last_words),
		cmocka_unit_test(laps),
		cmocka_unit_test(speed),
		cmocka_unit_test(no_packet),
		cmocka_unit_test(odd_lengths),
		cmocka_unit_test(to_linux),
		cmocka_unit_test(damaged),
		cmocka_unit_test(disk_full),
		cmocka_unit_test(refused),
		cmocka_unit_test(same_file),
		cmocka_unit_test(same_file_laps),
	};
	int failed;

	if (make_folder(NULL))
		return 1;
	failed = run_formats("pcap", tests, COUNT(tests)) +
		 cmocka_run_group_tests_name("pcap, once", once, NULL, NULL);
	return remove_folder(NULL) || failed;
}
