// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that its users can do without. Each buffer that they offer keeps its memory
 * until the kernel runs out: then those go that were offered first, each whole.
 *
 * The kernel may run out while anybody holds any lock of ours, so that here those of
 * buffers and of blocks are only tried; who holds the one of a buffer is busy with it.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/vmstat.h>
#include <linux/ww_mutex.h>

#include "backing.h"
#include "compat/compat.h"
#include "heap.h"
#include "purge.h"

/*
 * Guards the list, and that no buffer goes while it is looked at. Inside of the
 * buffers' locks, and nothing is allocated under it.
 */
static DEFINE_MUTEX(offers_lock);
static LIST_HEAD(offers);
static atomic_long_t offered_pages = ATOMIC_LONG_INIT(0);

static struct shrinker *shrinker;

/*
 * The kernel is told, since it judges by that whether more can be had: not of what shmem
 * has, which it never takes for free, nor of a piece of a block, which is offered like
 * others, but of use to it only with the rest.
 */
static void tell_kernel(const struct offer *offer, bool offered)
{
	struct chunk *chunk;
	long pages;

	if (offer->backing->store)
		return;
	list_for_each_entry(chunk, &offer->backing->chunks, node) {
		pages = chunk->size >> PAGE_SHIFT;
		if (!chunk->block)
			mod_node_page_state(page_pgdat(chunk->page),
					    NR_KERNEL_MISC_RECLAIMABLE,
					    offered ? pages : -pages);
	}
}

static void offer_remove(struct offer *offer)
{
	tell_kernel(offer, false);
	atomic_long_sub(offer->pages, &offered_pages);
	list_del_init(&offer->node);
}

void offer_init(struct offer *offer, struct ww_mutex *lock,
		struct backing *backing)
{
	INIT_LIST_HEAD(&offer->node);
	offer->lock = lock;
	offer->backing = backing;
	offer->pages = 0;
	offer->made = false;
	offer->taken = false;
}

/*
 * What there is, of a buffer that nobody uses: called with its lock. Memory that was
 * set aside is of no use to the kernel, and stays.
 */
void offer_make(struct offer *offer)
{
	if (!backing_has_memory(offer->backing) ||
	    offer->backing->source.heap->region_size)
		return;

	offer->made = true;
	mutex_lock(&offers_lock);
	if (list_empty(&offer->node)) {
		offer->pages = offer->backing->demand.length >> PAGE_SHIFT;
		tell_kernel(offer, true);
		atomic_long_add(offer->pages, &offered_pages);
		list_add_tail(&offer->node, &offers);
	}
	mutex_unlock(&offers_lock);
}

/*
 * With the buffer's lock, or when nobody else knows of it any more. Who never made one
 * does not wait for others.
 */
void offer_withdraw(struct offer *offer)
{
	if (!offer->made)
		return;
	mutex_lock(&offers_lock);
	if (!list_empty(&offer->node))
		offer_remove(offer);
	mutex_unlock(&offers_lock);
}

/* Whether it could be taken, and how many pages that gave, on top. */
static bool offer_take(struct offer *offer, unsigned long *freed)
{
	bool taken = false;

	if (!ww_mutex_trylock(offer->lock, NULL))
		return false;
	if (backing_lock_reclaim(offer->backing)) {
		*freed += backing_resident(offer->backing) >> PAGE_SHIFT;
		offer_remove(offer);
		backing_free_reclaim(offer->backing);
		offer->taken = true;
		taken = true;
	}
	ww_mutex_unlock(offer->lock);
	return taken;
}

static unsigned long purge_count(struct shrinker *self,
				 struct shrink_control *control)
{
	return atomic_long_read(&offered_pages) ?: SHRINK_EMPTY;
}

static unsigned long purge_scan(struct shrinker *self,
				struct shrink_control *control)
{
	unsigned long pages, scanned = 0, freed = 0;
	struct offer *offer, *next;
	unsigned int scope;

	/* Pages that are on their way to a disk are waited for. */
	if (!(control->gfp_mask & __GFP_FS))
		return SHRINK_STOP;

	/*
	 * Who has this lock needs no other and no memory, but for another who is here:
	 * that one is waited for, since who finds nothing calls the OOM killer. What is
	 * allocated here does not come back here.
	 */
	scope = memalloc_nofs_save();
	mutex_lock(&offers_lock);
	list_for_each_entry_safe(offer, next, &offers, node) {
		pages = offer->pages;
		if (offer_take(offer, &freed))
			scanned += pages;
		/* Also where all that it had was on a swap device. */
		if (scanned >= control->nr_to_scan)
			break;
	}
	mutex_unlock(&offers_lock);
	memalloc_nofs_restore(scope);
	/* A buffer goes whole: else the kernel would ask for the rest again. */
	control->nr_scanned = max(scanned, control->nr_to_scan);
	return scanned ? freed : SHRINK_STOP;
}

int purge_init(void)
{
	shrinker = shrinker_alloc(0, "bufalloc");
	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = purge_count;
	shrinker->scan_objects = purge_scan;
	shrinker_register(shrinker);
	return 0;
}

void purge_exit(void)
{
	shrinker_free(shrinker);
}
