// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose memory it is: what a process causes is charged to its group and limited for its
 * user, a detached queue gives it back, and nobody waits for it who did not ask.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "cgroup.h"
#include "ctl.h"
#include "gone.h"
#include "module.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define RING		UR_RING_SIZE_MAX
#define LEAK_KIB	1024
#define STRANGER	65534

/* What a child found; each test has its own use of it. */
struct found {
	volatile int64_t charged;	/* KiB */
	volatile int64_t unpaid;	/* KiB that are gone and nobody's */
	volatile int64_t us[2];		/* ATTACH, DETACH */
	volatile int round;
	volatile int busy;
};

FIXTURE(memory)
{
	struct port port;
	struct raw_queue q;
	struct found *found;
	int64_t changes;
};

FIXTURE_SETUP(memory)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
	self->changes = if_number(self->port.netdev, "carrier_changes");
	self->found = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->found);
	ASSERT_EQ(0, chmod(self->port.node, 0666));
	ASSERT_EQ(0, cgroup_create());
}

FIXTURE_TEARDOWN(memory)
{
	raw_close(&self->q);
	EXPECT_EQ(0, chmod(self->port.node, 0600));
	EXPECT_EQ(0, module_refs());
	EXPECT_EQ(self->changes, if_number(self->port.netdev, "carrier_changes"));
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_EQ(0, cgroup_remove());
	munmap(self->found, 4096);
}

/* A stranger with the node and a limit of memory to lock. */
static int become_stranger(int64_t limit)
{
	struct rlimit lock = { .rlim_cur = (rlim_t)limit, .rlim_max = (rlim_t)limit };

	return setrlimit(RLIMIT_MEMLOCK, &lock) || setgroups(0, NULL) || setgid(STRANGER) ||
	       setuid(STRANGER);
}

static int attach_node(int node, int pool, uint32_t size)
{
	struct ur_attach at = raw_attach_args(pool, size, size);

	return raw_call(node, UR_IOC_ATTACH, &at);
}

/* ------------------------------------------------------------------------
 * The group pays
 */

/* Its queue is detached, its descriptor stays. */
static int attach_and_keep(const char *path, int pool)
{
	int node = open(path, O_RDWR | O_CLOEXEC);

	if (node < 0 || attach_node(node, pool, RING))
		return -1;
	return ioctl(node, UR_IOC_DETACH, 0UL);
}

static int keep_descriptors(struct raw_queue *q, const struct port *port, int count,
			    struct found *found)
{
	struct rlimit files = { .rlim_cur = 4096, .rlim_max = 4096 };
	int64_t before, charged;

	if (cgroup_enter() || setrlimit(RLIMIT_NOFILE, &files) || raw_open(q, port->node) ||
	    raw_pool(q, 2048, 2048))
		return 10;
	for (int i = 0; i < 10; i++)
		if (attach_and_keep(port->node, q->pool))
			return 11;
	before = free_kib();
	charged = cgroup_number("memory.current") / 1024;
	for (int i = 0; i < count; i++)
		if (attach_and_keep(port->node, q->pool))
			return 12;
	found->charged = cgroup_number("memory.current") / 1024 - charged;
	found->unpaid = before - free_kib() - found->charged;
	return 0;
}

/* A thousand descriptors of queues that were detached hold next to nothing. */
TEST_F_TIMEOUT(memory, detach_gives_back, 120)
{
	int64_t before = free_kib();
	int count = quick() ? 150 : 600;
	pid_t pid = spawn();

	if (!pid)
		_exit(keep_descriptors(&self->q, &self->port, count, self->found));
	EXPECT_EQ(0, finish(pid, 100000));
	printf("# %d files, detached and open: %lld KiB charged, %lld KiB not\n", count,
	       (long long)self->found->charged, (long long)self->found->unpaid);
	EXPECT_LE(self->found->charged, 4 * count + 256);
	EXPECT_LE(self->found->unpaid, LEAK_KIB);
	EXPECT_LE(leaked_kib(before, LEAK_KIB), LEAK_KIB);
}

/* KiB in vmalloc space that no group pays for; threads of the kernel come and go. */
static int64_t unpaid_vmalloc(void)
{
	return meminfo_kib("VmallocUsed") - cgroup_key(CGROUP "/memory.stat", "vmalloc") / 1024;
}

