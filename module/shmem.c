// SPDX-License-Identifier: GPL-2.0
/*
 * Pageable memory: the pages of a shmem file, which is closed to processes (close_to_others()).
 * Devices and kernel mappings pin the pages. The pages can lie anywhere. The memory cgroup of the
 * caller of ALLOC is charged for the pages, whichever access reads them in.
 *
 * Main objects: struct ba_shmem is unpinned, or pinned from ba_shmem_pin_end() to ba_shmem_unpin().
 * The buffer's lock guards it. struct ba_shmem_pin reads and pins pages without this lock, so that
 * other users of the buffer do not wait for the swap device.
 */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "alloc_context.h"
#include "client.h"
#include "compat/compat.h"
#include "gfp.h"
#include "headroom.h"
#include "limits.h"
#include "quota.h"
#include "shmem.h"

/*
 * Without __GFP_MOVABLE, because devices pin pages for long, and the kernel must be able to empty
 * movable memory. With __GFP_RETRY_MAYFAIL, which does not call the OOM killer.
 */
#define GFP_SHMEM (GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* Without CONFIG_SHMEM the files are of ramfs, which the kernel does not swap. */
bool ba_shmem_is_possible(void)
{
	return IS_ENABLED(CONFIG_SHMEM);
}

/*
 * A process can reach the file through /proc, and madvise(2) can punch holes into a mapping while
 * devices use the pages. The seals refuse writes, holes and a new size. Mappings that the module
 * makes do not check seals.
 */
static void seal(struct file *file)
{
	SHMEM_I(file_inode(file))->seals = F_SEAL_SEAL | F_SEAL_SHRINK |
					   F_SEAL_GROW | F_SEAL_WRITE;
}

/*
 * These operations replace the file operations of shmem. There is no mmap operation:
 * remap_file_pages(2) asks the file of a VMA for a new mapping, which would not be counted and
 * could have more rights. The file can live longer than the buffer, so it holds the module (owner).
 */
static const struct file_operations shmem_fops = {
	.owner = THIS_MODULE,
	.fsync = noop_fsync,
};

/* Make a shmem file unusable for processes. The caller has a file of the module open. */
static void close_to_others(struct file *file)
{
	seal(file);
	__module_get(THIS_MODULE);
	replace_fops(file, &shmem_fops);
	/* The kernel warns if a process reads or writes a file without these operations. */
	file->f_mode &= ~(FMODE_CAN_READ | FMODE_CAN_WRITE);
}

/*
 * shmem returns -ENOSPC if no inode or page could be allocated. This file has no size
 * limit, so the cause was memory.
 */
static void *no_memory_for_no_room(void *made)
{
	return made == ERR_PTR(-ENOSPC) ? ERR_PTR(-ENOMEM) : made;
}

/* Set the mask of the file as well: the kernel uses this mask if it allocates pages of the file. */
static struct file *file_make(size_t length)
{
	struct file *file;

	file = no_memory_for_no_room(shmem_file_make("bufalloc", length));
	if (!IS_ERR(file))
		mapping_set_gfp_mask(file->f_mapping, GFP_SHMEM);
	return file;
}

/**
 * ba_shmem_create() - create a shmem file, without pages
 * @context: the client and the memory cgroup that are charged.
 * @length: bytes, whole pages.
 *
 * Return: the pageable memory, or an ERR_PTR:
 * -EDQUOT: @length passes a quota.
 * -ENOMEM: no memory for the file or its records.
 * -ENFILE: the system has no file left.
 * Other errors are those of shmem_file_setup().
 */
struct ba_shmem *ba_shmem_create(const struct ba_alloc_context *context, size_t length)
{
	struct ba_use use = { .bytes = length };
	struct ba_shmem *shmem;
	struct file *file;
	int ret;

	ret = ba_quota_charge(context->client->quota, use);
	if (ret)
		return ERR_PTR(ret);

	shmem = kzalloc(sizeof(*shmem), GFP_METADATA);
	ret = shmem ? ba_make_room_for_file() : -ENOMEM;
	file = ret ? ERR_PTR(ret) : file_make(length);
	if (IS_ERR(file)) {
		kfree(shmem);
		ba_quota_uncharge(context->client->quota, use);
		return ERR_CAST(file);
	}

