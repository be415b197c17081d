// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be mapped: each region at its offset and size, and nothing else; what
 * is read-only stays so; what is mapped outlives the queue and the pool.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ctl.h"
#include "port.h"
#include "raw.h"

#define PAGE	4096ul
#define SLOTS	2048
#define RX	1024	/* several pages in every region */
#define TX	512

FIXTURE(map)
{
	struct port port;
	struct raw_queue q;
	const struct ur_region *region[4];
};

FIXTURE_SETUP(map)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, raw_start(&self->q, self->port.node, SLOTS, RX, TX));
	self->region[0] = &self->q.at.rx_desc;
	self->region[1] = &self->q.at.tx_desc;
	self->region[2] = &self->q.at.kernel;
	self->region[3] = &self->q.at.user;
}

FIXTURE_TEARDOWN(map)
{
	raw_close(&self->q);
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* 0 or -errno; what could be mapped is unmapped again. */
static int try_map(int fd, uint64_t offset, size_t size, int prot, int kind)
{
	void *p = mmap(NULL, size, prot, kind, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, size);
	return 0;
}

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

/* The signal that a store to @p brings, 0 if none. */
static int store_signal(volatile uint8_t *p)
{
	struct sigaction act = { .sa_handler = on_fault };
	int signal;

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	signal = sigsetjmp(fault, 1);
	if (!signal)
		*p = 1;
	act.sa_handler = SIG_DFL;
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	return signal;
}

TEST_F(map, exactly_the_region)
{
	int fd = self->q.node, tried = 0;

	for (int i = 0; i < 4; i++) {
		const struct ur_region *r = self->region[i];
		const uint64_t offsets[] = {
			r->offset + PAGE, r->offset - PAGE, r->offset + r->size,
			r->offset | 1ull << 40, 1ull << 62,
		};
		const size_t sizes[] = { r->size + PAGE, r->size - PAGE, PAGE, 2 * r->size,
					 1ul << 30 };

		EXPECT_EQ(0, r->offset % PAGE);
		EXPECT_EQ(0, r->size % PAGE);
		EXPECT_EQ(0, try_map(fd, r->offset, r->size, PROT_READ, MAP_SHARED));
		for (size_t j = 0; j < ARRAY_SIZE(offsets); j++, tried++) {
			EXPECT_NE(0, try_map(fd, offsets[j], r->size, PROT_READ, MAP_SHARED)) {
				TH_LOG("region %d, offset %#jx", i, (uintmax_t)offsets[j]);
			}
		}
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			if (!sizes[j] || sizes[j] == r->size)
				continue;
			tried++;
			EXPECT_EQ(-EINVAL, try_map(fd, r->offset, sizes[j], PROT_READ,
						   MAP_SHARED)) {
				TH_LOG("region %d, size %zu of %zu", i, sizes[j], (size_t)r->size);
			}
		}
		EXPECT_EQ(-EINVAL, try_map(fd, r->offset, 0, PROT_READ, MAP_SHARED));
	}
	printf("# %d wrong offsets and sizes refused\n", tried);
}

/* No way leads to a writable page of the rings or of the kernel's page. */
TEST_F(map, read_only)
{
	for (int i = 0; i < 3; i++) {
		const struct ur_region *r = self->region[i];
		uint8_t *p;

		EXPECT_EQ(-EACCES, try_map(self->q.node, r->offset, r->size,
					   PROT_READ | PROT_WRITE, MAP_SHARED));
		EXPECT_EQ(-EACCES, try_map(self->q.node, r->offset, r->size, PROT_WRITE,
					   MAP_SHARED));
		p = mmap(NULL, r->size, PROT_READ, MAP_SHARED, self->q.node, (off_t)r->offset);
		ASSERT_NE(MAP_FAILED, p);
		EXPECT_EQ(-1, mprotect(p, r->size, PROT_READ | PROT_WRITE));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, mprotect(p, PAGE, PROT_WRITE));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(SIGSEGV, store_signal(p));
		munmap(p, r->size);
	}
	/* and the page of the process is one that it may write */
	EXPECT_EQ(0, store_signal((uint8_t *)&self->q.u->reserved[0]));
}

