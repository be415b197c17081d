/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A port with up to STREAMS queues in use, and a stream of the far end's for each: what
 * the tests of queues side by side begin with.
 */
#ifndef USERRING_TESTS_STREAMS_H
#define USERRING_TESTS_STREAMS_H

#include <errno.h>

#include "kselftest_harness.h"

#include "module.h"
#include "net.h"
#include "queues.h"

#define STREAMS		4

FIXTURE(queues)
{
	struct port names;
	struct queues all;
	uint32_t n;		/* queues that are used: STREAMS or what there is */
	int64_t changes;
};

FIXTURE_SETUP(queues)
{
	unsigned int seed = (unsigned int)now_us();

	printf("# seed %u\n", seed);
	srandom(seed);
	ASSERT_EQ(0, port_find(&self->names, "nic0"));
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->names));
	ASSERT_TRUE(queues_open(&self->all, &self->names));
	self->n = self->all.max < STREAMS ? self->all.max : STREAMS;
	if (self->n > 1) {
		ASSERT_TRUE(set_channels(&self->names, self->n));
		ASSERT_TRUE(rss_steer(&self->names, self->n));
	}
	self->changes = if_number(self->names.netdev, "carrier_changes");
}

FIXTURE_TEARDOWN(queues)
{
	far(NULL, 0, "stop");
	if (self->changes >= 0)
		EXPECT_EQ(self->changes, if_number(self->names.netdev, "carrier_changes"));
	queues_close(&self->all);
	EXPECT_TRUE(queues_reset(&self->names, self->all.max));
	EXPECT_TRUE(kernel_hears(&self->names));
	EXPECT_EQ(0, module_refs());
}

/* A port of one queue: there is no other, by number or by chance. */
static inline bool one_queue(FIXTURE_DATA(queues) *self)
{
	struct ur_queue_opts opts = {
		.size = sizeof(opts), .queue = UR_QUEUE_ANY, .rx_size = 64, .tx_size = 64,
	};
	struct ur_error err = { "" };
	struct ur_queue_info info;
	struct ur_queue *q, *more;
	bool right;

	if (ur_queue_attach(&q, self->all.port, self->all.pool, &opts, &err))
		return false;
	right = !ur_queue_number(q) &&
		ur_queue_attach(&more, self->all.port, self->all.pool, &opts, &err) == -EBUSY &&
		ur_port_queue_info(self->all.port, 1, &info) == -EINVAL;
	opts.queue = 1;
	right = right &&
		ur_queue_attach(&more, self->all.port, self->all.pool, &opts, &err) == -EINVAL;
	ur_queue_detach(q);
	return right;
}

#endif /* USERRING_TESTS_STREAMS_H */
