// SPDX-License-Identifier: BSD-2-Clause
/*
 * urdns on a software NIC: frames there and back, what Linux gets, the limit of
 * replies; and as a whole, while its zone is read again and again.
 */
#include "live.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include <libuserring/build.h>

int urdns_main(int argc, char **argv);

#define main urdns_main
#include "urdns/main.c"
#undef main

#include "dns_cases.h"

#define QUEUES	3
#define WRONG	4	/* this version of the zone is refused */

static char zone_name[] = "/tmp/urdns-live-XXXXXX";

static const struct ur_build_udp from4 = {
	.dst_mac = { 2, 0, 0, 0, 0, 2 }, .src_mac = { 2, 0, 0, 0, 0, 9 },
	.src = { 10, 0, 0, 9 }, .dst = { 10, 0, 0, 2 },
	.sport = 4321, .dport = 53,
};
static const struct ur_build_udp from6 = {
	.dst_mac = { 2, 0, 0, 0, 0, 2 }, .src_mac = { 2, 0, 0, 0, 0, 9 },
	.src = { 0x20, 1, 0xd, 0xb8, [15] = 9 },
	.dst = { 0x20, 1, 0xd, 0xb8, [15] = 2 },
	.sport = 4321, .dport = 53,
};

struct frame {
	uint8_t  bytes[2048];
	uint8_t *data;
	uint32_t len;
};

/* The address of the port, whatever it is. */
static struct ur_build_udp to_port(const struct ur_build_udp *from)
{
	struct ur_port_info info = { .argsz = sizeof(info) };
	struct ur_build_udp head = *from;

	assert_int_equal(ur_port_info(port[0], &info), 0);
	memcpy(head.dst_mac, info.mac, 6);
	return head;
}

/* At most so many bytes of the message. */
static void build_len(struct frame *f, const struct ur_build_udp *from, int i,
		      uint16_t id, uint32_t most)
{
	struct ur_build_udp head = to_port(from);
	uint8_t *msg = f->bytes + UR_BUILD_ROOM;
	uint32_t len = dns_case_build(&dns_cases[i], msg);

	len = len < most ? len : most;
	ur_put_be16(msg, id);
	f->data = from == &from6 ? ur_build_udp6(msg, len, &head) :
				   ur_build_udp4(msg, len, &head);
	f->len = (uint32_t)(msg + len - f->data);
}

static void build(struct frame *f, const struct ur_build_udp *from, int i,
		  uint16_t id)
{
	build_len(f, from, i, id, UINT32_MAX);
}

/* A frame is a reply to a frame that was sent: every field around the message. */
static void check_reply(const uint8_t *reply, int len, const struct frame *f)
{
	struct ur_udp asked = { 0 }, udp = { 0 };
	size_t addr;

	assert_true(len > 0);
	assert_int_equal(ur_parse_udp(f->data, f->len, &asked), UR_PARSE_OK);
	assert_int_equal(ur_parse_udp(reply, (uint32_t)len, &udp), UR_PARSE_OK);
	assert_int_equal(udp.family, asked.family);
	addr = udp.family == 4 ? 4 : 16;
	assert_memory_equal(reply, f->data + 6, 6);
	assert_memory_equal(reply + 6, f->data, 6);
	assert_memory_equal(udp.src, asked.dst, addr);
	assert_memory_equal(udp.dst, asked.src, addr);
	assert_int_equal(udp.sport, asked.dport);
	assert_int_equal(udp.dport, asked.sport);
	assert_int_equal(udp.l4 + UR_UDP_LEN + udp.payload_len, len);
	if (udp.family == 4)
		assert_int_equal(ur_csum(reply + udp.l3, UR_IPV4_LEN), 0);
	assert_false(udp.no_csum);
	assert_int_equal(ur_csum_udp(udp.src, udp.dst, addr, reply + udp.l4,
				     udp.payload_len + UR_UDP_LEN), 0);
	assert_memory_equal(udp.payload, asked.payload, 2);
	assert_true(udp.payload[2] & 0x80);
}

/* ------------------------------------------------------------------------
 * One lane, by hand
 */

static struct dns_server server;

