// SPDX-License-Identifier: GPL-2.0
/*
 * A small importer. It takes the steps of a driver that imports a dma-buf, one step for each call
 * of a test. Each open file has its own attachments. When the file is closed, the importer undoes
 * all steps that are left.
 */
#include <linux/cpu.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/radix-tree.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "bus.h"
#include "busy.h"
#include "compat.h"
#include "edu.h"
#include "facts.h"
#include "importer.h"
#include "memory.h"
#include "pagetable.h"
#include "platform.h"
#include "port.h"
#include "taken.h"

/**
 * struct import - a buffer attached to one of the devices
 * @dmabuf: the buffer, with a reference.
 * @attach: the attachment; NULL until there is one.
 * @sgt: its table while mapped, else NULL.
 * @direction: of the mapping.
 * @port: the port of the device, with a reference.
 */
struct import {
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	enum dma_data_direction direction;
	struct port *port;
};

/**
 * struct session - an open file
 * @lock: serializes the calls.
 * @imports: by id.
 * @limited: devices with a limit of IMPORTER_LIMIT.
 * @moved: devices with a bus of IMPORTER_BUS.
 * @taken: memory of IMPORTER_TAKE.
 * @busy: the folio that IMPORTER_BUSY has locked, or NULL.
 */
struct session {
	struct mutex lock;
	struct xarray imports;
	DECLARE_BITMAP(limited, IMPORTER_DEVICES);
	DECLARE_BITMAP(moved, IMPORTER_DEVICES);
	struct list_head taken;
	struct folio *busy;
};

/* Wait for the end of DMA before the memory can be freed, as each driver must. */
static void import_unmap(struct import *import)
{
	if (!import->sgt)
		return;
	mutex_lock(&import->port->lock);
	edu_wait(import->port->registers);
	mutex_unlock(&import->port->lock);
	dma_buf_unmap_attachment_unlocked(import->attach, import->sgt,
					  import->direction);
	import->sgt = NULL;
}

static void import_destroy(struct import *import)
{
	mutex_lock(&import->port->lock);
	if (import->port->late == import)
		import->port->late = NULL;
	mutex_unlock(&import->port->lock);
	import_unmap(import);
	if (import->attach)
		dma_buf_detach(import->dmabuf, import->attach);
	dma_buf_put(import->dmabuf);
	port_put(import->port);
	kfree(import);
}

/* Map and unmap at once. The exporter may keep the mapping, which is not in use any more. */
void import_late(struct import *import)
{
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;

	attach = dma_buf_attach(import->dmabuf, import->port->dev);
	if (IS_ERR(attach))
		return;
	import->attach = attach;
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	if (!IS_ERR(sgt))
		dma_buf_unmap_attachment_unlocked(attach, sgt,
						  DMA_BIDIRECTIONAL);
}

static struct dma_buf_attachment *port_attach(struct port *port,
					      struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attach = ERR_PTR(-ENODEV);

	mutex_lock(&port->lock);
	if (!port->gone)
		attach = dma_buf_attach(dmabuf, port->dev);
	mutex_unlock(&port->lock);
	return attach;
}

static int attach_now_or_late(struct import *import, bool late)
{
	struct port *port = import->port;
	int ret = 0;

	if (late) {
		mutex_lock(&port->lock);
		if (port->gone)
			ret = -ENODEV;
		else
			port->late = import;
		mutex_unlock(&port->lock);
		return ret;
	}
	import->attach = port_attach(port, import->dmabuf);
	if (IS_ERR(import->attach))
		ret = PTR_ERR(import->attach);
	return ret;
}

/* On success the import takes over the reference to the port. */
static struct import *import_create(int fd, struct port *port, bool late)
{
	struct import *import;
	long err;

	import = kzalloc(sizeof(*import), GFP_KERNEL);
	if (!import)
		return ERR_PTR(-ENOMEM);

	import->dmabuf = dma_buf_get(fd);
	if (IS_ERR(import->dmabuf)) {
		err = PTR_ERR(import->dmabuf);
		goto free_import;
	}
	import->port = port;
	err = attach_now_or_late(import, late);
	if (err)
		goto put_dmabuf;
	return import;

put_dmabuf:
	dma_buf_put(import->dmabuf);
free_import:
	kfree(import);
	return ERR_PTR(err);
}

