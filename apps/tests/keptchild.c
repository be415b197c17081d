// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program that crashes, for urkeep: what it counts lies in a memory that is
 * handed on.  keptchild LOG N HOW: writes "COUNT PID" to LOG; crashes while the
 * count is below N, then ends with 0.  HOW: kill, exit, code2, unready, wait
 * (for a signal, at the Nth).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/fdstore.h"

int main(int argc, char **argv)
{
	int count = 0, fd;
	FILE *log;

	if (argc != 4)
		return 2;
	fd = fdstore_take("count");
	fdstore_taken();
	if (fd < 0) {
		fd = memfd_create("count", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, sizeof(count)))
			return 5;
		fdstore_keep("other", 0);
		fdstore_keep("count", fd);
		fdstore_remove("other");
	}
	if (pread(fd, &count, sizeof(count), 0) != sizeof(count))
		return 6;
	count++;
	if (pwrite(fd, &count, sizeof(count), 0) != sizeof(count))
		return 7;
	log = fopen(argv[1], "ae");
	if (!log)
		return 8;
	fprintf(log, "%d %d\n", count, getpid());
	fclose(log);
	if (strcmp(argv[3], "unready") != 0)
		fdstore_ready();
	if (count < atoi(argv[2])) {
		if (strcmp(argv[3], "kill") == 0)
			raise(SIGKILL);
		return strcmp(argv[3], "code2") == 0 ? 2 : 3;
	}
	if (strcmp(argv[3], "wait") == 0)
		pause();
	fdstore_remove("count");
	return 0;
}