static int open_one(void **state)
{
	char why[400];

	(void)state;
	memset(&server, 0, sizeof(server));
	ports = 0;
	server.port = 53;
	server.zone = dns_zone_of(dns_zone_text, why, sizeof(why));
	queues_init(&server.all, "test", "");
	server.all.app.device = "sim:";
	return server.zone ? dns_open(&server) : -1;
}

static int close_one(void **state)
{
	(void)state;
	dns_close(&server);
	return 0;
}

static void pass(const struct frame *f, const struct ur_sim_meta *meta)
{
	assert_int_equal(ur_sim_inject(port[0], f->data, f->len, meta), 0);
	dns_lane_burst(&server.lane[0], APP_BURST);
	ur_sync(server.lane[0].q.app.queue);
}

static void test_frames(void **state)
{
	const struct ur_build_udp *from[] = { &from4, &from6 };
	uint8_t reply[2048];
	struct frame f;
	size_t i, k;

	(void)state;
	for (k = 0; k < 2; k++) {
		for (i = 0; i < DNS_CASES; i++) {
			build(&f, from[k], (int)i, (uint16_t)(7 * i));
			pass(&f, NULL);
			check_reply(reply, ur_sim_collect(port[0], reply,
							  sizeof(reply)), &f);
			assert_int_equal(ur_sim_collect(port[0], reply,
							sizeof(reply)),
					 -ENOENT);
		}
	}
	assert_int_equal(server.lane[0].q.app.n.rx_packets, 2 * DNS_CASES);
	assert_int_equal(server.lane[0].q.app.n.tx_packets, 2 * DNS_CASES);
	assert_int_equal(server.lane[0].q.app.n_host, 0);
}

/* The NIC looked at no checksum: we do. */
static void test_checksums(void **state)
{
	const struct ur_build_udp *from[] = { &from4, &from6 };
	const struct ur_sim_meta unchecked = { .status = UR_RXD_STAT_IXSM };
	uint8_t reply[2048];
	struct frame f;
	int k, l4;

	(void)state;
	for (k = 0; k < 2; k++) {
		l4 = UR_ETH_LEN + (k ? UR_IPV6_LEN : UR_IPV4_LEN);
		build(&f, from[k], 0, 1);
		pass(&f, &unchecked);
		check_reply(reply, ur_sim_collect(port[0], reply, sizeof(reply)),
			    &f);
		f.data[f.len - 1] ^= 0x80;	/* the class */
		pass(&f, &unchecked);
		assert_int_equal(ur_sim_collect(port[0], reply, sizeof(reply)),
				 -ENOENT);
		assert_int_equal(ur_sim_host(port[0], reply, sizeof(reply)),
				 (int)f.len);
		f.data[f.len - 1] ^= 0x80;
		/* IPv4 may have none */
		ur_put_be16(f.data + l4 + 6, 0);
		pass(&f, &unchecked);
		if (k == 0)
			check_reply(reply, ur_sim_collect(port[0], reply,
							  sizeof(reply)), &f);
		else
			assert_int_equal(ur_sim_host(port[0], reply,
						     sizeof(reply)),
					 (int)f.len);
	}
}

/* Not to us, not to the port, not from anybody, not whole: as it came. */
static void test_linux(void **state)
{
	static const uint8_t arp[60] = { 255, 255, 255, 255, 255, 255, 2, 0, 0,
					 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };
	uint8_t got[2048];
	struct frame f;
	int i;

	(void)state;
	for (i = 0; i < 7; i++) {
		build(&f, &from4, 0, 1);
		switch (i) {
		case 0:
			memcpy(f.data, arp, sizeof(arp));
			f.len = sizeof(arp);
			break;
		case 1:		/* TCP */
			f.data[23] = UR_IP_TCP;
			break;
		case 2:		/* another port */
			f.data[37] = 54;
			break;
		case 3:		/* port 0 */
			f.data[34] = f.data[35] = 0;
			break;
		case 4:		/* from a group */
			f.data[26] = 224;
			break;
		case 5:		/* a fragment */
			f.data[20] = 0x20;
			break;
		case 6:		/* to another MAC */
			f.data[5] ^= 1;
			break;
		}
		pass(&f, NULL);
		assert_int_equal(ur_sim_collect(port[0], got, sizeof(got)),
				 -ENOENT);
		assert_int_equal(ur_sim_host(port[0], got, sizeof(got)),
				 (int)f.len);
		assert_memory_equal(got, f.data, f.len);
	}
	assert_int_equal(server.lane[0].q.app.n_host, 7);
	assert_int_equal(server.lane[0].q.app.n.rx_packets, 0);
}

