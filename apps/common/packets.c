// SPDX-License-Identifier: BSD-2-Clause
/* Packets on their way out of an app: to the wire, to Linux, back. */
#include <errno.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libuserring/host.h>

#include <libuserring/parse.h>
#include <libuserring/sim.h>

#include "common/common.h"

/*
 * Filters are the kernel's: a membership lasts as long as its socket, which is
 * never closed and, with protocol 0, receives nothing.
 */
void app_join_neighbours(struct app *app, const uint8_t ip[16])
{
	struct packet_mreq group = {
		.mr_ifindex = (int)app->info.ifindex,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = 6,
		.mr_address = { 0x33, 0x33, 0xff, ip[13], ip[14], ip[15] },
	};
	int fd;

	if (!app->info.ifindex)
		return;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group,
				  sizeof(group)) == 0)
		return;
	app_say(app, "%s: neighbours will not find the IPv6 address (%s); as root: ip maddress add 33:33:ff:%02x:%02x:%02x dev %s",
		app->device, strerror(errno), ip[13], ip[14], ip[15],
		app->info.ifname);
	if (fd >= 0)
		close(fd);
}

/* Bytes from the beginning of a packet to the end of its slot. */
static uint32_t room_of(const struct ur_pool *pool, const struct ur_pkt *pkt)
{
	return ur_slot_size(pool) -
	       (uint32_t)(pkt->data - ur_slot_data(pool, pkt->slot));
}

bool app_keep_tag(const struct app *app, struct ur_pkt *pkt)
{
	uint32_t len;

	if (!(pkt->flags & UR_PKT_VLAN) ||
	    app->info.features & UR_FEATURE_TX_VLAN)
		return true;
	len = app_insert_vlan(pkt->data, pkt->len, room_of(app->pool, pkt),
			      pkt->vlan);
	if (!len || len > app->info.tx_len_max)
		return false;
	pkt->len = len;
	pkt->flags &= (uint16_t)~UR_PKT_VLAN;
	return true;
}

void app_capture_head(const struct app *app, const struct ur_pkt *pkt,
		      uint64_t *time, uint32_t *len)
{
	struct ur_pcap_head head;

	*len = pkt->len;
	if (!app->ends || ur_pcap_head(app->port, pkt->slot, &head))
		return;
	*time = head.time;
	*len += head.len - head.captured;
}

uint32_t app_answer(struct app *app, struct ur_pkt *send, uint32_t n_send,
		    struct ur_pkt *back, uint32_t n_back)
{
	uint32_t ready = 0, sent, i;
	uint64_t bytes = 0;

	for (i = 0; i < n_send; i++) {
		struct ur_pkt pkt = send[i];

		if (app_keep_tag(app, &pkt))
			send[ready++] = pkt;
		else
			back[n_back++] = pkt;
	}

	sent = ur_tx_burst(app->queue, send, ready);
	for (i = 0; i < ready; i++) {
		if (i < sent) {
			uint32_t slot = ur_slot_alloc(app->pool);

			bytes += send[i].len;
			if (slot != UR_NO_SLOT)
				back[n_back++].slot = slot;
		} else {
			back[n_back++] = send[i];
		}
	}
	ur_rx_release(app->queue, back, n_back);
	app_add(&app->n.tx_packets, sent);
	app_add(&app->n.tx_bytes, bytes);
	return sent;
}

void app_pass(struct app *app, const struct ur_pkt *pkts, uint32_t n)
{
	uint32_t passed = ur_to_host(app->queue, pkts, n);

	app_add(&app->n_host, passed);
	/* the caller asked for room, so that there are none */
	ur_rx_release(app->queue, pkts + passed, n - passed);
}

uint32_t app_insert_vlan(uint8_t *frame, uint32_t len, uint32_t room,
			 uint16_t tci)
{
	if (len < 12 || len + 4 > room)
		return 0;
	memmove(frame + 16, frame + 12, len - 12);
	frame[12] = 0x81;
	frame[13] = 0x00;
	frame[14] = (uint8_t)(tci >> 8);
	frame[15] = (uint8_t)tci;
	return len + 4;
}
