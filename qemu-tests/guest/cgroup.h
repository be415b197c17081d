/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A memory cgroup for a child: what it is charged, and its limit. 0 or a value >= 0 when
 * well, -errno otherwise.
 */
#ifndef USERRING_TESTS_CGROUP_H
#define USERRING_TESTS_CGROUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

#define CGROUPS		"/tmp/cgroups"
#define CGROUP		CGROUPS "/test"

static inline int cgroup_create(void)
{
	int err;

	mkdir(CGROUPS, 0755);
	if (access(CGROUPS "/cgroup.procs", F_OK) &&
	    mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		return -errno;
	err = write_line("+memory", CGROUPS "/cgroup.subtree_control");
	if (err)
		return err;
	return mkdir(CGROUP, 0755) ? -errno : 0;
}

/* The last of its processes may take a moment to be gone. */
static inline int cgroup_remove(void)
{
	int64_t end = now_ms() + 3000;

	while (rmdir(CGROUP)) {
		if (errno != EBUSY || now_ms() > end)
			return -errno;
		sleep_ms(10);
	}
	return 0;
}

static inline int cgroup_enter(void)
{
	return write_line("0", CGROUP "/cgroup.procs");
}

static inline int64_t cgroup_number(const char *file)
{
	char text[64];
	int err = read_line(text, sizeof(text), CGROUP "/%s", file);

	return err ? err : strtoll(text, NULL, 10);
}

/* The number behind @key in memory.stat, memory.events. */
static inline int64_t cgroup_key(const char *name, const char *key)
{
	FILE *file = fopen(name, "re");
	int64_t value = -ENOENT;
	char line[64];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ' ')
			value = strtoll(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static inline int64_t cgroup_event(const char *key)
{
	return cgroup_key(CGROUP "/memory.events", key);
}

/* @more bytes than are in use now; "max": no limit. */
static inline int cgroup_limit(int64_t more)
{
	char text[32] = "max";

	if (more >= 0)
		snprintf(text, sizeof(text), "%lld",
			 (long long)(cgroup_number("memory.current") + more));
	return write_line(text, CGROUP "/memory.max");
}

#endif /* USERRING_TESTS_CGROUP_H */
