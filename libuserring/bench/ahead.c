// SPDX-License-Identifier: BSD-2-Clause
/*
 * What else the receive loop could be: how far ahead to prefetch, and pages of
 * 2 MiB.  The loop here is the shortest there is: no array, no metadata.
 */
#include "userring.h"

/* Places from here to the end of the ring, or of the burst. */
static inline __attribute__((always_inline)) void
walk(struct device *d, uint32_t place, uint32_t n, uint32_t packet,
     uint32_t desc)
{
	const union ur_rx_desc *rx = &d->q->rx_desc[place];
	const uint32_t *slot = &d->q->rx_slot[place];
	const uint32_t shift = d->pool->slot_shift;
	uint8_t *const data = d->pool->base;
	uint32_t i;

	for (i = 0; i < packet && i < n; i++)
		__builtin_prefetch(data + ((size_t)slot[i] << shift));
	for (i = 0; i < n; i++) {
		uint64_t word = __ur_desc_word(&rx[i], 1);

		if (packet && i + packet < n)
			__builtin_prefetch(data +
					   ((size_t)slot[i + packet] << shift));
		if (desc)
			__builtin_prefetch(&rx[i + desc]);
		if (__ur_unlikely(__ur_rx_word_errored(word, false)))
			d->tally.other++;
		bench_look(&d->tally, data + ((size_t)slot[i] << shift),
			   __ur_le16(rx[i].wb.length));
	}
}

static inline __attribute__((always_inline)) uint32_t
ahead(struct device *d, uint32_t batch, uint32_t packet, uint32_t desc)
{
	struct ur_queue *q = d->q;
	uint32_t limit = __ur_load_acquire(&q->kernel->rx_limit);	/* D */
	uint32_t pos = q->user->rx_pos;
	uint32_t place = pos & q->rx_mask;
	uint32_t left = q->rx_mask + 1 - place;
	uint32_t n = __ur_rx_count(q, pos, limit - pos < batch ? limit - pos :
				   batch, false);

	__ur_dma_rmb();	/* E */
	walk(d, place, n < left ? n : left, packet, desc);
	if (n > left)
		walk(d, 0, n - left, packet, desc);
	__ur_rx_move(q, pos + n);
	if (n)
		__ur_rx_keep(q, n);
	return n;
}

#define STEP(packet, desc)						\
static uint32_t step_##packet##_##desc(void *device, uint32_t batch)	\
{									\
	return ahead(device, batch, packet, desc);			\
}

STEP(0, 0)
STEP(1, 0)
STEP(4, 0)
STEP(8, 0)
STEP(16, 0)
STEP(32, 0)
STEP(8, 8)
STEP(8, 32)

static int add_distances(struct bench *b)
{
	static const struct {
		const char *variant;
		uint32_t (*step)(void *device, uint32_t batch);
	} kinds[] = {
		{ "no prefetch", step_0_0 },
		{ "packet 1 ahead", step_1_0 },
		{ "packet 4 ahead", step_4_0 },
		{ "packet 8 ahead", step_8_0 },
		{ "packet 16 ahead", step_16_0 },
		{ "packet 32 ahead", step_32_0 },
		{ "packet 8, descriptor 8 ahead", step_8_8 },
		{ "packet 8, descriptor 32 ahead", step_8_32 },
	};
	const struct device_opts opts = {
		.format = "extended", .ring = 1024, .slots = 8192,
	};
	struct row row = {
		.method = "userring", .op = "ahead", .format = opts.format,
		.ring = opts.ring, .lap = userring_lap,
	};
	const uint32_t *batch;
	size_t k;

	row.priv = userring_device(&opts, false);
	if (!row.priv)
		return -1;
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (row.pool = POOL_WARM; row.pool < POOLS; row.pool++) {
			if (row.pool >= POOL_NEAR && !b->far)
				continue;
			row.variant = kinds[k].variant;
			row.step = kinds[k].step;
			for (batch = b->batches; *batch; batch++) {
				row.batch = *batch;
				bench_add(b, &row);
			}
		}
	return 0;
}

/* 64 MiB, from which the slots are drawn anew for each lap. */
static int add_pages(struct bench *b)
{
	static const char *const variants[] = { "4 KiB pages", "2 MiB pages" };
	static const uint32_t rings[] = { 1024, 4096 };
	struct device_opts opts = { .format = "extended", .slots = 32768 };
	struct row row = {
		.method = "userring", .op = "pages", .format = opts.format,
		.batch = 32, .lap = userring_lap, .step = step_array,
		.flags = ROW_SCATTER,
	};
	size_t i;

	for (i = 0; i < 4; i++) {
		opts.huge = i % 2;
		opts.ring = rings[i / 2];
		row.variant = variants[i % 2];
		row.ring = opts.ring;
		row.priv = userring_device(&opts, false);
		if (!row.priv && opts.huge) {
			bench_missing(b, "2 MiB pages",
				      "the kernel gives none");
			return 0;
		}
		if (!row.priv)
			return -1;
		for (row.pool = POOL_WARM; row.pool < POOLS; row.pool++)
			if (row.pool < POOL_NEAR || b->far)
				bench_add(b, &row);
	}
	return 0;
}

int ahead_rows(struct bench *b)
{
	return add_distances(b) || add_pages(b) ? -1 : 0;
}