static int attach_once(struct raw_queue *q, const struct port *port, struct found *found)
{
	int64_t before, unpaid;

	if (cgroup_enter() || raw_open(q, port->node) || raw_pool(q, 2048, 2048))
		return 20;
	before = cgroup_number("memory.current") / 1024;
	unpaid = unpaid_vmalloc();
	if (attach_node(q->node, q->pool, RING))
		return 21;
	found->unpaid = unpaid_vmalloc() - unpaid;
	found->charged = cgroup_number("memory.current") / 1024 - before;
	return 0;
}

TEST_F(memory, rings_are_charged)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(attach_once(&self->q, &self->port, self->found));
	EXPECT_EQ(0, finish(pid, 20000));
	printf("# rings of %u and %u places: %lld KiB charged, %lld KiB of vmalloc not\n", RING,
	       RING, (long long)self->found->charged, (long long)self->found->unpaid);
	/* descriptors, shared pages, tables; charges come in batches of 64 pages */
	EXPECT_GE(self->found->charged, 64 + 64 + 20 + 84);
	EXPECT_LE(self->found->unpaid, 48);
}

/* ------------------------------------------------------------------------
 * What cannot be had costs nothing
 */

/* Single pages take what the group has: whoever asks for more is told ENOMEM. */
static int attach_to_busy(struct raw_queue *q, const struct port *port)
{
	struct ur_pool_create pc;
	int err = 0;

	if (cgroup_enter() || raw_open(q, port->node) || raw_pool(q, 2048, 64) ||
	    cgroup_limit(256 << 10))
		return 30;
	for (int i = 0; i < 1000 && !err; i++) {
		pc = raw_pool_args(4096, 1);
		err = raw_call(q->node, UR_IOC_POOL_CREATE, &pc);
	}
	if (err != -ENOMEM)
		return 31;
	for (int i = 0; i < 100; i++)
		if (attach_node(q->node, q->pool, RING) != -EBUSY)
			return 32;
	return 0;
}

TEST_F(memory, busy_queue_costs_nothing)
{
	pid_t pid;

	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, 256, 128));
	pid = spawn();
	if (!pid) {
		struct raw_queue q;

		_exit(attach_to_busy(&q, &self->port));
	}
	EXPECT_EQ(0, finish(pid, 20000));
	EXPECT_EQ(0, cgroup_event("oom_kill"));
	traffic_flush(&self->q);
	EXPECT_TRUE(traffic_works(&self->q, 100));
}

/* ------------------------------------------------------------------------
 * Nobody waits for it
 */

#define ROUNDS	5

/*
 * A page more than whole chunks of any size, and a limit of just that: so all of it is
 * single pages, whatever the memory looks like.
 */
static int many_pages(struct raw_queue *q, const struct port *port)
{
	const uint32_t slots = (128 << 20) / 4096 + 1;

	return become_stranger((int64_t)slots * 4096) || raw_open(q, port->node) ||
	       raw_pool(q, 4096, slots);
}

static int attach_many_pages(struct raw_queue *q, const struct port *port, struct found *found)
{
	int64_t start;

	if (many_pages(q, port))
		return 40;
	for (int i = 0; i < ROUNDS; i++) {
		int node = open(port->node, O_RDWR | O_CLOEXEC);

		sleep_ms(100);
		found->round = i;
		found->busy = 1;
		start = now_us();
		if (node < 0 || attach_node(node, q->pool, 256))
			return 41;
		found->us[0] += now_us() - start;
		start = now_us();
		if (ioctl(node, UR_IOC_DETACH, 0UL))
			return 42;
		found->us[1] += now_us() - start;
		found->busy = 0;
		close(node);
	}
	return 0;
}

static int ask_rings(const char *netdev)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };
	struct ifreq ifr = { .ifr_data = (void *)&ring };

	return if_call(netdev, SIOCETHTOOL, &ifr);
}

/*
 * Asks each millisecond until the child is done. The longest wait of each round, from when
 * the question was due.
 */
static void ask_all_the_time(const struct port *port, const struct found *found, pid_t pid,
			     int64_t worst[ROUNDS], int *status)
{
	int64_t due = now_us(), late;

	while (waitpid(pid, status, WNOHANG) != pid) {
		int round = found->round, busy = found->busy;

		if (ask_rings(port->netdev))
			return;
		late = now_us() - due;
		if (busy && late > worst[round])
			worst[round] = late;
		usleep(1000);
		due = now_us();
	}
}

