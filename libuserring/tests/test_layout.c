// SPDX-License-Identifier: BSD-2-Clause
/*
 * Layouts: of what both sides share, and of the queue's hot fields.
 */
#include "common.h"

#include "../../uapi/layout_check.h"

_Static_assert(offsetof(struct ur_queue, fill) == 64,
	       "what receiving needs is one cache line");
_Static_assert(offsetof(struct ur_queue, rx_bad) < 128,
	       "what giving back and sending need is the next one");
_Static_assert(sizeof(struct ur_pkt) == 32, "two packets a cache line");

static void queue_is_aligned(void **state)
{
	struct env e;

	*state = (void *)(uintptr_t)"legacy";
	env_open_small(&e, state, "");
	assert_int_equal((uintptr_t)e.q % 64, 0);
	env_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_is_aligned),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
