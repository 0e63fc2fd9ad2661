// SPDX-License-Identifier: GPL-2.0
/*
 * Purges memory that userspace does not need. A buffer after DONTNEED keeps its memory until the
 * kernel needs memory. Then the shrinker purges whole buffers, in the order of their listing.
 *
 * Reclaim can start while the task holds any lock, a page lock among them. So the shrinker only
 * tries the buffer's lock, waits for nothing, and frees nothing. The shrinker moves the memory from
 * the buffer to a record (struct ba_purge_record), and a worker frees the memory. The worker may
 * wait for locked pages, for blocks_lock, and on x86 for the lock of the kernel's page tables.
 *
 * Main objects: each buffer has a struct ba_purgeable and a struct ba_purge_record. A record is
 * busy from purgeable_detach() to record_end(), else idle. If a buffer is released while its record
 * is busy, the worker frees the record.
 *
 * Lock: purge_lock guards the list of purgeable memory and the list of busy records.
 */
#include <linux/atomic.h>
#include <linux/dma-resv.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/ww_mutex.h>

#include "backing.h"
#include "client.h"
#include "compat/compat.h"
#include "gfp.h"
#include "heap.h"
#include "purge.h"

/* Jiffies that the OOM notifier waits at most for pending memory, before a process is killed. */
#define OOM_WAIT (HZ / 2)

/* The largest number of buffers that one scan looks at: purge_lock is held during the scan. */
#define LOOKS_MAX 256

/**
 * struct ba_purge_record - memory that was purged and is not free yet
 * @link: entry in the list of busy records; empty while the record is idle.
 * @work: frees the memory.
 * @backing: the memory. A busy record holds a reference to the client.
 * @number: ordinal number of the purge; numbers rise along the list.
 * @is_ownerless: the buffer was released: the worker frees this record as well.
 *
 * Each buffer has a record from the start: the shrinker must not allocate. purge_lock guards
 * @link, @number and @is_ownerless.
 */
struct ba_purge_record {
	struct list_head link;
	struct work_struct work;
	struct ba_backing backing;
	u64 number;
	bool is_ownerless;
};

/*
 * Guards both lists. The shrinker looks at a buffer only with this lock held, so the buffer is not
 * released meanwhile. Lock order: the lock of a buffer, reclaim, purge_lock. The shrinker takes a
 * buffer's lock inside of purge_lock, but only by trylock.
 */
static DEFINE_SPINLOCK(purge_lock);
static LIST_HEAD(purgeables);
static LIST_HEAD(records);
static u64 last_number;
static atomic_long_t purgeable_pages = ATOMIC_LONG_INIT(0);

/* Woken when purged memory is free. */
static DECLARE_WAIT_QUEUE_HEAD(freed_queue);

static struct workqueue_struct *workers;
static struct shrinker *shrinker;

/*
 * Count pages as reclaimable if @purgeable is true; else end the count. MemAvailable and headroom.c
 * include the count. Pages of shmem never count as reclaimable. A carving does not count, because
 * only the last carving of a block frees pages. Return: the number of pages.
 */
static unsigned long tell_kernel(const struct ba_backing *backing, bool purgeable)
{
	unsigned long told = 0;
	struct ba_chunk *chunk;
	long pages;

	if (backing->shmem)
		return 0;
	list_for_each_entry(chunk, &backing->chunks, link) {
		if (chunk->block)
			continue;
		pages = chunk->size >> PAGE_SHIFT;
		told += pages;
		mod_node_page_state(page_pgdat(chunk->page),
				    NR_KERNEL_MISC_RECLAIMABLE,
				    purgeable ? pages : -pages);
	}
	return told;
}

/* The memory is free: the record is idle again. Free the record if its buffer was released. */
static void record_end(struct ba_purge_record *record)
{
	struct ba_client *client = record->backing.context.client;
	bool is_ownerless;

	spin_lock(&purge_lock);
	list_del_init(&record->link);
	is_ownerless = record->is_ownerless;
	record->backing.context.client = NULL;
	spin_unlock(&purge_lock);
	ba_client_put(client);
	if (is_ownerless)
		kfree(record);
	wake_up_all(&freed_queue);
}

static void record_free(struct work_struct *work)
{
	struct ba_purge_record *record = container_of(work, struct ba_purge_record, work);

	/* Memory counts as reclaimable until it is freed. */
	tell_kernel(&record->backing, false);
	ba_backing_free(&record->backing);
	record_end(record);
}

static struct ba_purge_record *record_create(void)
{
	struct ba_purge_record *record = kzalloc(sizeof(*record), GFP_METADATA);

