// SPDX-License-Identifier: GPL-2.0-only
/*
 * farend: the other end of the guest's wire, on the host.
 *
 *	farend		works in the current folder, prints "tcp_port=N" when ready
 *
 * Sockets in that folder; QEMU connects to all of them:
 *	wire.far	datagrams, one Ethernet frame each; QEMU's end is wire.qemu
 *	control		the guest's /dev/ttyS1: one command a line, one reply line,
 *			"ok [key=value...]" or "err sentence"
 *	monitor		QEMU's machine protocol (QMP)
 *
 * Commands (numbers in decimal; frames are those of pattern.h):
 *	send count=N len=L[,L2...] [seq=S] [rate=PPS] [delay_us=D] [dst=MAC] [src=MAC]
 *	     [vlan=TCI] [qinq=OUTER,INNER] [udp=SIP,DIP,SPORT,DPORT]
 *	     [flows=N] [hosts=N] [bad=ipcsum|udpcsum]
 *			starts sending; lengths take turns; frame number S goes to
 *			source port SPORT + S % flows, and from SIP + S % hosts
 *	stop		ends sending
 *	status		ok sending=0|1 sent= rx= rx_bad= rx_lost= rx_reordered= rx_dup=
 *			rx_other= rx_overtaken= first= last= bytes=
 *	expect seq=S [flows=N]	zeroes the rx counters; the next number to arrive is S;
 *			number S is of flow S % N, and one that comes behind a higher
 *			one of its flow was overtaken
 *	echo on|off	sends each numbered frame back, MAC addresses swapped
 *	raw HEX		sends one frame
 *	capture on [type=HEX] | off	keeps the next frames (of that ethertype), 512 at most
 *	getraw		ok hex=... : the oldest kept frame, which is then forgotten
 *	arp on ip=IP | off	answers ARP requests for IP with the far end's MAC
 *	link N on|off	plugs or pulls the cable of NIC N
 *	hmp COMMAND	any command of QEMU's monitor; ok text=...
 *	udp count=N size=B [window=W] [timeout_ms=T]	| tcp size=B [timeout_ms=T]
 *			starts an echo client against port 7 of the guest's NIC 1
 *	echostat	ok running=0|1 sent= received= bad= rtt_median_us=
 *	quit
 *
 * The TCP service (the guest finds it at 10.0.2.2, the port is on its kernel
 * command line), one request a line, any number a connection:
 *	PUT n		n bytes follow; answers their FNV-1a in hex, a line
 *	GET n		answers n bytes of pat_stream() and their FNV-1a in hex, a line
 *	ECHO		from now on every line is sent back
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "farend.h"

static int epoll_fd;

void __attribute__((noreturn)) fatal(const char *what)
{
	fprintf(stderr, "farend: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

static int unix_socket(int type, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fatal("socket");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		fatal(path);
	if (type == SOCK_STREAM && listen(fd, 1))
		fatal(path);
	return fd;
}

void watch(int fd, uint32_t events, int op)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll_fd, op, fd, &event))
		fatal("epoll_ctl");
}

void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			fatal("write");
		}
		data += n;
		len -= (size_t)n;
	}
}

void start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg))
		fatal("pthread_create");
	pthread_detach(thread);
}

int main(void)
{
	int control_listener, monitor_listener, tcp_listener;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_IGN);

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	wire_init(unix_socket(SOCK_DGRAM, "wire.far"));
	control_listener = unix_socket(SOCK_STREAM, "control");
	monitor_listener = unix_socket(SOCK_STREAM, "monitor");
	tcp_listener = listen_tcp();
	watch(wire.fd, EPOLLIN, EPOLL_CTL_ADD);
	watch(control_listener, EPOLLIN, EPOLL_CTL_ADD);
	watch(monitor_listener, EPOLLIN, EPOLL_CTL_ADD);
	watch(tcp_listener, EPOLLIN, EPOLL_CTL_ADD);
	fflush(stdout);

	for (;;) {
		struct epoll_event events[8];
		int n = epoll_pwait2(epoll_fd, events, 8, sleep_time(), NULL);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == wire.fd) {
				wire_ready(events[i].events & EPOLLOUT);
			} else if (fd == control_fd) {
				read_control();
			} else if (fd == control_listener && control_fd < 0) {
				control_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
				watch(control_fd, EPOLLIN, EPOLL_CTL_ADD);
			} else if (fd == monitor_listener && monitor_fd < 0) {
				accept_monitor(fd);
			} else if (fd == tcp_listener) {
				int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

				if (conn >= 0)
					start_thread(serve_connection, (void *)(intptr_t)conn);
			}
		}
		send_batches();
	}
}
