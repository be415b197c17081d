// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools: asked for wrongly in each way, their sizes, the largest, and no descriptor left
 * for one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "calls.h"

TEST_F(calls, pool_create_refused)
{
	static const struct bad rows[] = {
		BAD(ur_pool_create, argsz, 0, -EINVAL),
		BAD(ur_pool_create, argsz, sizeof(struct ur_pool_create) - 1, -EINVAL),
		BAD(ur_pool_create, flags, 1, -EINVAL),
		BAD(ur_pool_create, flags, 0x80000000, -EINVAL),
		BAD(ur_pool_create, slot_size, 0, -EINVAL),
		BAD(ur_pool_create, slot_size, 1, -EINVAL),
		BAD(ur_pool_create, slot_size, 1024, -EINVAL),
		BAD(ur_pool_create, slot_size, 2047, -EINVAL),
		BAD(ur_pool_create, slot_size, 2049, -EINVAL),
		BAD(ur_pool_create, slot_size, 3072, -EINVAL),
		BAD(ur_pool_create, slot_size, 4097, -EINVAL),
		BAD(ur_pool_create, slot_size, 12288, -EINVAL),
		BAD(ur_pool_create, slot_size, 32768, -EINVAL),
		BAD(ur_pool_create, slot_size, 0x80000000, -EINVAL),
		BAD(ur_pool_create, slot_size, 0xffffffff, -EINVAL),
		BAD(ur_pool_create, slot_count, 0, -EINVAL),
		BAD(ur_pool_create, slot_count, UR_POOL_SLOTS_MAX + 1, -EINVAL),
		BAD(ur_pool_create, slot_count, 0x200000, -EINVAL),
		BAD(ur_pool_create, slot_count, 0x80000000, -EINVAL),
		BAD(ur_pool_create, slot_count, 0xffffffff, -EINVAL),
	};
	static const struct bad of_4096[] = {
		/* one slot above 1 GiB */
		BAD(ur_pool_create, slot_count, (1 << 18) + 1, -EINVAL),
		BAD(ur_pool_create, slot_count, UR_POOL_SLOTS_MAX, -EINVAL),
	};
	struct ur_pool_create good = raw_pool_args(2048, 64), four = raw_pool_args(4096, 64);
	int fd = self->q.node, before = open_files();

	EXPECT_EQ(0, refused(fd, UR_IOC_POOL_CREATE, &good, sizeof(good), rows, ARRAY_SIZE(rows)));
	EXPECT_EQ(0, refused(fd, UR_IOC_POOL_CREATE, &four, sizeof(four), of_4096,
			     ARRAY_SIZE(of_4096)));
	EXPECT_EQ(0, RESERVED(fd, UR_IOC_POOL_CREATE, &good, ur_pool_create, reserved0));
	EXPECT_EQ(0, RESERVED(fd, UR_IOC_POOL_CREATE, &good, ur_pool_create, reserved));
	EXPECT_EQ(before, open_files());
	EXPECT_EQ(0, raw_call(fd, UR_IOC_POOL_CREATE, &good));
	EXPECT_EQ(before + 1, open_files());
	EXPECT_EQ(FD_CLOEXEC, fcntl(good.fd, F_GETFD));
	close(good.fd);
}

TEST_F(calls, pool_sizes)
{
	static const struct { uint32_t slot_size, count, rounded; } rows[] = {
		{ 2048, 1, 2 }, { 2048, 2, 2 }, { 2048, 3, 4 }, { 2048, 511, 512 },
		{ 4096, 1, 1 }, { 4096, 3, 3 }, { 2048, 4097, 4098 }, { 4096, 1025, 1025 },
		{ 8192, 1, 1 }, { 8192, 3, 3 }, { 16384, 1, 1 }, { 16384, 3, 3 },
		{ 16384, 129, 129 },
	};
	struct { struct ur_pool_info info; uint8_t beyond[8]; } big;
	static const struct bad bad[] = {
		BAD(ur_pool_info, argsz, 0, -EINVAL),
		BAD(ur_pool_info, argsz, sizeof(struct ur_pool_info) - 1, -EINVAL),
		BAD(ur_pool_info, flags, 1, -EINVAL),
	};
	struct ur_pool_info good = { .argsz = sizeof(good) };
	uint64_t *p;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ur_pool_create pc = raw_pool_args(rows[i].slot_size, rows[i].count);

		ASSERT_EQ(0, raw_call(self->q.node, UR_IOC_POOL_CREATE, &pc));
		EXPECT_EQ(rows[i].rounded, pc.slot_count);
		EXPECT_EQ((uint64_t)rows[i].rounded * rows[i].slot_size, pc.size);
		memset(&big, 0x5a, sizeof(big));
		memset(&big.info, 0, sizeof(big.info));
		big.info.argsz = sizeof(big);
		EXPECT_EQ(0, raw_call(pc.fd, UR_IOC_POOL_INFO, &big));
		EXPECT_EQ(sizeof(big.info), big.info.argsz);
		EXPECT_EQ(rows[i].slot_size, big.info.slot_size);
		EXPECT_EQ(pc.slot_count, big.info.slot_count);
		EXPECT_EQ(pc.size, big.info.size);
		EXPECT_EQ(0x5a, big.beyond[0]);
		/* It comes empty: nothing of anybody else's memory is in it. */
		p = mmap(NULL, pc.size, PROT_READ | PROT_WRITE, MAP_SHARED, pc.fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		for (size_t j = 0; j < pc.size / 8; j++)
			ASSERT_EQ(0, p[j]);
		memset(p, 0xa5, pc.size);
		munmap(p, pc.size);
		close(pc.fd);
	}
	EXPECT_EQ(0, refused(self->q.pool, UR_IOC_POOL_INFO, &good, sizeof(good), bad,
			     ARRAY_SIZE(bad)));
	EXPECT_EQ(0, RESERVED(self->q.pool, UR_IOC_POOL_INFO, &good, ur_pool_info, reserved));
}

/* The largest there may be: had or refused, but nothing else suffers or stays taken. */
TEST_F_TIMEOUT(calls, pool_of_1_gib, 90)
{
	struct ur_pool_create pc = raw_pool_args(2048, UR_POOL_SLOTS_MAX);
	int64_t before = free_kib(), leaked;
	struct sysinfo memory;
	int ret;

	sysinfo(&memory);
	ret = raw_call(self->q.node, UR_IOC_POOL_CREATE, &pc);
	printf("# 1 GiB of %lu MiB: %s\n", memory.totalram >> 20, ret ? strerror(-ret) : "had");
	if (ret || memory.totalram < 1ul << 30) {
		EXPECT_EQ(-ENOMEM, ret);
	}
	if (!ret)
		close(pc.fd);
	leaked = leaked_kib(before, 4096);
	EXPECT_LE(leaked, 4096);
}

TEST_F(calls, no_descriptor_left)
{
	struct ur_pool_create pc = raw_pool_args(2048, 64);
	struct rlimit limit, old;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	limit = old;
	limit.rlim_cur = (rlim_t)dup(0);
	close((int)limit.rlim_cur);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, raw_call(self->q.node, UR_IOC_POOL_CREATE, &pc));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
}

TEST_HARNESS_MAIN
