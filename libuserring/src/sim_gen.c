// SPDX-License-Identifier: BSD-2-Clause
/*
 * The software NIC's link partner: numbered frames.
 */
#include <errno.h>
#include <string.h>

#include <libuserring/build.h>

#include "sim_internal.h"

#define NS_PER_SEC	1000000000ULL
#define PORT_FIRST	1024
#define PORT_DISCARD	9

static uint64_t put_be64(uint8_t *p, uint64_t v)
{
	ur_put_be32(p, (uint32_t)(v >> 32));
	ur_put_be32(p + 4, (uint32_t)v);
	return v;
}

static void fill(uint8_t *p, uint32_t len, uint64_t x)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		if (!(i % 8))
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		p[i] = (uint8_t)(x >> (8 * (i % 8)));
	}
}

static const uint8_t *make_frame(const struct sim_gen *gen, uint8_t *room)
{
	const uint32_t headers = UR_ETH_LEN + UR_IPV4_LEN + UR_UDP_LEN;
	struct ur_build_udp b = {
		.dst_mac = { 2, 0, 0, 0, 0, 2 },
		.src_mac = { 2, 0, 0, 0, 0, 1 },
		.src = { 10, 0, 0, 1 },
		.dst = { 10, 0, 0, 2 },
		.sport = (uint16_t)(PORT_FIRST + gen->made % gen->flows),
		.dport = PORT_DISCARD,
	};
	uint8_t *payload = room + UR_BUILD_ROOM;
	uint32_t len = gen->size - headers;

	memcpy(payload, "URNGseq1", 8);
	put_be64(payload + 8, gen->made);
	fill(payload + 16, len - 16, gen->seed + gen->made);
	return ur_build_udp4(payload, len, &b);
}

bool sim_gen_alive(const struct sim_gen *gen)
{
	return gen->on && (!gen->count || gen->made < gen->count);
}

int sim_gen_over(const struct sim_gen *gen)
{
	return gen->count && !sim_gen_alive(gen) && gen->on ? -ENODATA : 0;
}

static uint64_t due(struct sim_gen *gen)
{
	uint64_t now;

	if (!gen->rate)
		return UINT64_MAX;
	now = ur_now_ns();
	if (!gen->start)
		gen->start = now;
	now -= gen->start;
	return now / NS_PER_SEC * gen->rate +
	       now % NS_PER_SEC * gen->rate / NS_PER_SEC;
}

void sim_gen_run(struct sim_gen *gen, struct sim_nic *nic)
{
	struct ur_sim_meta meta = {
		.status = UR_RXD_STAT_IPCS | UR_RXD_STAT_L4CS |
			  UR_RXD_STAT_UDPCS,
		.vlan = gen->vlan,
	};
	uint8_t room[UR_BUILD_ROOM + SIM_TX_MAX];
	uint64_t until;

	if (!sim_gen_alive(gen))
		return;
	if (gen->tagged)
		meta.status |= UR_RXD_STAT_VP;
	for (until = due(gen); sim_gen_alive(gen) && gen->made < until &&
	     sim_nic_rx_room(nic, gen->size); gen->made++)
		sim_nic_receive(nic, make_frame(gen, room), gen->size, &meta);
}
