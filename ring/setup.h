/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Set-up: checks of the argument of ATTACH, the layout of the regions that a
 * process maps, and the initial state of rings.
 */
#ifndef URK_RING_SETUP_H
#define URK_RING_SETUP_H

#include "ring.h"

/* ------------------------------------------------------------------------
 * The argument of ATTACH
 */

static inline bool urk_ring_size_ok(u32 size)
{
	return size >= UR_RING_SIZE_MIN && size <= UR_RING_SIZE_MAX &&
	       !(size & (size - 1));
}

/* 0 is "none". */
static inline bool urk_within_or_none(u32 value, u32 low, u32 high)
{
	return !value || (value >= low && value <= high);
}

/* queues: that the port can have.  Return: 0, or the error of ATTACH. */
static inline int urk_attach_check(const struct ur_attach *arg, u32 queues)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(arg->reserved); i++)
		if (arg->reserved[i])
			return -EINVAL;
	if (arg->flags || arg->reserved0)
		return -EINVAL;
	if (arg->mode != UR_MODE_GUARDED)
		return -EOPNOTSUPP;
	if (!urk_ring_size_ok(arg->rx_size) || !urk_ring_size_ok(arg->tx_size))
		return -EINVAL;
	if (!urk_within_or_none(arg->sync_period_us, UR_SYNC_PERIOD_MIN_US,
				UR_SYNC_PERIOD_MAX_US) ||
	    !urk_within_or_none(arg->watchdog_ms, UR_WATCHDOG_MIN_MS,
				UR_WATCHDOG_MAX_MS))
		return -EINVAL;
	if (arg->queue != UR_QUEUE_ANY && arg->queue >= queues)
		return -EINVAL;
	return 0;
}

/* ------------------------------------------------------------------------
 * Regions
 */

/* Layout of the two regions of shared pages, in bytes. */
struct urk_layout {
	u32 rx_slot_off;	/* kernel: after struct ur_kernel_page */
	u32 kernel_bytes;
	u32 fill_off;		/* user: after struct ur_user_page */
	u32 tx_off;
	u32 user_bytes;
};

/* One side's words share no cache line with the other's. */
static_assert(sizeof(struct ur_kernel_page) % 64 == 0, "struct ur_kernel_page");
static_assert(sizeof(struct ur_user_page) % 64 == 0, "struct ur_user_page");

static inline struct urk_layout urk_layout(u32 rx_size, u32 tx_size)
{
	struct urk_layout l;

	l.rx_slot_off = sizeof(struct ur_kernel_page);
	l.kernel_bytes = l.rx_slot_off + rx_size * (u32)sizeof(u32) +
			 UR_RX_SLOT_TAIL;
	l.fill_off = sizeof(struct ur_user_page);
	l.tx_off = l.fill_off + rx_size * (u32)sizeof(u32);
	l.user_bytes = l.tx_off + tx_size * (u32)sizeof(struct ur_tx_entry);
	return l;
}

/* Fills in the answer of ATTACH. */
static inline void urk_attach_answer(struct ur_attach *arg,
				     const struct urk_layout *layout,
				     const struct urk_rx_errors *errors)
{
	arg->argsz = sizeof(*arg);
	arg->rx_slot_off = layout->rx_slot_off;
	arg->fill_off = layout->fill_off;
	arg->tx_off = layout->tx_off;
	arg->rx_data_off = 0;
	arg->rx_err_frame = errors->frame;
	arg->rx_err_ip = errors->ip;
	arg->rx_err_l4 = errors->l4;
}

/* ------------------------------------------------------------------------
 * Rings
 */

/*
 * Initialises rings in zeroed regions.  The caller sets the rest: descriptors,
 * slots, tables by place, host(), lengths and flags of TX.
 */
static inline void urk_ring_init(struct urk_ring *r,
				 const struct urk_layout *layout,
				 u32 rx_size, u32 tx_size,
				 void *kernel, void *user)
{
	r->k = kernel;
	r->u = user;
	r->rx_slot = (u32 *)((u8 *)kernel + layout->rx_slot_off);
	r->fill = (const u32 *)((u8 *)user + layout->fill_off);
	r->tx_entry = (const struct ur_tx_entry *)((u8 *)user + layout->tx_off);
	r->rx_mask = rx_size - 1;
	r->tx_mask = tx_size - 1;
	r->tx_kernel = min(tx_size / 8, URK_TX_KERNEL_MAX);
	r->host_flags = UR_TX_HOST | UR_TX_VLAN | UR_TX_CSUM_OK;
	r->count = &r->k->count;
	r->epoch = 1;
	r->k->epoch = 1;
	r->u->epoch = 1;
	r->k->abi_version = UR_ABI_VERSION;
}

#endif /* URK_RING_SETUP_H */
