// SPDX-License-Identifier: BSD-2-Clause
/*
 * bench_dns ZONE [ROUNDS]: what an answer costs, in cycles (TSC) and, where the
 * kernel lets us count them, instructions: from the descriptor of a query for a
 * random name of the zone to the entry of its reply in the TX ring, on sim:.  The
 * NIC's half, which is injecting and ur_sync(), is not counted.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libuserring/build.h>
#include <libuserring/sim.h>

#include "urdns/urdns.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#define CYCLES()	__rdtsc()
#else
#define CYCLES()	0ULL
#endif

#define FRAMES	65536
#define CHUNKS	100	/* that are measured */

static struct dns_server server = { .port = 53 };

/* Frames are built once, and injected in turn. */
static struct {
	uint8_t *frame;
	uint32_t len;
} query[FRAMES];

/* Others use the machine as well: the middle one of many is what it costs. */
static double cost[CHUNKS], work[CHUNKS];

static uint64_t seed = 1;

static uint32_t draw(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((seed >> 33) % n);
}

static int open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t read_counter(int fd)
{
	uint64_t n = 0;

	if (fd >= 0 && read(fd, &n, sizeof(n)) != sizeof(n))
		return 0;
	return n;
}

static const struct dns_node *any_node(const struct dns_zone *zone)
{
	for (;;) {
		const struct dns_slot *slot = &zone->table[draw(zone->mask + 1)];

		if (slot->node &&
		    dns_node_at(zone, slot->node)->first.wire_type)
			return dns_node_at(zone, slot->node);
	}
}

static void build(const struct dns_zone *zone, const uint8_t *mac, int i)
{
	struct ur_build_udp head = {
		.src_mac = { 2, 0, 0, 0, 0, 1 }, .src = { 10, 0, 0, 1 },
		.dst = { 10, 0, 0, 2 }, .dport = 53,
	};
	static const uint8_t opt[11] = { 0, 0, DNS_OPT, 4, 208 };
	const struct dns_node *node = any_node(zone);
	uint8_t bytes[UR_BUILD_ROOM + 300] = { 0 };
	uint8_t *msg = bytes + UR_BUILD_ROOM, *p = msg, *frame;

	memcpy(head.dst_mac, mac, 6);
	head.sport = (uint16_t)(1024 + draw(60000));
	head.src[3] = (uint8_t)(3 + draw(200));
	ur_put_be16(p, (uint16_t)i);
	ur_put_be16(p + 4, 1);
	ur_put_be16(p + 10, 1);
	p += DNS_HEADER;
	memcpy(p, node->name, node->name_len);
	p += node->name_len;
	memcpy(p, &dns_node_type(node, draw(node->types))->wire_type, 2);
	ur_put_be16(p + 2, DNS_CLASS_IN);
	memcpy(p + 4, opt, sizeof(opt));
	p += 4 + sizeof(opt);
	frame = ur_build_udp4(msg, (uint32_t)(p - msg), &head);
	query[i].len = (uint32_t)(p - frame);
	query[i].frame = malloc(query[i].len);
	if (!query[i].frame)
		exit(1);
	memcpy(query[i].frame, frame, query[i].len);
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double middle(double *values)
{
	qsort(values, CHUNKS, sizeof(*values), by_number);
	return values[CHUNKS / 2];
}

/* The queries of one chunk, from the ring into the ring. */
static void measure(struct dns_lane *lane, int counter, uint32_t chunk,
		    uint32_t bursts)
{
	uint64_t cycles = 0, instructions = 0, replies = lane->q.app.n.tx_packets;
	uint32_t i, k;

	for (i = 0; i < bursts; i++) {
		uint64_t c, n;

		for (k = 0; k < QUICK_BURST; k++) {
			uint32_t f = draw(FRAMES);

			ur_sim_inject(lane->q.app.port, query[f].frame,
				      query[f].len, NULL);
		}
		n = read_counter(counter);
		c = CYCLES();
		dns_lane_burst(lane, QUICK_BURST);
		cycles += CYCLES() - c;
		instructions += read_counter(counter) - n;
		ur_sync(lane->q.app.queue);
	}
	replies = lane->q.app.n.tx_packets - replies;
	cost[chunk] = (double)cycles / (double)replies;
	work[chunk] = (double)instructions / (double)replies;
}

/* TSC cycles a second. */
static double frequency(void)
{
	uint64_t t = app_clock(), c = CYCLES();

	usleep(50000);
	c = CYCLES() - c;
	return (double)c * 1e9 / (double)(app_clock() - t);
}

int main(int argc, char **argv)
{
	struct dns_source source = { NULL, argc > 1 ? argv[1] : "" };
	uint32_t bursts = argc > 2 ? (uint32_t)atoi(argv[2]) : 1000;
	struct dns_lane *lane = &server.lane[0];
	struct app *app = &lane->q.app;
	int counter = open_counter();
	char text[400];
	uint32_t i;

	server.zone = dns_zone_load(&source, 1, NULL, text, sizeof(text));
	if (!server.zone) {
		fprintf(stderr, "%s\n", text);
		return 1;
	}
	app_init(app, "bench_dns", "");
	app->device = "sim:";
	app->rx_size = app->tx_size = 1024;
	if (app_open(app))
		return 1;
	dns_lane_begin(lane, &server);
	for (i = 0; i < FRAMES; i++)
		build(server.zone, app->info.mac, (int)i);
	for (i = 0; i < CHUNKS; i++)
		measure(lane, counter, i, bursts);

	printf("%u names, %u records; %llu answers, of %u bytes with headers: %.1f cycles each",
	       server.zone->names, server.zone->records,
	       (unsigned long long)lane->q.app.n.tx_packets,
	       (unsigned int)(lane->q.app.n.tx_bytes / lane->q.app.n.tx_packets),
	       middle(cost));
	printf(" (best %.1f, worst %.1f)", cost[0], cost[CHUNKS - 1]);
	if (counter >= 0)
		printf(", %.1f instructions", middle(work));
	printf(", %.1f million a second\n", frequency() / middle(cost) / 1e6);
	i = lane->q.app.n.tx_packets != (uint64_t)CHUNKS * bursts * QUICK_BURST;
	app_close(app);
	dns_zone_free(server.zone);
	return (int)i;
}
