// SPDX-License-Identifier: GPL-2.0
/*
 * The devices /dev/bufalloc and /dev/bufalloc-charged. This file reads the structure of an ioctl,
 * calls the file that runs the command, and writes the structure back.
 *
 * Main object: struct call, one ioctl(2). The call is on the stack of one thread, so there is no
 * lock. Each open file has a struct ba_client.
 */
#include <linux/compat.h>
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "advise.h"
#include "alloc.h"
#include "buffer.h"
#include "chardev.h"
#include "client.h"
#include "commit.h"
#include "heap.h"
#include "quota.h"
#include "request.h"
#include "shmem.h"
#include "sync.h"
#include "user_pages.h"

/**
 * struct call - one ioctl
 * @client: the client of the open file.
 * @user: the caller's structure.
 * @user_size: size of the caller's structure in bytes, as its first field tells.
 * @size: size of the kernel's structure in bytes.
 * @arg: the kernel's copy of the structure.
 */
struct call {
	struct ba_client *client;
	void __user *user;
	u32 user_size;
	u32 size;
	union {
		u32 arg_size;
		struct bufalloc_info info;
		struct bufalloc_heap heap;
		struct bufalloc_alloc alloc;
		struct bufalloc_query query;
		struct bufalloc_commit commit;
		struct bufalloc_sync sync;
		struct bufalloc_advise advise;
	} arg;
};

struct command {
	unsigned int cmd;
	u32 size;
	u32 size_min; /* of the structure's first version */
	int (*run)(struct call *call);
};

static int call_write(struct call *call)
{
	u32 size = min(call->size, call->user_size);

	/* Skip the rest of the caller's structure: copy_struct_from_user() found only zeros. */
	return copy_to_user(call->user, &call->arg, size) ? -EFAULT : 0;
}

static void info_tell_use(struct bufalloc_info *info,
			  const struct ba_client *client)
{
	struct ba_quota_report report;

	ba_quota_tell(client->quota, &report);
	info->out_client_bytes = report.client.bytes;
	info->out_client_buffers = report.client.buffers;
	info->out_system_bytes = report.system.bytes;
	info->out_system_buffers = report.system.buffers;
	info->out_user_bytes = report.user.bytes;
	info->out_user_buffers = report.user.buffers;
	info->out_user_bytes_max = report.user_max.bytes;
	info->out_user_buffers_max = report.user_max.buffers;
	info->out_system_bytes_max = report.system_max.bytes;
	info->out_system_buffers_max = report.system_max.buffers;
}

static int run_info(struct call *call)
{
	struct bufalloc_info *info = &call->arg.info;

	info->out_abi_version = BUFALLOC_ABI_VERSION;
	info->out_features = BUFALLOC_FEATURE_DEFERRED |
			     BUFALLOC_FEATURE_ALIGNMENT |
			     BUFALLOC_FEATURE_PADDING |
			     BUFALLOC_FEATURE_SEGMENTS |
			     BUFALLOC_FEATURE_SYNC |
			     BUFALLOC_FEATURE_PURGEABLE;
	if (ba_user_pages_allowed())
		info->out_features |= BUFALLOC_FEATURE_USER_MEMORY;
	if (ba_shmem_is_possible())
		info->out_features |= BUFALLOC_FEATURE_PAGEABLE;
	info->out_page_size = PAGE_SIZE;
	info->out_heaps = ba_heap_count();
	info->out_max_batch = BUFALLOC_MAX_BATCH;
	info->out_buffer_cost = QUOTA_BUFFER_COST;
	info->out_max_length = ba_request_max_length();
	info_tell_use(info, call->client);
	return call_write(call);
}

