// SPDX-License-Identifier: GPL-2.0
/*
 * Decides when a buffer has memory, and how long. Main object: struct ba_buffer. Lock: the buffer's
 * lock guards the state. A thread holds populate_lock while it populates the buffer at its
 * first use, or reads pages in.
 *
 *            populate               pin
 *     none ------------> populated -----> pinned
 *                         |     ^  <-----
 *                DONTNEED |     |  unpin
 *                         v     | WILLNEED
 *                        dontneed
 *                         |
 *                shrinker |
 *                         v
 *                        purged ---------------------> none
 *                                WILLNEED
 *
 * A buffer is populated by ALLOC, or later (DEFERRED) by its first use or by COMMIT. A buffer in
 * the dontneed or purged state cannot be used: EBUSY. DONTNEED is refused while the buffer is
 * attached, mapped or pinned, or while a fence is not signalled. The shrinker is in purge.c.
 */
#include <linux/dma-buf.h>
#include <linux/memcontrol.h>
#include <linux/dma-resv.h>

#include "attachment.h"
#include "contention.h"
#include "placement.h"
#include "populate.h"
#include "residency.h"
#include "shmem.h"

static bool has_memory(const struct ba_buffer *buffer)
{
	return ba_backing_has_memory(&buffer->backing);
}

/* The placement that all attached devices allow now. */
static void find_placement(const struct ba_buffer *buffer, struct ba_placement *placement)
{
	struct ba_attachment *attachment;

	ba_placement_init(placement);
	list_for_each_entry(attachment, &buffer->attachments, link)
		if (!attachment->unbound)
			ba_placement_add_device(placement, attachment->dev,
						buffer->backing.requirements.length);
}

static void get_memcg(struct mem_cgroup *memcg)
{
#ifdef CONFIG_MEMCG
	if (memcg)
		css_get(&memcg->css);
#endif
}

/*
 * Describe the memory that the buffer will adopt, but take no memory. @fresh has its own reference
 * to the memory cgroup: another thread may populate the buffer meanwhile, and drop the reference
 * of the buffer.
 */
static int prepare_fresh(const struct ba_buffer *buffer, struct ba_backing *fresh,
			 enum bufalloc_reason *reason)
{
	struct ba_placement placement;
	int ret;

	ba_backing_init(fresh, &buffer->backing.context, &buffer->backing.requirements);
	fresh->context.heap = buffer->heap;
	find_placement(buffer, &placement);
	ret = ba_placement_apply(&placement, fresh);
	if (ret)
		*reason = BUFALLOC_REASON_UNREACHABLE;
	else
		get_memcg(fresh->context.memcg);
	return ret;
}

/* The reverse of prepare_fresh(): memory that no buffer adopted is freed. */
void ba_residency_release_fresh(struct ba_backing *fresh)
{
	ba_backing_free(fresh);
	mem_cgroup_put(fresh->context.memcg);
	fresh->context.memcg = NULL;
}

/*
 * A populated buffer no longer needs its memory cgroup, and a reference would keep a removed
 * cgroup in the kernel. Pageable memory is allocated page by page, and still needs the cgroup.
 */
static void drop_memcg(struct ba_buffer *buffer)
{
	struct ba_alloc_context *context = &buffer->backing.context;

	if (buffer->backing.requirements.pageable)
		return;
	mem_cgroup_put(context->memcg);
	context->memcg = NULL;
}

/* A purged buffer can be populated again. The cgroup of DONTNEED's caller is charged then. */
static void take_memcg(struct ba_buffer *buffer)
{
	struct ba_alloc_context *context = &buffer->backing.context;

	if (!context->memcg)
		context->memcg = get_mem_cgroup_from_mm(current->mm);
}

static void adopt_fresh(struct ba_buffer *buffer, struct ba_backing *fresh)
{
	ba_backing_adopt(&buffer->backing, fresh);
	buffer->purgeable.purged = false;
	drop_memcg(buffer);
}

