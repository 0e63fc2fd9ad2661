// SPDX-License-Identifier: GPL-2.0
/* buffer.c: the calls of an exporter, and how a dma-buf is made. */
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>

static int attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	return attach->dev != NULL;
}

static void detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	attach->priv = NULL;
}

static struct sg_table *map(struct dma_buf_attachment *attach,
			    enum dma_data_direction dir)
{
	return NULL;
}

static void unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		  enum dma_data_direction dir)
{
}

static int cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	return 0;
}

static int mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return 0;
}

static int vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, NULL);
	return 0;
}

static void vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
}

static void release(struct dma_buf *dmabuf)
{
	dmabuf->priv = NULL;
}

static const struct dma_buf_ops ops = {
	.attach = attach,
	.detach = detach,
	.map_dma_buf = map,
	.unmap_dma_buf = unmap,
	.begin_cpu_access = cpu_access,
	.end_cpu_access = cpu_access,
	.mmap = mmap,
	.vmap = vmap,
	.vunmap = vunmap,
	.release = release,
};

struct dma_buf *bufalloc_probe(void);
struct dma_buf *bufalloc_probe(void)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &ops;
	info.size = PAGE_SIZE;
	info.flags = 0;
	return dma_buf_export(&info);
}
