// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach: asked for wrongly in each way, its limits, twice, and what a file that is not
 * attached may do.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls.h"

TEST_F(calls, attach_refused)
{
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int file = open("/tmp/a-file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int other = open(self->port.node, O_RDWR | O_CLOEXEC);
	const struct bad rows[] = {
		BAD(ur_attach, argsz, 0, -EINVAL),
		BAD(ur_attach, argsz, sizeof(struct ur_attach) - 1, -EINVAL),
		BAD(ur_attach, flags, 1, -EINVAL),
		BAD(ur_attach, flags, 0x80000000, -EINVAL),
		BAD(ur_attach, mode, UR_MODE_DIRECT, -EOPNOTSUPP),
		BAD(ur_attach, mode, 7, -EOPNOTSUPP),
		BAD(ur_attach, mode, 0xffffffff, -EOPNOTSUPP),
		BAD(ur_attach, queue, 1, -EINVAL),
		BAD(ur_attach, queue, 1000, -EINVAL),
		BAD(ur_attach, queue, 0x80000000, -EINVAL),
		BAD(ur_attach, queue, 0xfffffffe, -EINVAL),
		BAD(ur_attach, pool_fd, (uint32_t)-1, -EBADF),
		BAD(ur_attach, pool_fd, 0, -EBADF),
		BAD(ur_attach, pool_fd, 0x7fffffff, -EBADF),
		BAD(ur_attach, pool_fd, (uint32_t)sock, -EBADF),
		BAD(ur_attach, pool_fd, (uint32_t)file, -EBADF),
		BAD(ur_attach, pool_fd, (uint32_t)other, -EBADF),
		BAD(ur_attach, pool_fd, (uint32_t)self->q.node, -EBADF),
		BAD(ur_attach, rx_size, 0, -EINVAL),
		BAD(ur_attach, rx_size, 1, -EINVAL),
		BAD(ur_attach, rx_size, 32, -EINVAL),
		BAD(ur_attach, rx_size, 63, -EINVAL),
		BAD(ur_attach, rx_size, 65, -EINVAL),
		BAD(ur_attach, rx_size, 96, -EINVAL),
		BAD(ur_attach, rx_size, 8192, -EINVAL),
		BAD(ur_attach, rx_size, 0x80000000, -EINVAL),
		BAD(ur_attach, rx_size, 0x80000040, -EINVAL),
		BAD(ur_attach, rx_size, 0xffffffff, -EINVAL),
		BAD(ur_attach, tx_size, 0, -EINVAL),
		BAD(ur_attach, tx_size, 1, -EINVAL),
		BAD(ur_attach, tx_size, 32, -EINVAL),
		BAD(ur_attach, tx_size, 63, -EINVAL),
		BAD(ur_attach, tx_size, 65, -EINVAL),
		BAD(ur_attach, tx_size, 96, -EINVAL),
		BAD(ur_attach, tx_size, 8192, -EINVAL),
		BAD(ur_attach, tx_size, 0x80000000, -EINVAL),
		BAD(ur_attach, tx_size, 0x80000040, -EINVAL),
		BAD(ur_attach, tx_size, 0xffffffff, -EINVAL),
		BAD(ur_attach, sync_period_us, 1, -EINVAL),
		BAD(ur_attach, sync_period_us, 49, -EINVAL),
		BAD(ur_attach, sync_period_us, 1000001, -EINVAL),
		BAD(ur_attach, sync_period_us, 0x80000000, -EINVAL),
		BAD(ur_attach, sync_period_us, 0xffffffff, -EINVAL),
	};
	struct ur_attach good = raw_attach_args(self->q.pool, RING, RING);
	struct ur_queue_info info;
	int fd = self->q.node, closed;

	ASSERT_GE(sock, 0);
	ASSERT_GE(file, 0);
	ASSERT_GE(other, 0);
	EXPECT_EQ(0, refused(fd, UR_IOC_ATTACH, &good, sizeof(good), rows, ARRAY_SIZE(rows)));
	EXPECT_EQ(0, RESERVED(fd, UR_IOC_ATTACH, &good, ur_attach, reserved));
	EXPECT_EQ(0, RESERVED(fd, UR_IOC_ATTACH, &good, ur_attach, reserved0));
	closed = dup(self->q.pool);
	close(closed);
	good.pool_fd = closed;
	EXPECT_EQ(-EBADF, raw_call(fd, UR_IOC_ATTACH, &good));

	/* None of them took the queue or left a mark on it. */
	ASSERT_EQ(0, raw_queue_info(fd, 0, &info));
	EXPECT_EQ(0, info.attached);
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_EQ(0, raw_attach(&self->q, RING, RING, 0));
	close(sock);
	close(file);
	close(other);
}

TEST_F(calls, attach_limits)
{
	static const struct { uint32_t rx, tx, period; } rows[] = {
		{ UR_RING_SIZE_MIN, UR_RING_SIZE_MIN, 0 },
		{ UR_RING_SIZE_MAX, UR_RING_SIZE_MIN, UR_SYNC_PERIOD_MIN_US },
		{ UR_RING_SIZE_MIN, UR_RING_SIZE_MAX, UR_SYNC_PERIOD_MAX_US },
		{ 256, 1024, 1000 },
	};
	struct ur_queue_info info;
	struct { struct ur_attach at; uint8_t beyond[8]; } big;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ur_attach *at = &self->q.at;

		ASSERT_EQ(0, raw_attach(&self->q, rows[i].rx, rows[i].tx, rows[i].period));
		EXPECT_EQ(sizeof(*at), at->argsz);
		EXPECT_EQ(0, at->queue);
		EXPECT_EQ(self->q.info.rx_format, at->rx_format);
		EXPECT_EQ(self->q.info.tx_format, at->tx_format);
		EXPECT_GE(at->rx_desc.size, rows[i].rx * 16ull);
		EXPECT_GE(at->tx_desc.size, rows[i].tx * 16ull);
		EXPECT_GE(at->kernel.size, at->rx_slot_off + rows[i].rx * 4ull);
		EXPECT_GE(at->rx_slot_off, sizeof(struct ur_kernel_page));
		EXPECT_GE(at->user.size, at->fill_off + rows[i].rx * 4ull);
		EXPECT_GE(at->user.size, at->tx_off + rows[i].tx * 16ull);
		EXPECT_GE(at->fill_off, sizeof(struct ur_user_page));
		EXPECT_GE(at->tx_off, sizeof(struct ur_user_page));
		EXPECT_EQ(0, at->rx_slot_off % 4 + at->fill_off % 4 + at->tx_off % 8);
		EXPECT_EQ(UR_ABI_VERSION, self->q.k->abi_version);
		EXPECT_EQ(UR_STATE_ATTACHED, self->q.k->state);
		EXPECT_EQ(1, self->q.k->link_up);
		ASSERT_EQ(0, raw_queue_info(self->q.node, 0, &info));
		EXPECT_EQ(1, info.attached);
		EXPECT_EQ(getpid(), info.pid);
		EXPECT_EQ(0, strncmp(info.comm, "t_attach", sizeof(info.comm)));
		EXPECT_EQ(rows[i].rx, info.rx_size);
		EXPECT_EQ(rows[i].tx, info.tx_size);
		EXPECT_EQ(rows[i].period, info.sync_period_us);
		EXPECT_EQ(0, info.rx_posted);
		EXPECT_EQ(0, info.tx_pending);
		EXPECT_EQ(UR_STATE_ATTACHED, info.state);
		EXPECT_EQ(self->q.k->epoch, info.epoch);
		ASSERT_EQ(0, raw_detach(&self->q));
		EXPECT_EQ(-ENOTCONN, raw_detach(&self->q));
		ASSERT_EQ(0, raw_reopen(&self->q, self->port.node));
	}
	memset(&big, 0x5a, sizeof(big));
	big.at = raw_attach_args(self->q.pool, RING, RING);
	big.at.argsz = sizeof(big);
	big.at.queue = UR_QUEUE_ANY;
	EXPECT_EQ(0, raw_call(self->q.node, UR_IOC_ATTACH, &big));
	EXPECT_EQ(sizeof(big.at), big.at.argsz);
	EXPECT_EQ(0, big.at.queue);
	EXPECT_EQ(0x5a, big.beyond[0]);
}

