// SPDX-License-Identifier: GPL-2.0
/*
 * Pins memory of a process as a chunk. The pages stay pinned until the buffer is released, even if
 * the process ends or unmaps the memory. The memory cgroup of the task that touched the pages first
 * is charged already. Here the pages count for RLIMIT_MEMLOCK and for the quotas.
 *
 * Main object: struct ba_chunk with pinned_for, from ba_user_pages_pin() to ba_user_pages_unpin().
 * No lock: the chunk does not change meanwhile. Pinning can fault, so the caller holds no lock of
 * the module.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/scatterlist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "alloc_context.h"
#include "chunk.h"
#include "client.h"
#include "gfp.h"
#include "limits.h"
#include "quota.h"
#include "user_pages.h"

static bool user_memory;
module_param(user_memory, bool, 0644);
MODULE_PARM_DESC(user_memory, "memory of processes may become buffers");

/*
 * The number of pages that one call pins. Signals are checked between two calls, and interrupts are
 * off for no longer than one call.
 */
#define PIN_AT_ONCE 512UL

bool ba_user_pages_allowed(void)
{
	return READ_ONCE(user_memory);
}

/*
 * Count pages in pinned_vm, as other drivers do. mlock(2) has a count of its own. Return: 0, or
 * -ENOMEM: the pages pass RLIMIT_MEMLOCK, and the caller lacks CAP_IPC_LOCK.
 */
static int locked_charge(struct mm_struct *mm, unsigned long pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (atomic64_add_return(pages, &mm->pinned_vm) > limit &&
	    !capable(CAP_IPC_LOCK)) {
		atomic64_sub(pages, &mm->pinned_vm);
		return -ENOMEM;
	}
	return 0;
}

static void locked_uncharge(struct mm_struct *mm, unsigned long pages)
{
	atomic64_sub(pages, &mm->pinned_vm);
}

/*
 * Refuse pages of a file on disk, and memory of a device: neither writeback nor the removal of a
 * device waits for DMA. Accept anonymous pages and pages of shmem, which are backed by swap.
 * Private huge pages (hugetlb) are not backed by swap, but are anonymous.
 */
static bool is_suitable(struct page *page)
{
	struct folio *folio = page_folio(page);

	return !is_zone_device_page(page) &&
	       (folio_test_anon(folio) || folio_test_swapbacked(folio));
}

/* A private mapping can be suitable. A shared mapping is suitable if its file is of shmem. */
static bool is_suitable_mapping(const struct vm_area_struct *vma)
{
	const struct inode *inode;

	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return false;
	if (!(vma->vm_flags & VM_SHARED))
		return true;
	/* devtmpfs has the same magic, so accept regular files only. */
	inode = vma->vm_file ? file_inode(vma->vm_file) : NULL;
	return inode && S_ISREG(inode->i_mode) &&
	       inode->i_sb->s_magic == TMPFS_MAGIC;
}

/*
 * Why @address cannot be pinned. USER_KIND: the mapping is writable but not suitable. USER_ADDRESS:
 * there is no mapping, no page, or no right to write.
 *
 * Pinning ignores the tag of an address, as some processors do. vma_lookup() does not.
 */
static enum bufalloc_reason judge_mapping(unsigned long address)
{
	enum bufalloc_reason reason = BUFALLOC_REASON_USER_ADDRESS;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, untagged_addr(address));
	if (vma && vma->vm_flags & VM_WRITE && !is_suitable_mapping(vma))
		reason = BUFALLOC_REASON_USER_KIND;
	mmap_read_unlock(mm);
	return reason;
}

/* A call that pins many pages does not report a hardware error as such, so pin a single page. */
static bool is_poisoned(unsigned long address)
{
	struct page *page;
	long got;

	got = pin_user_pages_unlocked(address, 1, &page,
				      FOLL_WRITE | FOLL_HWPOISON);
	if (got == 1)
		unpin_user_page(page);
	return got == -EHWPOISON;
}

static enum bufalloc_reason why_not_pinned(int err, unsigned long address)
{
	enum bufalloc_reason reason = judge_mapping(address);

	/* -EOPNOTSUPP: a shared or private mapping of a DAX file: its pages are of a device. */
	if (err == -EOPNOTSUPP)
		reason = BUFALLOC_REASON_USER_KIND;
	if (reason == BUFALLOC_REASON_USER_ADDRESS && is_poisoned(address))
		reason = BUFALLOC_REASON_UNREADABLE;
	return reason;
}

static int refuse_pin(int err, unsigned long address,
		      enum bufalloc_reason *reason)
{
	if (fatal_signal_pending(current)) {
		*reason = BUFALLOC_REASON_SIGNAL;
		return -EINTR;
	}
	if (err == -ENOMEM) {
		*reason = BUFALLOC_REASON_MEMORY;
		return -ENOMEM;
	}
	*reason = why_not_pinned(err, address);
	return -EFAULT;
}

/* Return: the number of pinned pages, or an error. The caller takes 0 as an error, too. */
static int pin_some(struct page **pages, unsigned long address,
		    unsigned long count)
{
	int batch = min(count, PIN_AT_ONCE);

	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	return pin_user_pages_fast(address, batch, FOLL_WRITE | FOLL_LONGTERM,
				   pages);
}

