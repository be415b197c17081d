// SPDX-License-Identifier: GPL-2.0-only
/*
 * A transmitter that hangs: the stack's watchdog resets the port, and it comes back,
 * whoever has the queue, and also where no page of memory is to be had.
 *
 * The device hangs because it may not read its descriptors: the bus master bit is off
 * while the stack sends. When it is on again, what was sent is never finished.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ctl.h"
#include "module.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define PCI_COMMAND		4
#define PCI_COMMAND_MASTER	0x0004
#define MIN_FREE		"/proc/sys/vm/min_free_kbytes"
#define RESERVE_KIB		(32 << 10)
/* processes that the kernel ends first, and the memory of each */
#define BALLASTS		16
#define BALLAST			(4U << 20)
/* the stack looks every five seconds for a queue that stands still for five */
#define HANGS_MS		4000
#define RESET_MS		12000

FIXTURE(reset)
{
	struct port port;
	struct raw_queue q;
	char min_free[16];
};

FIXTURE_SETUP(reset)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
	ASSERT_EQ(0, read_line(self->min_free, sizeof(self->min_free), MIN_FREE));
}

FIXTURE_TEARDOWN(reset)
{
	raw_close(&self->q);
	EXPECT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

static int set_master(const struct port *port, bool on)
{
	char path[128];
	uint16_t command;
	int fd, err = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", port->pci);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pread(fd, &command, 2, PCI_COMMAND) != 2)
		err = -EIO;
	command = (uint16_t)(on ? command | PCI_COMMAND_MASTER : command & ~PCI_COMMAND_MASTER);
	if (!err && pwrite(fd, &command, 2, PCI_COMMAND) != 2)
		err = -EIO;
	close(fd);
	return err;
}

/* Sends until the stack has stopped the queue of the port, and keeps the rest. */
static int hang(const struct port *port)
{
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	int fd = packet_open(port->netdev, ETH_P_TEST, SOCK_RAW), err;

	if (fd < 0)
		return fd;
	err = set_master(port, false);
	for (int i = 0; i < 400 && !err; i++)
		send(fd, frame, sizeof(frame), MSG_DONTWAIT);
	if (!err)
		err = set_master(port, true);
	close(fd);
	return err;
}

/*
 * All pages that are free become a reserve for the kernel's most urgent tasks: nobody else
 * gets one.
 */
static int no_memory(int fd)
{
	char text[24];
	int n;

	n = snprintf(text, sizeof(text), "%lld",
		     (long long)(free_kib() + RESERVE_KIB));
	return pwrite(fd, text, (size_t)n, 0) == n ? 0 : -errno;
}

static int memory_again(int fd, const char *min_free)
{
	ssize_t n = (ssize_t)strlen(min_free);

	return pwrite(fd, min_free, (size_t)n, 0) == n ? 0 : -errno;
}

TEST_F_TIMEOUT(reset, comes_back, 60)
{
	int64_t changes = if_number(self->port.netdev, "carrier_changes");

	ASSERT_EQ(0, hang(&self->port));
	for (int64_t end = now_ms() + RESET_MS; now_ms() < end; sleep_ms(20))
		if (if_number(self->port.netdev, "carrier_changes") > changes)
			break;
	EXPECT_GT(if_number(self->port.netdev, "carrier_changes"), changes);
	EXPECT_GE(wait_carrier(self->port.netdev, 1, 5000), 0);
	EXPECT_TRUE(kernel_hears(&self->port));
}

/*
 * When a task that may wait wants a page the kernel ends the greediest process, again and
 * again: these, and neither the test nor the shell that runs it. Return: 0 or negative.
 */
static int ballast(pid_t *pid)
{
	uint8_t *memory;
	int ready[2];
	char c;

	if (pipe(ready) || write_line("-1000", "/proc/self/oom_score_adj") ||
	    write_line("-1000", "/proc/%d/oom_score_adj", getppid()))
		return -errno;
	for (int i = 0; i < BALLASTS; i++) {
		pid[i] = spawn();
		if (pid[i] < 0)
			return pid[i];
		if (!pid[i]) {
			memory = mmap(NULL, BALLAST, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
			if (memory == MAP_FAILED || prctl(PR_SET_NAME, "ballast") ||
			    write_line("1000", "/proc/self/oom_score_adj") ||
			    write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		if (read(ready[0], &c, 1) != 1)
			return -EIO;
	}
	close(ready[0]);
	close(ready[1]);
	return 0;
}

/*
 * The port comes back while there is no page for any task that asks. Return: 0; 1: one
 * asked, and memory was given back to all at once.
 */
static int reset_without_memory(const struct port *port, const char *min_free)
{
	int fd = open(MIN_FREE, O_RDWR | O_CLOEXEC), err;
	pid_t pid[BALLASTS];
	int64_t end;

	if (fd < 0)
		return -errno;
	err = ballast(pid);
	if (!err)
		err = mlockall(MCL_CURRENT | MCL_FUTURE) ? -errno : hang(port);
	sleep_ms(HANGS_MS);
	if (!err)
		err = no_memory(fd);
	end = now_ms() + RESET_MS - HANGS_MS;
	while (!err && now_ms() < end) {
		err = waitpid(-1, NULL, WNOHANG) > 0;
		sleep_ms(1);
	}
	if (memory_again(fd, min_free))
		err = -EIO;
	munlockall();
	close(fd);
	sleep_ms(err ? RESET_MS : 0);
	for (int i = 0; i < BALLASTS; i++)
		kill(pid[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return err;
}

/* A module that wants a page asks each time; another task does by chance. */
TEST_F_TIMEOUT(reset, comes_back_without_memory, 90)
{
	int64_t changes;
	int got = 1;

	for (int i = 0; i < 3 && got; i++) {
		changes = if_number(self->port.netdev, "carrier_changes");
		got = reset_without_memory(&self->port, self->min_free);
		ASSERT_GE(got, 0);
		EXPECT_GT(if_number(self->port.netdev, "carrier_changes"), changes);
		EXPECT_GE(wait_carrier(self->port.netdev, 1, 5000), 0);
		EXPECT_TRUE(kernel_hears(&self->port));
	}
	EXPECT_EQ(0, got);
}

/*
 * The stack's frames reach the wire: the device counts them. The first one may be lost:
 * QEMU's igb takes it for the rest of what it could not read.
 */
static bool kernel_sends(const struct port *port)
{
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	int fd = packet_open(port->netdev, ETH_P_TEST, SOCK_RAW);
	int64_t end = now_ms() + at_most_ms(3000), before;
	bool sent = false;

	if (fd < 0)
		return false;
	before = ethtool_stat(port->netdev, "tx_packets");
	for (int i = 0; i < 5; i++)
		send(fd, frame, sizeof(frame), 0);
	while (!sent && now_ms() < end)
		sent = ethtool_stat(port->netdev, "tx_packets") >= before + 4;
	close(fd);
	return sent;
}

/*
 * A process ends whose frames the device has not sent, and may have read the
 * descriptors of: where only a reset makes it forget them, there is one.
 */
TEST_F_TIMEOUT(reset, left_unsent, 60)
{
	int64_t changes, began;

	ASSERT_EQ(0, raw_start(&self->q, self->port.node, 128, 64, 64));
	ASSERT_GE(wait_carrier(self->port.netdev, 1, 5000), 0);
	changes = if_number(self->port.netdev, "carrier_changes");
	ASSERT_EQ(0, set_master(&self->port, false));
	for (int i = 0; i < 32; i++)
		self->q.tx[i] = (struct ur_tx_entry){ .slot = 64 + i, .len = 60 };
	raw_store(&self->q.u->tx_prod, 32);
	ASSERT_EQ(0, raw_sync(&self->q, 0));
	ASSERT_EQ(0, set_master(&self->port, true));
	ASSERT_EQ(0, raw_load(&self->q.k->tx_done));
	began = now_ms();
	raw_close(&self->q);
	printf("# closed after %lld ms\n", (long long)(now_ms() - began));
	EXPECT_LT(now_ms() - began, at_most_ms(1000));
	if (is_igb()) {
		EXPECT_EQ(changes, if_number(self->port.netdev, "carrier_changes"));
	} else {
		EXPECT_GT(if_number(self->port.netdev, "carrier_changes"), changes);
	}
	EXPECT_GE(wait_carrier(self->port.netdev, 1, 5000), 0);
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_TRUE(kernel_sends(&self->port));
}

static int64_t kernel_pending(const struct port *port)
{
	struct ur_queue_info info = { .argsz = sizeof(info) };
	int fd = open(port->node, O_RDONLY | O_CLOEXEC), err;

	err = fd < 0 ? -errno : raw_call(fd, UR_IOC_QUEUE_INFO, &info);
	close(fd);
	return err ? err : (int64_t)info.kernel_tx_pending;
}

/* Frames in the ring when the cable goes do not leave when it is back. */
TEST_F_TIMEOUT(reset, cable_goes, 60)
{
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	int fd = packet_open(self->port.netdev, ETH_P_TEST, SOCK_RAW);
	int64_t end;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, set_master(&self->port, false));
	for (int i = 0; i < 10; i++)
		send(fd, frame, sizeof(frame), MSG_DONTWAIT);
	ASSERT_EQ(0, set_master(&self->port, true));
	close(fd);
	ASSERT_GT(kernel_pending(&self->port), 0);
	ASSERT_EQ(0, far(NULL, 0, "link 0 off"));
	for (end = now_ms() + at_most_ms(3000); now_ms() < end; sleep_ms(10))
		if (!kernel_pending(&self->port))
			break;
	EXPECT_EQ(0, kernel_pending(&self->port));
	ASSERT_EQ(0, far(NULL, 0, "link 0 on"));
	EXPECT_GE(wait_carrier(self->port.netdev, 1, 5000), 0);
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_TRUE(kernel_sends(&self->port));
}

TEST_HARNESS_MAIN