/* The same through the kernel, which does not look at page protections. */
TEST_F(map, read_only_for_the_kernel_too)
{
	char byte = 'x', back;
	int pipes[2], mem;

	ASSERT_EQ(0, pipe(pipes));
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_GE(mem, 0);
	for (int i = 0; i < 3; i++) {
		const struct ur_region *r = self->region[i];
		uint8_t *p = mmap(NULL, r->size, PROT_READ, MAP_SHARED, self->q.node,
				  (off_t)r->offset);

		ASSERT_NE(MAP_FAILED, p);
		back = (char)p[r->size - 1];
		ASSERT_EQ(1, write(pipes[1], &byte, 1));
		EXPECT_EQ(-1, read(pipes[0], p + r->size - 1, 1));
		EXPECT_EQ(EFAULT, errno);
		/* FOLL_FORCE, as a debugger would */
		EXPECT_NE(1, pwrite(mem, &byte, 1, (off_t)(uintptr_t)(p + r->size - 1)));
		EXPECT_EQ(back, (char)p[r->size - 1]);
		munmap(p, r->size);
	}
	close(mem);
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(map, no_private_copy_and_no_code)
{
	int answers[5];

	for (int i = 0; i < 4; i++) {
		const struct ur_region *r = self->region[i];

		answers[i] = try_map(self->q.node, r->offset, r->size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
		EXPECT_NE(0, answers[i]);
		EXPECT_NE(0, try_map(self->q.node, r->offset, r->size, PROT_READ | PROT_EXEC,
				     MAP_SHARED));
		EXPECT_NE(0, try_map(self->q.node, r->offset, r->size, PROT_READ | PROT_EXEC,
				     MAP_PRIVATE));
	}
	answers[4] = try_map(self->q.pool, 0, self->q.pc.size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE);
	EXPECT_NE(0, answers[4]);
	EXPECT_NE(0, try_map(self->q.pool, 0, self->q.pc.size, PROT_READ | PROT_EXEC, MAP_SHARED));
	EXPECT_NE(0, mprotect(self->q.slots, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_NE(0, mprotect(self->q.u, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_NE(0, mprotect(self->q.k, PAGE, PROT_READ | PROT_EXEC));
	printf("# private and writable: %s\n", strerror(-answers[0]));
}

TEST_F(map, does_not_grow)
{
	struct { void *p; size_t size; } all[] = {
		{ self->q.rx_desc, self->q.at.rx_desc.size },
		{ self->q.tx_desc, self->q.at.tx_desc.size },
		{ self->q.k, self->q.at.kernel.size },
		{ self->q.u, self->q.at.user.size },
		{ self->q.slots, self->q.pc.size },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		EXPECT_EQ(MAP_FAILED, mremap(all[i].p, all[i].size, all[i].size + PAGE,
					     MREMAP_MAYMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(all[i].p, all[i].size, 2 * all[i].size,
					     MREMAP_MAYMOVE));
		/* old size 0: a second mapping of the same pages */
		EXPECT_EQ(MAP_FAILED, mremap(all[i].p, 0, all[i].size + PAGE, MREMAP_MAYMOVE));
	}
	EXPECT_EQ(0, raw_sync(&self->q, 0));
}

TEST_F(map, pool)
{
	const uint64_t size = self->q.pc.size;
	int fd = self->q.pool;
	uint8_t *second;

	EXPECT_EQ(SLOTS * 2048ul, size);
	EXPECT_NE(0, try_map(fd, 0, size + PAGE, PROT_READ, MAP_SHARED));
	EXPECT_NE(0, try_map(fd, 0, 1ul << 40, PROT_READ, MAP_SHARED));
	EXPECT_NE(0, try_map(fd, PAGE, size, PROT_READ, MAP_SHARED));
	EXPECT_NE(0, try_map(fd, size, PAGE, PROT_READ, MAP_SHARED));
	EXPECT_NE(0, try_map(fd, size - PAGE, 2 * PAGE, PROT_READ, MAP_SHARED));
	EXPECT_NE(0, try_map(fd, 1ull << 62, PAGE, PROT_READ, MAP_SHARED));
	EXPECT_NE(0, try_map(fd, UINT64_MAX - PAGE + 1, PAGE, PROT_READ, MAP_SHARED));
	EXPECT_EQ(-EINVAL, try_map(fd, 0, 0, PROT_READ, MAP_SHARED));

	/* Two mappings are of one memory, and it has no holes. */
	second = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, second);
	for (uint64_t at = 0; at < size; at += 1021)
		self->q.slots[at] = (uint8_t)(at * 7);
	for (uint64_t at = 0; at < size; at += 1021)
		ASSERT_EQ((uint8_t)(at * 7), second[at]);
	munmap(second, size);
}

/* The kernel can use packet buffers in place, as O_DIRECT and MSG_ZEROCOPY do. */
TEST_F(map, pool_pages_can_be_pinned)
{
	struct iovec iov = { self->q.slots + 2048, 2048 };
	int pipes[2];
	char back[2048];

	memset(self->q.slots + 2048, 0x3c, 2048);
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(2048, vmsplice(pipes[1], &iov, 1, 0));
	EXPECT_EQ(2048, read(pipes[0], back, sizeof(back)));
	for (size_t i = 0; i < sizeof(back); i++)
		ASSERT_EQ(0x3c, back[i]);
	close(pipes[0]);
	close(pipes[1]);
}

/* A queue is its process's until it is closed and unmapped; the pool does not count. */
TEST_F(map, outlives_its_descriptors)
{
	struct raw_queue *q = &self->q;
	struct ur_queue_info info;
	int node = open(self->port.node, O_RDWR | O_CLOEXEC);
	/* the page that is looked at comes last */
	void *region[4] = { q->rx_desc, q->tx_desc, q->u, q->k };
	const size_t size[4] = { q->at.rx_desc.size, q->at.tx_desc.size, q->at.user.size,
				 q->at.kernel.size };

	ASSERT_GE(node, 0);
	memset(q->slots, 0x77, q->pc.size);
	q->fill[0] = 0x12345678;
	close(q->pool);
	close(q->node);
	q->pool = -1;
	q->node = -1;
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(UR_STATE_ATTACHED, raw_load(&q->k->state));
		ASSERT_EQ(0, raw_queue_info(node, 0, &info));
		EXPECT_EQ(1, info.attached);
		EXPECT_EQ(getpid(), info.pid);
		ASSERT_EQ(0, munmap(region[i], size[i]));
	}
	q->rx_desc = NULL;
	q->tx_desc = NULL;
	q->k = NULL;
	q->u = NULL;
	ASSERT_EQ(0, raw_queue_info(node, 0, &info));
	EXPECT_EQ(0, info.attached);
	close(node);
	for (size_t at = 0; at < q->pc.size; at++)
		ASSERT_EQ(0x77, q->slots[at]);
	EXPECT_TRUE(kernel_hears(&self->port));
	for (size_t at = 0; at < q->pc.size; at++)
		ASSERT_EQ(0x77, q->slots[at]);
}

/* After DETACH all of it can still be read, and nobody reads what is written there. */
TEST_F(map, outlives_its_queue)
{
	struct raw_queue *q = &self->q, next;

	raw_post(q, 0, RX - 1);
	ASSERT_EQ(0, raw_sync(q, 0));
	memset(q->slots, 0x77, q->pc.size);
	ASSERT_EQ(0, raw_detach(q));
	EXPECT_EQ(UR_STATE_GONE, raw_load(&q->k->state));
	EXPECT_EQ(RX - 1, raw_load(&q->k->rx_tail));
	memset(q->u, 0xff, q->at.user.size);
	(void)*(volatile uint64_t *)&q->rx_desc[RX - 1];
	(void)*(volatile uint64_t *)&q->tx_desc[TX - 1];
	EXPECT_TRUE(kernel_hears(&self->port));
	/* the next owner has rings of its own */
	ASSERT_EQ(0, raw_start(&next, self->port.node, SLOTS, RX, TX));
	raw_post(&next, 0, 1);
	EXPECT_EQ(0, raw_sync(&next, 0));
	EXPECT_EQ(1, raw_load(&next.k->rx_tail));
	EXPECT_EQ(UR_STATE_GONE, raw_load(&q->k->state));
	EXPECT_EQ(RX - 1, raw_load(&q->k->rx_tail));
	raw_close(&next);
	for (size_t at = 0; at < q->pc.size; at++)
		ASSERT_EQ(0x77, q->slots[at]);
}

/* Unmapping in pieces, and unmapping all while attached: nobody else cares. */
TEST_F(map, unmapped_while_attached)
{
	struct raw_queue *q = &self->q;
	void *p = NULL;

	ASSERT_EQ(0, munmap((char *)q->rx_desc + PAGE, PAGE));
	ASSERT_EQ(0, munmap(q->rx_desc, PAGE));
	raw_post(q, 0, RX - 1);
	EXPECT_EQ(0, raw_sync(q, 0));
	EXPECT_EQ(RX - 1, raw_load(&q->k->rx_tail));
	ASSERT_EQ(0, munmap(q->u, q->at.user.size));
	ASSERT_EQ(0, munmap(q->k, q->at.kernel.size));
	ASSERT_EQ(0, munmap(q->slots, q->pc.size));
	q->slots = NULL;
	q->k = NULL;
	q->u = NULL;
	EXPECT_EQ(0, raw_sync(q, 0));
	ASSERT_EQ(0, raw_map_one(q->node, &q->at.user, PROT_READ | PROT_WRITE, &p));
	q->u = p;
	EXPECT_EQ(RX - 1, q->u->fill_prod);
	EXPECT_EQ(0, raw_sync(q, 0));
}

TEST_HARNESS_MAIN
