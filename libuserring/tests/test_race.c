// SPDX-License-Identifier: BSD-2-Clause
/*
 * The NIC completes places while a burst counts them, exactly between two looks
 * of the process. A ring built by hand, four pages of descriptors:
 *
 *	... first place | the next ones | last place of the batch ...
 *	         page A |    page B     | page C
 *
 * Page B cannot be read at first. The process that gets there has seen the first
 * place, done, and the last one, not done; in the handler of the fault the NIC
 * goes on, and the process with it. No other thread, nothing left to chance.
 */
#include <endian.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#define PAGES		4
#define NEW_LEN		1000
#define STALE_LEN	60	/* of the lap before */

struct ring {
	struct ur_queue q;
	struct ur_pool pool;
	struct ur_kernel_page kernel;
	struct ur_user_page user;
	union ur_rx_desc *desc;
	uint32_t *slot;
	uint32_t *fill;
	struct ur_pkt *pkts;
	uint32_t per_page;
	uint32_t size;
	bool legacy;
};

/* What the NIC does when the process looks at page B. */
static struct {
	struct ring *ring;
	uint8_t *page;
	size_t len;
	uint32_t from, to;	/* places */
	volatile sig_atomic_t woken;
} nic;

static uint64_t done_word(const struct ring *r, uint32_t len)
{
	const uint64_t status = UR_RXD_STAT_DD | UR_RXD_STAT_EOP;

	return htole64(r->legacy ? status << 32 | len :
				   (uint64_t)len << 32 | status);
}

/* Places [from, to) have this in the second word of their descriptors. */
static void write_places(struct ring *r, uint32_t from, uint32_t to,
			 uint64_t word)
{
	for (; from != to; from++)
		__atomic_store_n(&r->desc[from & (r->size - 1)].word[1], word,
				 __ATOMIC_RELEASE);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	uint8_t *addr = info->si_addr;

	(void)context;
	if (!nic.page || addr < nic.page || addr >= nic.page + nic.len) {
		signal(sig, SIG_DFL);	/* not ours: the program ends by it */
		return;
	}
	mprotect(nic.page, nic.len, PROT_READ | PROT_WRITE);
	write_places(nic.ring, nic.from, nic.to,
		     done_word(nic.ring, NEW_LEN));
	nic.woken++;
}

