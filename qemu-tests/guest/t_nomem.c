// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that runs out of memory at each step of its way to a queue: ENOMEM, and the
 * next try works. One that is killed for its memory while it has the queue.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "cgroup.h"
#include "ctl.h"
#include "module.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"
#include "victim.h"

#define RX		256
#define TX		128
#define LEAK_KIB	1024

FIXTURE(nomem)
{
	struct port port;
	struct raw_queue q;
	int64_t changes;
};

FIXTURE_SETUP(nomem)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
	self->changes = if_number(self->port.netdev, "carrier_changes");
	ASSERT_EQ(0, cgroup_create());
}

FIXTURE_TEARDOWN(nomem)
{
	raw_close(&self->q);
	far(NULL, 0, "stop");
	EXPECT_EQ(0, module_refs());
	EXPECT_EQ(self->changes, if_number(self->port.netdev, "carrier_changes"));
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_EQ(0, cgroup_remove());
}

/* The whole way from here works: what was refused left nothing behind. */
static int all_works(struct raw_queue *q, const struct port *port)
{
	raw_close(q);
	if (traffic_start(q, port->node, RX, TX))
		return 1;
	traffic_flush(q);
	if (!traffic_works(q, 100))
		return 2;
	raw_close(q);
	return 0;
}

/*
 * In a child, because a group's limit would be the whole program's. Its exit status is
 * the step that went otherwise.
 */
static int pool_in_small_group(struct raw_queue *q, const struct port *port)
{
	if (cgroup_enter() || raw_open(q, port->node))
		return 10;
	if (cgroup_limit(8 << 20))
		return 11;
	/* 64 MiB do not fit, 2 MiB do */
	for (int i = 0; i < 5; i++)
		if (raw_pool(q, 2048, 32768) != -ENOMEM)
			return 12;
	if (raw_pool(q, 2048, 1024))
		return 13;
	raw_close(q);
	if (cgroup_event("oom_kill") != 0)
		return 14;
	return cgroup_limit(-1) ? 15 : all_works(q, port);
}

TEST_F(nomem, pool_in_a_small_group)
{
	int64_t before = free_kib(), leaked;
	pid_t pid = spawn();

	if (!pid)
		_exit(pool_in_small_group(&self->q, &self->port));
	EXPECT_EQ(0, finish(pid, 20000));
	EXPECT_GT(cgroup_event("max"), 0);
	leaked = leaked_kib(before, LEAK_KIB);
	EXPECT_LE(leaked, LEAK_KIB);
}

/*
 * Pools of a page each take all that the group has, down to what the kernel keeps at
 * hand for it. Then they go, one by one, until attaching works: each step of it fails.
 */
struct attaches {
	int refused;
	int under_way;		/* 1: within the call */
};

static int attach_as_pools_go(struct raw_queue *q, const struct port *port, int limit_kib,
			      struct attaches *seen)
{
	static int eater[256];
	int n = 0, err = 0;

	if (raw_open(q, port->node) || raw_pool(q, 2048, 2048) ||
	    cgroup_limit(limit_kib << 10))
		return 20;
	while (n < 256 && !err) {
		struct ur_pool_create pc = raw_pool_args(4096, 1);

		err = raw_call(q->node, UR_IOC_POOL_CREATE, &pc);
		if (!err)
			eater[n++] = pc.fd;
	}
	for (seen->refused = 0;; seen->refused++) {
		q->at = raw_attach_args(q->pool, 1024, 1024);
		__atomic_store_n(&seen->under_way, 1, __ATOMIC_SEQ_CST);
		err = raw_call(q->node, UR_IOC_ATTACH, &q->at);
		__atomic_store_n(&seen->under_way, 0, __ATOMIC_SEQ_CST);
		if (!err)
			break;
		if (err != -ENOMEM || raw_attached(port->node) || !n)
			return 21;
		close(eater[--n]);
	}
	while (n)
		close(eater[--n]);
	raw_close(q);
	return cgroup_limit(-1) ? 22 : 0;
}

static int attach_in_small_group(struct raw_queue *q, const struct port *port,
				 struct attaches *seen)
{
	int err = cgroup_enter();

	/* first with room, so that no page of the process itself is new later */
	if (!err)
		err = attach_as_pools_go(q, port, 64 << 10, seen);
	/* what the kernel takes back meanwhile may be enough: then once more */
	for (int i = 0; i < 20 && !err && !seen->refused; i++)
		err = attach_as_pools_go(q, port, 256, seen);
	return err ? err : all_works(q, port);
}

/*
 * For the file of a pool that eats the last page Linux itself ends the process: that says
 * nothing of attaching, and there is another try.
 */