	close_to_others(file);
	shmem->file = file;
	shmem->client = context->client;
	shmem->memcg = context->memcg;
	shmem->length = length;
	return shmem;
}

/* Free the pages at once: another reference to the file can live longer. */
void ba_shmem_destroy(struct ba_shmem *shmem)
{
	struct inode *inode;
	struct ba_use use;

	if (!shmem)
		return;
	WARN_ON(shmem->pages_sgt.sgl);
	use = (struct ba_use) { .bytes = shmem->length };
	inode = file_inode(shmem->file);
	i_size_write(inode, 0);
	shmem_truncate_range(inode, 0, (loff_t)-1);
	fput(shmem->file);
	ba_quota_uncharge(shmem->client->quota, use);
	kfree(shmem);
}

static size_t resident(const struct file *file, size_t length)
{
	size_t pages = READ_ONCE(file->f_mapping->nrpages);

	/* A large page can reach past the end of the file. */
	return min(pages << PAGE_SHIFT, length);
}

/* The number of bytes that are in memory now. */
size_t ba_shmem_resident(const struct ba_shmem *shmem)
{
	return resident(shmem->file, shmem->length);
}

static struct page *read_page(struct file *file, struct mem_cgroup *memcg,
			      pgoff_t index)
{
	struct mem_cgroup *asks = set_active_memcg(memcg);
	struct page *page;

	page = shmem_read_mapping_page_gfp(file->f_mapping, index, GFP_SHMEM);
	set_active_memcg(asks);
	return no_memory_for_no_room(page);
}

/**
 * ba_shmem_read_page() - read a page in, from the swap device if necessary
 * @shmem: the memory that has the page.
 * @index: number of the page in the file.
 *
 * Return: the page, with a reference that the caller puts, or an ERR_PTR:
 * -ENOMEM: no memory for the page, or the memory cgroup is full.
 * -EIO: the page is poisoned, or cannot be read from the swap device.
 * Other errors are those of shmem_read_mapping_page_gfp().
 */
struct page *ba_shmem_read_page(const struct ba_shmem *shmem, pgoff_t index)
{
	return read_page(shmem->file, shmem->memcg, index);
}

/*
 * Migration can have put a page into memory that the kernel must be able to empty: ZONE_MOVABLE, or
 * a CMA area. A page that is pinned there would block the kernel, so move the page to other memory
 * first.
 */
static struct page *read_page_to_pin(const struct ba_shmem_pin *pin, pgoff_t index)
{
	struct page *page = read_page(pin->file, pin->memcg, index);
	struct mem_cgroup *asks;

	if (IS_ERR(page))
		return page;
	asks = set_active_memcg(pin->memcg);
	page = shmem_page_longterm(pin->file, index, page);
	set_active_memcg(asks);
	return no_memory_for_no_room(page);
}

/* Put pages back on the LRU lists, where reclaim finds them, and drop the references. */
static void release_batch(struct folio_batch *batch)
{
	check_move_unevictable_folios(batch);
	folio_batch_release(batch);
	cond_resched();
}

/* Drop one reference for each page: a large folio has one reference for each of its pages. */
static void put_pages(struct page **pages, size_t count)
{
	struct folio_batch batch;
	size_t i;

	folio_batch_init(&batch);
	for (i = 0; i < count; i++)
		if (!folio_batch_add(&batch, page_folio(pages[i])))
			release_batch(&batch);
	if (folio_batch_count(&batch))
		release_batch(&batch);
}

/* Whether there is headroom for the pages that are not in memory. */
static bool headroom_allows_rest(const struct ba_shmem_pin *pin)
{
	size_t there = resident(pin->file, pin->length);

	return ba_headroom_allows_with_swap(pin->length - there);
}

/* The number of pages that are read in between two checks of the headroom. */
#define PAGES_AT_ONCE 256

static int check_reading(const struct ba_shmem_pin *pin, size_t index)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	return index % PAGES_AT_ONCE || headroom_allows_rest(pin) ? 0 : -ENOMEM;
}

