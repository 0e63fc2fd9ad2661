// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a process, as a chunk. Its pages stay pinned until the buffer is released,
 * whatever happens to the process or to its mapping. The memory cgroup of the first toucher
 * is charged; here the pages count for RLIMIT_MEMLOCK and for the quotas.
 *
 * Pinning can fault, so no lock of the module is held.
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

/* A signal is seen between two batches, and interrupts are off for one at most. */
#define PIN_AT_ONCE 512UL

bool ba_user_pages_allowed(void)
{
	return READ_ONCE(user_memory);
}

/* Count pages in pinned_vm, as other drivers do: mlock(2) counts apart. */
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
 * Memory of a file, or of a device, is not for DMA at any time: what writes the one
 * back, or takes the other away, does not wait for that. What can be swapped is
 * anonymous, or of shmem; a huge page cannot be, but is anonymous where it is private.
 */
static bool is_suitable(struct page *page)
{
	struct folio *folio = page_folio(page);

	return !is_zone_device_page(page) &&
	       (folio_test_anon(folio) || folio_test_swapbacked(folio));
}

/* A shared mapping is suitable if its file is of shmem. */
static bool is_suitable_mapping(const struct vm_area_struct *vma)
{
	const struct inode *inode;

	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return false;
	if (!(vma->vm_flags & VM_SHARED))
		return true;
	/* Nodes of devices lie in a file system of the same kind. */
	inode = vma->vm_file ? file_inode(vma->vm_file) : NULL;
	return inode && S_ISREG(inode->i_mode) &&
	       inode->i_sb->s_magic == TMPFS_MAGIC;
}

/*
 * Memory of another kind cannot be pinned though the caller may write it. A mapping
 * that is of the right kind has no page there, or none that can be written. Some
 * processors ignore a part of an address, as pinning does, but this look-up does not.
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

/* Pinning many pages at once does not tell an error of the hardware from the others. */
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

	/* Pages of a file system whose memory is a device's own, also as a copy. */
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

/* Return: the number of pinned pages, or an error. No page is an error, too. */
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

/* Pin all pages, or none. */
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

/* A device may have written to any of them. */
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
 * ba_user_pages_pin() - pin memory of the caller
 * @chunk: to be filled in.
 * @context: who is charged.
 * @address: of a page.
 * @size: bytes, whole pages.
 * @reason: why not, where that fails.
 *
 * Return: 0; -EFAULT for memory that is not there, cannot be written, or is of a file
 * or a device; -EDQUOT past a quota; -ENOMEM past RLIMIT_MEMLOCK, or without memory;
 * -EINTR after a fatal signal.
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

	/* Keep the mm_struct for its pinned_vm count. mmgrab() keeps nothing else of it. */
	mmgrab(mm);
	chunk->pinned_for = mm;
	return 0;

uncharge_locked:
	locked_uncharge(mm, size >> PAGE_SHIFT);
uncharge:
	ba_quota_uncharge(quota, memory);
	return ret;
}

/* Unpin the pages: the process may still have them. */
void ba_user_pages_unpin(const struct ba_chunk *chunk, const struct ba_alloc_context *context)
{
	unpin_sgt(chunk->pages_sgt);
	locked_uncharge(chunk->pinned_for, chunk->size >> PAGE_SHIFT);
	mmdrop(chunk->pinned_for);
	ba_quota_uncharge(context->client->quota,
			  (struct ba_use) { .bytes = chunk->cost });
}