/* What a server beside us may be for; and a tag that the NIC took off. */
static void test_others(void **state)
{
	const struct ur_sim_meta csum_ok = { .status = UR_RXD_STAT_IXSM };
	const struct ur_sim_meta tag = { .status = UR_RXD_STAT_VP, .vlan = 100 };
	uint8_t got[2048], *msg;
	struct frame f;
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		build(&f, &from4, 1, 1);
		msg = f.bytes + UR_BUILD_ROOM;
		switch (i) {
		case 0:		/* a response */
			msg[2] |= 0x80;
			break;
		case 1:		/* NOTIFY */
			msg[2] |= 4 << 3;
			break;
		case 2:		/* UPDATE */
			msg[2] |= 5 << 3;
			break;
		case 3:		/* AXFR, IXFR */
		case 4:
			msg[12 + 17 + 1] = i == 3 ? 252 : 251;
			break;
		case 5:
			break;
		}
		/* the checksum is not what it was */
		ur_put_be16(f.data + 40, 0);
		pass(&f, i == 5 ? &tag : &csum_ok);
		assert_int_equal(ur_sim_collect(port[0], got, sizeof(got)),
				 -ENOENT);
		assert_true(ur_sim_host(port[0], got, sizeof(got)) >=
			    (int)f.len);
	}
	assert_int_equal(server.lane[0].q.app.n_host, 6);
	assert_int_equal(server.lane[0].n.dropped, 0);
}

/* What is no query, and not answered, keeps no slot. */
static void test_dropped(void **state)
{
	uint8_t got[2048];
	struct frame f;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		build_len(&f, &from4, 0, 1, 8);
		pass(&f, NULL);
	}
	assert_int_equal(ur_sim_collect(port[0], got, sizeof(got)), -ENOENT);
	assert_int_equal(ur_sim_host(port[0], got, sizeof(got)), -ENOENT);
	assert_int_equal(server.lane[0].n.dropped, 10000);
}

static void test_limit(void **state)
{
	struct dns_lane *lane = &server.lane[0];
	uint8_t got[2048];
	struct frame f;
	int i, len, truncated = 0, sent = 0;

	(void)state;
	lane->rrl = rrl_new(10, 2);
	for (i = 0; i < 30; i++) {
		build(&f, &from4, 0, 1);
		pass(&f, NULL);
		len = ur_sim_collect(port[0], got, sizeof(got));
		if (len < 0)
			continue;
		check_reply(got, len, &f);
		sent++;
		truncated += got[42 + 2] >> 1 & 1;
	}
	assert_int_equal(sent, 20);
	assert_int_equal(truncated, 10);
	assert_int_equal(lane->n.limited, 10);
	assert_int_equal(lane->n.slipped, 10);
	/* others are not concerned */
	build(&f, &from6, 0, 1);
	pass(&f, NULL);
	assert_true(ur_sim_collect(port[0], got, sizeof(got)) > 0);
}

/* ------------------------------------------------------------------------
 * The whole
 */

/* The address of www tells which version of the zone it is. */
static void write_zone(int version)
{
	FILE *file = fopen(zone_name, "w");

	assert_non_null(file);
	fprintf(file, "$ORIGIN example.org.\n$TTL 60\n@ SOA a b %d 2 3 4 5\n"
		"@ NS a\nwww A 192.0.2.%d\n%s", version, version,
		version == WRONG ? "www CNAME a\n" : "");
	fclose(file);
}

/* A query by each queue at once.  Return: the versions that answer, as bits. */
static uint32_t answered(uint16_t id)
{
	uint32_t queue, versions = 0;
	uint8_t reply[2048];
	struct frame f;
	int len;

	build(&f, &from4, 0, id);
	for (queue = 0; queue < QUEUES; queue++)
		assert_int_equal(ur_sim_inject(port[queue], f.data, f.len,
					       NULL), 0);
	for (queue = 0; queue < QUEUES; queue++) {
		len = collect(ur_sim_collect, queue, reply, sizeof(reply));
		check_reply(reply, len, &f);
		versions |= 1u << reply[len - 1];
	}
	return versions;
}

