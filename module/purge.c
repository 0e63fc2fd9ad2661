// SPDX-License-Identifier: GPL-2.0
/*
 * Purgeable memory. A buffer after DONTNEED keeps its memory until the kernel runs out.
 * Then the buffers that were listed first are purged, each whole.
 *
 * Reclaim can start while the task holds any lock, a page lock among them. So the shrinker
 * only moves the memory from the buffer to a record (struct ba_purge_record): it tries the
 * buffer's lock and waits for nothing. A worker frees the memory, and may wait for locked
 * pages, for blocks_lock, and on x86 for the lock of the kernel's page tables.
 *
 * Main objects: struct ba_purgeable, part of a buffer, and struct ba_purge_record. A record
 * is idle, or in the list of records from purgeable_detach() to record_end(). purge_lock
 * guards both lists.
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

/* How long the kernel waits for memory that is being freed, before it kills for memory. */
#define OOM_WAIT (HZ / 2)

/* One scan looks at no more buffers than this. */
#define LOOKS_MAX 256

/**
 * struct ba_purge_record - memory that was taken from a buffer and is not yet free
 * @link: in the list of those.
 * @work: frees it.
 * @backing: the memory; its client is held.
 * @number: counts up with each buffer that is purged.
 * @is_ownerless: the buffer has gone: the worker frees this record as well.
 *
 * Each buffer has one from the start, since the shrinker cannot allocate.
 */
struct ba_purge_record {
	struct list_head link;
	struct work_struct work;
	struct ba_backing backing;
	u64 number;
	bool is_ownerless;
};

/*
 * Guards both lists. The shrinker looks at a buffer only with this lock, so a buffer cannot
 * be released meanwhile. Inside of the buffers' locks, and of reclaim.
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
 * Tell the kernel how much memory is reclaimable: the OOM killer and MemAvailable look at
 * that. Pages of shmem never count as reclaimable. A carving frees pages only with the last
 * one of its block. Return: the number of pages told.
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

/* The buffer can be purged again, or the record is freed with it. */
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

	/* Until now the memory counted as reclaimable. */
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

/* The buffer goes. A worker that still frees memory of this record frees the record. */
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
 * Make the memory of an unused buffer purgeable. Called with its lock. Memory of a region
 * is of no use to the kernel, and stays.
 */
void ba_purgeable_add(struct ba_purgeable *purgeable, struct dma_resv *resv)
{
	struct ba_backing *backing = purgeable->backing;

	if (!ba_backing_has_memory(backing) || backing->context.heap->region_size)
		return;
	/* The shrinker takes none out of the list without the buffer's lock. */
	if (purgeable_is_listed(purgeable))
		return;

	purgeable->was_listed = true;
	purgeable->resv = resv;
	purgeable->pages = backing->requirements.length >> PAGE_SHIFT;
	purgeable->returned = tell_kernel(backing, true);
	purgeable_list(purgeable);
}

/*
 * Called with the buffer's lock, or before release. A buffer that was never listed does not
 * wait for purge_lock.
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
	/* The memory of an earlier purge is not free yet. */
	if (!list_empty(&purgeable->record->link))
		return true;
	/* DONTNEED saw none, but a fence can be added at any time. */
	return !dma_resv_test_signaled(purgeable->resv, DMA_RESV_USAGE_BOOKKEEP);
}

/* Only lists change: purge_lock is held. */
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

/* Pages that the kernel gets back. A carving gives none back before the last of its block. */
static unsigned long purgeable_count_returned(const struct ba_purgeable *purgeable)
{
	const struct ba_backing *backing = purgeable->backing;

	if (backing->shmem)
		return ba_backing_resident(backing) >> PAGE_SHIFT;
	return purgeable->returned;
}

/* Purge one buffer if nothing uses it, and add the pages that come back to @freed. */
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
		/* A buffer on the swap device counts as well, though it frees no page. */
		if (scanned >= control->nr_to_scan || looks++ == LOOKS_MAX)
			break;
		pages = purgeable->pages;
		if (purgeable_purge(purgeable, &freed))
			scanned += pages;
	}
	/* All of these are in use: the next scan looks at others. */
	if (!scanned && looks > LOOKS_MAX)
		list_rotate_to_front(&purgeable->link, &purgeables);
	spin_unlock(&purge_lock);

	/* The pages are free a little later: see purge_before_oom(). */
	mm_account_reclaimed_pages(freed);
	/* A buffer is purged whole: do not let the kernel ask for the rest again. */
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
 * ba_purge_helps() - wait until memory that was taken is free
 * @err: what was refused before, for want of memory or of quota.
 *
 * Return: whether there was such memory, and it is free now, so that another try is
 * worth it. A fatal signal ends the wait.
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
 * Called before a process is killed for memory, and not under any lock of ours. Memory that
 * the shrinker has detached counts, once it is free.
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
	/* Not bound to a processor, so that one that waits for a page delays no other. */
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
	/* It fails for one that is registered already, and for no other reason. */
	register_oom_notifier(&oom_notifier);
	return 0;
}

/* Frees all that was taken: the heaps are still there. */
void ba_purge_exit(void)
{
	unregister_oom_notifier(&oom_notifier);
	shrinker_free(shrinker);
	destroy_workqueue(workers);
}
