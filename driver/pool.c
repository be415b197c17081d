// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools: memory for packets.
 *
 * A pool is made of physically contiguous chunks of one size, so that a slot's
 * address is a table look-up and a shift, and no slot crosses a chunk.  Its
 * pages come from the page allocator, not from a device: they can outlive it.
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "urk.h"

/*
 * 2 MiB at first; less if memory is fragmented, or if the last chunk is too
 * much; in the end a page, or a slot if that is larger.
 */
static const u32 urk_chunk_orders[] = { 9, 6, 3, 0 };

/*
 * Pinned memory counts against the user's RLIMIT_MEMLOCK, together with that of
 * AF_XDP and io_uring.
 */
static int urk_pool_charge(struct urk_pool *pool, unsigned long pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct user_struct *user = current_user();
	long locked = atomic_long_read(&user->locked_vm);

	if (capable(CAP_IPC_LOCK))
		return 0;
	do {
		if (locked + pages > limit)
			return -ENOBUFS;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &locked,
					  locked + pages));
	/*
	 * The cred keeps the user.  Some kernels of the 6.1 series do not
	 * export free_uid().
	 */
	pool->payer = get_current_cred();
	pool->locked = pages;
	return 0;
}

static void urk_pool_uncharge(struct urk_pool *pool)
{
	if (!pool->payer)
		return;
	atomic_long_sub(pool->locked, &pool->payer->user->locked_vm);
	put_cred(pool->payer);
	pool->payer = NULL;
}

static void urk_pool_free_chunks(struct urk_pool *pool)
{
	u32 i;

	for (i = 0; i < pool->chunks; i++)
		__free_pages(pool->chunk[i], pool->chunk_order);
	kvfree(pool->chunk);
	pool->chunk = NULL;
	pool->chunks = 0;
	urk_pool_uncharge(pool);
}

/* last: there is no smaller order to fall back on. */
static int urk_pool_alloc_chunks(struct urk_pool *pool, u32 order, bool last,
				 gfp_t gfp, gfp_t zone)
{
	u32 want = DIV_ROUND_UP_ULL(pool->size, (u64)PAGE_SIZE << order);
	int err = 0;

	if (gfp & __GFP_ACCOUNT)
		err = urk_pool_charge(pool, (unsigned long)want << order);
	if (err)
		return err;
	pool->chunk = kvcalloc(want, sizeof(*pool->chunk), gfp);
	if (!pool->chunk) {
		urk_pool_uncharge(pool);
		return -ENOMEM;
	}
	pool->chunk_order = order;
	pool->chunk_shift = PAGE_SHIFT + order - pool->slot_shift;
	/* too large a pool is the caller's error: kill no process for it */
	gfp &= ~__GFP_RETRY_MAYFAIL;
	gfp |= __GFP_NOWARN | (last ? __GFP_RETRY_MAYFAIL : __GFP_NORETRY);
	/* compound: every page of a chunk can be mapped and pinned */
	gfp |= zone | __GFP_COMP | __GFP_ZERO;
	while (pool->chunks < want) {
		struct page *page = alloc_pages(gfp, order);

		if (!page) {
			urk_pool_free_chunks(pool);
			return -ENOMEM;
		}
		pool->chunk[pool->chunks++] = page;
		cond_resched();
	}
	return 0;
}

/*
 * The caller has checked the numbers.  gfp: URK_GFP_USER for a process,
 * GFP_KERNEL for the kernel, which is not charged; zone: urk_dma_gfp().
 */
struct urk_pool *urk_pool_create(u32 slot_size, u32 slot_count, gfp_t gfp,
				 gfp_t zone)
{
	struct urk_pool *pool;
	int err = -ENOMEM;
	u32 least, i;

	pool = kzalloc(sizeof(*pool), gfp);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	kref_init(&pool->ref);
	mutex_init(&pool->lock);
	INIT_LIST_HEAD(&pool->maps);
	pool->slot_shift = ilog2(slot_size);
	least = max_t(u32, PAGE_SHIFT, pool->slot_shift) - PAGE_SHIFT;
	pool->size = PAGE_ALIGN((u64)slot_size * slot_count);
	pool->slot_count = pool->size >> pool->slot_shift;
	for (i = 0; i < ARRAY_SIZE(urk_chunk_orders); i++) {
		u32 order = max(urk_chunk_orders[i], least);
		bool last = i == ARRAY_SIZE(urk_chunk_orders) - 1;

		/* a small pool does not take a large chunk */
		if (!last && pool->size < (u64)PAGE_SIZE << order)
			continue;
		err = urk_pool_alloc_chunks(pool, order, last, gfp, zone);
		if (!err)
			return pool;
	}
	kfree(pool);
	return ERR_PTR(err);
}

static void urk_pool_release(struct kref *ref)
{
	struct urk_pool *pool = container_of(ref, struct urk_pool, ref);

	WARN_ON(!list_empty(&pool->maps));
	/* pages that are still mapped live on until they are unmapped */
	urk_pool_free_chunks(pool);
	kfree(pool);
}