/* Pin all pages, or none. Return: 0, or an error of refuse_pin(). */
static int pin_pages(struct page **pages, unsigned long address,
		     unsigned long count, enum bufalloc_reason *reason)
{
	unsigned long done = 0;
	unsigned long at;
	int got;

	while (done < count) {
		at = address + (done << PAGE_SHIFT);
		got = pin_some(pages + done, at, count - done);
		if (got <= 0) {
			unpin_user_pages(pages, done);
			return refuse_pin(got, at, reason);
		}
		done += got;
	}
	return 0;
}

static int check_pages(struct page **pages, unsigned long count,
		       enum bufalloc_reason *reason)
{
	unsigned long i;

	for (i = 0; i < count; i++) {
		if (!is_suitable(pages[i])) {
			*reason = BUFALLOC_REASON_USER_KIND;
			return -EFAULT;
		}
	}
	return 0;
}

static struct sg_table *list_pages(struct page **pages, unsigned long count)
{
	struct sg_table *pages_sgt;

	pages_sgt = kmalloc(sizeof(*pages_sgt), GFP_METADATA);
	if (!pages_sgt)
		return NULL;
	if (sg_alloc_table_from_pages_segment(pages_sgt, pages, count, 0,
					      count << PAGE_SHIFT, SEGMENT_MAX,
					      GFP_METADATA)) {
		kfree(pages_sgt);
		return NULL;
	}
	return pages_sgt;
}

static int pin_to_sgt(struct ba_chunk *chunk, unsigned long address,
		      enum bufalloc_reason *reason)
{
	unsigned long count = chunk->size >> PAGE_SHIFT;
	struct page **pages;
	int ret;

	*reason = BUFALLOC_REASON_MEMORY;
	pages = kvmalloc_array(count, sizeof(*pages), GFP_METADATA);
	if (!pages)
		return -ENOMEM;

	ret = pin_pages(pages, address, count, reason);
	if (ret)
		goto free_pages;

	ret = check_pages(pages, count, reason);
	if (!ret) {
		chunk->page = pages[0];
		chunk->pages_sgt = list_pages(pages, count);
		ret = chunk->pages_sgt ? 0 : -ENOMEM;
	}
	if (ret)
		unpin_user_pages(pages, count);
free_pages:
	kvfree(pages);
	return ret;
}

/* Mark all pages dirty: a device can have written to any of them. */
static void unpin_sgt(struct sg_table *pages_sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(pages_sgt, sg, i) {
		unpin_user_page_range_dirty_lock(sg_page(sg),
						 sg->length >> PAGE_SHIFT,
						 true);
		cond_resched();
	}
	sg_free_table(pages_sgt);
	kfree(pages_sgt);
}

static bool is_within_addresses(u64 address, size_t size)
{
	return address <= ULONG_MAX && size - 1 <= ULONG_MAX - address;
}

/**
 * ba_user_pages_pin() - pin memory of the calling process
 * @chunk: filled in.
 * @context: the client that is charged.
 * @address: page-aligned address in the process.
 * @size: bytes, whole pages.
 * @reason: set on error.
 *
 * Return: 0, or an error:
 * -EFAULT: a page does not exist, is not writable, is poisoned, or is of a file or a device.
 * -EDQUOT: @size passes a quota.
 * -ENOMEM: @size passes RLIMIT_MEMLOCK, or no memory for the pages or their lists.
 * -EINTR: a fatal signal is pending.
 */
int ba_user_pages_pin(struct ba_chunk *chunk, const struct ba_alloc_context *context, u64 address,
		      size_t size, enum bufalloc_reason *reason)
{
	struct ba_quota *quota = context->client->quota;
	struct ba_use memory = { .bytes = size };
	struct mm_struct *mm = current->mm;
	int ret;

	*chunk = (struct ba_chunk) { .size = size, .cost = size };
	if (!is_within_addresses(address, size)) {
		*reason = BUFALLOC_REASON_USER_ADDRESS;
		return -EFAULT;
	}

	ret = ba_quota_charge(quota, memory);
	if (ret) {
		*reason = ba_quota_limiting(quota, memory);
		return ret;
	}
	ret = locked_charge(mm, size >> PAGE_SHIFT);
	if (ret) {
		*reason = BUFALLOC_REASON_LOCKED;
		goto uncharge;
	}
	ret = pin_to_sgt(chunk, address, reason);
	if (ret)
		goto uncharge_locked;

	/* Keep the mm_struct for its pinned_vm. mmgrab() does not keep the address space. */
	mmgrab(mm);
	chunk->pinned_for = mm;
	return 0;

uncharge_locked:
	locked_uncharge(mm, size >> PAGE_SHIFT);
uncharge:
	ba_quota_uncharge(quota, memory);
	return ret;
}

/* Unpin and uncharge the pages. The process can still have them mapped. */
void ba_user_pages_unpin(const struct ba_chunk *chunk, const struct ba_alloc_context *context)
{
	unpin_sgt(chunk->pages_sgt);
	locked_uncharge(chunk->pinned_for, chunk->size >> PAGE_SHIFT);
	mmdrop(chunk->pinned_for);
	ba_quota_uncharge(context->client->quota,
			  (struct ba_use) { .bytes = chunk->cost });
}
