/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A port as the kernel shows it: names, flags, counters, interrupts, and packet
 * sockets on its interface. 0 or a value >= 0 when well, -errno otherwise.
 */
#ifndef USERRING_TESTS_PORT_H
#define USERRING_TESTS_PORT_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define ETH_P_TEST	0x88b5	/* IEEE 802 local experimental */

struct port {
	char pci[32];
	char netdev[IFNAMSIZ];
	char node[280];
};

/* The harness ends a test with _exit(): what was printed must be out by then. */
static void __attribute__((constructor)) print_by_line(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Kernels that are only looked at get the short form of the long tests. */
static inline bool quick(void)
{
	const char *boot = boot_option("quick");

	return getenv("UR_QUICK") || (boot && *boot == '1');
}

/* A family: the name of the stock driver, and of the module's variant. */
/* How long what hunts for a race does so: two seconds, or ur.soak=N. */
static inline int64_t soak_ms(void)
{
	const char *s = boot_option("soak");

	return s ? atoll(s) * 1000 : 2000;
}

static inline const char *family_of(const char *model)
{
	return !strcmp(model, "e1000e") ? "e1000e" : !strcmp(model, "igb") ? "igb" : "e1000";
}

/* That of the NICs under test. */
static inline const char *nic_family(void)
{
	return family_of(boot_option("nic"));
}

static inline bool is_e1000(void)
{
	return !strcmp(nic_family(), "e1000");
}

static inline bool is_igb(void)
{
	return !strcmp(nic_family(), "igb");
}

/* QEMU's e1000 receives nothing for a second after some registers were written. */
static inline bool nic_deaf_after_up(void)
{
	return is_e1000();
}

/* QEMU's e1000 never looks at a checksum. */
static inline bool nic_checks_sums(void)
{
	return !is_e1000();
}

/*
 * Interrupts that one arming can bring in QEMU, of which the module counts one: with MSI-X
 * one more from the throttle's timer, and of igb one while the handler masks, because the
 * message does not (docs/hardware.md).
 */
static inline int nic_messages(void)
{
	return is_e1000() ? 1 : is_igb() ? 3 : 2;
}

static inline int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static inline void spin_us(int64_t us)
{
	int64_t end = now_us() + us;

	while (now_us() < end)
		;
}

/* ------------------------------------------------------------------------
 * Names
 */

/*
 * @nic: "nic0", on the far end's wire, "nic1", on the host's stack, or "nic2", on the
 * other far end's wire (far_use()).
 */
static inline int port_find(struct port *port, const char *nic)
{
	const char *pci = boot_option(nic);
	char path[128], name[256];
	int err;

	if (!pci)
		return -ENOENT;
	snprintf(port->pci, sizeof(port->pci), "%s", pci);
	err = netdev_of_pci(port->pci, port->netdev, sizeof(port->netdev));
	if (err)
		return err;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/userring", port->pci);
	err = only_entry(name, sizeof(name), path);
	if (!err)
		snprintf(port->node, sizeof(port->node), "/dev/%s", name);
	return err;
}

/* The driver that holds a PCI device; "" if none does. */
static inline void driver_of(const char *pci, char *name, size_t room)
{
	char path[128], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", pci);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	snprintf(name, room, "%s", n < 0 ? "" : strrchr(target, '/') + 1);
}

/* ------------------------------------------------------------------------
 * The interface
 */

/* Any of the SIOC?IF* calls; the name is filled in. */
static inline int if_call(const char *netdev, unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", netdev);
	ret = ioctl(fd, request, ifr) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static inline int if_flags(const char *netdev, int set, int clear)
{
	struct ifreq ifr = { 0 };
	int err = if_call(netdev, SIOCGIFFLAGS, &ifr);

	if (err)
		return err;
	ifr.ifr_flags = (short)((ifr.ifr_flags | set) & ~clear);
	return if_call(netdev, SIOCSIFFLAGS, &ifr);
}

static inline int if_mac(const char *netdev, uint8_t *mac)
{
	struct ifreq ifr = { 0 };
	int err = if_call(netdev, SIOCGIFHWADDR, &ifr);

	if (!err)
		memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return err;
}

static inline int if_set_mac(const char *netdev, const uint8_t *mac)
{
	struct ifreq ifr = { .ifr_hwaddr.sa_family = 1 /* ARPHRD_ETHER */ };

	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	return if_call(netdev, SIOCSIFHWADDR, &ifr);
}

static inline int if_set_mtu(const char *netdev, int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };

	return if_call(netdev, SIOCSIFMTU, &ifr);
}

static inline int64_t if_number(const char *netdev, const char *file)
{
	char text[64];
	int err = read_line(text, sizeof(text), "/sys/class/net/%s/%s", netdev, file);

	return err ? err : strtoll(text, NULL, 10);
}

/* 1 or 0; an error while the interface is down. */
static inline int carrier(const char *netdev)
{
	return (int)if_number(netdev, "carrier");
}

/* How long it took, in ms, or -ETIMEDOUT. */
static inline int wait_carrier(const char *netdev, int want, int timeout_ms)
{
	int64_t start = now_ms();

	while (carrier(netdev) != want) {
		if (now_ms() - start > at_most_ms(timeout_ms))
			return -ETIMEDOUT;
		sleep_ms(2);
	}
	return (int)(now_ms() - start);
}

/* Up, with a link, and silent: no router solicitations between our frames. */
static inline int port_up(const struct port *port)
{
	int err;

	write_line("1", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", port->netdev);
	err = if_flags(port->netdev, IFF_UP, 0);
	if (!err)
		err = wait_carrier(port->netdev, 1, 5000);
	return err < 0 ? err : 0;
}

static inline int port_addr(const struct port *port, const char *addr, bool add)
{
	return run(NULL, 0, "/bin/ip addr %s %s dev %s", add ? "add" : "del", addr, port->netdev);
}

/* ------------------------------------------------------------------------
 * Interrupts, time
 */

/* Interrupts of the device on all CPUs; -ENOENT if it has no line. */
static inline bool folder_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = true;

	while (dir && (entry = readdir(dir)))
		empty = empty && entry->d_name[0] == '.';
	if (dir)
		closedir(dir);
	return empty;
}

static inline int64_t port_irqs(const struct port *port)
{
	int64_t count = 0, found = -ENOENT;
	char line[1024], path[128], *p, *end;
	FILE *file = fopen("/proc/interrupts", "re");
	int intx = -1;

	if (!file)
		return -errno;
	/* with pci=nomsi it is there, and empty */
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/msi_irqs", port->pci);
	if (folder_is_empty(path) &&
	    !read_line(line, sizeof(line), "/sys/bus/pci/devices/%s/irq", port->pci))
		intx = atoi(line);
	while (fgets(line, sizeof(line), file)) {
		long irq = strtol(line, &end, 10);

		if (end == line || *end != ':')
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/msi_irqs/%ld", port->pci, irq);
		if (irq != intx && access(path, F_OK))
			continue;
		for (p = end + 1;; p = end) {
			long long n = strtoll(p, &end, 10);

			if (end == p || *end != ' ')
				break;
			count += n;
		}
		found = count;
	}
	fclose(file);
	return found;
}

/* CPU time of this process, user and system. */
static inline int64_t cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static inline int open_files(void)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/fd");
	int n = -1;	/* the folder's own */

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* ------------------------------------------------------------------------
 * Processes
 */

/* A child that does not outlive its parent. */
static inline pid_t spawn(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/* The exit status of a child; 128 + signal; -ETIMEDOUT: it was killed. */
static inline int finish(pid_t pid, int timeout_ms)
{
	int64_t end = now_ms() + at_most_ms(timeout_ms);
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (now_ms() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -ETIMEDOUT;
		}
		sleep_ms(1);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ------------------------------------------------------------------------
 * Packet sockets: what the kernel's path of a port receives and sends
 */

/* Bound to one ethertype (ETH_P_ALL: all); does not see what leaves. */
static inline int packet_open(const char *netdev, int type, int kind)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)type),
		.sll_ifindex = (int)if_nametoindex(netdev),
	};
	int fd = socket(AF_PACKET, kind | SOCK_CLOEXEC, 0), one = 1, room = 32 << 20, err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* One frame: its length, or -ETIMEDOUT. */
