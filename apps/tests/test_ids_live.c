// SPDX-License-Identifier: BSD-2-Clause
/*
 * urids as a whole between two software NICs with several queues: each lane forwards,
 * drops and writes alerts while the rules are read again and again.
 */
#include <fcntl.h>
#include <sys/stat.h>

int urids_main(int argc, char **argv);

#define main urids_main
#include "urids/main.c"
#undef main

#include "live.h"

#include <libuserring/build.h>

#define QUEUES		3
#define VERSIONS	4
#define WRONG		3	/* this version is refused */
#define TOLD		9	/* to this port: an alert */
#define DROPPED(v)	(7000 + (v))	/* by this version of the rules */

static char rules_name[] = "/tmp/urids-live-XXXXXX";
static char alerts_name[] = "/tmp/urids-live-XXXXXX";

static void write_rules(int version)
{
	FILE *file = fopen(rules_name, "w");

	assert_non_null(file);
	fprintf(file, "alert udp any any -> any %d (content:\"told\"; sid:1;)\n"
		"drop udp any any -> any %d (sid:%d;)\n%s", TOLD,
		DROPPED(version), 10 + version,
		version == WRONG ? "drop udp any any\n" : "");
	fclose(file);
}

/* The ports were opened lane by lane. */
static uint32_t port_of(uint32_t queue, uint32_t side)
{
	return 2 * queue + side;
}

static void inject_as(uint32_t queue, uint16_t dport, uint32_t number,
		      const struct ur_sim_meta *meta)
{
	const struct ur_build_udp head = {
		.dst_mac = { 2, 0, 0, 0, 0, 2 }, .src_mac = { 2, 0, 0, 0, 0, 9 },
		.src = { 10, 0, 0, 9 }, .dst = { 10, 0, 0, 2 },
		.sport = 4321, .dport = dport,
	};
	uint8_t room[UR_BUILD_ROOM + 32] = { 0 }, *frame;

	memcpy(room + UR_BUILD_ROOM, "told", 4);
	ur_put_be32(room + UR_BUILD_ROOM + 4, number);
	frame = ur_build_udp4(room + UR_BUILD_ROOM, 32, &head);
	assert_int_equal(ur_sim_inject(port[port_of(queue, 0)], frame,
				       (size_t)(room + sizeof(room) - frame),
				       meta), 0);
}

static void inject(uint32_t queue, uint16_t dport, uint32_t number)
{
	inject_as(queue, dport, number, NULL);
}

/*
 * What comes out of a queue until the frame that is told of, which is always let
 * through.  Return: the other one came before it.
 */
static bool comes(uint32_t queue, uint16_t dport, uint32_t number)
{
	uint8_t frame[256];
	bool before = false;
	int len;

	for (;;) {
		len = collect(ur_sim_collect, port_of(queue, 1), frame,
			      sizeof(frame));
		assert_int_equal(len, UR_ETH_LEN + UR_IPV4_LEN + UR_UDP_LEN + 32);
		assert_int_equal(ur_get_be32(frame + 46), number);
		if (ur_get_be16(frame + 36) == TOLD)
			return before;
		assert_int_equal(ur_get_be16(frame + 36), dport);
		before = true;
	}
}

/* Frames by all queues at once.  Return: how many lanes let dport through. */
static uint32_t round_trip(uint16_t dport, uint32_t number)
{
	uint32_t q, passed = 0;

	for (q = 0; q < QUEUES; q++) {
		inject(q, dport, number);
		inject(q, TOLD, number);
	}
	for (q = 0; q < QUEUES; q++)
		passed += comes(q, dport, number);
	return passed;
}

