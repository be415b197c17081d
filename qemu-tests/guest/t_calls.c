// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call and every mapping, asked for wrongly in one way at a time: the
 * answer is the errno of <userring.h>, nothing is left behind, and the same
 * thing asked for rightly works.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ctl.h"
#include "module.h"
#include "port.h"
#include "raw.h"

#define SLOTS	512
#define RING	64

/* A field of a struct set to a value that must be refused. */
struct bad {
	const char *what;
	size_t at, size;
	uint64_t value;
	int err;
};

#define BAD(type, field, value, err) \
	{ #field " = " #value, offsetof(struct type, field), \
	  sizeof(((struct type *)0)->field), value, err }

/* Returns how many rows were answered otherwise, after having said which. */
static int refused(int fd, unsigned long request, const void *good, size_t size,
		   const struct bad *rows, size_t n)
{
	uint8_t arg[1024];
	int wrong = 0, ret;

	for (size_t i = 0; i < n; i++) {
		memcpy(arg, good, size);
		memcpy(arg + rows[i].at, &rows[i].value, rows[i].size);
		ret = raw_call(fd, request, arg);
		if (ret == rows[i].err)
			continue;
		printf("# %s: %s instead of %s\n", rows[i].what, ret ? strerror(-ret) : "success",
		       strerror(-rows[i].err));
		wrong++;
	}
	printf("# %zu wrong fields tried, %d answered otherwise\n", n, wrong);
	return wrong;
}

/* Each word of a reserved field alone. */
static int reserved(int fd, unsigned long request, const void *good, size_t size, size_t at,
		    size_t bytes)
{
	uint8_t arg[1024];
	int wrong = 0, ret;

	for (size_t byte = 0; byte < bytes; byte++) {
		memcpy(arg, good, size);
		arg[at + byte] = 0x80;
		ret = raw_call(fd, request, arg);
		if (ret == -EINVAL)
			continue;
		printf("# byte %zu of what is reserved at %zu: %d instead of EINVAL\n", byte, at, ret);
		wrong++;
	}
	return wrong;
}

#define RESERVED(fd, request, good, type, field) \
	reserved(fd, request, good, sizeof(struct type), offsetof(struct type, field), \
		 sizeof(((struct type *)0)->field))

FIXTURE(calls)
{
	struct port port;
	struct raw_queue q;	/* with a pool, not attached */
	int files;
};

FIXTURE_SETUP(calls)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	self->files = open_files();
	ASSERT_EQ(0, raw_open(&self->q, self->port.node));
	ASSERT_EQ(0, raw_pool(&self->q, 2048, SLOTS));
}

/* No call of the test left a descriptor open or a queue taken. */
FIXTURE_TEARDOWN(calls)
{
	struct ur_queue_info info;

	raw_close(&self->q);
	EXPECT_EQ(self->files, open_files());
	EXPECT_EQ(0, raw_open(&self->q, self->port.node));
	EXPECT_EQ(0, raw_queue_info(self->q.node, 0, &info));
	EXPECT_EQ(0, info.attached);
	raw_close(&self->q);
}

