// SPDX-License-Identifier: BSD-2-Clause
/*
 * Layouts: of what both sides share, and of the queue's hot fields.
 */
#include "common.h"

#include "../../uapi/layout_check.h"

#if UINTPTR_MAX > UINT32_MAX
_Static_assert(offsetof(struct ur_queue, fill) == 64,
	       "what receiving needs is one cache line");
_Static_assert(sizeof(struct ur_pkt) == 32, "two packets a cache line");
#endif
_Static_assert(offsetof(struct ur_queue, rx_bad) < 128,
	       "what giving back and sending need is the next one");
_Static_assert(sizeof(struct ur_queue) % UR_LINE == 0,
	       "no two queues share a cache line");
_Static_assert(sizeof(struct ur_pool) % UR_LINE == 0,
	       "no two handles share a cache line");

static void queue_is_aligned(void **state)
{
	struct env e;

	*state = (void *)(uintptr_t)"legacy";
	env_open_small(&e, state, "");
	assert_int_equal((uintptr_t)e.q % UR_LINE, 0);
	env_close(&e);
}

/* Each thread has one of these, and its stack of free slots. */
static void handles_are_apart(void **state)
{
	struct ur_pool *pool, *view;
	struct ur_port *port;

	(void)state;
	assert_int_equal(ur_port_open(&port, "sim:", NULL), 0);
	assert_int_equal(ur_pool_create(&pool, port, NULL, NULL), 0);
	assert_int_equal(ur_pool_share(&view, pool, NULL), 0);
	assert_int_equal((uintptr_t)pool % UR_LINE, 0);
	assert_int_equal((uintptr_t)view % UR_LINE, 0);
	assert_int_equal((uintptr_t)pool->free_slot % UR_LINE, 0);
	assert_int_equal((uintptr_t)view->free_slot % UR_LINE, 0);
	ur_pool_destroy(view);
	ur_pool_destroy(pool);
	ur_port_close(port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_is_aligned),
		cmocka_unit_test(handles_are_apart),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
