// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the hardware counts, for all consumers.
 */
#include "urk.h"

const char urk_stat_name[URK_STAT_COUNT][ETH_GSTRING_LEN] = {
	[URK_RX_PACKETS]	= "rx_packets",
	[URK_TX_PACKETS]	= "tx_packets",
	[URK_RX_BYTES]		= "rx_bytes",
	[URK_TX_BYTES]		= "tx_bytes",
	[URK_RX_BROADCAST]	= "rx_broadcast",
	[URK_RX_MULTICAST]	= "rx_multicast",
	[URK_TX_BROADCAST]	= "tx_broadcast",
	[URK_TX_MULTICAST]	= "tx_multicast",
	[URK_RX_MISSED]		= "rx_missed",
	[URK_RX_NO_BUFFER]	= "rx_no_buffer",
	[URK_RX_CRC_ERRORS]	= "rx_crc_errors",
	[URK_RX_ALIGN_ERRORS]	= "rx_align_errors",
	[URK_RX_SYMBOL_ERRORS]	= "rx_symbol_errors",
	[URK_RX_LENGTH_ERRORS]	= "rx_length_errors",
	[URK_RX_UNDERSIZE]	= "rx_undersize",
	[URK_RX_OVERSIZE]	= "rx_oversize",
	[URK_COLLISIONS]	= "collisions",
};

const struct urk_stat_reg urk_stat_8254x[URK_STAT_COUNT] = {
	[URK_RX_PACKETS]	= { URK_GPRC, 0, URK_TPR },
	[URK_TX_PACKETS]	= { URK_GPTC, 0, URK_TPT },
	/* the low word runs on until the high one is read */
	[URK_RX_BYTES]		= { URK_GORCL, URK_GORCH, URK_TORL, true },
	[URK_TX_BYTES]		= { URK_GOTCL, URK_GOTCH, URK_TOTL, true },
	[URK_RX_BROADCAST]	= { URK_BPRC },
	[URK_RX_MULTICAST]	= { URK_MPRC },
	[URK_TX_BROADCAST]	= { URK_BPTC },
	[URK_TX_MULTICAST]	= { URK_MPTC },
	[URK_RX_MISSED]		= { URK_MPC, 0, 0, true },
	[URK_RX_NO_BUFFER]	= { URK_RNBC },
	[URK_RX_CRC_ERRORS]	= { URK_CRCERRS, 0, 0, true },
	[URK_RX_ALIGN_ERRORS]	= { URK_ALGNERRC, 0, 0, true },
	[URK_RX_SYMBOL_ERRORS]	= { URK_RXERRC, 0, 0, true },
	[URK_RX_LENGTH_ERRORS]	= { URK_RLEC },
	[URK_RX_UNDERSIZE]	= { URK_RUC },
	[URK_RX_OVERSIZE]	= { URK_ROC },
	[URK_COLLISIONS]	= { URK_COLC },
};

const struct urk_stat_reg urk_stat_vf[URK_STAT_COUNT] = {
	[URK_RX_PACKETS]	= { URK_VF_GPRC, .runs = true },
	[URK_TX_PACKETS]	= { URK_VF_GPTC, .runs = true },
	[URK_RX_BYTES]		= { URK_VF_GORC, .runs = true },
	[URK_TX_BYTES]		= { URK_VF_GOTC, .runs = true },
	[URK_RX_MULTICAST]	= { URK_VF_MPRC, .runs = true },
};

static void urk_stats_read(struct urk_port *port, bool add)
{
	struct urk_hw *hw = &port->hw;
	bool quirk = hw->variant->quirks & URK_QUIRK_COUNTERS;
	u32 i, now, delta;

	for (i = 0; i < URK_STAT_COUNT; i++) {
		const struct urk_stat_reg *s = &hw->variant->stats[i];

		if (!s->reg)
			continue;
		now = urk_rd(hw, quirk && s->quirk_reg ? s->quirk_reg : s->reg);
		if (READ_ONCE(hw->gone))
			return;
		delta = now;
		if (s->runs || (quirk && s->quirk_runs)) {
			delta = now - port->stats_last[i];
			port->stats_last[i] = now;
		}
		/* it went back: a reset of the physical function cleared it */
		if (s->runs && (s32)delta < 0)
			delta = now;
		if (!add)
			delta = 0;
		port->stats[i] += delta;
		/* reading the high word clears both (E 10.2.7.33) */
		if (quirk || !s->high)
			continue;
		now = urk_rd(hw, s->high);
		if (add)
			port->stats[i] += (u64)now << 32;
	}
}

/* port->watch calls it often enough that no 32-bit register wraps. */
void urk_stats_update(struct urk_port *port)
{
	spin_lock_bh(&port->stats_lock);
	if (port->hw.bar && !READ_ONCE(port->hw.gone))
		urk_stats_read(port, true);
	spin_unlock_bh(&port->stats_lock);
}

/* A reset may or may not have cleared the registers: begin from here. */
void urk_stats_rebase(struct urk_port *port)
{
	spin_lock_bh(&port->stats_lock);
	urk_stats_read(port, false);
	spin_unlock_bh(&port->stats_lock);
}

/* Adds every counter to its counterpart. */
void urk_counters_add(struct ur_counters *to, const struct ur_counters *from)
{
	const u64 *src = (const u64 *)from;
	u64 *dst = (u64 *)to;
	size_t i;

	for (i = 0; i < sizeof(*to) / sizeof(u64); i++)
		dst[i] += src[i];
}

/* All that a queue counted, for all its consumers. */
void urk_queue_counters(struct urk_queue *q, struct ur_counters *sum)
{
	spin_lock_bh(&q->lock);
	*sum = q->count;
	if (q->user)
		urk_counters_add(sum, q->user->rings->ring.count);
	spin_unlock_bh(&q->lock);
}