TEST_F_TIMEOUT(memory, ethtool_does_not_wait, 60)
{
	int64_t worst[ROUNDS] = { 0 }, least = INT64_MAX, work;
	int status = -1;
	pid_t pid = spawn();

	if (!pid)
		_exit(attach_many_pages(&self->q, &self->port, self->found));
	ask_all_the_time(&self->port, self->found, pid, worst, &status);
	EXPECT_EQ(0, status);
	for (int i = 0; i < ROUNDS; i++)
		least = worst[i] < least ? worst[i] : least;
	work = (self->found->us[0] + self->found->us[1]) / ROUNDS;
	printf("# 32,769 pages: ATTACH %lld us, DETACH %lld us; ethtool -g waited for at least %lld us\n",
	       (long long)self->found->us[0] / ROUNDS, (long long)self->found->us[1] / ROUNDS,
	       (long long)least);
	EXPECT_GT(least, 0);
	/* the switch itself, with its frame on the wire, takes some milliseconds */
	EXPECT_LT(least, work / 8 > 30000 ? work / 8 : 30000);
}

/* ------------------------------------------------------------------------
 * A user's limit
 */

#define MIB	(1 << 20)

/* The library says what to do about it. */
static int stranger_is_told(const struct port *port)
{
	struct ur_pool_opts opts = { .size = sizeof(opts), .slot_count = 4096 };
	struct ur_error err = { "" };
	struct ur_pool *pool;
	struct ur_port *p;

	if (ur_port_open(&p, port->node, &err))
		return 50;
	if (ur_pool_create(&pool, p, &opts, &err) != -ENOBUFS)
		return 51;
	printf("# %s\n", err.text);
	ur_port_close(p);
	return strstr(err.text, "ulimit -l") && strstr(err.text, "LimitMEMLOCK") ? 0 : 52;
}

static int stranger(struct raw_queue *q, const struct port *port, bool stay)
{
	struct ur_pool_create pc[3];

	if (become_stranger(2 * MIB) || raw_open(q, port->node))
		return 60;
	for (int i = 0; i < 3; i++) {
		int err;

		pc[i] = raw_pool_args(2048, MIB / 2048);
		err = raw_call(q->node, UR_IOC_POOL_CREATE, &pc[i]);
		if (err != (i < 2 ? 0 : -ENOBUFS))
			return 61 + i;
	}
	if (stay)
		pause();
	/* one goes, one comes; a page more does not */
	close(pc[0].fd);
	pc[0] = raw_pool_args(4096, MIB / 4096 + 1);
	if (raw_call(q->node, UR_IOC_POOL_CREATE, &pc[0]) != -ENOBUFS)
		return 65;
	if (raw_pool(q, 2048, MIB / 2048))
		return 66;
	/* a mapping, and a queue, keep it charged without a descriptor */
	if (attach_node(q->node, q->pool, 64))
		return 67;
	munmap(q->slots, q->pc.size);
	close(q->pool);
	pc[0] = raw_pool_args(2048, 2);
	if (raw_call(q->node, UR_IOC_POOL_CREATE, &pc[0]) != -ENOBUFS)
		return 68;
	if (raw_detach(q) || raw_call(q->node, UR_IOC_POOL_CREATE, &pc[0]))
		return 69;
	close(pc[0].fd);
	close(pc[1].fd);
	return stranger_is_told(port);
}

/* Root has CAP_IPC_LOCK, and so no limit. */
static int root_with_limit(struct raw_queue *q, const struct port *port)
{
	struct rlimit lock = { 0, 0 };

	return setrlimit(RLIMIT_MEMLOCK, &lock) || raw_open(q, port->node) ||
	       raw_pool(q, 2048, 4096) ? 70 : 0;
}

TEST_F(memory, user_has_a_limit)
{
	pid_t first, pid;

	for (int i = 0; i < 3; i++) {
		pid = spawn();
		if (!pid)
			_exit(stranger(&self->q, &self->port, false));
		EXPECT_EQ(0, finish(pid, 20000));
	}
	/* two processes are one user, and what is killed pays no more */
	first = spawn();
	if (!first)
		_exit(stranger(&self->q, &self->port, true));
	for (int64_t end = now_ms() + 5000; module_refs() < 3 && now_ms() < end;)
		sleep_ms(1);
	pid = spawn();
	if (!pid)
		_exit(stranger(&self->q, &self->port, false));
	EXPECT_EQ(61, finish(pid, 20000));
	kill(first, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, finish(first, 5000));
	pid = spawn();
	if (!pid)
		_exit(stranger(&self->q, &self->port, false));
	EXPECT_EQ(0, finish(pid, 20000));
	pid = spawn();
	if (!pid)
		_exit(root_with_limit(&self->q, &self->port));
	EXPECT_EQ(0, finish(pid, 20000));
}