	if (!record)
		return NULL;
	INIT_LIST_HEAD(&record->link);
	INIT_WORK(&record->work, record_free);
	return record;
}

/* The buffer is released. If the record is busy, its worker frees the record later. */
static void record_release(struct ba_purge_record *record)
{
	bool is_in_use;

	spin_lock(&purge_lock);
	is_in_use = !list_empty(&record->link);
	record->is_ownerless = is_in_use;
	spin_unlock(&purge_lock);
	if (!is_in_use)
		kfree(record);
}

/* Return: 0 or -ENOMEM. */
int ba_purgeable_init(struct ba_purgeable *purgeable, struct ww_mutex *lock,
		      struct ba_backing *backing)
{
	*purgeable = (struct ba_purgeable) {
		.lock = lock,
		.backing = backing,
		.record = record_create(),
	};
	INIT_LIST_HEAD(&purgeable->link);
	return purgeable->record ? 0 : -ENOMEM;
}

void ba_purgeable_destroy(struct ba_purgeable *purgeable)
{
	ba_purgeable_remove(purgeable);
	record_release(purgeable->record);
}

static bool purgeable_is_listed(const struct ba_purgeable *purgeable)
{
	bool is_listed;

	spin_lock(&purge_lock);
	is_listed = !list_empty(&purgeable->link);
	spin_unlock(&purge_lock);
	return is_listed;
}

static void purgeable_list(struct ba_purgeable *purgeable)
{
	spin_lock(&purge_lock);
	list_add_tail(&purgeable->link, &purgeables);
	atomic_long_add(purgeable->pages, &purgeable_pages);
	spin_unlock(&purge_lock);
}

static void purgeable_unlist_locked(struct ba_purgeable *purgeable)
{
	lockdep_assert_held(&purge_lock);
	list_del_init(&purgeable->link);
	atomic_long_sub(purgeable->pages, &purgeable_pages);
}

/*
 * Make the memory of an unused buffer purgeable. Called with the buffer's lock. The memory of a
 * reserved region is not listed: the kernel has no use for a reserved region.
 */
void ba_purgeable_add(struct ba_purgeable *purgeable, struct dma_resv *resv)
{
	struct ba_backing *backing = purgeable->backing;

	if (!ba_backing_has_memory(backing) || backing->context.heap->region_size)
		return;
	/* The shrinker unlists a buffer only with the buffer's lock, so the answer stays true. */
	if (purgeable_is_listed(purgeable))
		return;

	purgeable->was_listed = true;
	purgeable->resv = resv;
	purgeable->pages = backing->requirements.length >> PAGE_SHIFT;
	purgeable->returned = tell_kernel(backing, true);
	purgeable_list(purgeable);
}

/*
 * Make the memory unpurgeable. Called with the buffer's lock, or at release. Most buffers were
 * never listed: @was_listed saves them the wait for purge_lock.
 */
void ba_purgeable_remove(struct ba_purgeable *purgeable)
{
	bool is_listed;

	if (!purgeable->was_listed)
		return;
	spin_lock(&purge_lock);
	is_listed = !list_empty(&purgeable->link);
	if (is_listed)
		purgeable_unlist_locked(purgeable);
	spin_unlock(&purge_lock);
	if (is_listed)
		tell_kernel(purgeable->backing, false);
}

static bool purgeable_is_in_use(const struct ba_purgeable *purgeable)
{
	/* The record is busy with an earlier purge. */
	if (!list_empty(&purgeable->record->link))
		return true;
	/* DONTNEED is refused while a fence is pending, but a fence can be added later. */
	return !dma_resv_test_signaled(purgeable->resv, DMA_RESV_USAGE_BOOKKEEP);
}

/*
 * Move the memory from the buffer to its record, and queue the record. Called with the buffer's
 * lock and purge_lock, so nothing may sleep: only lists change.
 */
static void purgeable_detach(struct ba_purgeable *purgeable)
{
	struct ba_purge_record *record = purgeable->record;
	struct ba_backing *backing = &record->backing;

	ba_backing_init(backing, &purgeable->backing->context, &purgeable->backing->requirements);
	backing->context.memcg = NULL;
	ba_client_get(backing->context.client);
	ba_backing_adopt(backing, purgeable->backing);
	purgeable_unlist_locked(purgeable);
	purgeable->purged = true;

	record->number = ++last_number;
	list_add_tail(&record->link, &records);
	queue_work(workers, &record->work);
}

/* The number of pages that the kernel gets back. For a shmem file: the pages in memory now. */
static unsigned long purgeable_count_returned(const struct ba_purgeable *purgeable)
{
	const struct ba_backing *backing = purgeable->backing;

	if (backing->shmem)
		return ba_backing_resident(backing) >> PAGE_SHIFT;
	return purgeable->returned;
}