static inline int packet_recv(int fd, void *frame, size_t room, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, at_most_ms(timeout_ms)) <= 0)
		return -ETIMEDOUT;
	n = recv(fd, frame, room, MSG_DONTWAIT);
	return n < 0 ? -errno : (int)n;
}

/* Starts sending what @fmt says, once what was started before is out. */
__attribute__((format(printf, 1, 2)))
static inline int far_send(const char *fmt, ...)
{
	char args[256];
	va_list ap;
	int err = far_wait_sent(5000);

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	return err ? err : far(NULL, 0, "send %s", args);
}

/* The oldest frame that the far end kept, "hex=...", within three seconds. */
static inline int far_getraw(char *reply, size_t room)
{
	int64_t end = now_ms() + at_most_ms(3000);
	int err;

	do {
		err = far(reply, room, "getraw");
		if (err != -EREMOTEIO)
			return err;
		sleep_ms(2);
	} while (now_ms() < end);
	return -ETIMEDOUT;
}

/* The far end sends one frame of 60 bytes: addresses, type, then @mark. */
static inline int far_frame(const uint8_t *dst, int type, uint8_t mark)
{
	static const uint8_t src[6] = { 0x52, 0x54, 0x00, 0xfe, 0x00, 0x00 };
	char hex[2 * 60 + 1];
	uint8_t frame[60];

	memset(frame, mark, sizeof(frame));
	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	for (size_t i = 0; i < sizeof(frame); i++)
		sprintf(hex + 2 * i, "%02x", frame[i]);
	return far(NULL, 0, "raw %s", hex);
}

/*
 * Does a frame with destination @dst come through to a packet socket of type
 * ETH_P_TEST? A broadcast is sent behind it; frames do not overtake each other, so
 * there is nothing to wait for once this has come.
 * Return: 1 or 0; -ETIMEDOUT if not even the broadcast came.
 */
static inline int frame_comes(int fd, const uint8_t *dst)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t frame[2048];
	int seen = 0, n;

	while (packet_recv(fd, frame, sizeof(frame), 0) > 0)
		;
	if (far_frame(dst, ETH_P_TEST, 0xa1) || far_frame(all, ETH_P_TEST, 0xb2))
		return -EIO;
	for (;;) {
		/* QEMU's e1000 is deaf for a second after some register writes */
		n = packet_recv(fd, frame, sizeof(frame), 4000);
		if (n < 0)
			return n;
		if (n >= 60 && frame[20] == 0xb2 && !memcmp(frame, all, 6))
			return seen;
		seen |= n >= 60 && frame[20] == 0xa1 && !memcmp(frame, dst, 6);
	}
}

/* Is the kernel the consumer, and does it hear the wire? */
static inline bool kernel_hears(const struct port *port)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	int fd = packet_open(port->netdev, ETH_P_TEST, SOCK_RAW), ret;

	if (fd < 0)
		return false;
	ret = frame_comes(fd, all);
	close(fd);
	return ret == 1;
}

#endif /* USERRING_TESTS_PORT_H */