TEST_F(calls, attached_already)
{
	struct ur_attach again = raw_attach_args(self->q.pool, RING, RING);
	struct raw_queue second;

	ASSERT_EQ(0, raw_attach(&self->q, RING, RING, 0));
	EXPECT_EQ(-EBUSY, raw_call(self->q.node, UR_IOC_ATTACH, &again));
	ASSERT_EQ(0, raw_open(&second, self->port.node));
	EXPECT_EQ(-EBUSY, raw_call(second.node, UR_IOC_ATTACH, &again));
	again.queue = UR_QUEUE_ANY;
	EXPECT_EQ(-EBUSY, raw_call(second.node, UR_IOC_ATTACH, &again));
	EXPECT_EQ(-ENOTCONN, raw_sync(&second, 0));
	EXPECT_EQ(-ENOTCONN, raw_detach(&second));
	EXPECT_EQ(0, raw_sync(&self->q, 0));
	raw_close(&second);
	EXPECT_EQ(UR_STATE_ATTACHED, self->q.k->state);
}

TEST_F(calls, not_attached)
{
	struct ur_attach again;

	EXPECT_EQ(-ENOTCONN, raw_sync(&self->q, 0));
	EXPECT_EQ(-ENOTCONN, raw_detach(&self->q));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->q.node, 0));
	ASSERT_EQ(0, raw_attach(&self->q, RING, RING, 0));
	ASSERT_EQ(0, raw_detach(&self->q));
	EXPECT_EQ(-ENOTCONN, raw_sync(&self->q, 0));
	EXPECT_EQ(-ENOTCONN, raw_detach(&self->q));
	again = raw_attach_args(self->q.pool, RING, RING);
	EXPECT_EQ(-EBUSY, raw_call(self->q.node, UR_IOC_ATTACH, &again));
	/* what was mapped before stays, and says so */
	EXPECT_EQ(UR_STATE_GONE, self->q.k->state);
}

TEST_HARNESS_MAIN