static bool was_refused(void)
{
	return strstr(contents(err_name), "goes on with the zones as they were");
}

/*
 * Every query is answered, by the old zone or by the new one.  None is shown: who shows
 * them waits for what the lanes write, and no race would be seen.
 */
static void test_reload(void **state)
{
	uint32_t have, want, old = 0;
	char command[128];
	uint16_t id = 0;
	uint64_t end;
	int version;

	(void)state;
	write_zone(1);
	snprintf(command, sizeof(command), "urdns --zone %s --json --rates --queues %d sim:queues=%d",
		 zone_name, QUEUES, QUEUES);
	live_start(urdns_main, command, QUEUES);
	for (version = 1; version <= 6; version++) {
		write_zone(version);
		if (version > 1)
			kill(getpid(), SIGHUP);
		end = app_clock() + 20 * NS_PER_SEC;
		/* the wrong one is not taken */
		want = version == WRONG ? old : 1u << version;
		do {
			have = answered(id++);
			assert_int_equal(have & ~(old | 1u << version), 0);
		} while ((version == WRONG ? !was_refused() : have != want) &&
			 app_clock() < end);
		assert_int_equal(have, want);
		old = want;
	}
	live_finish(true, APP_OK);
	expect("reloads", 4);
	expect("reloads_failed", 1);
}

/* ------------------------------------------------------------------------
 * A hundred files, good and bad in turn
 */

#define FILES	100

static const char *const bad[] = {
	"@ SOA a b 1 2 3 4 5\n",			/* no NS */
	"@ SOA a b 1 2 3 4 5\n@ NS a\nwww A 192.0.2",	/* cut off */
	"@ SOA a b 1 2 3 4 5\n@ NS a\nx TYPE2 \\# 2 C00C\n",
	"@ SOA a b 1 2 3 4 5\n@ NS a\nx A \\# 3 C00002\n",
	"@ SOA a b 1 2 3 4 5\n@ NS a\n$INCLUDE /dev/zero\n",
	"",
};

#define BAD	(sizeof(bad) / sizeof(bad[0]))

/* Something else is at the place of the zone, as by mv. */
static void put_bad(uint32_t i)
{
	char name[64];
	FILE *file;

	snprintf(name, sizeof(name), "%s.new", zone_name);
	unlink(zone_name);
	switch (i % (BAD + 4)) {
	case BAD:
		return;
	case BAD + 1:
		assert_int_equal(mkfifo(zone_name, 0600), 0);
		return;
	case BAD + 2:
		assert_int_equal(symlink("/dev/zero", zone_name), 0);
		return;
	case BAD + 3:
		assert_int_equal(symlink("/tmp", zone_name), 0);
		return;
	}
	file = fopen(name, "w");
	fprintf(file, "$ORIGIN example.org.\n$TTL 60\n%s", bad[i % (BAD + 4)]);
	fclose(file);
	assert_int_equal(rename(name, zone_name), 0);
}

