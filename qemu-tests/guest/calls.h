/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls asked for wrongly in one way at a time: the answer is the errno of
 * <userring.h>, and nothing is left behind.
 */
#ifndef USERRING_TESTS_CALLS_H
#define USERRING_TESTS_CALLS_H

#include <errno.h>
#include <stddef.h>

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
static inline int refused(int fd, unsigned long request, const void *good, size_t size,
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
static inline int reserved(int fd, unsigned long request, const void *good, size_t size, size_t at,
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

#endif /* USERRING_TESTS_CALLS_H */