/* Called with the lock, or before another thread knows the buffer. */
int ba_residency_populate_locked(struct ba_buffer *buffer, enum bufalloc_reason *reason)
{
	struct ba_backing fresh;
	int ret;

	if (has_memory(buffer))
		return 0;

	ret = prepare_fresh(buffer, &fresh, reason);
	if (ret)
		return ret;
	ret = ba_populate(&fresh, reason);
	if (!ret)
		adopt_fresh(buffer, &fresh);
	ba_residency_release_fresh(&fresh);
	return ret;
}

/* A buffer in the dontneed state may lose its memory at any moment: refuse its use. */
int ba_residency_check_needed(const struct ba_buffer *buffer, enum bufalloc_reason *reason)
{
	if (!buffer->dontneed)
		return 0;
	*reason = BUFALLOC_REASON_PURGED;
	return -EBUSY;
}

/**
 * struct populate_args - for ba_contention_take()
 * @fresh: the backing to populate.
 * @reason: set on error.
 */
struct populate_args {
	struct ba_backing *fresh;
	enum bufalloc_reason *reason;
};

static int populate_run(void *data)
{
	struct populate_args *args = data;

	return ba_populate(args->fresh, args->reason);
}

/* Take memory, concurrently with other callers: see contention.c. */
static int take_fresh(struct ba_backing *fresh, enum bufalloc_reason *reason)
{
	struct populate_args args = { .fresh = fresh, .reason = reason };
	int ret = ba_contention_take(populate_run, &args, fresh->context.memcg);

	if (ret == -EINTR)
		*reason = BUFALLOC_REASON_SIGNAL;
	return ret;
}

/* One try of ba_residency_populate(). Return: 0: the buffer has memory; -EAGAIN; an error. */
static int populate_once(struct ba_buffer *buffer, enum bufalloc_reason *reason)
{
	struct ba_backing fresh;
	struct ba_placement placement;
	int ret;

	ww_mutex_lock(&buffer->lock, NULL);
	ret = ba_residency_check_needed(buffer, reason);
	if (!ret && !has_memory(buffer))
		ret = prepare_fresh(buffer, &fresh, reason) ?: 1;
	ww_mutex_unlock(&buffer->lock);
	if (ret <= 0)
		return ret;

	ret = take_fresh(&fresh, reason);

	ww_mutex_lock(&buffer->lock, NULL);
	find_placement(buffer, &placement);
	if (!ret && !has_memory(buffer) && !buffer->dontneed &&
	    ba_placement_allows(&placement, &fresh))
		adopt_fresh(buffer, &fresh);
	/* A COMMIT may have populated the buffer with the memory that was missing here. */
	if (has_memory(buffer))
		ret = 0;
	else if (!ret)
		ret = -EAGAIN;
	ww_mutex_unlock(&buffer->lock);
	ba_residency_release_fresh(&fresh);
	return ret;
}

static int begin_populate(struct ba_buffer *buffer, enum bufalloc_reason *reason)
{
	if (!mutex_lock_killable(&buffer->populate_lock))
		return 0;
	*reason = BUFALLOC_REASON_SIGNAL;
	return -EINTR;
}

static bool is_populated(struct ba_buffer *buffer)
{
	bool populated;

	ww_mutex_lock(&buffer->lock, NULL);
	populated = has_memory(buffer);
	ww_mutex_unlock(&buffer->lock);
	return populated;
}

/**
 * ba_residency_populate() - populate a buffer, before its lock is taken
 * @buffer: not locked.
 * @reason: set on error.
 *
 * The owner of the buffer decides how long a populate takes, so only users of the same buffer wait.
 * Without the wait, two threads could take the memory twice, with room for one copy. If devices
 * attach during each try, the caller goes on with ba_residency_populate_locked().
 *
 * Return: 0, or an error:
 * -EAGAIN: devices attached during each try.
 * -EINTR: a fatal signal is pending.
 * Other errors are those of ba_populate() and of ba_placement_apply().
 */
int ba_residency_populate(struct ba_buffer *buffer, enum bufalloc_reason *reason)
{
	int tries, ret;

	/* Do not wait for a thread that reads pages in: the buffer has memory already. */
	if (is_populated(buffer))
		return 0;
	ret = begin_populate(buffer, reason);
	if (ret)
		return ret;
	ret = -EAGAIN;
	for (tries = 0; tries < PLACEMENT_TRIES && ret == -EAGAIN; tries++)
		ret = populate_once(buffer, reason);
	mutex_unlock(&buffer->populate_lock);
	return ret;
}