static long run_attach(struct session *session, void __user *user, bool late)
{
	struct importer_attach arg;
	struct import *import;
	struct port *port;
	int ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.device >= IMPORTER_DEVICES)
		return -EINVAL;
	port = port_get(arg.device);
	if (!port)
		return -ENODEV;

	import = import_create(arg.fd, port, late);
	if (IS_ERR(import)) {
		port_put(port);
		return PTR_ERR(import);
	}

	ret = xa_alloc(&session->imports, &arg.out_id, import, xa_limit_31b,
		       GFP_KERNEL);
	if (ret) {
		import_destroy(import);
		return ret;
	}
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

/* Attach to a device without a driver, map and unmap. */
static long run_driverless(struct session *session, unsigned long id)
{
	struct import *import = xa_load(&session->imports, id);

	if (!import)
		return -ENOENT;
	if (!import->port->gone || import->sgt)
		return -EBUSY;
	if (import->attach)
		dma_buf_detach(import->dmabuf, import->attach);
	import->attach = NULL;
	import_late(import);
	return import->attach ? 0 : -ENOMEM;
}

static long run_detach(struct session *session, unsigned long id)
{
	struct import *import = xa_erase(&session->imports, id);

	if (!import)
		return -ENOENT;
	import_destroy(import);
	return 0;
}

static void describe(struct device *dev, const struct sg_table *sgt,
		     struct importer_map *arg)
{
	struct scatterlist *sg;
	unsigned int i;

	arg->out_nents = sgt->nents;
	arg->out_orig_nents = sgt->orig_nents;
	memset(arg->out_segments, 0, sizeof(arg->out_segments));
	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (i == IMPORTER_SEGMENTS_MAX)
			break;
		arg->out_segments[i].dma = sg_dma_address(sg);
		arg->out_segments[i].length = sg_dma_len(sg);
		if (memory_is_hidden())
			arg->out_segments[i].phys =
				memory_at(dev, sg_dma_address(sg));
	}
	if (memory_is_hidden())
		return;
	for_each_sgtable_sg(sgt, sg, i) {
		if (i == IMPORTER_SEGMENTS_MAX)
			break;
		arg->out_segments[i].phys = sg_phys(sg);
	}
}

/*
 * Do not map a buffer of another exporter for a device that does no DMA: the DMA API would warn.
 * bufalloc must refuse this map by itself.
 */
static bool can_map(const struct import *import)
{
	return import->port->dev->dma_mask ||
	       !strcmp(import->attach->dmabuf->exp_name, "bufalloc");
}

static struct sg_table *import_map(struct import *import,
				   enum dma_data_direction direction)
{
	struct sg_table *sgt = ERR_PTR(-ENODEV);

	mutex_lock(&import->port->lock);
	if (!import->port->gone && can_map(import))
		sgt = dma_buf_map_attachment_unlocked(import->attach,
						      direction);
	mutex_unlock(&import->port->lock);
	return sgt;
}

/* Map a second time while the first mapping is in use, and unmap at once. Return: the result. */
static long map_again(struct import *import, enum dma_data_direction direction)
{
	struct sg_table *sgt;

	sgt = import_map(import, direction);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	dma_buf_unmap_attachment_unlocked(import->attach, sgt, direction);
	return 0;
}

static long run_map(struct session *session, void __user *user)
{
	struct importer_map *arg;
	struct import *import;
	struct sg_table *sgt;
	long ret = 0;

	arg = memdup_user(user, sizeof(*arg));
	if (IS_ERR(arg))
		return PTR_ERR(arg);

	import = xa_load(&session->imports, arg->id);
	if (!import || !import->attach)
		ret = -ENOENT;
	else if (arg->direction > IMPORTER_FROM_DEVICE)
		ret = -EINVAL;
	if (ret)
		goto free_arg;
	if (import->sgt) {
		ret = map_again(import, arg->direction);
		goto free_arg;
	}

	sgt = import_map(import, arg->direction);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto free_arg;
	}
	import->sgt = sgt;
	import->direction = arg->direction;
	describe(import->port->dev, sgt, arg);
	if (copy_to_user(user, arg, sizeof(*arg)))
		ret = -EFAULT;
free_arg:
	kfree(arg);
	return ret;
}

static long run_unmap(struct session *session, unsigned long id)
{
	struct import *import = xa_load(&session->imports, id);

	if (!import || !import->sgt)
		return -ENOENT;
	import_unmap(import);
	return 0;
}

