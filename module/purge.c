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
 * The kernel counts what shmem has by itself. Of other memory it is told, since it
 * judges by that whether more can be had.
 */
static void tell_kernel(const struct offer *offer, bool offered)
{
	struct segment seg;
	long pages;

	if (offer->backing->store)
		return;
	backing_for_each_segment(offer->backing, &seg) {
		pages = seg.size >> PAGE_SHIFT;
		mod_node_page_state(page_pgdat(seg.page),
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
	offer->taken = false;
}

/* What there is, of a buffer that nobody uses: called with its lock. */
void offer_make(struct offer *offer)
{
	if (!backing_has_memory(offer->backing))
		return;

	mutex_lock(&offers_lock);
	if (list_empty(&offer->node)) {
		offer->pages = offer->backing->demand.length >> PAGE_SHIFT;
		tell_kernel(offer, true);
		atomic_long_add(offer->pages, &offered_pages);
		list_add_tail(&offer->node, &offers);
	}
	mutex_unlock(&offers_lock);
}

/* With the buffer's lock, or when nobody else knows of it any more. */
void offer_withdraw(struct offer *offer)
{
	mutex_lock(&offers_lock);
	if (!list_empty(&offer->node))
		offer_remove(offer);
	mutex_unlock(&offers_lock);
}

/* Returns how many pages there are to be had from it. */
static unsigned long offer_take(struct offer *offer)
{
	unsigned long pages = 0;

	if (!ww_mutex_trylock(offer->lock, NULL))
		return 0;
	if (backing_lock_reclaim(offer->backing)) {
		pages = backing_resident(offer->backing) >> PAGE_SHIFT;
		offer_remove(offer);
		backing_free_reclaim(offer->backing);
		offer->taken = true;
	}
	ww_mutex_unlock(offer->lock);
	return pages;
}

static unsigned long purge_count(struct shrinker *self,
				 struct shrink_control *control)
{
	return atomic_long_read(&offered_pages) ?: SHRINK_EMPTY;
}

static unsigned long purge_scan(struct shrinker *self,
				struct shrink_control *control)
{
	struct offer *offer, *next;
	unsigned long freed = 0;
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
		freed += offer_take(offer);
		if (freed >= control->nr_to_scan)
			break;
	}
	mutex_unlock(&offers_lock);
	memalloc_nofs_restore(scope);
	return freed ?: SHRINK_STOP;
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
