/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module itself: in and out, its references, and the memory that it and
 * everybody else have. 0 or a value >= 0 when well, -errno otherwise.
 */
#ifndef USERRING_TESTS_MODULE_H
#define USERRING_TESTS_MODULE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ctl.h"

#define MODULE		"userring"
#define MODULE_FILE	"/lib/userring.ko"

static inline int module_load(void)
{
	int fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static inline int module_unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? -errno : 0;
}

/* Who uses it: open files, pools that live. */
static inline int module_refs(void)
{
	char text[32];
	int err = read_line(text, sizeof(text), "/sys/module/" MODULE "/refcnt");

	return err ? err : atoi(text);
}

/* The numbers after "@key" in /proc/zoneinfo, summed up. */
static inline int64_t zoneinfo_sum(const char *key)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	size_t len = strlen(key);
	char line[512], *p;
	int64_t sum = 0;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		p = line + strspn(line, " \t");
		if (!strncmp(p, key, len))
			sum += strtoll(p + len, NULL, 10);
	}
	fclose(file);
	return sum;
}

/* KASAN keeps what was freed back for a while, but not from a cache that is to shrink. */
static inline void shrink_slabs(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			write_line("1", "/sys/kernel/slab/%s/shrink", entry->d_name);
	if (dir)
		closedir(dir);
}

/*
 * KiB that nobody has once the kernel has let go of what it may: free pages, and
 * those that the CPUs keep at hand.
 */
static inline int64_t free_kib(void)
{
	write_line("3", "/proc/sys/vm/drop_caches");
	shrink_slabs();
	return 4 * (zoneinfo_sum("nr_free_pages ") + zoneinfo_sum("count: "));
}

/* How much less that is than it was; what is freed late has two seconds. */
static inline int64_t leaked_kib(int64_t before, int64_t tolerated)
{
	int64_t leaked = before - free_kib();

	for (int i = 0; i < 20 && leaked > tolerated; i++) {
		sleep_ms(100);
		leaked = before - free_kib();
	}
	return leaked;
}

#endif /* USERRING_TESTS_MODULE_H */
