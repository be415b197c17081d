// SPDX-License-Identifier: BSD-2-Clause
/*
 * urdns on a software NIC: frames there and back, what Linux gets, the limit of
 * replies; and as a whole, while its zone is read again and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libuserring/build.h>
#include <libuserring/sim.h>

int urdns_main(int argc, char **argv);

#define main urdns_main
#include "urdns/main.c"
#undef main

#include "dns_cases.h"

#define WAIT_MS	5000

static struct ur_port *port;
static char zone_name[] = "/tmp/urdns-live-XXXXXX";

int __real_ur_port_open(struct ur_port **p, const char *name,
			struct ur_error *err);
int __wrap_ur_port_open(struct ur_port **p, const char *name,
			struct ur_error *err);

int __wrap_ur_port_open(struct ur_port **p, const char *name,
			struct ur_error *err)
{
	int r = __real_ur_port_open(p, name, err);

	if (r == 0)
		__atomic_store_n(&port, *p, __ATOMIC_RELEASE);
	return r;
}

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

	assert_int_equal(ur_port_info(port, &info), 0);
	memcpy(head.dst_mac, info.mac, 6);
	return head;
}

static void build(struct frame *f, const struct ur_build_udp *from, int i,
		  uint16_t id)
{
	struct ur_build_udp head = to_port(from);
	uint8_t *msg = f->bytes + UR_BUILD_ROOM;
	uint32_t len = dns_case_build(&dns_cases[i], msg);

	ur_put_be16(msg, id);
	f->data = from == &from6 ? ur_build_udp6(msg, len, &head) :
				   ur_build_udp4(msg, len, &head);
	f->len = (uint32_t)(msg + len - f->data);
}

/* A frame is a reply to a frame that was sent: every field around the message. */
static void check_reply(const uint8_t *reply, int len, const struct frame *f)
{
	struct ur_udp asked, udp;
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
	assert_int_equal(ur_sim_inject(port, f->data, f->len, meta), 0);
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
			check_reply(reply, ur_sim_collect(port, reply,
							  sizeof(reply)), &f);
			assert_int_equal(ur_sim_collect(port, reply,
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
		check_reply(reply, ur_sim_collect(port, reply, sizeof(reply)),
			    &f);
		f.data[f.len - 1] ^= 0x80;	/* the class */
		pass(&f, &unchecked);
		assert_int_equal(ur_sim_collect(port, reply, sizeof(reply)),
				 -ENOENT);
		assert_int_equal(ur_sim_host(port, reply, sizeof(reply)),
				 (int)f.len);
		f.data[f.len - 1] ^= 0x80;
		/* IPv4 may have none */
		ur_put_be16(f.data + l4 + 6, 0);
		pass(&f, &unchecked);
		if (k == 0)
			check_reply(reply, ur_sim_collect(port, reply,
							  sizeof(reply)), &f);
		else
			assert_int_equal(ur_sim_host(port, reply,
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
		assert_int_equal(ur_sim_collect(port, got, sizeof(got)),
				 -ENOENT);
		assert_int_equal(ur_sim_host(port, got, sizeof(got)),
				 (int)f.len);
		assert_memory_equal(got, f.data, f.len);
	}
	assert_int_equal(server.lane[0].q.app.n_host, 7);
	assert_int_equal(server.lane[0].q.app.n.rx_packets, 0);
}

/* A response, which is not answered, keeps no slot. */
static void test_dropped(void **state)
{
	uint8_t got[2048];
	struct frame f;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		build(&f, &from4, 0, 1);
		f.bytes[UR_BUILD_ROOM + 2] |= 0x80;
		pass(&f, NULL);
	}
	assert_int_equal(ur_sim_collect(port, got, sizeof(got)), -ENOENT);
	assert_int_equal(ur_sim_host(port, got, sizeof(got)), -ENOENT);
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
		len = ur_sim_collect(port, got, sizeof(got));
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
	assert_true(ur_sim_collect(port, got, sizeof(got)) > 0);
}

/* ------------------------------------------------------------------------
 * The whole
 */

static int exit_code;

static void *run_app(void *arg)
{
	char *argv[] = { "urdns", "--zone", zone_name, "--json", "--queues",
			 arg, "sim:", NULL };

	optind = 0;
	exit_code = urdns_main(7, argv);
	return NULL;
}

/* The address of www tells which version of the zone it is. */
static void write_zone(int version)
{
	FILE *file = fopen(zone_name, "w");

	assert_non_null(file);
	fprintf(file, "$ORIGIN example.org.\n$TTL 60\n@ SOA a b %d 2 3 4 5\n"
		"@ NS a\nwww A 192.0.2.%d\n%s", version, version,
		version == 4 ? "www CNAME a\n" : "");
	fclose(file);
}

static int answered(const struct frame *f)
{
	uint8_t reply[2048];
	int i, len = -1;

	assert_int_equal(ur_sim_inject(port, f->data, f->len, NULL), 0);
	for (i = 0; i < WAIT_MS * 10 && len < 0; i++) {
		len = ur_sim_collect(port, reply, sizeof(reply));
		if (len < 0)
			usleep(100);
	}
	check_reply(reply, len, f);
	return reply[len - 1];
}

/* Every query is answered, by the old zone or by the new one. */
static void test_reload(void **state)
{
	struct ur_queue_info info = { .argsz = sizeof(info) };
	int out = dup(1), err = dup(2), null = open("/dev/null", O_WRONLY);
	int version, i, have = 0, asked = 0;
	uint64_t end;
	pthread_t thread;
	struct frame f;

	(void)state;
	fflush(stdout);
	dup2(null, 1);
	dup2(null, 2);
	port = NULL;
	write_zone(1);
	assert_int_equal(pthread_create(&thread, NULL, run_app, "1"), 0);
	for (i = 0; i < WAIT_MS; i++, usleep(1000)) {
		struct ur_port *p = __atomic_load_n(&port, __ATOMIC_ACQUIRE);

		if (p && ur_port_queue_info(p, 0, &info) == 0 && info.attached)
			break;
	}
	/* the queue is attached before the thread runs; frames wait */
	for (version = 1; version <= 6; version++) {
		write_zone(version);
		kill(getpid(), SIGHUP);
		end = app_clock() + 20 * NS_PER_SEC;
		for (i = 0; app_clock() < end; i++) {
			build(&f, &from4, 0, (uint16_t)i);
			have = answered(&f);
			asked++;
			assert_true(have == version || have == version - 1 ||
				    (version == 5 && have == 3));
			/* the fourth is wrong, and not taken */
			if (have == version || (version == 4 && i == 1000))
				break;
		}
	}
	assert_int_equal(have, 6);
	kill(getpid(), SIGTERM);
	pthread_join(thread, NULL);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(null);
	assert_int_equal(exit_code, APP_OK);
	assert_true(asked >= 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames, open_one, close_one),
		cmocka_unit_test_setup_teardown(test_checksums, open_one,
						close_one),
		cmocka_unit_test_setup_teardown(test_linux, open_one, close_one),
		cmocka_unit_test_setup_teardown(test_dropped, open_one,
						close_one),
		cmocka_unit_test_setup_teardown(test_limit, open_one, close_one),
		cmocka_unit_test(test_reload),
	};
	int r, fd = mkstemp(zone_name);

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(zone_name);
	return r;
}