TEST_F_TIMEOUT(nomem, attach_in_a_small_group, 120)
{
	struct attaches *seen = (struct attaches *)seen_create();
	int64_t before, leaked;
	int status = -1;
	pid_t pid;

	ASSERT_NE(NULL, seen);
	before = free_kib();
	for (int i = 0; i < 10 && status; i++) {
		ASSERT_EQ(0, cgroup_limit(-1));
		*seen = (struct attaches){ 0 };
		pid = spawn();
		if (!pid)
			_exit(attach_in_small_group(&self->q, &self->port, seen));
		status = finish(pid, 20000);
		printf("# attach was refused %d times, %lld processes were killed\n",
		       seen->refused, (long long)cgroup_event("oom_kill"));
		ASSERT_TRUE(!status || status == 128 + SIGKILL) {
			TH_LOG("status %d", status);
		}
		ASSERT_EQ(0, seen->under_way);
	}
	EXPECT_EQ(0, status);
	EXPECT_GT(seen->refused, 0);
	leaked = leaked_kib(before, LEAK_KIB);
	EXPECT_LE(leaked, LEAK_KIB);
	munmap(seen, 4096);
}

static int64_t address_space(void)
{
	char text[64];

	if (read_line(text, sizeof(text), "/proc/self/statm"))
		return -1;
	return strtoll(text, NULL, 10) * 4096;
}

static int limit_space(int64_t bytes)
{
	struct rlimit limit = { .rlim_cur = (rlim_t)bytes, .rlim_max = RLIM_INFINITY };

	return setrlimit(RLIMIT_AS, &limit);
}

static int try_map(int fd, const struct ur_region *r, int prot)
{
	void *p = mmap(NULL, r->size, prot, MAP_SHARED, fd, (off_t)r->offset);
	int err = p == MAP_FAILED ? -errno : 0;

	if (!err)
		munmap(p, r->size);
	return err;
}

/* No room for mappings: each is refused by itself, and the queue stays as it is. */
static int map_in_small_space(struct raw_queue *q, const struct port *port)
{
	struct ur_region pool;
	int64_t space;

	if (raw_open(q, port->node))
		return 30;
	q->pc = raw_pool_args(2048, 1024);
	if (raw_call(q->node, UR_IOC_POOL_CREATE, &q->pc))
		return 31;
	q->pool = q->pc.fd;
	q->at = raw_attach_args(q->pool, RX, TX);
	if (raw_call(q->node, UR_IOC_ATTACH, &q->at))
		return 32;
	pool = (struct ur_region){ .size = q->pc.size };
	space = address_space();
	if (space < 0 || limit_space(space))
		return 33;
	if (try_map(q->pool, &pool, PROT_READ | PROT_WRITE) != -ENOMEM)
		return 34;
	if (try_map(q->node, &q->at.rx_desc, PROT_READ) != -ENOMEM ||
	    try_map(q->node, &q->at.tx_desc, PROT_READ) != -ENOMEM ||
	    try_map(q->node, &q->at.kernel, PROT_READ) != -ENOMEM ||
	    try_map(q->node, &q->at.user, PROT_READ | PROT_WRITE) != -ENOMEM)
		return 35;
	if (raw_attached(port->node) != 1 || limit_space(RLIM_INFINITY))
		return 36;
	/* the same queue, now with room */
	q->slots = mmap(NULL, q->pc.size, PROT_READ | PROT_WRITE, MAP_SHARED, q->pool, 0);
	if (q->slots == MAP_FAILED || raw_map(q))
		return 37;
	raw_post(q, 0, RX - 1);
	if (raw_sync(q, 0))
		return 38;
	traffic_flush(q);
	return traffic_works(q, 100) ? 0 : 39;
}

TEST_F(nomem, mapping_in_a_small_space)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(map_in_small_space(&self->q, &self->port));
	EXPECT_EQ(0, finish(pid, 20000));
}

/* Takes memory until somebody puts an end to it, packets all the while. */
static void __attribute__((noreturn)) glutton(struct raw_queue *q, const struct port *port,
					      struct seen *seen)
{
	if (cgroup_enter() || traffic_start(q, port->node, RX, TX) || cgroup_limit(16 << 20))
		_exit(40);
	for (;;) {
		for (int i = 0; i < 64; i++) {
			while (raw_rx_done(q)) {
				uint32_t slot = raw_rx_slot(q);

				raw_rx_next(q);
				raw_fill(q, slot);
				seen->moved++;
			}
			if (raw_sync(q, 0))
				_exit(41);
		}
		if (seen->moved > 1000)
			memset(malloc(65536), 0x77, 65536);
	}
}

TEST_F(nomem, killed_for_its_memory)
{
	struct seen *seen = seen_create();
	int64_t before = 0, leaked;
	pid_t pid;

	ASSERT_NE(NULL, seen);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			before = free_kib();
		seen->moved = 0;
		pid = spawn();
		if (!pid)
			glutton(&self->q, &self->port, seen);
		ASSERT_TRUE(becomes_attached(&self->port, 1, 3000));
		ASSERT_EQ(0, far_send("count=1000000000 len=60,1514"));
		EXPECT_EQ(128 + SIGKILL, finish(pid, 20000));
		EXPECT_EQ(i + 1, cgroup_event("oom_kill"));
		EXPECT_GT(seen->moved, 1000);
		EXPECT_EQ(0, raw_attached(self->port.node));
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		EXPECT_TRUE(kernel_hears(&self->port));
	}
	leaked = leaked_kib(before, LEAK_KIB);
	printf("# killed for their memory: 3, %lld KiB less free\n", (long long)leaked);
	EXPECT_LE(leaked, LEAK_KIB);
	munmap(seen, 4096);
}

TEST_HARNESS_MAIN