static void ring_open(struct ring *r, void **state)
{
	const struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO,
	};
	uint32_t i;

	memset(r, 0, sizeof(*r));
	for (i = 0; strcmp(formats[i], *state); i++)
		;
	r->q.rx_format = i == 0 ? UR_DESC_LEGACY :
			 i == 1 ? UR_DESC_EXTENDED : UR_DESC_ADVANCED;
	r->legacy = i == 0;
	nic.len = (size_t)sysconf(_SC_PAGESIZE);
	r->per_page = (uint32_t)(nic.len / sizeof(*r->desc));
	r->size = PAGES * r->per_page;
	r->desc = mmap(NULL, PAGES * nic.len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(r->desc, MAP_FAILED);
	r->slot = calloc(r->size, sizeof(*r->slot));
	r->fill = calloc(r->size, sizeof(*r->fill));
	r->pkts = calloc(r->size, sizeof(*r->pkts));
	for (i = 0; i < r->size; i++)
		r->slot[i] = r->size - 1 - i;

	r->pool.slot_shift = 11;
	r->pool.slot_count = r->size;
	r->pool.base = calloc(r->size, 1U << r->pool.slot_shift);
	r->q.pool = &r->pool;
	r->q.kernel = &r->kernel;
	r->q.user = &r->user;
	r->q.rx_desc = r->desc;
	r->q.rx_slot = r->slot;
	r->q.fill = r->fill;
	r->q.rx_data = r->pool.base;
	r->q.rx_mask = r->size - 1;
	r->q.slot_size = 1U << r->pool.slot_shift;
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

static void ring_close(struct ring *r)
{
	signal(SIGSEGV, SIG_DFL);
	nic.page = NULL;
	munmap(r->desc, PAGES * nic.len);
	free(r->slot);
	free(r->fill);
	free(r->pkts);
	free(r->pool.base);
}

/*
 * @posted places from @pos on are the NIC's, the first one is done; @more are by
 * the time the process has looked at the last one. The others have DD from the
 * lap before, all but one in front of @pos: a count that runs away ends there.
 */
static void prepare(struct ring *r, uint32_t pos, uint32_t posted, uint32_t more)
{
	write_places(r, pos, pos + posted, 0);
	write_places(r, pos, pos + 1, done_word(r, NEW_LEN));
	write_places(r, pos + posted, pos + r->size,
		     done_word(r, STALE_LEN));
	write_places(r, pos + r->size - 1, pos + r->size, 0);
	__ur_rx_move(&r->q, pos);
	r->kernel.rx_tail = pos + posted;
	r->kernel.rx_limit = pos + posted;
	r->q.fill_place = pos + posted;
	memset(r->pkts, 0xee, r->size * sizeof(*r->pkts));

	nic.ring = r;
	nic.page = (uint8_t *)&r->desc[(pos + 1) & (r->size - 1)];
	nic.from = pos;
	nic.to = pos + more;
	nic.woken = 0;
	assert_int_equal((uintptr_t)nic.page % nic.len, 0);
	assert_int_equal(mprotect(nic.page, nic.len, PROT_NONE), 0);
}

/* A burst of at most @ask has taken @want packets and not looked further. */
static void expect(struct ring *r, uint32_t pos, uint32_t ask, uint32_t want)
{
	struct ur_pkt untouched;
	uint32_t got = ur_rx_burst(&r->q, r->pkts, ask);
	uint32_t i;

	memset(&untouched, 0xee, sizeof(untouched));
	assert_int_equal(nic.woken, 1);
	assert_int_equal(got, want);
	assert_int_equal(r->user.rx_pos, pos + want);
	for (i = 0; i < want; i++) {
		assert_int_equal(r->pkts[i].len, NEW_LEN);
		assert_int_equal(r->pkts[i].slot,
				 r->slot[(pos + i) & (r->size - 1)]);
	}
	for (; i < r->size; i++)
		assert_memory_equal(&r->pkts[i], &untouched, sizeof(untouched));
}

/* The last place of each page, in a lap, and where the indices wrap at 2^32. */
#define FOR_EACH_POS(r, pos, k) \
	for ((k) = 0; (pos) = ((k) < PAGES ? 5 * (r)->size : 0U - (r)->size) + \
			      ((k) % PAGES + 1) * (r)->per_page - 1, \
	     (k) < 2 * PAGES; (k)++)

/* Asked for more than is posted: the burst ends at rx_tail. */
static void ends_at_tail(void **state)
{
	struct ring r;
	uint32_t pos, limit, k;

	ring_open(&r, state);
	FOR_EACH_POS(&r, pos, k) {
		for (limit = r.per_page + 2; limit <= r.size - 2;
		     limit += r.per_page / 2) {
			prepare(&r, pos, limit, limit);
			expect(&r, pos, r.size, limit);
			/* nothing is left, whatever DD says there */
			assert_false(ur_rx_ready(&r.q));
			assert_int_equal(ur_rx_burst(&r.q, r.pkts, r.size), 0);
		}
	}
	ring_close(&r);
}

/*
 * Somebody listens, and has seen less than is done: the burst ends there. And
 * at nothing at all while the limit lies behind what was taken already.
 */
static void ends_at_limit(void **state)
{
	struct ring r;
	uint32_t pos, limit, k;

	ring_open(&r, state);
	FOR_EACH_POS(&r, pos, k) {
		for (limit = r.per_page + 2; limit <= r.size - 3;
		     limit += r.per_page / 2) {
			prepare(&r, pos, r.size - 1, r.size - 1);
			r.kernel.rx_limit = pos + limit;
			expect(&r, pos, r.size, limit);
			assert_false(ur_rx_ready(&r.q));
			assert_int_equal(ur_rx_burst(&r.q, r.pkts, r.size), 0);
			r.kernel.rx_limit = pos + limit - 1;
			assert_false(ur_rx_ready(&r.q));
			assert_int_equal(ur_rx_burst(&r.q, r.pkts, r.size), 0);
			assert_int_equal(ur_rx_burst(&r.q, r.pkts, UINT32_MAX),
					 0);
			r.kernel.rx_limit = pos;
			assert_int_equal(ur_rx_burst(&r.q, r.pkts, r.size), 0);
			assert_int_equal(r.user.rx_pos, pos + limit);
			r.kernel.rx_limit = pos + limit + 1;
			assert_true(ur_rx_ready(&r.q));
			assert_int_equal(ur_rx_burst(&r.q, r.pkts, UINT32_MAX),
					 1);
		}
	}
	ring_close(&r);
}

/* More is done than was asked for: the burst ends at what was. */
static void ends_at_what_was_asked(void **state)
{
	struct ring r;
	uint32_t pos, limit, k;

	ring_open(&r, state);
	FOR_EACH_POS(&r, pos, k) {
		for (limit = r.per_page + 2; limit <= r.size - 2;
		     limit += r.per_page / 2) {
			prepare(&r, pos, r.size - 1, r.size - 1);
			expect(&r, pos, limit, limit);
			/* the next one has the rest */
			assert_int_equal(ur_rx_burst(&r.q, r.pkts, r.size),
					 r.size - 1 - limit);
			assert_int_equal(r.user.rx_pos, r.kernel.rx_tail);
		}
	}
	ring_close(&r);
}

/* The NIC does not come as far as the limit: all that is done is taken. */
static void takes_what_came_meanwhile(void **state)
{
	struct ring r;
	uint32_t pos, limit, done, k;

	ring_open(&r, state);
	limit = 2 * r.per_page;
	FOR_EACH_POS(&r, pos, k) {
		for (done = 1; done <= limit; done += done < 3 ? 1 : 13) {
			prepare(&r, pos, limit, done);
			expect(&r, pos, r.size, done);
		}
		prepare(&r, pos, limit, limit - 1);
		expect(&r, pos, limit, limit - 1);
	}
	ring_close(&r);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(ends_at_tail),
		TEST(ends_at_limit),
		TEST(ends_at_what_was_asked),
		TEST(takes_what_came_meanwhile),
	};

	return run_formats("race", tests, COUNT(tests));
}