static int run_heap(struct call *call)
{
	struct bufalloc_heap *out = &call->arg.heap;
	struct ba_heap *heap;

	heap = ba_heap_at(out->index);
	if (!heap)
		return -ENOENT;

	strscpy_pad(out->out_name, heap->name, sizeof(out->out_name));
	out->out_dma_bits = heap->dma_bits;
	out->out_memtype_wc = ba_heap_memtype(heap, BUFALLOC_CACHING_WC);
	out->out_memtype_coherent =
		ba_heap_memtype(heap, BUFALLOC_CACHING_COHERENT);
	out->out_memtype_cached = ba_heap_memtype(heap, BUFALLOC_CACHING_CACHED);
	out->out_cachings = ba_heap_cachings(heap);
	out->out_flags = ba_heap_flags(heap);
	out->out_bytes_total = heap->region_size;
	out->out_bytes_used = atomic64_read(&heap->used);
	out->out_contiguous = ba_heap_contiguous(heap);
	return call_write(call);
}

static int run_alloc(struct call *call)
{
	struct ba_batch batch;
	int ret;

	ret = ba_alloc_prepare(&batch, call->client, &call->arg.alloc);
	if (ret) {
		/* The call fails with this errno even if the reason cannot be written. */
		call_write(call);
		return ret;
	}

	ret = call_write(call);
	if (ret)
		ba_alloc_undo(&batch);
	else
		ba_alloc_publish(&batch);
	return ret;
}

static void query_buffer(struct bufalloc_query *query, struct dma_buf *dmabuf)
{
	struct ba_buffer_facts facts;

	ba_buffer_describe(dmabuf, &facts);
	query->out_length = facts.length;
	query->out_caching = facts.caching;
	query->out_memtype = facts.memtype;
	query->out_heap = facts.heap;
	query->out_state = facts.state;
	query->out_chunks = facts.chunks;
	query->out_segments = facts.segments;
	query->out_attachments = facts.attachments;
	query->out_max_cpu_page = facts.largest_page;
	query->out_refusals = facts.refusals;
	query->out_refusal = facts.refusal;
	query->out_resident = facts.resident;
}

static int run_query(struct call *call)
{
	struct bufalloc_query *query = &call->arg.query;
	struct dma_buf *dmabuf;
	int ret = -EINVAL;

	if (query->__reserved)
		return -EINVAL;

	dmabuf = dma_buf_get(query->fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	if (ba_buffer_is(dmabuf)) {
		query_buffer(query, dmabuf);
		ret = call_write(call);
	}
	dma_buf_put(dmabuf);
	return ret;
}

/*
 * Write "no entry was refused" before the buffers change. If this write fails, no buffer has
 * changed. After a success there is nothing more to write.
 */
static int run_commit(struct call *call)
{
	struct bufalloc_commit *commit = &call->arg.commit;
	int ret, err;

	commit->out_failed = commit->count;
	commit->out_reason = BUFALLOC_REASON_NONE;
	ret = ba_commit_check(commit);
	err = call_write(call);
	if (ret || err)
		return ret ?: err;

	ret = ba_commit_run(commit);
	if (ret)
		call_write(call);
	return ret;
}

/* SYNC has no output. */
static int run_sync(struct call *call)
{
	const struct bufalloc_sync *sync = &call->arg.sync;

	return ba_sync_check(sync) ?: ba_sync_run(sync);
}

/*
 * Write the output "not retained" before the state changes. If the second write fails, the caller
 * still reads that the content may be gone.
 */
static int run_advise(struct call *call)
{
	struct bufalloc_advise *advise = &call->arg.advise;
	int ret, err;

	advise->out_retained = 0;
	advise->out_reason = BUFALLOC_REASON_NONE;
	ret = ba_advise_check(advise);
	err = call_write(call);
	if (ret || err)
		return ret ?: err;

	ret = ba_advise_run(advise);
	return call_write(call) ?: ret;
}

#define COMMAND(name, type, min) \
	[_IOC_NR(BUFALLOC_IOCTL_##name)] = { \
		.cmd = BUFALLOC_IOCTL_##name, \
		.size = sizeof(struct bufalloc_##type), \
		.size_min = min, \
		.run = run_##type, \
	}

static const struct command commands[] = {
	COMMAND(INFO, info, 72),
	COMMAND(HEAP, heap, 88),
	COMMAND(ALLOC, alloc, 48),
	COMMAND(QUERY, query, 56),
	COMMAND(COMMIT, commit, 32),
	COMMAND(SYNC, sync, 32),
	COMMAND(ADVISE, advise, 24),
};

static_assert(sizeof(struct bufalloc_info) == 120);
static_assert(sizeof(struct bufalloc_heap) == 88);
static_assert(sizeof(struct bufalloc_alloc) == 48);
static_assert(sizeof(struct bufalloc_query) == 72);
static_assert(sizeof(struct bufalloc_commit) == 32);
static_assert(sizeof(struct bufalloc_sync) == 32);
static_assert(sizeof(struct bufalloc_request) == 56);
static_assert(sizeof(struct bufalloc_advise) == 24);
static_assert(sizeof(struct bufalloc_result) == 32);

static const struct command *command_find(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(commands))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(commands));
	return commands[nr].cmd == cmd ? &commands[nr] : NULL;
}

/* Check in the order that <linux/bufalloc.h> lists (DOC: Errors). */
static int call_read(struct call *call, const struct command *command)
{
	if (get_user(call->user_size, (u32 __user *)call->user))
		return -EFAULT;
	if (call->user_size < command->size_min)
		return -EINVAL;
	if (call->user_size > PAGE_SIZE)
		return -E2BIG;

	call->size = command->size;
	return copy_struct_from_user(&call->arg, call->size, call->user,
				     call->user_size);
}

static long chardev_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	const struct command *command = command_find(cmd);
	struct call call = {
		.client = file->private_data,
		.user = (void __user *)arg,
	};
	int ret;

	if (!command)
		return -ENOTTY;

	ret = call_read(&call, command);
	if (ret)
		return ret;
	/* Another thread may have changed the size in user memory between the two reads. */
	call.arg.arg_size = call.user_size;
	return command->run(&call);
}

