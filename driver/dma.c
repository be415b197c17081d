// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that a device and the CPU share for as long as it is mapped.
 */
#include <linux/dma-map-ops.h>
#include <linux/iommu.h>

#include "urk.h"

/*
 * A pool may be mapped for several devices at once.  What is mapped needs no
 * CPU cache maintenance, now or later: urk_dma_map() refuses memory that does.
 */
#define URK_DMA_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

/*
 * Do device and CPU always see the same bytes, without copies or cache
 * maintenance?  dma_need_sync() of older kernels says "perhaps" for everything
 * behind an IOMMU; there the test is whether the DMA address leads to the page
 * itself.
 */
static bool urk_dma_shared(struct device *dev, dma_addr_t dma,
			   struct page *page)
{
	struct iommu_domain *domain;

	if (!dma_need_sync(dev, dma))
		return true;
	domain = iommu_get_domain_for_dev(dev);
	return domain && dev_is_dma_coherent(dev) &&
	       iommu_iova_to_phys(domain, dma) == page_to_phys(page);
}

int urk_dma_map(struct device *dev, struct page *page, size_t bytes,
		dma_addr_t *dma)
{
	*dma = dma_map_page_attrs(dev, page, 0, bytes, DMA_BIDIRECTIONAL,
				  URK_DMA_ATTRS);
	if (dma_mapping_error(dev, *dma))
		return -EOPNOTSUPP;
	if (!urk_dma_shared(dev, *dma, page)) {
		urk_dma_unmap(dev, *dma, bytes);
		dev_warn_once(dev, "memory is copied or flushed for this device: rings and pools cannot be shared with it\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

void urk_dma_unmap(struct device *dev, dma_addr_t dma, size_t bytes)
{
	dma_unmap_page_attrs(dev, dma, bytes, DMA_BIDIRECTIONAL, URK_DMA_ATTRS);
}

/* Pages that a device with few address bits reaches. */
gfp_t urk_dma_gfp(struct device *dev)
{
	return dma_get_mask(dev) <= DMA_BIT_MASK(32) ? GFP_DMA32 : 0;
}