TEST_F(calls, port_info)
{
	struct { struct ur_port_info info; uint8_t beyond[64]; } big;
	struct ur_port_info info;
	char text[2048];
	uint8_t mac[6];

	ASSERT_EQ(0, raw_info(self->q.node, &info));
	printf("# %s %s %s %s: abi %u, %u queue(s), formats %u/%u, lengths %u..%u, %u Mb/s\n",
	       info.ifname, info.pci, info.variant, info.irq_mode, info.abi_version, info.queues,
	       info.rx_format, info.tx_format, info.tx_len_min, info.tx_len_max, info.link_mbps);
	EXPECT_EQ(sizeof(info), info.argsz);
	EXPECT_EQ(UR_ABI_VERSION, info.abi_version);
	EXPECT_EQ(1, info.queues);
	EXPECT_EQ(is_e1000() ? UR_DESC_LEGACY : is_igb() ? UR_DESC_ADVANCED : UR_DESC_EXTENDED,
		  info.rx_format);
	EXPECT_EQ(is_igb() ? UR_DESC_ADVANCED : UR_DESC_LEGACY, info.tx_format);
	EXPECT_EQ(16, info.desc_size);
	EXPECT_LE(info.tx_len_min, 60);
	EXPECT_GE(info.tx_len_max, 1522);
	EXPECT_LE(info.tx_len_max, 2048);
	EXPECT_EQ(1, info.up);
	EXPECT_EQ(1, info.link_up);
	EXPECT_EQ(1000, info.link_mbps);
	EXPECT_EQ(if_number(self->port.netdev, "mtu"), info.mtu);
	EXPECT_EQ(0, info.promisc);
	EXPECT_EQ(if_nametoindex(self->port.netdev), info.ifindex);
	ASSERT_EQ(0, if_mac(self->port.netdev, mac));
	EXPECT_EQ(0, memcmp(mac, info.mac, 6));
	EXPECT_EQ(0x8086, info.pci_vendor);
	ASSERT_EQ(0, read_line(text, sizeof(text), "/sys/bus/pci/devices/%s/device",
			       self->port.pci));
	EXPECT_EQ(strtoul(text, NULL, 16), info.pci_device);
	EXPECT_STREQ(self->port.netdev, info.ifname);
	EXPECT_STREQ(self->port.pci, info.pci);
	EXPECT_STREQ(nic_family(), info.variant);
	ASSERT_EQ(0, read_line(text, sizeof(text), "/proc/cmdline"));
	EXPECT_STREQ(is_e1000() || strstr(text, "pci=nomsi") ? "intx" : "msix", info.irq_mode);

	/* A newer caller: what lies beyond is ignored and left alone. */
	memset(&big, 0x5a, sizeof(big));
	memset(&big.info, 0, sizeof(big.info));
	big.info.argsz = sizeof(big);
	EXPECT_EQ(0, raw_call(self->q.node, UR_IOC_PORT_INFO, &big));
	EXPECT_EQ(sizeof(struct ur_port_info), big.info.argsz);
	for (size_t i = 0; i < sizeof(big.beyond); i++)
		ASSERT_EQ(0x5a, big.beyond[i]);
}

TEST_F(calls, port_info_refused)
{
	static const struct bad rows[] = {
		BAD(ur_port_info, argsz, 0, -EINVAL),
		BAD(ur_port_info, argsz, 4, -EINVAL),
		BAD(ur_port_info, argsz, sizeof(struct ur_port_info) - 1, -EINVAL),
		BAD(ur_port_info, flags, 1, -EINVAL),
		BAD(ur_port_info, flags, 0x80000000, -EINVAL),
	};
	struct ur_port_info good = { .argsz = sizeof(good) };
	int fd = self->q.node;

	EXPECT_EQ(0, refused(fd, UR_IOC_PORT_INFO, &good, sizeof(good), rows, ARRAY_SIZE(rows)));
	EXPECT_EQ(0, RESERVED(fd, UR_IOC_PORT_INFO, &good, ur_port_info, reserved0));
	EXPECT_EQ(0, RESERVED(fd, UR_IOC_PORT_INFO, &good, ur_port_info, reserved));
	EXPECT_EQ(0, raw_call(fd, UR_IOC_PORT_INFO, &good));
}

