// SPDX-License-Identifier: GPL-2.0
/*
 * A small importer: what any driver does with a dma-buf, one step at a time, on
 * the word of a test. Each open file has its own attachments; closing it undoes
 * what it left.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "compat.h"
#include "edu.h"
#include "importer.h"
#include "pagetable.h"

/**
 * struct import - a buffer attached to one of the devices
 * @dmabuf: held.
 * @attach: the attachment.
 * @sgt: its table while mapped, or NULL.
 * @direction: of the mapping.
 * @device: which it is attached to.
 */
struct import {
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	enum dma_data_direction direction;
	u32 device;
};

/**
 * struct session - an open file
 * @lock: one call at a time.
 * @imports: by id.
 */
struct session {
	struct mutex lock;
	struct xarray imports;
};

/* Those without hardware. */
static struct platform_device *devices[IMPORTER_DEVICE_EDU_0];

static struct device *device_of(u32 device)
{
	if (device < IMPORTER_DEVICE_EDU_0)
		return &devices[device]->dev;
	return edu_device(device - IMPORTER_DEVICE_EDU_0);
}

static void import_unmap(struct import *import)
{
	if (!import->sgt)
		return;
	dma_buf_unmap_attachment_unlocked(import->attach, import->sgt,
					  import->direction);
	import->sgt = NULL;
}

static void import_destroy(struct import *import)
{
	import_unmap(import);
	dma_buf_detach(import->dmabuf, import->attach);
	dma_buf_put(import->dmabuf);
	kfree(import);
}

static struct import *import_create(int fd, struct device *dev)
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
	import->attach = dma_buf_attach(import->dmabuf, dev);
	if (IS_ERR(import->attach)) {
		err = PTR_ERR(import->attach);
		goto put_dmabuf;
	}
	return import;

put_dmabuf:
	dma_buf_put(import->dmabuf);
free_import:
	kfree(import);
	return ERR_PTR(err);
}

static long run_attach(struct session *session, void __user *user)
{
	struct importer_attach arg;
	struct import *import;
	int ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.device >= IMPORTER_DEVICES)
		return -EINVAL;
	if (!device_of(arg.device))
		return -ENODEV;

	import = import_create(arg.fd, device_of(arg.device));
	if (IS_ERR(import))
		return PTR_ERR(import);
	import->device = arg.device;

	ret = xa_alloc(&session->imports, &arg.out_id, import, xa_limit_31b,
		       GFP_KERNEL);
	if (ret) {
		import_destroy(import);
		return ret;
	}
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static long run_detach(struct session *session, unsigned long id)
{
	struct import *import = xa_erase(&session->imports, id);

	if (!import)
		return -ENOENT;
	import_destroy(import);
	return 0;
}

static void describe(const struct sg_table *sgt, struct importer_map *arg)
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
	}
	for_each_sgtable_sg(sgt, sg, i) {
		if (i == IMPORTER_SEGMENTS_MAX)
			break;
		arg->out_segments[i].phys = sg_phys(sg);
	}
}

/* What a second map says while the first one is in use; it is undone at once. */
static long map_again(struct import *import, enum dma_data_direction direction)
{
	struct sg_table *sgt;

	sgt = dma_buf_map_attachment_unlocked(import->attach, direction);
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
	if (!import)
		ret = -ENOENT;
	else if (arg->direction > IMPORTER_FROM_DEVICE)
		ret = -EINVAL;
	if (ret)
		goto free_arg;
	if (import->sgt) {
		ret = map_again(import, arg->direction);
		goto free_arg;
	}

	sgt = dma_buf_map_attachment_unlocked(import->attach, arg->direction);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto free_arg;
	}
	import->sgt = sgt;
	import->direction = arg->direction;
	describe(sgt, arg);
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