/* ------------------------------------------------------------------------
 * The device goes while memory is mapped for it
 */

/* Twice the same: the first one says how long it takes. */
static int attach_while_unbound(struct raw_queue *q, const struct port *port,
				struct found *found)
{
	int64_t start = 0;
	int node[2], err;

	if (many_pages(q, port))
		return 80;
	node[0] = open(port->node, O_RDWR | O_CLOEXEC);
	node[1] = open(port->node, O_RDWR | O_CLOEXEC);
	start = now_us();
	if (attach_node(node[0], q->pool, 256))
		return 81;
	found->us[0] = now_us() - start;
	if (ioctl(node[0], UR_IOC_DETACH, 0UL))
		return 82;
	found->busy = 1;
	err = attach_node(node[1], q->pool, 256);
	found->busy = 0;
	return err && err != -ENODEV ? 83 : 0;
}

/* When a driver has let go of a device, nobody maps memory for it any more. */
TEST_F_TIMEOUT(memory, unbind_waits_for_mappings, 60)
{
	int64_t end = now_ms() + at_most_ms(20000), limit_us = at_most_ms(50) * 1000, left;
	pid_t pid = spawn();

	if (!pid)
		_exit(attach_while_unbound(&self->q, &self->port, self->found));
	while (!self->found->busy && now_ms() < end)
		usleep(500);
	ASSERT_TRUE(self->found->busy);
	usleep((useconds_t)self->found->us[0] / 8);
	ASSERT_EQ(0, tell(&self->port, MODULE, "unbind"));
	left = now_us();
	while (self->found->busy && now_ms() < end)
		usleep(500);
	left = now_us() - left;
	printf("# ATTACH takes %lld us, and ended %lld us behind an unbind in it\n",
	       (long long)self->found->us[0], (long long)left);
	if (limit_us < self->found->us[0] / 4)
		limit_us = self->found->us[0] / 4;
	EXPECT_LT(left, limit_us);
	EXPECT_EQ(0, finish(pid, 5000));
	ASSERT_EQ(0, tell(&self->port, MODULE, "bind"));
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	self->changes = if_number(self->port.netdev, "carrier_changes");
}

static void __attribute__((noreturn)) attach_for_ever(const struct port *port, bool detaches)
{
	for (;;) {
		struct raw_queue q;

		if (!raw_open(&q, port->node) && !raw_pool(&q, 2048, 8192) &&
		    !raw_attach(&q, 1024, 1024, 0)) {
			raw_post(&q, 0, 1023);
			raw_sync(&q, 0);
			if (detaches)
				raw_detach(&q);
		}
		raw_close(&q);
	}
}

TEST_F_TIMEOUT(memory, unbound_while_attaching, 120)
{
	int rounds = quick() ? 10 : 40;
	int64_t before = free_kib();
	char node[sizeof(self->port.node)];
	pid_t pid[3];

	strcpy(node, self->port.node);
	for (int i = 0; i < 3; i++) {
		pid[i] = spawn();
		if (!pid[i])
			attach_for_ever(&self->port, i & 1);
	}
	for (int i = 0; i < rounds; i++) {
		sleep_ms(20 + 7 * (i % 9));
		ASSERT_EQ(0, tell(&self->port, MODULE, "unbind"));
		ASSERT_EQ(0, tell(&self->port, MODULE, "bind"));
		ASSERT_EQ(0, port_find(&self->port, "nic0"));
		ASSERT_STREQ(node, self->port.node);
		ASSERT_EQ(0, if_flags(self->port.netdev, IFF_UP, 0));
	}
	for (int i = 0; i < 3; i++) {
		kill(pid[i], SIGKILL);
		EXPECT_EQ(128 + SIGKILL, finish(pid[i], 5000));
	}
	EXPECT_EQ(0, module_refs());
	EXPECT_EQ(0, module_unload());
	EXPECT_LE(leaked_kib(before, 2 * LEAK_KIB), 2 * LEAK_KIB);
	EXPECT_EQ(0, module_load());
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
	self->changes = if_number(self->port.netdev, "carrier_changes");
	EXPECT_EQ(0, chmod(self->port.node, 0666));
}

TEST_HARNESS_MAIN
