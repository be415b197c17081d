// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack's list of NAPIs, of which each is there while it can run.  Only for kernels
 * that show the list (run.sh leaves this out elsewhere), and where the stack waits for
 * all that are in it.
 */
#include "kselftest_harness.h"

#include "ctl.h"
#include "genl.h"
#include "port.h"
#include "raw.h"

FIXTURE(napi)
{
	struct port port;
	struct raw_queue q;
};

FIXTURE_SETUP(napi)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
}

FIXTURE_TEARDOWN(napi)
{
	raw_close(&self->q);
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* To threads and back; where no NAPI runs the kernel may say that there is none. */
static bool threaded(const struct port *port, bool none_runs)
{
	for (int i = 1; i >= 0; i--) {
		int err = write_line(i ? "1" : "0", "/sys/class/net/%s/threaded",
				     port->netdev);

		if (err && !(none_runs && err == -EOPNOTSUPP)) {
			printf("# %d: %d\n", i, err);
			return false;
		}
	}
	return true;
}

/* Threads instead of softirqs, and back, whoever has the queue. */
TEST_F_TIMEOUT(napi, threaded_and_back, 700)
{
	int64_t end = now_ms() + soak_ms();
	int rounds = 0;

	do {
		for (int held = 0; held < 2; held++) {
			if (held)
				ASSERT_EQ(0, raw_start(&self->q, self->port.node, 128, 64, 64));
			ASSERT_TRUE(threaded(&self->port, held));
		}
		raw_close(&self->q);
		ASSERT_EQ(0, if_flags(self->port.netdev, IFF_UP, 0));
		ASSERT_TRUE(threaded(&self->port, true));
		ASSERT_EQ(0, port_up(&self->port));
		rounds++;
	} while (now_ms() < end);
	printf("# %d rounds\n", rounds);
}

/* All queues are listed, in whatever order their consumers changed. */
TEST_F_TIMEOUT(napi, napis_are_listed, 700)
{
	int64_t end = now_ms() + soak_ms();
	uint32_t queues = 1;
	char text[256];
	int n, rounds = 0;

	n = genl_napis(if_nametoindex(self->port.netdev));
	ASSERT_GE(n, 0);
	if (!is_e1000()) {
		queues = 2;
		ASSERT_EQ(0, run(text, sizeof(text), "ethtool -L %s combined 2",
				 self->port.netdev)) TH_LOG("%s", text);
	}
	do {
		/* queue 0, and then it is the kernel's again */
		ASSERT_EQ(0, raw_open(&self->q, self->port.node));
		ASSERT_EQ(0, raw_pool(&self->q, 2048, 128));
		self->q.at = raw_attach_args(self->q.pool, 64, 64);
		self->q.at.queue = 0;
		ASSERT_EQ(0, raw_call(self->q.node, UR_IOC_ATTACH, &self->q.at));
		EXPECT_GE(genl_napis(if_nametoindex(self->port.netdev)), (int)queues - 1);
		ASSERT_EQ(0, ioctl(self->q.node, UR_IOC_DETACH, 0UL));
		raw_close(&self->q);
		ASSERT_EQ((int)queues, genl_napis(if_nametoindex(self->port.netdev)));
		rounds++;
	} while (now_ms() < end);
	if (queues == 2)
		EXPECT_EQ(0, run(text, sizeof(text), "ethtool -L %s combined 1",
				 self->port.netdev)) TH_LOG("%s", text);
	printf("# %d rounds\n", rounds);
}

TEST_HARNESS_MAIN
