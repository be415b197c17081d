// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call takes all that was there, in the time of its caller: it does not hold up
 * another thread's, and can be killed.
 */
#include "kselftest_harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "ctl.h"
#include "fair.h"

FIXTURE(fair)
{
	struct port port;
	struct raw_queue q;
	uint64_t *shared;	/* with the hostile process */
	pid_t pid;
};

FIXTURE_SETUP(fair)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	self->shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
}

FIXTURE_TEARDOWN(fair)
{
	if (self->pid > 0) {
		kill(self->pid, SIGCONT);
		kill(self->pid, SIGKILL);
		finish(self->pid, 3000);
	}
	raw_close(&self->q);
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

struct other {
	struct raw_queue *q;
	bool stop;
	int64_t worst;
};

static void *calls_too(void *arg)
{
	struct other *o = arg;

	while (!__atomic_load_n(&o->stop, __ATOMIC_RELAXED)) {
		int64_t began = now_us();

		fdatasync(o->q->node);
		if (now_us() - began > o->worst)
			o->worst = now_us() - began;
	}
	return NULL;
}

/* A SYNC takes all that was there, however many calls it is, and in order. */
TEST_F_TIMEOUT(fair, a_call_takes_all, 60)
{
	struct other o = { .q = &self->q };
	int64_t began, worst = 0;
	uint64_t before, syncs;
	pthread_t thread;

	ASSERT_EQ(0, port_addr(&self->port, "10.9.9.1/24", true));
	ASSERT_EQ(0, full_ring(&self->q, self->port.node, 0));
	before = raw_count(&self->q.k->count.host_packets);
	syncs = raw_count(&self->q.k->count.syncs);
	for (int i = 0; i < 5; i++) {
		again(&self->q);
		began = now_us();
		ASSERT_EQ(0, fdatasync(self->q.node));
		if (now_us() - began > worst)
			worst = now_us() - began;
		ASSERT_EQ(raw_load(&self->q.u->tx_prod), raw_load(&self->q.k->tx_done));
	}
	EXPECT_EQ(5 * RING, raw_count(&self->q.k->count.host_packets) +
		  raw_count(&self->q.k->count.host_dropped) - before);
	EXPECT_EQ(syncs + 5, raw_count(&self->q.k->count.syncs));
	/* two threads: each entry is taken once, and both come back */
	ASSERT_EQ(0, pthread_create(&thread, NULL, calls_too, &o));
	before = raw_count(&self->q.k->count.host_packets);
	for (int i = 0; i < 5; i++) {
		again(&self->q);
		ASSERT_EQ(0, fdatasync(self->q.node));
		ASSERT_EQ(raw_load(&self->q.u->tx_prod), raw_load(&self->q.k->tx_done));
	}
	__atomic_store_n(&o.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(5 * RING, raw_count(&self->q.k->count.host_packets) +
		  raw_count(&self->q.k->count.host_dropped) - before);
	printf("# %u entries: %lld us; another thread's call: %lld us\n", RING,
	       (long long)worst, (long long)o.worst);
	EXPECT_EQ(0, port_addr(&self->port, "10.9.9.1/24", false));
}

/* Killed in the middle of such a call, it is gone at once, and the queue is the kernel's. */
TEST_F_TIMEOUT(fair, killed_in_a_call, 60)
{
	for (int i = 0; i < 5; i++) {
		self->pid = spawn();
		ASSERT_GE(self->pid, 0);
		if (!self->pid) {
			struct raw_queue q;

			if (full_ring(&q, self->port.node, 0))
				_exit(1);
			self->shared[0] = 1;
			for (;;) {
				again(&q);
				fdatasync(q.node);
			}
		}
		for (int n = 0; n < 500 && !self->shared[0]; n++)
			sleep_ms(10);
		sleep_ms(20 + i);
		kill(self->pid, SIGKILL);
		ASSERT_EQ(128 + SIGKILL, finish(self->pid, 3000));
		self->pid = 0;
		self->shared[0] = 0;
		ASSERT_TRUE(kernel_hears(&self->port));
	}
}

TEST_HARNESS_MAIN