static uint32_t lines_of(const char *name)
{
	FILE *file = fopen(name, "r");
	uint32_t n = 0;
	int c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

static bool was_refused(void)
{
	return strstr(contents(err_name), "the rules stay as they were");
}

/* The new rules hold in each lane soon, the old ones until then. */
static void new_rules(void **state)
{
	uint32_t number = 0, dropped = 0, passed;
	char command[256];
	uint64_t end;
	int version;

	(void)state;
	write_rules(1);
	snprintf(command, sizeof(command), "urids --json --rates --rules %s --alert-rate 0 --alerts %s sim:queues=%d sim:queues=%d",
		 rules_name, alerts_name, QUEUES, QUEUES);
	live_start(urids_main, command, 2 * QUEUES);
	for (version = 1; version <= VERSIONS; version++) {
		write_rules(version);
		if (version > 1)
			kill(getpid(), SIGHUP);
		end = app_clock() + 20 * NS_PER_SEC;
		do {
			passed = round_trip(DROPPED(version), ++number);
			dropped += QUEUES - passed;
		} while ((version == WRONG ? !was_refused() : passed) &&
			 app_clock() < end);
		assert_int_equal(passed, version == WRONG ? QUEUES : 0);
	}
	live_finish(true, 0);
	expect("reloads", VERSIONS - 2);
	expect("slots_lost", 0);
	assert_int_equal(lines_of(alerts_name), number * QUEUES + dropped);
	assert_true(was_refused());
}

/* What becomes of a frame to dport whose checksum the NIC finds wrong: passes? */
static bool wrong_passes(uint16_t dport, uint32_t number)
{
	static const struct ur_sim_meta wrong = {
		.status = UR_RXD_STAT_L4CS, .errors = UR_RXX_ERR_L4E,
	};

	inject_as(0, dport, number, &wrong);
	inject(0, TOLD, number);
	return comes(0, dport, number);
}

/* They pass, and rules look at them like at others; or are dropped. */
static void bad_checksums(void **state)
{
	char command[256];

	(void)state;
	write_rules(1);
	for (int drop = 0; drop < 2; drop++) {
		snprintf(command, sizeof(command), "urids --json --checksums %s --rules %s --alert-rate 0 --alerts %s sim: sim:",
			 drop ? "drop" : "pass", rules_name, alerts_name);
		live_start(urids_main, command, 2);
		assert_int_equal(wrong_passes(7, 1), !drop);
		assert_false(wrong_passes(DROPPED(1), 2));
		live_finish(true, 0);
		assert_non_null(strstr(contents(out_name), drop ?
				       "\"by_rule\": 0" : "\"by_rule\": 1"));
		assert_int_equal(strstr(contents(out_name), "\"bad_checksum\": 2")
				 != NULL, drop);
		live_teardown(NULL);
	}
}

/*
 * Rules that take long to read hold up nobody: at the end of the program the port
 * is free at once.
 */
static void ends_while_reading(void **state)
{
	struct ur_queue_info info = { .attached = 1 };
	uint64_t end = app_clock() + 5 * NS_PER_SEC;
	char command[256];
	int fifo;

	(void)state;
	write_rules(1);
	snprintf(command, sizeof(command), "urids --json --rules %s --alert-rate 0 --alerts %s sim:",
		 rules_name, alerts_name);
	live_start(urids_main, command, 1);
	/* a file that comes to no end */
	unlink(rules_name);
	assert_int_equal(mkfifo(rules_name, 0600), 0);
	kill(getpid(), SIGHUP);
	fifo = open(rules_name, O_WRONLY);
	assert_true(fifo >= 0);
	kill(getpid(), SIGTERM);
	while (info.attached && app_clock() < end) {
		sleep_ms(20);
		assert_int_equal(ur_port_queue_info(port[0], 0, &info), 0);
	}
	close(fifo);
	live_finish(false, 0);
	assert_int_equal(info.attached, 0);
	unlink(rules_name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(new_rules, live_teardown),
		cmocka_unit_test_teardown(bad_checksums, live_teardown),
		cmocka_unit_test_teardown(ends_while_reading, live_teardown),
	};
	int rules = mkstemp(rules_name), alerts = mkstemp(alerts_name), r;

	if (rules < 0 || alerts < 0)
		return 1;
	close(rules);
	close(alerts);
	r = cmocka_run_group_tests_name("ids_live", tests, NULL, NULL);
	unlink(rules_name);
	unlink(alerts_name);
	return r;
}
