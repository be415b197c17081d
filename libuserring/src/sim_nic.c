// SPDX-License-Identifier: BSD-2-Clause
/*
 * The software NIC's hardware: descriptors and DMA.
 */
#include <string.h>

#include "sim_internal.h"

void sim_nic_reset(struct sim_nic *nic)
{
	nic->rx_head = 0;
	nic->rx_tail = 0;
	nic->tx_head = 0;
	nic->tx_tail = 0;
}

/* DMA reaches the pool and nothing else. */
static uint8_t *translate(struct sim_nic *nic, uint64_t addr, uint32_t len)
{
	uint64_t chunk = (addr - SIM_IOVA) / (2 * nic->chunk_size);
	uint64_t in_chunk = (addr - SIM_IOVA) % (2 * nic->chunk_size);
	uint64_t offset;

	if (addr < SIM_IOVA || chunk >= nic->chunks ||
	    in_chunk + len > nic->chunk_size)
		goto fault;
	offset = (nic->chunks - 1 - chunk) * nic->chunk_size + in_chunk;
	if (offset + len > nic->memory_size)
		goto fault;
	return nic->memory + offset;

fault:
	nic->faults++;
	return NULL;
}

/* ------------------------------------------------------------------------
 * Receive
 */

static uint32_t rx_places(const struct sim_nic *nic, uint32_t len)
{
	return (len + nic->buffer - 1) / nic->buffer;
}

bool sim_nic_rx_room(const struct sim_nic *nic, uint32_t len)
{
	uint32_t mask = nic->rx_size - 1;
	uint32_t need = rx_places(nic, len);

	return need > mask || ((nic->rx_tail - nic->rx_head) & mask) >= need;
}

static void write_back(struct sim_nic *nic, union ur_rx_desc *desc,
		       uint32_t len, bool last, const struct ur_sim_meta *meta)
{
	uint64_t dd, word;
	uint32_t status = last ? UR_RXD_STAT_EOP : 0;
	uint32_t errors = 0;

	if (last) {
		status |= meta->status;
		errors = meta->errors;
	}
	if (nic->rx_format == UR_DESC_LEGACY) {
		dd = (uint64_t)UR_RXD_STAT_DD << 32;
		word = len | (uint64_t)(status & 0xff) << 32 |
		       (uint64_t)(errors >> 24) << 40;
	} else {
		dd = UR_RXD_STAT_DD;
		word = status | errors | (uint64_t)len << 32;
		WRITE_ONCE(desc->word[0], cpu_to_le64(
			meta->hash_type | (uint64_t)meta->hash << 32));
	}
	if (last)
		word |= (uint64_t)meta->vlan << 48;
	WRITE_ONCE(desc->word[1], cpu_to_le64(word));
	/* DD becomes visible last (E) */
	smp_store_release(&desc->word[1], cpu_to_le64(word | dd));
}

int sim_nic_receive(struct sim_nic *nic, const void *frame, uint32_t len,
		    const struct ur_sim_meta *meta)
{
	static const struct ur_sim_meta good = {
		.status = UR_RXD_STAT_IPCS | UR_RXD_STAT_L4CS |
			  UR_RXD_STAT_UDPCS,
	};
	const uint8_t *from = frame;
	uint32_t mask = nic->rx_size - 1;
	uint32_t left = len;

	if (!meta)
		meta = &good;
	if (((nic->rx_tail - nic->rx_head) & mask) < rx_places(nic, len)) {
		nic->missed++;
		return -ENOBUFS;
	}
	do {
		union ur_rx_desc *desc = &nic->rx[nic->rx_head];
		uint32_t part = min(left, nic->buffer);
		uint8_t *to = translate(nic, le64_to_cpu(desc->word[0]),
					nic->buffer);

		if (!to)
			return -EFAULT;
		memcpy(to, from, part);
		if (nic->head)
			nic->head[(to - nic->memory) / nic->buffer] =
				nic->arriving;
		from += part;
		left -= part;
		write_back(nic, desc, part, !left, meta);
		nic->rx_head = (nic->rx_head + 1) & mask;
	} while (left);
	return 0;
}

/* ------------------------------------------------------------------------
 * Transmit
 */

uint32_t sim_insert_tag(uint8_t *frame, uint32_t len, uint16_t tci)
{
	if (len < 12)
		return len;
	memmove(frame + 16, frame + 12, len - 12);
	ur_put_be16(frame + 12, UR_ETH_VLAN);
	ur_put_be16(frame + 14, tci);
	return len + UR_VLAN_LEN;
}

uint32_t sim_nic_transmit(struct sim_nic *nic, uint8_t *frame)
{
	uint32_t mask = nic->tx_size - 1;

	while (!nic->tx_off && nic->tx_head != nic->tx_tail) {
		union ur_tx_desc *desc = &nic->tx[nic->tx_head];
		uint64_t word = le64_to_cpu(desc->word[1]);
		bool adv = nic->tx_format == UR_DESC_ADVANCED;
		uint32_t command = adv ? (uint32_t)word :
				   (uint32_t)(word >> 24) & 0xff;
		uint32_t len = (uint32_t)word & 0xffff;
		uint8_t *from = translate(nic, le64_to_cpu(desc->word[0]), len);
		bool sound, report, tag;

		if (adv) {
			const uint32_t need = UR_TXA_DEXT | UR_TXA_DTYP_DATA |
					      UR_TXA_EOP | UR_TXA_IFCS;

			sound = (command & need) == need && len ==
				word >> (32 + UR_TXA_PAYLEN_SHIFT);
			report = command & UR_TXA_RS;
			tag = command & UR_TXA_VLE;
		} else {
			const uint32_t need = UR_TXL_CMD_EOP | UR_TXL_CMD_IFCS;

			sound = (command & need) == need;
			report = command & UR_TXL_CMD_RS;
			tag = command & UR_TXL_CMD_VLE;
		}
		if (!sound)
			nic->faults++;
		if (sound && from) {
			memcpy(frame, from, len);
			memset(&nic->leaving, 0, sizeof(nic->leaving));
			/*
			 * in a NIC's pool, the NIC may have written another packet
			 * to the slot
			 */
			if (nic->head && !nic->own_head)
				nic->leaving = nic->head[(from - nic->memory) /
							 nic->buffer];
			/* ADVANCED has the tag in a context descriptor */
			if (tag && !adv)
				len = sim_insert_tag(frame, len,
						     (uint16_t)(word >> 48));
			nic->sent++;
		}
		nic->tx_head = (nic->tx_head + 1) & mask;
		if (report)
			smp_store_release(&desc->word[1], cpu_to_le64(
				word | (uint64_t)UR_TXD_STAT_DD << 32));
		if (sound && from)
			return len;
	}
	return 0;
}
