// SPDX-License-Identifier: BSD-2-Clause
/*
 * Stock: which slots lie in the rings of a queue.  They are counted here to be
 * reclaimed (queue.c), or when the queue is taken over (adopt.c).
 *
 * The page of the process may contain garbage, because something wrote over it, or
 * because numbers were given back that are no slots.  So its indices and entries
 * are checked against the same bounds as in the module: what the module would
 * refuse has no slot, no loop is longer than a ring, and a slot counts once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define BITS	64U

static size_t map_words(const struct ur_queue *q)
{
	return (q->stock_slots + BITS - 1) / BITS;
}

int ur_stock_init(struct ur_queue *q, uint32_t slot_count)
{
	q->stock_slots = slot_count;
	q->stock = calloc(map_words(q), sizeof(*q->stock));
	return q->stock ? 0 : -ENOMEM;
}

bool ur_stock_has(const struct ur_queue *q, uint32_t slot)
{
	return q->stock[slot / BITS] >> slot % BITS & 1;
}

/* Return: what is wrong with it. */
static unsigned int count_slot(struct ur_queue *q, uint32_t slot)
{
	unsigned int wrong;

	if (slot >= q->stock_slots)
		return 0;	/* of a TX entry, which is refused */
	wrong = ur_stock_has(q, slot) ? UR_STOCK_TWICE : 0;
	q->stock[slot / BITS] |= 1ULL << slot % BITS;
	return wrong;
}

static unsigned int count_places(struct ur_queue *q, uint32_t from, uint32_t to)
{
	unsigned int wrong = 0;

	for (; from != to; from++)
		wrong |= count_slot(q, ur_read_once(&q->rx_slot[from & q->rx_mask]));
	return wrong;
}

/* Goes through the entries like the module, and skips what that refuses. */
static unsigned int count_fill(struct ur_queue *q, const struct ur_indices *at,
			       uint32_t *place)
{
	const uint32_t size = q->rx_mask + 1;
	uint32_t kept = at->fill_kept;
	unsigned int wrong = 0;
	uint32_t pos, n;

	for (pos = at->fill_cons; pos != at->fill_prod; pos++, kept = 0) {
		const uint32_t entry = ur_read_once(&q->fill[pos & q->rx_mask]);

		n = 1;
		if (entry & UR_FILL_KEEP) {
			n = entry & UR_FILL_KEEP_MASK;
			if (!n || n > size || n < kept) {
				wrong |= UR_STOCK_ENTRY;
				continue;
			}
			n -= kept;
		} else if (entry >= q->stock_slots) {
			wrong |= UR_STOCK_ENTRY;
			continue;
		}
		if (*place + n - at->rx_pos > size)
			return wrong | UR_STOCK_ENTRY;
		wrong |= entry & UR_FILL_KEEP ?
			 count_places(q, *place, *place + n) :
			 count_slot(q, entry);
		*place += n;
	}
	return wrong;
}

static unsigned int count_tx(struct ur_queue *q, uint32_t from, uint32_t to)
{
	unsigned int wrong = 0;

	for (; from != to; from++)
		wrong |= count_slot(q, ur_read_once(&q->tx[from & q->tx_mask].slot));
	return wrong;
}

unsigned int ur_stock_count(struct ur_queue *q, const struct ur_indices *at,
			    uint32_t *place)
{
	uint32_t tx_end = at->tx_prod;
	unsigned int wrong = 0;

	memset(q->stock, 0, map_words(q) * sizeof(*q->stock));
	*place = at->rx_tail;
	if (at->rx_tail - at->rx_pos > q->rx_mask)
		wrong |= UR_STOCK_RX;
	else
		wrong |= count_places(q, at->rx_pos, at->rx_tail);
	if (at->fill_prod - at->fill_cons > q->rx_mask + 1)
		wrong |= UR_STOCK_FILL;
	else
		wrong |= count_fill(q, at, place);
	if (tx_end - at->tx_first > q->tx_mask + 1 ||
	    tx_end - at->tx_cons > q->tx_mask + 1) {
		/* what the module has taken is reliable */
		wrong |= UR_STOCK_TX;
		tx_end = at->tx_cons;
	}
	if (tx_end - at->tx_first <= q->tx_mask + 1)
		wrong |= count_tx(q, at->tx_first, tx_end);
	return wrong;
}

void ur_stock_free(struct ur_queue *q)
{
	struct ur_pool *pool = q->pool;
	size_t i;

	/* given back twice: once is enough */
	for (i = 0; i < pool->free_count; i++)
		q->stock[pool->free_slot[i] / BITS] &=
			~(1ULL << pool->free_slot[i] % BITS);
	for (i = q->stock_slots; i--;)
		if (ur_stock_has(q, (uint32_t)i))
			__ur_slot_push(pool, (uint32_t)i);
}