/* Purge one buffer if nothing uses it. Add the pages that the kernel gets back to @freed. */
static bool purgeable_purge(struct ba_purgeable *purgeable, unsigned long *freed)
{
	if (purgeable_is_in_use(purgeable) || !ww_mutex_trylock(purgeable->lock, NULL))
		return false;
	*freed += purgeable_count_returned(purgeable);
	purgeable_detach(purgeable);
	ww_mutex_unlock(purgeable->lock);
	return true;
}

static unsigned long purge_count(struct shrinker *self,
				 struct shrink_control *control)
{
	return atomic_long_read(&purgeable_pages) ?: SHRINK_EMPTY;
}

static unsigned long purge_scan(struct shrinker *self,
				struct shrink_control *control)
{
	unsigned long pages, scanned = 0, freed = 0;
	struct ba_purgeable *purgeable, *next;
	unsigned int looks = 0;

	spin_lock(&purge_lock);
	list_for_each_entry_safe(purgeable, next, &purgeables, link) {
		/* A purged buffer counts whole, even if it is swapped out and frees no page. */
		if (scanned >= control->nr_to_scan || looks++ == LOOKS_MAX)
			break;
		pages = purgeable->pages;
		if (purgeable_purge(purgeable, &freed))
			scanned += pages;
	}
	/* All buffers of this scan are in use: let the next scan begin behind them. */
	if (!scanned && looks > LOOKS_MAX)
		list_rotate_to_front(&purgeable->link, &purgeables);
	spin_unlock(&purge_lock);

	/* The workers free these pages soon: see purge_before_oom(). */
	mm_account_reclaimed_pages(freed);
	/*
	 * Report at least nr_to_scan: for less, the kernel would call again for pages that this
	 * scan did not find. Report more if whole buffers had more pages.
	 */
	control->nr_scanned = max(scanned, control->nr_to_scan);
	return scanned ? freed : SHRINK_STOP;
}

static u64 last_record(void)
{
	u64 number;

	spin_lock(&purge_lock);
	number = last_number;
	spin_unlock(&purge_lock);
	return number;
}

static bool is_free_until(u64 number)
{
	const struct ba_purge_record *first;
	bool is_free;

	spin_lock(&purge_lock);
	first = list_first_entry_or_null(&records, struct ba_purge_record, link);
	is_free = !first || first->number > number;
	spin_unlock(&purge_lock);
	return is_free;
}

/**
 * ba_purge_helps() - wait until purged memory is free
 * @err: the error of a call that failed.
 *
 * Return: true if purged memory was pending and is free now, so that another attempt can succeed.
 * False if @err is neither -ENOMEM nor -EDQUOT, if no memory was pending, or if a fatal signal
 * ended the wait.
 */
bool ba_purge_helps(int err)
{
	u64 number;

	if (err != -ENOMEM && err != -EDQUOT)
		return false;
	number = last_record();
	if (is_free_until(number))
		return false;
	return !wait_event_killable(freed_queue, is_free_until(number));
}

/*
 * Called before the OOM killer chooses a process. Wait for the memory that the shrinker has
 * detached. If *@freed is above 0, the kernel kills no process and repeats the allocation.
 *
 * A caller can hold locks of this module, since a few allocations of the module can call the OOM
 * killer. So the wait is bounded.
 */
static int purge_before_oom(struct notifier_block *self, unsigned long unused,
			    void *freed)
{
	unsigned long *pages = freed;
	u64 number = last_record();

	if (!is_free_until(number) &&
	    wait_event_timeout(freed_queue, is_free_until(number), OOM_WAIT))
		*pages += 1;
	return NOTIFY_OK;
}

static struct notifier_block oom_notifier = {
	.notifier_call = purge_before_oom,
};

int ba_purge_init(void)
{
	/* Unbound, so that a worker that waits for a locked page delays no other worker. */
	workers = alloc_workqueue("bufalloc", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!workers)
		return -ENOMEM;
	shrinker = shrinker_alloc(0, "bufalloc");
	if (!shrinker) {
		destroy_workqueue(workers);
		return -ENOMEM;
	}
	shrinker->count_objects = purge_count;
	shrinker->scan_objects = purge_scan;
	shrinker_register(shrinker);
	/* This fails only for a notifier that is already registered. */
	register_oom_notifier(&oom_notifier);
	return 0;
}

/* destroy_workqueue() waits until all purged memory is free. So the heaps must still exist. */
void ba_purge_exit(void)
{
	unregister_oom_notifier(&oom_notifier);
	shrinker_free(shrinker);
	destroy_workqueue(workers);
}