/* Fast path: the memory is not pageable, or it is already pinned. */
static bool pin_at_once(struct ba_buffer *buffer)
{
	bool pinned;

	ww_mutex_lock(&buffer->lock, NULL);
	pinned = !buffer->dontneed && has_memory(buffer) &&
		 (buffer->pin_count || !buffer->backing.shmem);
	if (pinned)
		buffer->pin_count++;
	ww_mutex_unlock(&buffer->lock);
	return pinned;
}

/* Return: 1 if pages must be read in first, 0 if the memory is pinned now, or an error. */
static int begin_pin(struct ba_buffer *buffer, struct ba_shmem_pin *pin,
		     enum bufalloc_reason *reason)
{
	int ret = ba_residency_check_needed(buffer, reason);

	if (ret)
		return ret;
	if (!has_memory(buffer))
		return -EAGAIN;
	if (!buffer->pin_count && buffer->backing.shmem) {
		ba_backing_begin_pin(&buffer->backing, pin);
		buffer->pinning = true;
		return 1;
	}
	buffer->pin_count++;
	return 0;
}

static int end_pin(struct ba_buffer *buffer, struct ba_shmem_pin *pin, int err)
{
	buffer->pinning = false;
	if (err)
		return err;
	ba_backing_end_pin(&buffer->backing, pin);
	buffer->pin_count++;
	return 0;
}

/*
 * One try of ba_residency_pin(). With @insist the buffer is populated under its lock, while its
 * other users wait. Return: 0; -EAGAIN: the buffer has lost its memory; an error.
 */
static int pin_once(struct ba_buffer *buffer, bool insist,
		    enum bufalloc_reason *reason)
{
	struct ba_shmem_pin pin;
	int ret = 0;

	ww_mutex_lock(&buffer->lock, NULL);
	if (insist)
		ret = ba_residency_check_needed(buffer, reason);
	if (insist && !ret)
		ret = ba_residency_populate_locked(buffer, reason);
	if (!ret)
		ret = begin_pin(buffer, &pin, reason);
	ww_mutex_unlock(&buffer->lock);
	if (ret <= 0)
		return ret;

	ret = ba_backing_pin_pages(&buffer->backing, &pin, reason);

	ww_mutex_lock(&buffer->lock, NULL);
	ret = end_pin(buffer, &pin, ret);
	ww_mutex_unlock(&buffer->lock);
	return ret;
}

/**
 * ba_residency_pin() - populate a buffer, and pin its memory until ba_residency_unpin()
 * @buffer: not locked. Only users of the same buffer wait, as in ba_residency_populate().
 * @reason: set on error.
 *
 * Return: 0, or an error:
 * -EBUSY: the buffer is in the dontneed state.
 * -EINTR: a fatal signal is pending.
 * Other errors are those of ba_populate() and ba_backing_pin_pages().
 */
int ba_residency_pin(struct ba_buffer *buffer, enum bufalloc_reason *reason)
{
	int tries, ret;

	if (pin_at_once(buffer))
		return 0;
	ret = begin_populate(buffer, reason);
	if (ret)
		return ret;
	ret = -EAGAIN;
	for (tries = 0; tries < PLACEMENT_TRIES && ret == -EAGAIN; tries++) {
		ret = populate_once(buffer, reason);
		if (!ret)
			ret = pin_once(buffer, false, reason);
	}
	if (ret == -EAGAIN)
		ret = pin_once(buffer, true, reason);
	mutex_unlock(&buffer->populate_lock);
	return ret;
}

/* Drop the sg_tables: no device may keep an address of memory that can move. */
static void drop_sgts(struct ba_buffer *buffer)
{
	struct ba_attachment *attachment;

	list_for_each_entry(attachment, &buffer->attachments, link)
		ba_attachment_drop(attachment);
}