static uint32_t entries(const char *dir)
{
	DIR *d = opendir(dir);
	uint32_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* No query is without an answer, none has one that was never right. */
static void test_many_reloads(void **state)
{
	uint32_t have, old = 1, fds = 0, i;
	char command[128];
	uint16_t id = 0;
	int said = 0;

	(void)state;
	write_zone(1);
	snprintf(command, sizeof(command), "urdns --zone %s --json --queues %d sim:queues=%d",
		 zone_name, QUEUES, QUEUES);
	live_start(urdns_main, command, QUEUES);
	for (i = 0; i < FILES; i++) {
		const uint32_t version = 10 + i / 2 % 20;
		const bool is_bad = i & 1;

		if (is_bad)
			put_bad(i / 2);
		else {
			unlink(zone_name);
			write_zone((int)version);
		}
		kill(getpid(), SIGHUP);
		do {
			have = answered(id++);
			assert_int_equal(have & ~(1u << old |
						  (is_bad ? 0 : 1u << version)), 0);
		} while (is_bad ? count_of(contents(err_name), "goes on with") == said :
				  have != 1u << version);
		said += is_bad;
		if (!is_bad)
			old = version;
		if (i == 10)
			fds = entries("/proc/self/fd");
	}
	assert_int_equal(entries("/proc/self/fd"), fds);
	unlink(zone_name);
	live_finish(true, APP_OK);
	expect("reloads", FILES / 2);
	expect("reloads_failed", FILES / 2);
	expect("missed", 0);
}

/* SIGTERM while a large zone is loading: the queue is given back at once. */
static void test_stop_while_loading(void **state)
{
	struct dns_source source = { NULL, zone_name };
	uint64_t begin, whole;
	char command[128], why[400];
	struct dns_zone *z;
	FILE *file;
	int i;

	(void)state;
	write_zone(1);
	snprintf(command, sizeof(command), "urdns --zone %s --json sim:", zone_name);
	live_start(urdns_main, command, 1);
	file = fopen(zone_name, "w");
	fprintf(file, "$ORIGIN example.org.\n$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n");
	/* it takes seconds: stopping takes tenths of one, whatever there is to stop */
	for (i = 0; i < 1000000; i++)
		fprintf(file, "h%d A 192.0.2.1\n", i);
	fclose(file);
	begin = app_clock();
	z = dns_zone_load(&source, 1, NULL, why, sizeof(why));
	whole = app_clock() - begin;
	assert_non_null(z);
	dns_zone_free(z);
	kill(getpid(), SIGHUP);
	/* it has begun: the signal is looked at ten times a second */
	sleep_ms(200);
	begin = app_clock();
	live_finish(true, APP_OK);
	if (app_clock() - begin > whole / 2)
		fail_msg("it took %llu ms, loading takes %llu",
			 (unsigned long long)(app_clock() - begin) / 1000000,
			 (unsigned long long)whole / 1000000);
	expect("reloads", 0);
}

/* As long as there are no zones Linux has all. */
static void test_no_zone_yet(void **state)
{
	uint8_t got[2048];
	struct frame f;

	(void)state;
	build(&f, &from4, 0, 1);
	server.lane[0].zone = NULL;
	pass(&f, NULL);
	assert_int_equal(ur_sim_host(port[0], got, sizeof(got)), (int)f.len);
	server.lane[0].zone = server.zone;
	pass(&f, NULL);
	check_reply(got, ur_sim_collect(port[0], got, sizeof(got)), &f);
}

/* Whoever read the totals is gone: that ends nothing. */
static void test_reader_is_gone(void **state)
{
	char command[128];
	int out = -1, pipes[2];

	(void)state;
	write_zone(1);
	assert_int_equal(pipe(pipes), 0);
	snprintf(command, sizeof(command), "urdns --zone %s --rates --json --queues %d sim:queues=%d",
		 zone_name, QUEUES, QUEUES);
	live_start(urdns_main, command, QUEUES);
	close(pipes[0]);
	out = dup(1);
	dup2(pipes[1], 1);
	/* a line of the first second, into nothing */
	sleep_ms(1500);
	assert_true(answered(1));
	dup2(out, 1);
	close(out);
	close(pipes[1]);
	live_finish(true, APP_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames, open_one, close_one),
		cmocka_unit_test_setup_teardown(test_checksums, open_one,
						close_one),
		cmocka_unit_test_setup_teardown(test_linux, open_one, close_one),
		cmocka_unit_test_setup_teardown(test_others, open_one, close_one),
		cmocka_unit_test_setup_teardown(test_dropped, open_one,
						close_one),
		cmocka_unit_test_setup_teardown(test_limit, open_one, close_one),
		cmocka_unit_test_setup_teardown(test_no_zone_yet, open_one,
						close_one),
		cmocka_unit_test_teardown(test_reload, live_teardown),
		cmocka_unit_test_teardown(test_many_reloads, live_teardown),
		cmocka_unit_test_teardown(test_stop_while_loading, live_teardown),
		cmocka_unit_test_teardown(test_reader_is_gone, live_teardown),
	};
	int r, fd = mkstemp(zone_name);

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(zone_name);
	return r;
}
