// SPDX-License-Identifier: GPL-2.0-only
/*
 * out [PORT]: copies its input to a debug port of QEMU (0xe9 unless told otherwise),
 * each line with the time since boot. Not the console: there the kernel's own messages would cut lines in two. Every
 * byte is out once outb() has returned, so nothing is lost when the kernel panics.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <time.h>
#include <unistd.h>

#define DEBUG_PORT	0xe9

static unsigned short port = DEBUG_PORT;

static void put(const char *data, size_t len)
{
	while (len--)
		outb(*data++, port);
}

int main(int argc, char **argv)
{
	int line_start = 1;
	char data[4096];
	ssize_t n;

	if (argc > 1)
		port = (unsigned short)strtoul(argv[1], NULL, 0);
	if (ioperm(port, 1, 1)) {
		perror("out: ioperm");
		return 1;
	}
	while ((n = read(0, data, sizeof(data))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (line_start) {
				struct timespec ts;
				char stamp[32];

				clock_gettime(CLOCK_BOOTTIME, &ts);
				put(stamp, (size_t)snprintf(stamp, sizeof(stamp), "%ld.%02ld ",
							    (long)ts.tv_sec, ts.tv_nsec / 10000000));
			}
			put(&data[i], 1);
			line_start = data[i] == '\n';
		}
	}
	return 0;
}
