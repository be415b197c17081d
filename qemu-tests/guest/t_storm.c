// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once on one port: threads attach and detach, sync, map, poll and ask
 * through descriptors that others close meanwhile, while the interface goes down and
 * up, changes its filters and has its counters read, and frames come in.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "module.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define FILES		3	/* of which one at a time has the queue */
#define WORKERS		4
#define LEAK_KIB	1024

struct storm {
	struct port port;
	int file[FILES];	/* numbers that stay, whatever is open behind them */
	int pool;
	volatile bool over;
	uint64_t done[8], wrong;
};

static uint32_t random_of(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

/* Answers that these calls may give here; any other is counted. */
static bool expected(int err)
{
	switch (err) {
	case 0:
	case -EBUSY:
	case -ENOTCONN:
	case -ENETDOWN:
	case -ESTALE:
	case -ERANGE:
	case -ENODEV:
		return true;
	}
	printf("# an unexpected answer: %s\n", strerror(-err));
	return false;
}

static void map_and_touch(int fd, const struct ur_region *r, bool write)
{
	volatile uint32_t *p = mmap(NULL, r->size, write ? PROT_READ | PROT_WRITE : PROT_READ,
				    MAP_SHARED, fd, (off_t)r->offset);

	if (p == MAP_FAILED)
		return;
	for (size_t i = 0; i < r->size / 4; i += 16)
		(void)p[i];
	if (write)
		p[0] = p[1] = p[2] = 12345;
	munmap((void *)p, r->size);
}

static void *work(void *arg)
{
	struct storm *s = arg;
	uint64_t state = (uint64_t)(uintptr_t)&state * 0x9e3779b97f4a7c15u | 1;
	struct ur_attach last = { 0 };

	while (!s->over) {
		struct ur_attach at = raw_attach_args(s->pool, 64 << random_of(&state) % 3, 64);
		int fd = s->file[random_of(&state) % FILES];
		struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
		uint32_t what = random_of(&state) % 8;
		struct ur_queue_info info;
		struct raw_queue q;
		int err = 0;

		q.node = fd;
		switch (what) {
		case 0:
			at.sync_period_us = random_of(&state) % 2 * 100;
			err = raw_call(fd, UR_IOC_ATTACH, &at);
			if (!err)
				last = at;
			break;
		case 1:
			err = raw_detach(&q);
			break;
		case 2:
			if (last.argsz)
				map_and_touch(fd, &last.user, true);
			break;
		case 3:
			if (last.argsz)
				map_and_touch(fd, random_of(&state) % 2 ? &last.kernel :
					      &last.rx_desc, false);
			break;
		case 4:
			poll(&pfd, 1, (int)(random_of(&state) % 3));
			break;
		case 5:
			err = raw_queue_info(fd, 0, &info);
			break;
		default:
			for (int i = 0; i < 20 && !err; i++)
				err = raw_sync(&q, random_of(&state) % 4);
			break;
		}
		__atomic_fetch_add(&s->wrong, !expected(err), __ATOMIC_RELAXED);
		__atomic_fetch_add(&s->done[what], !err, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Puts new files behind the numbers, under whoever uses them. */
static void *renew(void *arg)
{
	struct storm *s = arg;

	for (unsigned int i = 0; !s->over; i++) {
		int fd = open(s->port.node, O_RDWR | O_CLOEXEC);

		if (fd >= 0) {
			dup2(fd, s->file[i % FILES]);
			close(fd);
		}
		sleep_ms(3);
	}
	return NULL;
}

/* The administrator. */
static void *administer(void *arg)
{
	struct storm *s = arg;

	for (unsigned int i = 0; !s->over; i++) {
		switch (i % 6) {
		case 0:
			if_flags(s->port.netdev, 0, IFF_UP);
			break;
		case 1:
			if_flags(s->port.netdev, IFF_UP, 0);
			break;
		case 2:
			if_flags(s->port.netdev, IFF_PROMISC, 0);
			break;
		case 3:
			if_flags(s->port.netdev, 0, IFF_PROMISC);
			break;
		case 4:
			ethtool_stat(s->port.netdev, "q0_syncs");
			break;
		default:
			sleep_ms(100);
		}
		sleep_ms(20);
	}
	return NULL;
}

TEST(storm)
{
	const int seconds = quick() ? 3 : 12;
	pthread_t thread[WORKERS + 2];
	struct ur_pool_create pc = raw_pool_args(2048, 512);
	static struct storm s;
	struct raw_queue q;
	int64_t before;
	int node;

	ASSERT_EQ(0, port_find(&s.port, "nic0"));
	ASSERT_EQ(0, port_up(&s.port));
	ASSERT_TRUE(kernel_hears(&s.port));
	before = free_kib();
	node = open(s.port.node, O_RDWR | O_CLOEXEC);
	ASSERT_GE(node, 0);
	ASSERT_EQ(0, raw_call(node, UR_IOC_POOL_CREATE, &pc));
	s.pool = pc.fd;
	for (int i = 0; i < FILES; i++)
		s.file[i] = dup(node);
	close(node);
	for (int i = 0; i < WORKERS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, work, &s));
	ASSERT_EQ(0, pthread_create(&thread[WORKERS], NULL, renew, &s));
	ASSERT_EQ(0, pthread_create(&thread[WORKERS + 1], NULL, administer, &s));
	/* more than it takes: there is always something on the wire */
	EXPECT_EQ(0, far_send("count=100000000 len=60,1514"));
	sleep_ms(at_most_ms(seconds * 1000));
	s.over = true;
	for (int i = 0; i < WORKERS + 2; i++)
		pthread_join(thread[i], NULL);
	printf("# well answered: attach %ju detach %ju info %ju poll %ju rounds of sync %ju\n",
	       (uintmax_t)s.done[0], (uintmax_t)s.done[1], (uintmax_t)s.done[5],
	       (uintmax_t)s.done[4], (uintmax_t)(s.done[6] + s.done[7]));
	EXPECT_EQ(0, s.wrong);
	EXPECT_GT(s.done[0], 0);
	/* a kernel that looks for faults is there to find some, not to be quick */
	if (at_most_ms(1) == 1) {
		EXPECT_GT(s.done[0], 50);
		EXPECT_GT(s.done[1], 20);
		EXPECT_GT(s.done[6] + s.done[7], 10);
	}
	for (int i = 0; i < FILES; i++)
		close(s.file[i]);
	close(s.pool);

	EXPECT_EQ(0, far(NULL, 0, "stop"));
	EXPECT_EQ(0, if_flags(s.port.netdev, 0, IFF_PROMISC));
	EXPECT_EQ(0, port_up(&s.port));
	EXPECT_EQ(0, module_refs());
	EXPECT_TRUE(kernel_hears(&s.port));
	EXPECT_LE(leaked_kib(before, LEAK_KIB), LEAK_KIB);
	ASSERT_EQ(0, traffic_start(&q, s.port.node, 64, 64));
	traffic_flush(&q);
	EXPECT_TRUE(traffic_works(&q, 500));
	raw_close(&q);
	EXPECT_TRUE(kernel_hears(&s.port));
}

TEST_HARNESS_MAIN
