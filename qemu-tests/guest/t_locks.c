// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legal calls at the same time on two CPUs, or one in the middle of another, end: what
 * a lock of the module meets with a lock of the kernel, or with an interrupt.  A
 * machine that hangs here does not come back, so the guest runs out of time.
 *
 * Each test goes on for two seconds; ur.soak=N: for so many.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "ctl.h"
#include "fair.h"

FIXTURE(locks)
{
	struct port port;
	struct raw_queue q;
};

FIXTURE_SETUP(locks)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
}

FIXTURE_TEARDOWN(locks)
{
	raw_close(&self->q);
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* ------------------------------------------------------------------------
 * ADOPT, and the lock of a process's name
 */

struct adopter {
	int node;
	bool stop;
	uint64_t count;
};

static void *adopter(void *arg)
{
	struct adopter *a = arg;

	on_cpu(1);
	while (!__atomic_load_n(&a->stop, __ATOMIC_RELAXED)) {
		struct ur_adopt call = { .argsz = sizeof(call) };

		if (raw_call(a->node, UR_IOC_ADOPT, &call))
			break;
		close(call.pool_fd);
		a->count++;
	}
	return NULL;
}

/* The sync timer comes between, on the CPU where names change. */
TEST_F_TIMEOUT(locks, adopt_while_named, 700)
{
	struct adopter a = { 0 };
	uint64_t names = 0;
	pthread_t thread;
	int64_t end;

	on_cpu(0);
	ASSERT_EQ(0, raw_open(&self->q, self->port.node));
	ASSERT_EQ(0, raw_pool(&self->q, 2048, 128));
	ASSERT_EQ(0, raw_attach(&self->q, 64, 64, UR_SYNC_PERIOD_MIN_US));
	a.node = self->q.node;
	ASSERT_EQ(0, pthread_create(&thread, NULL, adopter, &a));
	for (end = now_ms() + soak_ms(); now_ms() < end; names += 2) {
		prctl(PR_SET_NAME, "one");
		prctl(PR_SET_NAME, "two");
	}
	__atomic_store_n(&a.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("# %ju times adopted, %ju names\n", (uintmax_t)a.count, (uintmax_t)names);
	EXPECT_GT(a.count, 0);
}

/* ------------------------------------------------------------------------
 * Filters that change while the port goes up and down
 */

/* Any user may do that. */
static void joins_for_ever(const char *netdev)
{
	struct ipv6_mreq group = { .ipv6mr_interface = if_nametoindex(netdev) };
	int s = socket(AF_INET6, SOCK_DGRAM, 0);

	inet_pton(AF_INET6, "ff15::1234:5678", &group.ipv6mr_multiaddr);
	if (setresuid(65534, 65534, 65534))
		_exit(1);
	for (;;) {
		setsockopt(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof(group));
		setsockopt(s, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &group, sizeof(group));
	}
}

/* A port that is down does nothing: the work that looks after it has ended. */
TEST_F_TIMEOUT(locks, joined_while_down, 700)
{
	int64_t end, before, after;
	int rounds = 0;
	pid_t pid;

	pid = spawn();
	ASSERT_GE(pid, 0);
	if (!pid)
		joins_for_ever(self->port.netdev);
	for (end = now_ms() + soak_ms(); now_ms() < end || rounds < 5; rounds++) {
		ASSERT_EQ(0, if_flags(self->port.netdev, IFF_UP, 0));
		sleep_ms(60);
		ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
		before = if_number(self->port.netdev, "carrier_changes");
		sleep_ms(60);
		after = if_number(self->port.netdev, "carrier_changes");
		ASSERT_EQ(before, after);
	}
	/* and not deaf, whatever was joined between the reset and reception */
	ASSERT_EQ(0, port_up(&self->port));
	kill(pid, SIGKILL);
	finish(pid, 3000);
	EXPECT_TRUE(kernel_hears(&self->port));
	printf("# %d times down and up\n", rounds);
}

/* ------------------------------------------------------------------------
 * netconsole
 */

/*
 * The kernel prints from a non-maskable interrupt, which netconsole sends from an
 * interrupt right behind it, whatever the CPU is at: usually in a SYNC.
 */
TEST_F_TIMEOUT(locks, prints_by_itself, 700)
{
	uint64_t sent, printed = 0;
	char text[512];
	int64_t end;
	pid_t pid;

	ASSERT_EQ(0, port_addr(&self->port, "10.9.9.1/24", true));
	write_line("8 4 1 7", "/proc/sys/kernel/printk");
	ASSERT_EQ(0, run(text, sizeof(text),
			 "modprobe netconsole netconsole=6665@10.9.9.1/%s,6666@10.9.9.2/52:54:00:75:72:99",
			 self->port.netdev)) TH_LOG("%s", text);
	pid = spawn();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct raw_queue *q = &self->q;

		if (raw_start(q, self->port.node, 128, 64, 64))
			_exit(1);
		for (int i = 0; i < 64; i++)
			q->tx[i] = (struct ur_tx_entry){ .slot = 64 + i, .len = 60 };
		for (;;) {
			raw_store(&q->u->tx_prod, raw_load(&q->k->tx_done) + 32);
			fdatasync(q->node);
		}
	}
	sleep_ms(200);
	sent = ethtool_stat(self->port.netdev, "tx_packets");
	for (end = now_ms() + soak_ms(); now_ms() < end || printed < 50; printed++) {
		ASSERT_EQ(0, far(NULL, 0, "hmp nmi"));
		sleep_ms(10);
	}
	printf("# printed %ju times, %ju frames sent meanwhile\n", (uintmax_t)printed,
	       (uintmax_t)(ethtool_stat(self->port.netdev, "tx_packets") - sent));
	kill(pid, SIGKILL);
	finish(pid, 3000);
	EXPECT_EQ(0, run(text, sizeof(text), "rmmod netconsole")) TH_LOG("%s", text);
	write_line("5 4 1 7", "/proc/sys/kernel/printk");
	EXPECT_EQ(0, port_addr(&self->port, "10.9.9.1/24", false));
}

TEST_HARNESS_MAIN