TEST_F(calls, queue_info_refused)
{
	static const struct bad rows[] = {
		BAD(ur_queue_info, argsz, 0, -EINVAL),
		BAD(ur_queue_info, argsz, sizeof(struct ur_queue_info) - 1, -EINVAL),
		BAD(ur_queue_info, flags, 1, -EINVAL),
		BAD(ur_queue_info, flags, 0x80000000, -EINVAL),
		BAD(ur_queue_info, queue, 1, -EINVAL),
		BAD(ur_queue_info, queue, 1000, -EINVAL),
		BAD(ur_queue_info, queue, 0x80000000, -EINVAL),
		BAD(ur_queue_info, queue, 0xfffffffe, -EINVAL),
		BAD(ur_queue_info, queue, UR_QUEUE_ANY, -EINVAL),
	};
	struct ur_queue_info good = { .argsz = sizeof(good) };
	int fd = self->q.node;

	EXPECT_EQ(0, refused(fd, UR_IOC_QUEUE_INFO, &good, sizeof(good), rows, ARRAY_SIZE(rows)));
	EXPECT_EQ(0, RESERVED(fd, UR_IOC_QUEUE_INFO, &good, ur_queue_info, reserved));
	EXPECT_EQ(0, raw_call(fd, UR_IOC_QUEUE_INFO, &good));
	EXPECT_EQ(sizeof(good), good.argsz);
	EXPECT_EQ(0, good.attached);
	EXPECT_EQ(0, good.pid);
}

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
		BAD(ur_pool_create, slot_size, 8192, -EINVAL),
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
TEST_F(calls, pool_of_1_gib)
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
		EXPECT_EQ(0, strncmp(info.comm, "t_calls", sizeof(info.comm)));
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

TEST_F(calls, sync_flags)
{
	ASSERT_EQ(0, raw_attach(&self->q, RING, RING, 0));
	for (int bit = 2; bit < 64; bit++) {
		EXPECT_EQ(-EINVAL, raw_sync(&self->q, 1ul << bit)) {
			TH_LOG("flag bit %d", bit);
		}
	}
	EXPECT_EQ(-EINVAL, raw_sync(&self->q, ~0ul));
	EXPECT_EQ(0, raw_sync(&self->q, UR_SYNC_ARM_RX));
	EXPECT_EQ(0, raw_sync(&self->q, UR_SYNC_ARM_TX));
	EXPECT_EQ(0, raw_sync(&self->q, UR_SYNC_ARM_RX | UR_SYNC_ARM_TX));
	EXPECT_EQ(0, raw_sync(&self->q, 0));
	EXPECT_EQ(0, raw_count(&self->q.k->count.index_refused));
}

static int sync_by(int (*call)(int fd), int fd)
{
	return call(fd) ? -errno : 0;
}

