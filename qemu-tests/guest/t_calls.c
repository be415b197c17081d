// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls: what is asked of a port and a queue, SYNC, numbers that no call has, pointers
 * that lead nowhere; all but SYNC asked for wrongly in one way at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"

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