/* Return: the number of pages that were read in. If pages are missing, @err is an error. */
static size_t read_pages(const struct ba_shmem_pin *pin, struct page **pages, int *err)
{
	size_t count = pin->length >> PAGE_SHIFT;
	size_t i;

	*err = 0;
	for (i = 0; i < count; i++) {
		*err = check_reading(pin, i);
		if (*err)
			break;
		pages[i] = read_page_to_pin(pin, i);
		if (IS_ERR(pages[i])) {
			*err = PTR_ERR(pages[i]);
			break;
		}
		cond_resched();
	}
	return i;
}

static int list_pages(struct ba_shmem_pin *pin, struct page **pages)
{
	return sg_alloc_table_from_pages_segment(&pin->pages_sgt, pages,
						 pin->length >> PAGE_SHIFT, 0,
						 pin->length, SEGMENT_MAX,
						 GFP_METADATA);
}

/* Called with the buffer's lock and populate_lock, so one thread at a time pins these pages. */
void ba_shmem_pin_begin(struct ba_shmem_pin *pin, const struct ba_shmem *shmem)
{
	*pin = (struct ba_shmem_pin) {
		.file = shmem->file,
		.memcg = shmem->memcg,
		.length = shmem->length,
	};
}

/**
 * ba_shmem_pin_pages() - read all pages in, and pin them
 * @pin: as after ba_shmem_pin_begin(). The caller keeps the shmem file alive.
 *
 * Return: 0, or an error:
 * -ENOMEM: no memory or no headroom for a page, or no memory for the list of pages.
 * -EINTR: a fatal signal is pending.
 * -EBUSY: a page lies in movable memory, and this kernel does not let a module move the page.
 * -EIO: a page is poisoned, or cannot be read from the swap device.
 * Other errors are those of the kernel's functions that read a page in, or move it.
 */
int ba_shmem_pin_pages(struct ba_shmem_pin *pin)
{
	struct address_space *mapping = pin->file->f_mapping;
	struct page **pages;
	size_t count;
	int ret;

	pages = kvmalloc_array(pin->length >> PAGE_SHIFT, sizeof(*pages),
			       GFP_METADATA);
	if (!pages)
		return -ENOMEM;

	count = read_pages(pin, pages, &ret);
	if (!ret)
		ret = list_pages(pin, pages);
	/*
	 * Reclaim need not scan pinned pages: it moves pages of an unevictable mapping to the
	 * unevictable list. release_batch() moves them back, and needs a list of all pages.
	 */
	if (!ret)
		mapping_set_unevictable(mapping);
	else
		put_pages(pages, count);
	kvfree(pages);
	return ret;
}

static void put_range(struct folio_batch *batch, struct scatterlist *sg)
{
	struct page *page = sg_page(sg);
	size_t count = sg->length >> PAGE_SHIFT;
	struct folio *folio;
	size_t i;

	for (i = 0; i < count; i++) {
		folio = page_folio(pfn_to_page(page_to_pfn(page) + i));
		/* A write by a device does not mark the page dirty. */
		folio_mark_dirty(folio);
		folio_mark_accessed(folio);
		if (!folio_batch_add(batch, folio))
			release_batch(batch);
	}
}

/**
 * ba_shmem_pin_end() - make the pinned pages the chunk of the buffer
 * @shmem: unpinned. Its chunk describes the pages until ba_shmem_unpin().
 * @pin: as after a successful ba_shmem_pin_pages(). @shmem owns the list of pages afterwards.
 */
void ba_shmem_pin_end(struct ba_shmem *shmem, struct ba_shmem_pin *pin)
{
	shmem->pages_sgt = pin->pages_sgt;
	shmem->chunk = (struct ba_chunk) {
		.page = sg_page(shmem->pages_sgt.sgl),
		.size = shmem->length,
		.pages_sgt = &shmem->pages_sgt,
	};
}

/* Called with the buffer's lock. No device may have an address of the pages any more. */
void ba_shmem_unpin(struct ba_shmem *shmem)
{
	struct scatterlist *sg;
	struct folio_batch batch;
	unsigned int i;

	mapping_clear_unevictable(shmem->file->f_mapping);
	folio_batch_init(&batch);
	for_each_sgtable_sg(&shmem->pages_sgt, sg, i)
		put_range(&batch, sg);
	if (folio_batch_count(&batch))
		release_batch(&batch);
	sg_free_table(&shmem->pages_sgt);
}
