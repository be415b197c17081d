/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The module's half of the contract in uapi/userring.h: it takes what a
 * process left in the shared pages, checks it, and writes descriptors.
 *
 * Nothing here calls the kernel, so the same code also runs in user space, in
 * the software NIC of the library, under sanitizers.
 *
 * Every value that the process can write is read once, into a local, and
 * checked there.  Letters name the barrier pairs of uapi/userring.h.
 *
 * A process and the kernel post through the same functions; they differ in
 * where slots and packets come from.
 */
#ifndef URK_RING_H
#define URK_RING_H

/*
 * A pool as one device sees it.  The table has an entry for every index below a
 * power of two, so that the mask alone keeps even a mispredicted index within
 * it.
 */
struct urk_slots {
	const u64 *addr;	/* DMA address of each slot */
	u32 mask;		/* entries of the table, minus one */
	u32 count;		/* slots */
	u32 slot_shift;		/* log2 of the bytes in a slot */
};

/*
 * Loops with little work per place handle URK_STRIDE places in one turn,
 * without a branch between them.
 */
#define URK_STRIDE	8
#ifdef __clang__
#define URK_UNROLL	_Pragma("clang loop unroll(full)")
#elif defined(__OPTIMIZE__)
#define URK_UNROLL	_Pragma("GCC unroll 8")
#else
#define URK_UNROLL	/* gcc -O0 warns of a loop that it does not unroll */
#endif

/* Most places of the TX ring that are kept for the kernel (uapi: Indices). */
#define URK_TX_KERNEL_MAX	255U

/*
 * Errors that the NIC writes into the second word of an RX descriptor.  Which
 * bits they are depends on the NIC family: those of the gigabit families are
 * here, by format.
 */
struct urk_rx_errors {
	u64 frame;		/* the frame is broken */
	u64 ip;			/* IPv4 checksum */
	u64 l4;			/* TCP or UDP checksum */
};

#define URK_RX_ERRORS_LEGACY	{ (u64)UR_RXL_ERR_FRAME << 40,	\
				  (u64)UR_RXL_ERR_IPE << 40,	\
				  (u64)UR_RXL_ERR_L4E << 40 }
#define URK_RX_ERRORS_EXTENDED	{ UR_RXX_ERR_FRAME, UR_RXX_ERR_IPE,	\
				  UR_RXX_ERR_L4E }
#define URK_RX_ERRORS_ADVANCED	{ UR_RXX_ERR_RXE, UR_RXX_ERR_IPE,	\
				  UR_RXX_ERR_L4E }

/*
 * A TX descriptor's place.  The NIC reports DD once per batch, in the last
 * descriptor; then all before it are done as well.
 */
struct urk_tx_place {
	u32 batch_end;		/* first of a batch: index after its last */
	u32 entry;		/* last of a batch: TX entries taken by then */
	u32 kernel;		/* and packets of the kernel */
};

/* The rings of a queue as one consumer left them. */
struct urk_ring {
	/* hot: receive */
	union ur_rx_desc *rx;
	u64 *rx_addr;		/* by place: where the NIC writes */
	u32 *rx_slot;		/* by place; shared, read-only for the process */
	const u32 *fill;	/* by the process */
	u32 rx_mask;
	u32 rx_tail;		/* places posted */
	u32 rx_done;		/* places filled by the NIC and taken */
	u32 rx_bound;		/* places that have a slot: grows to all */
	u32 fill_cons;
	u32 fill_kept;		/* places posted of KEEP at fill_cons */
	u32 rx_shown;		/* while tapped: places that listeners saw */
	bool tapped;
	u8 rx_dd_shift;		/* in the second word of a descriptor */
	u8 rx_len_word;		/* which of its four 32-bit words */

	/* hot: transmit */
	union ur_tx_desc *tx;
	struct urk_tx_place *tx_place;
	const struct ur_tx_entry *tx_entry;	/* by the process */
	u64 tx_cmd;		/* second word without length and RS */
	u64 tx_cmd_rs;
	u64 tx_len;		/* factor: puts a length into its field(s) */
	u32 tx_mask;
	u32 tx_tail;		/* descriptors written */
	u32 tx_clean;		/* descriptors known to be done */
	u32 tx_cons;
	u32 tx_done;
	u32 tx_kernel;		/* places kept for the kernel */
	u32 kernel_put;		/* packets of the kernel: written */
	u32 kernel_done;
	u32 tx_len_min;
	u32 tx_len_max;
	u16 tx_flags;		/* UR_TX_* that the port honours now */
	u16 host_flags;		/* the same, with UR_TX_HOST */

	/* what one visit may take; set before it */
	u32 tx_most;		/* TX entries */
	u32 host_room;		/* HOST entries among them */
	bool tx_held;		/* entries were left: a limit was reached */

	/* a HOST entry that was checked; the slot can be read */
	void (*host)(struct urk_ring *r, u32 slot, const struct ur_tx_entry *e);

	u32 epoch;
	bool live;		/* the indices belong to this epoch */
	struct urk_slots slots;
	struct ur_kernel_page *k;
	struct ur_user_page *u;
	struct ur_counters *count;
};

/* What a sync changed: tail registers to write. */
#define URK_RX_MOVED	0x1
#define URK_TX_MOVED	0x2

static inline void urk_ring_format(struct urk_ring *r, u32 rx, u32 tx)
{
	r->rx_dd_shift = rx == UR_DESC_LEGACY ? 32 : 0;
	r->rx_len_word = (rx == UR_DESC_LEGACY ?
			  offsetof(struct ur_rx_legacy, length) :
			  offsetof(struct ur_rx_wb, length)) / sizeof(__le32);
	r->tx_len = 1;
	if (tx == UR_DESC_ADVANCED) {
		r->tx_len |= 1ULL << (32 + UR_TXA_PAYLEN_SHIFT);
		r->tx_cmd = UR_TXA_DTYP_DATA | UR_TXA_DEXT | UR_TXA_EOP |
			    UR_TXA_IFCS;
		r->tx_cmd_rs = UR_TXA_RS;
	} else {
		r->tx_cmd = (u64)(UR_TXL_CMD_EOP | UR_TXL_CMD_IFCS) << 24;
		r->tx_cmd_rs = (u64)UR_TXL_CMD_RS << 24;
	}
}

/* Of n places from index on: how many are contiguous. */
static inline u32 urk_run(u32 index, u32 n, u32 mask)
{
	u32 left = mask + 1 - (index & mask);

	return n < left ? n : left;
}

#endif /* URK_RING_H */