/* Return: the device address of @length bytes at @offset, or DMA_MAPPING_ERROR. */
static dma_addr_t dma_address(const struct sg_table *sgt, u64 offset,
			      u64 length)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (offset < sg_dma_len(sg)) {
			if (length > sg_dma_len(sg) - offset)
				break;
			return sg_dma_address(sg) + offset;
		}
		offset -= sg_dma_len(sg);
	}
	return DMA_MAPPING_ERROR;
}

/* Read single bytes: the next byte may be in another page, or in another entry. */
static bool peek_hidden(const struct import *import, struct importer_peek *arg)
{
	u8 *bytes = (u8 *)&arg->out_value;
	dma_addr_t address;
	size_t i;

	for (i = 0; i < sizeof(arg->out_value); i++) {
		address = dma_address(import->sgt, arg->offset + i, 1);
		if (address == DMA_MAPPING_ERROR)
			return false;
		bytes[i] = memory_byte(import->port->dev, address);
	}
	return true;
}

static bool peek(const struct import *import, struct importer_peek *arg)
{
	size_t size = sizeof(arg->out_value);

	if (memory_is_hidden())
		return peek_hidden(import, arg);
	return sg_pcopy_to_buffer(import->sgt->sgl, import->sgt->orig_nents,
				  &arg->out_value, size, arg->offset) == size;
}