/* fdatasync() and fsync() are SYNC without flags. */
TEST_F(calls, sync_by_name)
{
	int (*const call[])(int) = { fdatasync, fsync };
	int reader;

	for (size_t i = 0; i < ARRAY_SIZE(call); i++)
		EXPECT_EQ(-ENOTCONN, sync_by(call[i], self->q.node));
	ASSERT_EQ(0, raw_attach(&self->q, RING, RING, 0));
	reader = open(self->port.node, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(reader, 0);
	for (size_t i = 0; i < ARRAY_SIZE(call); i++) {
		EXPECT_EQ(0, sync_by(call[i], self->q.node));
		EXPECT_EQ(i + 1, raw_count(&self->q.k->count.syncs));
		/* who may only read the node, and a pool, which has no rings */
		EXPECT_EQ(-EACCES, sync_by(call[i], reader));
		EXPECT_EQ(-EINVAL, sync_by(call[i], self->q.pool));
	}
	/* it takes entries, and refuses an index, as the call does */
	self->q.u->fill_prod = RING + 1;
	EXPECT_EQ(-ERANGE, sync_by(fdatasync, self->q.node));
	EXPECT_EQ(1, raw_count(&self->q.k->count.index_refused));
	self->q.u->fill_prod = 0;
	self->q.u->epoch++;
	EXPECT_EQ(-ESTALE, sync_by(fdatasync, self->q.node));
	self->q.u->epoch--;
	ASSERT_EQ(0, raw_detach(&self->q));
	EXPECT_EQ(-ENOTCONN, sync_by(fdatasync, self->q.node));
	close(reader);
}

TEST_F(calls, unknown_numbers)
{
	static uint8_t arg[4096];
	int wrong = 0;

	ASSERT_EQ(0, raw_attach(&self->q, RING, RING, 0));
	for (unsigned int nr = 8; nr < 256; nr++)
		wrong += raw_call(self->q.node, _IO(UR_IOC_TYPE, nr), arg) != -ENOTTY;
	for (unsigned int nr = 0; nr < 256; nr++)
		wrong += nr != 2 && raw_call(self->q.pool, _IO(UR_IOC_TYPE, nr), arg) != -ENOTTY;
	wrong += raw_call(self->q.node, UR_IOC_POOL_INFO, arg) != -ENOTTY;
	/* the right number with a size or direction, a foreign letter */
	for (unsigned int nr = 0; nr < 8; nr++) {
		wrong += raw_call(self->q.node, _IOWR(UR_IOC_TYPE, nr, uint64_t), arg) != -ENOTTY;
		wrong += raw_call(self->q.node, _IO(0xc4, nr), arg) != -ENOTTY;
	}
	wrong += raw_call(self->q.node, 0x5401 /* TCGETS */, arg) != -ENOTTY;
	wrong += raw_call(self->q.node, 0xffffffff, arg) != -ENOTTY;
	printf("# unknown numbers not answered with ENOTTY: %d\n", wrong);
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(UR_STATE_ATTACHED, self->q.k->state);
}

TEST_F(calls, bad_pointers)
{
	static const struct { int nr; size_t size; } call[] = {
		{ 0, sizeof(struct ur_port_info) }, { 1, sizeof(struct ur_pool_create) },
		{ 3, sizeof(struct ur_attach) }, { 6, sizeof(struct ur_queue_info) },
	};
	uint8_t *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = self->q.node, files = open_files();
	struct ur_queue_info info;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_NONE));
	for (size_t i = 0; i < ARRAY_SIZE(call); i++) {
		unsigned long request = _IO(UR_IOC_TYPE, call[i].nr);
		struct ur_pool_create pc = raw_pool_args(2048, 64);
		struct ur_attach at = raw_attach_args(self->q.pool, RING, RING);
		uint32_t argsz = call[i].size;
		void *bad[] = {
			NULL, (void *)1, page + 4096,
			/* the kernel's, and no address at all */
			(void *)0xffff888000000000, (void *)0xffffffffffffff00,
			(void *)0x8000000000000000,
			/* argsz can be read, the rest not */
			page + 4096 - 4, page + 4096 - call[i].size + 1,
		};

		memset(page, 0, 4096);
		memcpy(page + 4096 - 4, &argsz, 4);
		memcpy(page + 4096 - call[i].size + 1, &argsz, 4);
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			EXPECT_EQ(-EFAULT, raw_call(fd, request, bad[j])) {
				TH_LOG("call %d, pointer %p", call[i].nr, bad[j]);
			}
		}
		/* Can be read, not written: what was made for the answer is undone. */
		memset(page + 8192, 0, 4096);
		memcpy(page + 8192, &argsz, 4);
		if (call[i].nr == 1)
			memcpy(page + 8192, &pc, sizeof(pc));
		if (call[i].nr == 3)
			memcpy(page + 8192, &at, sizeof(at));
		ASSERT_EQ(0, mprotect(page + 8192, 4096, PROT_READ));
		EXPECT_EQ(-EFAULT, raw_call(fd, request, page + 8192));
		ASSERT_EQ(0, mprotect(page + 8192, 4096, PROT_READ | PROT_WRITE));
	}
	EXPECT_EQ(-EFAULT, raw_call(self->q.pool, UR_IOC_POOL_INFO, NULL));
	EXPECT_EQ(-EFAULT, raw_call(self->q.pool, UR_IOC_POOL_INFO, page + 4096));
	EXPECT_EQ(files, open_files());
	ASSERT_EQ(0, raw_queue_info(fd, 0, &info));
	EXPECT_EQ(0, info.attached);
	EXPECT_EQ(0, raw_attach(&self->q, RING, RING, 0));
	munmap(page, 3 * 4096);
}

TEST_HARNESS_MAIN