static struct miscdevice charged_misc;

/*
 * Refuse open until both devices exist: if the second registration fails, the module
 * unloads.
 */
static bool has_both_devices;

static int chardev_open(struct inode *inode, struct file *file)
{
	/* misc_open() has stored the miscdevice in private_data. */
	bool charged_only = file->private_data == &charged_misc;

	/* Pairs with smp_store_release() in ba_chardev_register(). */
	if (!smp_load_acquire(&has_both_devices))
		return -ENODEV;

	file->private_data = ba_client_create(file->f_cred, charged_only);
	return file->private_data ? 0 : -ENOMEM;
}

static int chardev_release(struct inode *inode, struct file *file)
{
	ba_client_put(file->private_data);
	return 0;
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.release = chardev_release,
	.unlocked_ioctl = chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static ssize_t live_bytes_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", ba_quota_in_use().bytes);
}
static DEVICE_ATTR_RO(live_bytes);

static ssize_t live_buffers_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", ba_quota_in_use().buffers);
}
static DEVICE_ATTR_RO(live_buffers);

static struct attribute *device_attrs[] = {
	&dev_attr_live_bytes.attr,
	&dev_attr_live_buffers.attr,
	NULL
};
ATTRIBUTE_GROUPS(device);

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bufalloc",
	.fops = &chardev_fops,
	.groups = device_groups,
};

/* A udev rule can grant this device to all users with a local session: see packaging/udev/. */
static struct miscdevice charged_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bufalloc-charged",
	.fops = &chardev_fops,
};

int ba_chardev_register(void)
{
	int ret;

	ret = misc_register(&charged_misc);
	if (ret)
		return ret;

	ret = misc_register(&misc);
	if (ret) {
		misc_deregister(&charged_misc);
		return ret;
	}

	/* Pairs with smp_load_acquire() in chardev_open(): both devices are registered. */
	smp_store_release(&has_both_devices, true);
	return 0;
}

void ba_chardev_unregister(void)
{
	misc_deregister(&misc);
	misc_deregister(&charged_misc);
}