void urk_pool_get(struct urk_pool *pool)
{
	kref_get(&pool->ref);
}

void urk_pool_put(struct urk_pool *pool)
{
	kref_put(&pool->ref, urk_pool_release);
}

/* ------------------------------------------------------------------------
 * For a device
 */

static void urk_pool_dma_unmap(struct urk_pool *pool, struct device *dev,
			       const u64 *addr, u32 chunks)
{
	while (chunks--) {
		urk_dma_unmap(dev, addr[chunks << pool->chunk_shift],
			      PAGE_SIZE << pool->chunk_order);
		cond_resched();
	}
}

static int urk_pool_dma_map(struct urk_pool *pool, struct device *dev,
			    u64 *addr)
{
	u32 in_chunk = 1U << pool->chunk_shift;
	dma_addr_t dma;
	int err;
	u64 *slot = addr;
	u32 i, k;

	for (i = 0; i < pool->chunks; i++) {
		err = urk_dma_map(dev, pool->chunk[i],
				  PAGE_SIZE << pool->chunk_order, &dma);
		if (err) {
			urk_pool_dma_unmap(pool, dev, addr, i);
			return err;
		}
		for (k = 0; k < in_chunk; k++)
			*slot++ = dma + ((u64)k << pool->slot_shift);
		cond_resched();
	}
	return 0;
}

struct urk_pool_map *urk_pool_map(struct urk_pool *pool, struct device *dev,
				  gfp_t gfp)
{
	struct urk_pool_map *map;
	u32 slots, places;
	int err;

	mutex_lock(&pool->lock);
	list_for_each_entry(map, &pool->maps, node) {
		if (map->dev == dev) {
			map->users++;
			goto out;
		}
	}
	slots = pool->chunks << pool->chunk_shift;
	places = roundup_pow_of_two(slots);
	map = kvzalloc(struct_size(map, addr, places), gfp);
	if (!map) {
		map = ERR_PTR(-ENOMEM);
		goto out;
	}
	err = urk_pool_dma_map(pool, dev, map->addr);
	if (err) {
		kvfree(map);
		map = ERR_PTR(err);
		goto out;
	}
	memcpy(map->addr + slots, map->addr,
	       (places - slots) * sizeof(*map->addr));
	map->mask = places - 1;
	map->dev = dev;
	map->users = 1;
	list_add(&map->node, &pool->maps);
out:
	mutex_unlock(&pool->lock);
	return map;
}

void urk_pool_unmap(struct urk_pool *pool, struct urk_pool_map *map)
{
	mutex_lock(&pool->lock);
	if (!--map->users) {
		list_del(&map->node);
		urk_pool_dma_unmap(pool, map->dev, map->addr, pool->chunks);
		kvfree(map);
	}
	mutex_unlock(&pool->lock);
}

/* ------------------------------------------------------------------------
 * As a file descriptor
 */

static int urk_pool_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	return urk_mmap_pool(file->private_data, vma);
}

static long urk_pool_file_ioctl(struct file *file, unsigned int cmd,
				unsigned long arg)
{
	struct urk_pool *pool = file->private_data;
	void __user *to = (void __user *)arg;
	struct ur_pool_info info;

	if (cmd != UR_IOC_POOL_INFO)
		return -ENOTTY;
	if (copy_from_user(&info, to, sizeof(info.argsz)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	if (copy_from_user(&info, to, sizeof(info)))
		return -EFAULT;
	if (info.flags ||
	    memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;
	info.argsz = sizeof(info);
	info.slot_size = 1U << pool->slot_shift;
	info.slot_count = pool->slot_count;
	info.size = pool->size;
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static int urk_pool_file_release(struct inode *inode, struct file *file)
{
	urk_pool_put(file->private_data);
	return 0;
}

static const struct file_operations urk_pool_fops = {
	.owner = THIS_MODULE,
	.mmap = urk_pool_file_mmap,
	.unlocked_ioctl = urk_pool_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = urk_pool_file_release,
};

/* Opens a descriptor of the pool, if its number can be written to *to. */
int urk_pool_fd(struct urk_pool *pool, s32 __user *to)
{
	int fd = get_unused_fd_flags(O_CLOEXEC), err;
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_getfile("[userring-pool]", &urk_pool_fops, pool,
				  O_RDWR);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_fd;
	}
	urk_pool_get(pool);
	err = put_user(fd, to);
	if (err)
		goto err_file;
	fd_install(fd, file);
	return 0;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
	return err;
}

/* A reference for the caller. */
struct urk_pool *urk_pool_get_fd(int fd)
{
	struct urk_pool *pool = ERR_PTR(-EBADF);
	struct file *file = fget(fd);

	if (!file)
		return pool;
	if (file->f_op == &urk_pool_fops) {
		pool = file->private_data;
		urk_pool_get(pool);
	}
	fput(file);
	return pool;
}