static long run_peek(struct session *session, void __user *user)
{
	struct importer_peek arg;
	struct import *import;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	import = xa_load(&session->imports, arg.id);
	if (!import || !import->sgt)
		return -ENOENT;
	if (!peek(import, &arg))
		return -EINVAL;
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static long run_dma_start(struct session *session, void __user *user)
{
	struct importer_dma arg;
	struct import *import;
	dma_addr_t address;
	int ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	import = xa_load(&session->imports, arg.id);
	if (!import || !import->sgt)
		return -ENOENT;
	address = dma_address(import->sgt, arg.offset, arg.length);
	if (address == DMA_MAPPING_ERROR)
		return -EINVAL;
	mutex_lock(&import->port->lock);
	ret = edu_start(import->port->registers, address, arg.length,
			arg.direction);
	mutex_unlock(&import->port->lock);
	return ret;
}

static long run_dma_wait(struct session *session, unsigned long id)
{
	struct import *import = xa_load(&session->imports, id);
	int ret;

	if (!import)
		return -ENOENT;
	mutex_lock(&import->port->lock);
	ret = edu_wait(import->port->registers);
	mutex_unlock(&import->port->lock);
	return ret;
}

static long run_dma_pending(struct session *session, unsigned long id)
{
	struct import *import = xa_load(&session->imports, id);
	bool busy;

	if (!import)
		return -ENOENT;
	mutex_lock(&import->port->lock);
	busy = edu_is_busy(import->port->registers);
	mutex_unlock(&import->port->lock);
	return busy;
}

static long run_facts(void __user *user)
{
	struct importer_facts arg;
	struct port *port;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	port = port_get(arg.device);
	if (!port)
		return -ENODEV;
	facts_of_device(port->dev, &arg);
	port_put(port);
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static int limit_set(u32 device, u32 bytes)
{
	struct port *port = port_get(device);

	if (!port)
		return -ENODEV;
	port->dev->dma_parms->max_segment_size = bytes;
	port_put(port);
	return 0;
}

static long run_limit(struct session *session, void __user *user)
{
	struct importer_limit arg;
	int ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	ret = limit_set(arg.device, arg.bytes);
	if (!ret)
		__set_bit(arg.device, session->limited);
	return ret;
}

static long run_bus(struct session *session, void __user *user)
{
	struct importer_bus arg;
	int ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	ret = platform_set_bus(arg.device, arg.boundary, arg.shift);
	if (!ret)
		__set_bit(arg.device, session->moved);
	return ret;
}

static long run_table(struct session *session, void __user *user)
{
	struct importer_table arg;
	struct import *import;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	import = xa_load(&session->imports, arg.id);
	if (!import || !import->sgt)
		return -ENOENT;
	facts_of_table(import->port->dev, import->sgt, &arg);
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static int kernel_map(struct dma_buf *dmabuf, struct iosys_map *map, bool bare)
{
	int ret;

	if (!bare)
		return dma_buf_vmap_unlocked(dmabuf, map);
	if (!dmabuf->ops->vmap)
		return -EINVAL;
	dma_resv_lock(dmabuf->resv, NULL);
	ret = dmabuf->ops->vmap(dmabuf, map);
	dma_resv_unlock(dmabuf->resv);
	return ret;
}

static void kernel_unmap(struct dma_buf *dmabuf, struct iosys_map *map,
			 bool bare)
{
	if (!bare) {
		dma_buf_vunmap_unlocked(dmabuf, map);
		return;
	}
	dma_resv_lock(dmabuf->resv, NULL);
	dmabuf->ops->vunmap(dmabuf, map);
	dma_resv_unlock(dmabuf->resv);
}

static long run_vmap(void __user *user)
{
	struct importer_pte entry = {};
	struct importer_vmap arg;
	struct dma_buf *dmabuf;
	struct iosys_map map;
	long ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	dmabuf = dma_buf_get(arg.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	if (arg.offset % sizeof(u64) || arg.offset >= dmabuf->size) {
		ret = -EINVAL;
		goto put_dmabuf;
	}
	ret = kernel_map(dmabuf, &map, arg.bare);
	if (ret)
		goto put_dmabuf;
	ret = pagetable_kernel(map.vaddr + arg.offset, &entry);
	arg.out_memtype = entry.out_memtype;
	if (!ret)
		arg.out_value = *(u64 *)(map.vaddr + arg.offset);
	kernel_unmap(dmabuf, &map, arg.bare);
	if (!ret && copy_to_user(user, &arg, sizeof(arg)))
		ret = -EFAULT;
put_dmabuf:
	dma_buf_put(dmabuf);
	return ret;
}

static long run_pte(void __user *user, int (*look)(struct importer_pte *entry))
{
	struct importer_pte arg;
	int ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	ret = look(&arg);
	if (ret)
		return ret;
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static long run_direct(void __user *user)
{
	struct importer_direct arg;
	int ret;

	ret = pagetable_typed(&arg.out_typed);
	if (ret)
		return ret;
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static long run_zap(int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	unmap_mapping_range(dmabuf->file->f_mapping, 0, 0, 1);
	dma_buf_put(dmabuf);
	return 0;
}

static long run_take(struct session *session, unsigned long mib)
{
	struct port *port = port_get(IMPORTER_DEVICE_64);
	int ret;

	if (mib > 1024)
		ret = -EINVAL;
	else
		ret = taken_add(&session->taken, port->dev, mib * SZ_1M);
	port_put(port);
	return ret;
}

static void give_back(struct session *session)
{
	struct port *port = port_get(IMPORTER_DEVICE_64);

	taken_free(&session->taken, port->dev);
	port_put(port);
}

static long run_busy(struct session *session, unsigned long address)
{
	struct folio *folio = NULL;

	busy_end(session->busy);
	session->busy = NULL;
	if (address)
		folio = busy_begin(address);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	session->busy = folio;
	return 0;
}

static long session_run(struct session *session, unsigned int cmd,
			unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case IMPORTER_ATTACH:
		return run_attach(session, user, false);
	case IMPORTER_LATE:
		return run_attach(session, user, true);
	case IMPORTER_DRIVERLESS:
		return run_driverless(session, arg);
	case IMPORTER_CLEARS:
		return want_init_on_alloc(0) || want_init_on_free();
	case IMPORTER_DETACH:
		return run_detach(session, arg);
	case IMPORTER_MAP:
		return run_map(session, user);
	case IMPORTER_UNMAP:
		return run_unmap(session, arg);
	case IMPORTER_PEEK:
		return run_peek(session, user);
	case IMPORTER_VMAP:
		return run_vmap(user);
	case IMPORTER_PTE_USER:
		return run_pte(user, pagetable_user);
	case IMPORTER_PTE_DIRECT:
		return run_pte(user, pagetable_direct);
	case IMPORTER_ZAP:
		return run_zap(arg);
	case IMPORTER_DMA_START:
		return run_dma_start(session, user);
	case IMPORTER_DMA_WAIT:
		return run_dma_wait(session, arg);
	case IMPORTER_DMA_PENDING:
		return run_dma_pending(session, arg);
	case IMPORTER_FACTS:
		return run_facts(user);
	case IMPORTER_LIMIT:
		return run_limit(session, user);
	case IMPORTER_BUS:
		return run_bus(session, user);
	case IMPORTER_TABLE:
		return run_table(session, user);
	case IMPORTER_TAKE:
		return run_take(session, arg);
	case IMPORTER_DIRECT:
		return run_direct(user);
	case IMPORTER_BUSY:
		return run_busy(session, arg);
	default:
		return -ENOTTY;
	}
}

static long importer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	struct session *session = file->private_data;
	long ret;

	mutex_lock(&session->lock);
	ret = session_run(session, cmd, arg);
	mutex_unlock(&session->lock);
	return ret;
}

static long stock_nodes(void *unused)
{
	int ret = radix_tree_preload(GFP_KERNEL);

	if (!ret)
		radix_tree_preload_end();
	return ret;
}

/*
 * CONFIG_DMA_API_DEBUG disables itself for good if the allocation of a radix tree node fails. Some
 * tests make allocations fail. So fill the stock of nodes of each processor before.
 */
static int stock_all_nodes(void)
{
	unsigned int cpu;
	int ret = 0;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		ret = ret ?: work_on_cpu(cpu, stock_nodes, NULL);
	cpus_read_unlock();
	return ret;
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct session *session;
	int ret = stock_all_nodes();

	if (ret)
		return ret;
	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return -ENOMEM;
	mutex_init(&session->lock);
	xa_init_flags(&session->imports, XA_FLAGS_ALLOC);
	INIT_LIST_HEAD(&session->taken);
	file->private_data = session;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct session *session = file->private_data;
	struct import *import;
	unsigned long device, id;

	busy_end(session->busy);
	xa_for_each(&session->imports, id, import)
		import_destroy(import);
	for_each_set_bit(device, session->limited, IMPORTER_DEVICES)
		limit_set(device, UINT_MAX);
	for_each_set_bit(device, session->moved, IMPORTER_DEVICES)
		platform_set_bus(device, 0, 0);
	give_back(session);
	xa_destroy(&session->imports);
	mutex_destroy(&session->lock);
	kfree(session);
	return 0;
}

/*
 * Map a buffer. The offset is IMPORTER_MMAP_STEP * id, plus the offset in the buffer. Call the
 * exporter's operation directly: a test sees the exporter's checks, without those of the core.
 */
static int importer_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct session *session = file->private_data;
	unsigned long step = IMPORTER_MMAP_STEP >> PAGE_SHIFT;
	struct dma_buf *dmabuf = NULL;
	struct import *import;
	int ret;

	/* Do not take the session's lock: its holders access user memory. */
	xa_lock(&session->imports);
	import = xa_load(&session->imports, vma->vm_pgoff / step);
	if (import) {
		dmabuf = import->dmabuf;
		get_dma_buf(dmabuf);
	}
	xa_unlock(&session->imports);
	if (!dmabuf)
		return -ENOENT;

	/* A buffer of memory of a process has no mmap operation. */
	if (!dmabuf->ops->mmap) {
		ret = -EINVAL;
		goto put_dmabuf;
	}
	vma->vm_pgoff %= step;
	vma_set_file(vma, dmabuf->file);
	ret = dmabuf->ops->mmap(dmabuf, vma);
put_dmabuf:
	dma_buf_put(dmabuf);
	return ret;
}

static const struct file_operations importer_fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.unlocked_ioctl = importer_ioctl,
	.mmap = importer_mmap,
};

static struct miscdevice importer = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bufalloc-importer",
	.fops = &importer_fops,
	.mode = 0600,
};

static int __init importer_init(void)
{
	int ret = platform_init();

	if (ret)
		return ret;
	ret = bus_init();
	if (ret)
		goto exit_platform;
	ret = edu_init();
	if (ret)
		goto exit_bus;
	ret = misc_register(&importer);
	if (ret)
		goto exit_edu;
	return 0;

exit_edu:
	edu_exit();
exit_bus:
	bus_exit();
exit_platform:
	platform_exit();
	return ret;
}
module_init(importer_init);

static void __exit importer_exit(void)
{
	misc_deregister(&importer);
	edu_exit();
	bus_exit();
	platform_exit();
}
module_exit(importer_exit);

MODULE_DESCRIPTION("Test importer of dma-bufs");
MODULE_IMPORT_NS("DMA_BUF");
MODULE_LICENSE("GPL");