/* Called with the lock. After the last unpin the kernel may move the pages. */
void ba_residency_unpin(struct ba_buffer *buffer)
{
	if (--buffer->pin_count)
		return;
	if (buffer->backing.requirements.pageable)
		drop_sgts(buffer);
	ba_backing_unpin(&buffer->backing);
}

/**
 * ba_residency_prepare() - describe the memory that a buffer would get now
 * @dmabuf: locked.
 * @fresh: filled in if the buffer has no memory; ba_residency_release_fresh() ends it.
 * @reason: set on error.
 *
 * Return: 1: the buffer needs memory; 0: the buffer has memory; or an error:
 * -EIO: no memory of the heap is within reach of all attached devices.
 * -EBUSY: the buffer is in the dontneed state.
 */
int ba_residency_prepare(struct dma_buf *dmabuf, struct ba_backing *fresh,
			 enum bufalloc_reason *reason)
{
	struct ba_buffer *buffer = dmabuf->priv;
	int ret;

	ret = ba_residency_check_needed(buffer, reason);
	if (ret || has_memory(buffer))
		return ret;
	return prepare_fresh(buffer, fresh, reason) ?: 1;
}

/* Whether the attached devices still allow the placement of @fresh. Called with the lock. */
bool ba_residency_accepts(const struct dma_buf *dmabuf, const struct ba_backing *fresh)
{
	const struct ba_buffer *buffer = dmabuf->priv;
	struct ba_placement placement;

	if (buffer->dontneed)
		return false;
	find_placement(buffer, &placement);
	return has_memory(buffer) || ba_placement_allows(&placement, fresh);
}

/* Called with the lock, after ba_residency_accepts(). A populated buffer keeps its memory. */
void ba_residency_adopt(struct dma_buf *dmabuf, struct ba_backing *fresh)
{
	struct ba_buffer *buffer = dmabuf->priv;

	if (!has_memory(buffer))
		adopt_fresh(buffer, fresh);
}

/* Called without the lock: the answer may be outdated at once. */
bool ba_residency_has_memory(struct dma_buf *dmabuf)
{
	return is_populated(dmabuf->priv);
}

/* An attached importer may map at any time. dma_buf_vmap() warns if the exporter refuses. */
static bool is_in_use(const struct ba_buffer *buffer, struct dma_resv *resv)
{
	return !list_empty(&buffer->attachments) || buffer->pin_count ||
	       buffer->pinning ||
	       atomic_read_acquire(&buffer->backing.mappings) ||
	       !dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP);
}

/**
 * ba_residency_dontneed() - let the shrinker purge a buffer
 * @dmabuf: the buffer; enters the dontneed state.
 * @retained: set: whether the buffer still has its content.
 *
 * Return: 0, or an error:
 * -EBUSY: an importer is attached, the CPU or the kernel has the buffer mapped, or a fence is not
 *	signalled.
 * -EINVAL: the memory belongs to a process, so the buffer could not be populated again.
 */
int ba_residency_dontneed(struct dma_buf *dmabuf, bool *retained)
{
	struct ba_buffer *buffer = dmabuf->priv;
	int ret = 0;

	if (buffer->backing.requirements.user_memory)
		return -EINVAL;

	ww_mutex_lock(&buffer->lock, NULL);
	if (is_in_use(buffer, dmabuf->resv)) {
		ret = -EBUSY;
	} else {
		buffer->dontneed = true;
		take_memcg(buffer);
		*retained = !buffer->purgeable.purged;
		ba_purgeable_add(&buffer->purgeable, dmabuf->resv);
	}
	ww_mutex_unlock(&buffer->lock);
	return ret;
}

/* The content is needed again. @retained tells whether it is still there. */
void ba_residency_willneed(struct dma_buf *dmabuf, bool *retained)
{
	struct ba_buffer *buffer = dmabuf->priv;

	ww_mutex_lock(&buffer->lock, NULL);
	ba_purgeable_remove(&buffer->purgeable);
	buffer->dontneed = false;
	*retained = !buffer->purgeable.purged;
	if (has_memory(buffer))
		drop_memcg(buffer);
	ww_mutex_unlock(&buffer->lock);
}
