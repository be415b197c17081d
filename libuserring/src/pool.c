// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pools: memory for packets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define SLOT_SIZE	2048
#define SLOT_COUNT	8192

void *ur_alloc_lines(size_t size)
{
	void *memory;

	size = (size + UR_LINE - 1) & ~(size_t)(UR_LINE - 1);
	memory = aligned_alloc(UR_LINE, size);
	if (memory)
		memset(memory, 0, size);
	return memory;
}

int ur_module_pool_create(struct ur_port *port, struct ur_pool *pool,
			  const struct ur_pool_opts *opts,
			  struct ur_error *err)
{
	struct ur_pool_create create = {
		.argsz = sizeof(create),
		.slot_size = opts->slot_size,
		.slot_count = opts->slot_count,
	};
	void *base;
	int ret;

	if (ioctl(port->fd, UR_IOC_POOL_CREATE, &create)) {
		ret = -errno;
		if (ret == -ENOBUFS)
			return ur_fail(err, ret,
				       "a pool of %u slots, %u KiB, on %s: this user may not lock so much memory: raise ulimit -l (LimitMEMLOCK= of a systemd unit), or take fewer slots",
				       opts->slot_count,
				       (uint32_t)((uint64_t)opts->slot_count *
						  opts->slot_size >> 10),
				       port->label);
		return ur_fail(err, ret, "a pool of %u slots on %s: %s",
			       opts->slot_count, port->label,
			       ur_strerror(ret));
	}
	base = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		    create.fd, 0);
	if (base == MAP_FAILED) {
		ret = -errno;
		close(create.fd);
		return ur_fail(err, ret, "the pool of %s cannot be mapped: %s",
			       port->label, ur_strerror(ret));
	}
	pool->base = base;
	pool->slot_count = create.slot_count;
	pool->size = create.size;
	pool->fd = create.fd;
	return 0;
}

static void pool_free_memory(struct ur_pool *pool)
{
	if (pool->fd < 0) {
		free(pool->base);
		return;
	}
	munmap(pool->base, pool->size);
	close(pool->fd);
}

int ur_pool_create(struct ur_pool **pool_ret, struct ur_port *port,
		   const struct ur_pool_opts *user_opts, struct ur_error *err)
{
	struct ur_pool_opts opts = { 0 };
	struct ur_pool *pool;
	uint32_t i;
	int ret;

	*pool_ret = NULL;
	if (err)
		err->text[0] = '\0';
	if (user_opts) {
		if (user_opts->size < sizeof(size_t))
			return ur_fail(err, -EINVAL,
				       "ur_pool_opts.size is not set");
		memcpy(&opts, user_opts, user_opts->size < sizeof(opts) ?
		       user_opts->size : sizeof(opts));
	}
	if (!opts.slot_size)
		opts.slot_size = SLOT_SIZE;
	if (!opts.slot_count)
		opts.slot_count = SLOT_COUNT;
	if (opts.slot_size & (opts.slot_size - 1) ||
	    opts.slot_size < UR_SLOT_SIZE_MIN ||
	    opts.slot_size > UR_SLOT_SIZE_MAX)
		return ur_fail(err, -EINVAL,
			       "a slot of %u bytes is not offered: say a power of two from %u to %u",
			       opts.slot_size, UR_SLOT_SIZE_MIN,
			       UR_SLOT_SIZE_MAX);
	if (opts.slot_count > UR_POOL_SLOTS_MAX ||
	    (uint64_t)opts.slot_count * opts.slot_size > 1ULL << 30)
		return ur_fail(err, -EINVAL,
			       "a pool of %u slots is too large: say at most %u and 1 GiB in all",
			       opts.slot_count, UR_POOL_SLOTS_MAX);

	pool = ur_alloc_lines(sizeof(*pool));
	if (!pool)
		return ur_fail(err, -ENOMEM, "no memory");
	ret = port->backend->pool_create(port, pool, &opts, err);
	if (ret)
		goto err_free;
	pool->slot_shift = (uint32_t)__builtin_ctz(opts.slot_size);
	pool->free_slot = ur_alloc_lines(pool->slot_count *
					 sizeof(*pool->free_slot));
	pool->held = calloc(pool->slot_count, 1);
	if (!pool->free_slot || !pool->held) {
		ret = ur_fail(err, -ENOMEM, "no memory");
		goto err_memory;
	}
	pool->free_room = pool->slot_count;
	/* slot 0 is the first to be allocated */
	for (i = pool->slot_count; i--;)
		__ur_slot_push(pool, i);
	*pool_ret = pool;
	return 0;

err_memory:
	pool_free_memory(pool);
	free(pool->free_slot);
	free(pool->held);
err_free:
	free(pool);
	return ret;
}

int ur_module_pool_adopt(struct ur_pool **pool_ret, int fd,
			 struct ur_error *err)
{
	struct ur_pool_info info = { .argsz = sizeof(info) };
	struct ur_pool *pool;
	void *base;
	int ret;

	if (ioctl(fd, UR_IOC_POOL_INFO, &info)) {
		ret = ur_fail(err, -errno, "the pool of the queue: %s",
			      ur_strerror(-errno));
		goto err_close;
	}
	if (info.slot_size & (info.slot_size - 1) ||
	    info.slot_size < UR_SLOT_SIZE_MIN ||
	    info.slot_size > UR_SLOT_SIZE_MAX || !info.slot_count ||
	    info.slot_count > info.size / info.slot_size) {
		ret = ur_fail(err, -EPROTO,
			      "the pool of the queue has %u slots of %u bytes in %llu, which does not fit together",
			      info.slot_count, info.slot_size,
			      (unsigned long long)info.size);
		goto err_close;
	}
	base = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		ret = ur_fail(err, -errno,
			      "the pool of the queue cannot be mapped: %s",
			      ur_strerror(-errno));
		goto err_close;
	}
	pool = ur_pool_new(base, info.size, info.slot_size, info.slot_count);
	if (!pool) {
		ret = ur_fail(err, -ENOMEM, "no memory");
		goto err_unmap;
	}
	pool->fd = fd;
	*pool_ret = pool;
	return 0;

err_unmap:
	munmap(base, info.size);
err_close:
	close(fd);
	return ret;
}

struct ur_pool *ur_pool_new(uint8_t *base, size_t size, uint32_t slot_size,
			    uint32_t slot_count)
{
	struct ur_pool *pool = ur_alloc_lines(sizeof(*pool));

	if (!pool)
		return NULL;
	pool->free_slot = ur_alloc_lines(slot_count * sizeof(*pool->free_slot));
	pool->held = calloc(slot_count, 1);
	if (!pool->free_slot || !pool->held) {
		free(pool->free_slot);
		free(pool->held);
		free(pool);
		return NULL;
	}
	pool->base = base;
	pool->size = size;
	pool->slot_shift = (uint32_t)__builtin_ctz(slot_size);
	pool->slot_count = slot_count;
	pool->free_room = slot_count;
	pool->fd = -1;
	return pool;
}

void ur_pool_free(struct ur_pool *pool)
{
	free(pool->free_slot);
	free(pool->held);
	free(pool);
}

void ur_pool_destroy(struct ur_pool *pool)
{
	if (!pool)
		return;
	if (ur_pool_unshare(pool))
		pool_free_memory(pool);
	else
		pool->held = NULL;	/* the other handles' */
	ur_pool_free(pool);
}
