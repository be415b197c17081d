// SPDX-License-Identifier: BSD-2-Clause
/*
 * ur_rx_ahead(): it shows what the next call takes, and takes nothing itself.
 */
#include "wire.h"

#include <libuserring/ahead.h>

struct seen {
	struct ur_pkt pkts[256];
	uint32_t n;
};

static void remember(void *arg, const struct ur_pkt *pkt)
{
	struct seen *seen = arg;

	seen->pkts[seen->n++] = *pkt;
}

static void shows_what_comes(void **state)
{
	struct ur_pkt pkts[64];
	uint32_t lap, i, n, got, shown = 0;
	struct seen seen;
	struct wire w;
	struct env e;

	wire_open(&w, &e, state, 64, 256, 0);
	for (lap = 0; lap < 5000; lap++) {
		arrive_some(&w, below(&w, 64), lap % 2 ? KINDS : KINDS_SOUND);
		n = below(&w, 70);
		seen.n = 0;
		n = ur_rx_ahead(e.q, n, remember, &seen);
		assert_int_equal(seen.n, n);
		shown += n;
		/* once more: it is still there */
		assert_int_equal(ur_rx_ahead(e.q, n, remember, &seen), n);
		got = ur_rx_burst(e.q, pkts, n ? n : 1 + below(&w, 3));
		if (n)
			assert_int_equal(got, n);
		for (i = 0; i < got; i++) {
			take(&w, &pkts[i]);
			if (i >= n)
				continue;
			assert_ptr_equal(seen.pkts[i].data, pkts[i].data);
			assert_int_equal(seen.pkts[i].slot, pkts[i].slot);
			assert_int_equal(seen.pkts[i].len, pkts[i].len);
			assert_int_equal(seen.pkts[i].flags, pkts[i].flags);
		}
		ur_rx_release(e.q, pkts, got);
		assert_int_equal(ur_sync(e.q), 0);
	}
	assert_in_range(shown, 5000, UINT32_MAX);
	env_close(&e);
}

/* As many as are asked for, as there are, and as lie side by side. */
static void counts(void **state)
{
	struct seen seen = { .n = 0 };
	struct wire w;
	struct env e;

	wire_open(&w, &e, state, 64, 256, 0);
	assert_int_equal(ur_rx_ahead(e.q, 64, remember, &seen), 0);
	while (w.put < 40)
		assert_true(arrive(&w, PLAIN));
	assert_int_equal(ur_rx_ahead(e.q, 0, remember, &seen), 0);
	assert_int_equal(ur_rx_ahead(e.q, 7, remember, &seen), 7);
	assert_int_equal(ur_rx_ahead(e.q, 64, remember, &seen), 40);
	assert_int_equal(ur_rx_burst(e.q, seen.pkts, 40), 40);
	w.got = 40;
	ur_rx_release(e.q, seen.pkts, 40);
	assert_int_equal(ur_sync(e.q), 0);
	while (w.put < 80)
		assert_true(arrive(&w, PLAIN));
	seen.n = 0;
	assert_int_equal(ur_rx_ahead(e.q, 64, remember, &seen), 24);
	/* a broken one is not looked at, nor what is behind it */
	assert_int_equal(ur_rx_burst(e.q, seen.pkts, 40), 40);
	w.got = 80;
	ur_rx_release(e.q, seen.pkts, 40);
	assert_int_equal(ur_sync(e.q), 0);
	assert_true(arrive(&w, PLAIN));
	assert_true(arrive(&w, DOUBTED));
	assert_true(arrive(&w, BROKEN));
	assert_true(arrive(&w, PLAIN));
	seen.n = 0;
	assert_int_equal(ur_rx_ahead(e.q, 64, remember, &seen), 2);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(shows_what_comes), TEST(counts),
	};

	return run_formats("ahead", tests, COUNT(tests));
}
