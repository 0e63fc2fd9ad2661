// SPDX-License-Identifier: GPL-2.0
/* buffer.c: the calls of an exporter, and how a dma-buf is made. */
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>

static int probe_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	return !attach->dev;
}

static void probe_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	attach->priv = NULL;
}

static struct sg_table *probe_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	return NULL;
}

static void probe_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			enum dma_data_direction dir)
{
}

static int probe_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	return 0;
}

static int probe_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return 0;
}

static int probe_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, NULL);
	return 0;
}

static void probe_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
}

static void probe_release(struct dma_buf *dmabuf)
{
	dmabuf->priv = NULL;
}

static const struct dma_buf_ops ops = {
	.attach = probe_attach,
	.detach = probe_detach,
	.map_dma_buf = probe_map,
	.unmap_dma_buf = probe_unmap,
	.begin_cpu_access = probe_cpu_access,
	.end_cpu_access = probe_cpu_access,
	.mmap = probe_mmap,
	.vmap = probe_vmap,
	.vunmap = probe_vunmap,
	.release = probe_release,
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