static long run_peek(struct session *session, void __user *user)
{
	struct importer_peek arg;
	struct import *import;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	import = xa_load(&session->imports, arg.id);
	if (!import || !import->sgt)
		return -ENOENT;
	if (sg_pcopy_to_buffer(import->sgt->sgl, import->sgt->orig_nents,
			       &arg.out_value, sizeof(arg.out_value),
			       arg.offset) != sizeof(arg.out_value))
		return -EINVAL;
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

/* Where the device sees @length bytes at @offset, or DMA_MAPPING_ERROR. */
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

static long run_dma(struct session *session, void __user *user)
{
	struct importer_dma arg;
	struct import *import;
	dma_addr_t address;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	import = xa_load(&session->imports, arg.id);
	if (!import || !import->sgt)
		return -ENOENT;
	if (import->device < IMPORTER_DEVICE_EDU_0)
		return -ENODEV;
	address = dma_address(import->sgt, arg.offset, arg.length);
	if (address == DMA_MAPPING_ERROR)
		return -EINVAL;
	return edu_transfer(import->device - IMPORTER_DEVICE_EDU_0, address,
			    arg.length, arg.direction);
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
	ret = dma_buf_vmap_unlocked(dmabuf, &map);
	if (ret)
		goto put_dmabuf;
	ret = pagetable_kernel(map.vaddr + arg.offset, &entry);
	arg.out_memtype = entry.out_memtype;
	if (!ret)
		arg.out_value = *(u64 *)(map.vaddr + arg.offset);
	dma_buf_vunmap_unlocked(dmabuf, &map);
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

static long run_zap(int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	unmap_mapping_range(dmabuf->file->f_mapping, 0, 0, 1);
	dma_buf_put(dmabuf);
	return 0;
}

static long session_run(struct session *session, unsigned int cmd,
			unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case IMPORTER_ATTACH:
		return run_attach(session, user);
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
	case IMPORTER_DMA:
		return run_dma(session, user);
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

static int importer_open(struct inode *inode, struct file *file)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return -ENOMEM;
	mutex_init(&session->lock);
	xa_init_flags(&session->imports, XA_FLAGS_ALLOC);
	file->private_data = session;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct session *session = file->private_data;
	struct import *import;
	unsigned long id;

	xa_for_each(&session->imports, id, import)
		import_destroy(import);
	xa_destroy(&session->imports);
	mutex_destroy(&session->lock);
	kfree(session);
	return 0;
}

/*
 * mmap() of the buffer whose id is the offset in IMPORTER_MMAP_STEPs, from the
 * page that is the rest: by the exporter's own operation, so that it is seen
 * what that checks without the core in front of it.
 */
static int importer_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct session *session = file->private_data;
	unsigned long step = IMPORTER_MMAP_STEP >> PAGE_SHIFT;
	struct dma_buf *dmabuf = NULL;
	struct import *import;
	int ret;

	/* Not the session's lock: it is held while memory of the user is touched. */
	xa_lock(&session->imports);
	import = xa_load(&session->imports, vma->vm_pgoff / step);
	if (import) {
		dmabuf = import->dmabuf;
		get_dma_buf(dmabuf);
	}
	xa_unlock(&session->imports);
	if (!dmabuf)
		return -ENOENT;

	vma->vm_pgoff %= step;
	vma_set_file(vma, dmabuf->file);
	ret = dmabuf->ops->mmap(dmabuf, vma);
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

static void devices_destroy(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(devices); i++)
		platform_device_unregister(devices[i]);
}

static struct platform_device *device_create_with(int id, u64 mask)
{
	struct platform_device_info info = {
		.name = "bufalloc-importer",
		.id = id,
		.dma_mask = mask,
	};
	struct platform_device *pdev = platform_device_register_full(&info);

	if (IS_ERR(pdev))
		return NULL;
	if (mask)
		dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	else
		pdev->dev.dma_mask = NULL;
	return pdev;
}

static int devices_create(void)
{
	static const u64 masks[ARRAY_SIZE(devices)] = {
		[IMPORTER_DEVICE_64] = DMA_BIT_MASK(64),
		[IMPORTER_DEVICE_32] = DMA_BIT_MASK(32),
		[IMPORTER_DEVICE_NONE] = 0,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		devices[i] = device_create_with(i, masks[i]);
		if (!devices[i]) {
			while (i-- > 0)
				platform_device_unregister(devices[i]);
			return -ENODEV;
		}
	}
	return 0;
}

static int __init importer_init(void)
{
	int ret = devices_create();

	if (ret)
		return ret;
	ret = edu_init();
	if (ret)
		goto destroy_devices;
	ret = misc_register(&importer);
	if (ret)
		goto exit_edu;
	return 0;

exit_edu:
	edu_exit();
destroy_devices:
	devices_destroy();
	return ret;
}
module_init(importer_init);

static void __exit importer_exit(void)
{
	misc_deregister(&importer);
	edu_exit();
	devices_destroy();
}
module_exit(importer_exit);

MODULE_DESCRIPTION("Test importer of dma-bufs");
MODULE_IMPORT_NS("DMA_BUF");
MODULE_LICENSE("GPL");
