// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a queue's rings, for one consumer: the descriptors that the device
 * reads and writes, and the pages that are shared with a process.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "urk.h"

static void urk_ring_mem_free(struct urk_ring_mem *mem)
{
	if (mem->page)
		__free_pages(mem->page, get_order(mem->bytes));
	mem->page = NULL;
}

static int urk_ring_mem_alloc(struct urk_ring_mem *mem, struct device *dev,
			      u32 size, gfp_t gfp)
{
	int err;

	mem->bytes = PAGE_ALIGN(size * sizeof(union ur_rx_desc));
	mem->page = alloc_pages(gfp | __GFP_COMP | __GFP_ZERO |
				urk_dma_gfp(dev), get_order(mem->bytes));
	if (!mem->page)
		return -ENOMEM;
	err = urk_dma_map(dev, mem->page, mem->bytes, &mem->dma);
	if (err)
		urk_ring_mem_free(mem);
	return err;
}

/*
 * Pages that a process maps, each with its own reference count.  If contiguous
 * they need no page tables of the kernel; if memory is fragmented they lie in
 * vmalloc space.
 */
static void *urk_region_alloc(u32 bytes, gfp_t gfp)
{
	gfp_t piece = (gfp & ~__GFP_RETRY_MAYFAIL) | __GFP_NORETRY |
		      __GFP_NOWARN;
	void *region = alloc_pages_exact(bytes, piece | __GFP_ZERO);

	return region ?: __vmalloc(bytes, gfp | __GFP_ZERO);
}

struct page *urk_region_page(const void *addr)
{
	return is_vmalloc_addr(addr) ? vmalloc_to_page(addr) :
				       virt_to_page(addr);
}

static void urk_region_free(void *region, u32 bytes)
{
	if (is_vmalloc_addr(region))
		vfree(region);
	else if (region)
		free_pages_exact(region, bytes);
}

static void urk_rings_free(struct urk_rings *rings)
{
	kvfree(rings->ring.tx_place);
	kvfree(rings->ring.rx_addr);
	urk_region_free(rings->user_region, rings->user_bytes);
	urk_region_free(rings->kernel_region, rings->kernel_bytes);
	urk_ring_mem_free(&rings->tx);
	urk_ring_mem_free(&rings->rx);
	urk_pool_put(rings->pool);
	rings->pool = NULL;
	/* a use that comes too late must show */
	memset(&rings->ring, 0, sizeof(rings->ring));
}

/*
 * Rings that no consumer has any more: from here on the device can reach
 * neither them nor the pool, and their memory is freed.  Pages that a process
 * has mapped live on until it unmaps them.
 */
void urk_rings_release(struct urk_rings *rings)
{
	mutex_lock(&rings->lock);
	if (rings->map) {
		urk_dma_unmap(rings->dev, rings->tx.dma, rings->tx.bytes);
		urk_dma_unmap(rings->dev, rings->rx.dma, rings->rx.bytes);
		urk_pool_unmap(rings->pool, rings->map);
		rings->map = NULL;
		urk_rings_free(rings);
	}
	mutex_unlock(&rings->lock);
}

void urk_rings_destroy(struct urk_rings *rings)
{
	urk_rings_release(rings);
	kfree(rings);
}

/*
 * The caller has checked the sizes; the rings take a reference to the pool.  gfp:
 * as for urk_pool_create().
 */
struct urk_rings *urk_rings_create(struct urk_port *port,
				   struct urk_pool *pool,
				   u32 rx_size, u32 tx_size, gfp_t gfp)
{
	const struct urk_variant *variant = port->hw.variant;
	struct device *dev = &port->hw.pdev->dev;
	struct urk_rings *rings;
	struct urk_ring *r;
	int err = -ENOMEM;

	rings = kzalloc(sizeof(*rings), gfp);
	if (!rings)
		return ERR_PTR(-ENOMEM);
	mutex_init(&rings->lock);
	urk_out_init(rings);
	rings->dev = dev;
	rings->pool = pool;
	urk_pool_get(pool);

	rings->layout = urk_layout(rx_size, tx_size);
	rings->kernel_bytes = PAGE_ALIGN(rings->layout.kernel_bytes);
	rings->user_bytes = PAGE_ALIGN(rings->layout.user_bytes);

	r = &rings->ring;
	rings->kernel_region = urk_region_alloc(rings->kernel_bytes, gfp);
	rings->user_region = urk_region_alloc(rings->user_bytes, gfp);
	r->rx_addr = kvcalloc(rx_size, sizeof(*r->rx_addr), gfp);
	r->tx_place = kvcalloc(tx_size, sizeof(*r->tx_place), gfp);
	if (!rings->kernel_region || !rings->user_region || !r->rx_addr ||
	    !r->tx_place)
		goto err_free;

	err = urk_ring_mem_alloc(&rings->rx, dev, rx_size, gfp);
	if (err)
		goto err_free;
	err = urk_ring_mem_alloc(&rings->tx, dev, tx_size, gfp);
	if (err)
		goto err_unmap_rx;
	rings->map = urk_pool_map(pool, dev, gfp);
	if (IS_ERR(rings->map)) {
		err = PTR_ERR(rings->map);
		rings->map = NULL;
		goto err_unmap_tx;
	}

	urk_ring_init(r, &rings->layout, rx_size, tx_size,
		      rings->kernel_region, rings->user_region);
	urk_ring_format(r, variant->rx_format, variant->tx_format);
	r->rx = page_address(rings->rx.page);
	r->tx = page_address(rings->tx.page);
	r->slots.addr = rings->map->addr;
	r->slots.mask = rings->map->mask;
	r->slots.slot_shift = pool->slot_shift;
	r->slots.count = pool->slot_count;
	r->tx_len_min = URK_TX_LEN_MIN;
	r->tx_len_max = URK_TX_LEN_MAX;
	r->host = urk_host_entry;
	return rings;

err_unmap_tx:
	urk_dma_unmap(dev, rings->tx.dma, rings->tx.bytes);
err_unmap_rx:
	urk_dma_unmap(dev, rings->rx.dma, rings->rx.bytes);
err_free:
	urk_rings_free(rings);
	kfree(rings);
	return ERR_PTR(err);
}
