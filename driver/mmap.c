// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process sees of a queue and of a pool.
 *
 * Pages are inserted one by one and counted, so they can outlive the device
 * and be pinned like any other page of the process.
 */
#include <linux/mm.h>

#include "compat.h"
#include "urk.h"

/* May this mapping be made, and what may mprotect() turn it into later? */
static int urk_mmap_check(struct vm_area_struct *vma, u64 bytes, bool writable)
{
	unsigned long refused = VM_EXEC;
	unsigned long clear = VM_MAYEXEC;

	if (vma->vm_end - vma->vm_start != bytes)
		return -EINVAL;
	/* a private mapping would be a copy, not the ring */
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (!writable) {
		refused |= VM_WRITE;
		clear |= VM_MAYWRITE;
	}
	if (vma->vm_flags & refused)
		return -EACCES;
	urk_vm_flags(vma, VM_DONTEXPAND | VM_DONTDUMP, clear);
	return 0;
}

static int urk_mmap_pages(struct vm_area_struct *vma, unsigned long at,
			  struct page *page, u32 count)
{
	int err;
	u32 i;

	for (i = 0; i < count; i++) {
		err = vm_insert_page(vma, at + (unsigned long)i * PAGE_SIZE,
				     page + i);
		if (err)
			return err;
	}
	return 0;
}

static int urk_mmap_desc(struct urk_ring_mem *mem, struct vm_area_struct *vma)
{
	int err = urk_mmap_check(vma, mem->bytes, false);

	if (err)
		return err;
	return urk_mmap_pages(vma, vma->vm_start, mem->page,
			      mem->bytes >> PAGE_SHIFT);
}

static int urk_mmap_region(void *region, u32 bytes, bool writable,
			   struct vm_area_struct *vma)
{
	int err = urk_mmap_check(vma, bytes, writable);
	u32 at;

	for (at = 0; !err && at < bytes; at += PAGE_SIZE)
		err = vm_insert_page(vma, vma->vm_start + at,
				     urk_region_page(region + at));
	return err;
}

static int urk_mmap_one(struct urk_rings *rings, struct vm_area_struct *vma)
{
	switch ((u64)vma->vm_pgoff << PAGE_SHIFT) {
	case URK_MMAP_RX_DESC:
		return urk_mmap_desc(&rings->rx, vma);
	case URK_MMAP_TX_DESC:
		return urk_mmap_desc(&rings->tx, vma);
	case URK_MMAP_KERNEL:
		return urk_mmap_region(rings->kernel_region,
				       rings->kernel_bytes, false, vma);
	case URK_MMAP_USER:
		return urk_mmap_region(rings->user_region,
				       rings->user_bytes, true, vma);
	}
	return -EINVAL;
}

/* Detached rings have no pages any more: only existing mappings remain. */
int urk_mmap_rings(struct urk_rings *rings, struct vm_area_struct *vma)
{
	int err = -ENOTCONN;

	mutex_lock(&rings->lock);
	if (rings->map)
		err = urk_mmap_one(rings, vma);
	mutex_unlock(&rings->lock);
	return err;
}

int urk_mmap_pool(struct urk_pool *pool, struct vm_area_struct *vma)
{
	u32 per_chunk = 1U << pool->chunk_order;
	u32 left = pool->size >> PAGE_SHIFT;
	unsigned long at = vma->vm_start;
	int err;
	u32 i;

	if (vma->vm_pgoff)
		return -EINVAL;
	err = urk_mmap_check(vma, pool->size, true);
	for (i = 0; !err && i < pool->chunks; i++) {
		u32 count = min(per_chunk, left);

		err = urk_mmap_pages(vma, at, pool->chunk[i], count);
		at += (unsigned long)count * PAGE_SIZE;
		left -= count;
	}
	return err;
}
