// SPDX-License-Identifier: GPL-2.0
/*
 * Checks one request of ALLOC. From the request, this file fills in the properties that the memory
 * must have (struct ba_requirements), and the origin of the memory (struct ba_alloc_context).
 *
 * Main object: struct check, on the stack of ba_request_check(). No lock: one thread has the
 * request, and no memory is taken.
 */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/sizes.h>

#include "alloc_context.h"
#include "client.h"
#include "heap.h"
#include "request.h"
#include "shmem.h"
#include "user_pages.h"

#define REQUEST_FLAGS (BUFALLOC_ALLOC_CONTIGUOUS | \
		       BUFALLOC_ALLOC_ANY_CACHING | \
		       BUFALLOC_ALLOC_DEFERRED | \
		       BUFALLOC_ALLOC_PAGEABLE | \
		       BUFALLOC_ALLOC_USER_MEMORY)

/**
 * struct check - the check of one request
 * @request: the caller's request.
 * @context: filled in; @context.client is set already.
 * @requirements: filled in.
 * @reason: why the request is refused.
 */
struct check {
	const struct bufalloc_request *request;
	struct ba_alloc_context *context;
	struct ba_requirements *requirements;
	enum bufalloc_reason reason;
};

/*
 * At most half of the machine's memory: the machine needs the rest. After rounding to an
 * alignment, the length must also fit into a size_t and an ssize_t.
 */
u64 ba_request_max_length(void)
{
	u64 half = (u64)(totalram_pages() / 2) << PAGE_SHIFT;

	return min_t(u64, half, SIZE_MAX / 2 & ~((size_t)SZ_4M - 1));
}

static bool is_user_memory(const struct check *check)
{
	return check->request->flags & BUFALLOC_ALLOC_USER_MEMORY;
}

static int refuse(struct check *check, enum bufalloc_reason reason, int err)
{
	check->reason = reason;
	return err;
}

/*
 * The memory of a process exists already: refuse fields that choose where or when memory is
 * allocated. Refuse an address in a request for other memory.
 */
static int check_user_memory(struct check *check)
{
	const struct bufalloc_request *req = check->request;

	if (!is_user_memory(check) && !req->address)
		return 0;
	if (!is_user_memory(check) ||
	    req->flags &
		    ~(BUFALLOC_ALLOC_USER_MEMORY | BUFALLOC_ALLOC_ANY_CACHING))
		return refuse(check, BUFALLOC_REASON_FIELD, -EINVAL);
	if (!PAGE_ALIGNED(req->length) || req->padding)
		return refuse(check, BUFALLOC_REASON_LENGTH, -EINVAL);
	if (req->caching != BUFALLOC_CACHING_CACHED)
		return refuse(check, BUFALLOC_REASON_CACHING, -EINVAL);
	if (req->heap != BUFALLOC_HEAP_ANY)
		return refuse(check, BUFALLOC_REASON_HEAP, -EINVAL);
	if (req->dma_bits)
		return refuse(check, BUFALLOC_REASON_DMA_BITS, -EINVAL);
	if (req->max_segments)
		return refuse(check, BUFALLOC_REASON_SEGMENTS, -EINVAL);
	if (req->alignment > PAGE_SIZE)
		return refuse(check, BUFALLOC_REASON_ALIGNMENT, -EINVAL);
	if (!PAGE_ALIGNED(req->address) ||
	    req->length - 1 > U64_MAX - req->address)
		return refuse(check, BUFALLOC_REASON_USER_ADDRESS,
			      -EINVAL);
	return 0;
}

/* Refuse values that are invalid on every kernel. */
static int check_values(struct check *check)
{
	const struct bufalloc_request *req = check->request;

	if (req->flags & ~REQUEST_FLAGS)
		return refuse(check, BUFALLOC_REASON_FIELD, -EINVAL);
	if (!req->length || req->length > ba_request_max_length() ||
	    req->padding > ba_request_max_length() - req->length)
		return refuse(check, BUFALLOC_REASON_LENGTH, -EINVAL);
	if (req->caching > BUFALLOC_CACHING_CACHED)
		return refuse(check, BUFALLOC_REASON_CACHING, -EINVAL);
	if (req->fd_flags & ~(O_RDWR | O_CLOEXEC))
		return refuse(check, BUFALLOC_REASON_FD_FLAGS, -EINVAL);
	if (req->dma_bits && (req->dma_bits < 12 || req->dma_bits > 64))
		return refuse(check, BUFALLOC_REASON_DMA_BITS, -EINVAL);
	if (req->alignment && (!is_power_of_2(req->alignment) ||
			       req->alignment > BUFALLOC_MAX_ALIGNMENT))
		return refuse(check, BUFALLOC_REASON_ALIGNMENT, -EINVAL);
	return check_user_memory(check);
}

/* Pageable memory can have other addresses after a swap: refuse fields that choose addresses. */
static int check_pageable(struct check *check)
{
	const struct bufalloc_request *req = check->request;

	if (!(req->flags & BUFALLOC_ALLOC_PAGEABLE))
		return 0;
	if (req->flags & (BUFALLOC_ALLOC_CONTIGUOUS | BUFALLOC_ALLOC_ANY_CACHING))
		return refuse(check, BUFALLOC_REASON_FIELD, -EINVAL);
	if (req->caching != BUFALLOC_CACHING_CACHED)
		return refuse(check, BUFALLOC_REASON_CACHING, -EINVAL);
	if (req->heap != BUFALLOC_HEAP_ANY)
		return refuse(check, BUFALLOC_REASON_HEAP, -EINVAL);
	if (req->dma_bits)
		return refuse(check, BUFALLOC_REASON_DMA_BITS, -EINVAL);
	if (req->alignment > PAGE_SIZE)
		return refuse(check, BUFALLOC_REASON_ALIGNMENT, -EINVAL);
	if (req->max_segments)
		return refuse(check, BUFALLOC_REASON_SEGMENTS, -EINVAL);
	return 0;
}

static void state_requirements(struct check *check)
{
	const struct bufalloc_request *req = check->request;
	struct ba_requirements *requirements = check->requirements;

	requirements->alignment = max_t(size_t, req->alignment, PAGE_SIZE);
	requirements->length = round_up((size_t)(req->length + req->padding),
					requirements->alignment);
	requirements->max_segments = req->max_segments;
	if (req->flags & BUFALLOC_ALLOC_CONTIGUOUS)
		requirements->max_segments = 1;
	requirements->user_memory = is_user_memory(check);
	requirements->pageable = req->flags & BUFALLOC_ALLOC_PAGEABLE;
	/* Pageable memory comes from a shmem file, so attached devices choose no other heap. */
	requirements->heap_is_fixed = req->heap != BUFALLOC_HEAP_ANY ||
				      requirements->pageable;
}

static int find_heap(struct check *check)
{
	const struct bufalloc_request *req = check->request;

	if (req->heap != BUFALLOC_HEAP_ANY && !ba_heap_at(req->heap))
		return refuse(check, BUFALLOC_REASON_HEAP, -ENOENT);

	check->context->heap = ba_heap_find(req->heap, req->dma_bits);
	if (!check->context->heap)
		return refuse(check, BUFALLOC_REASON_DMA_BITS, -ENOENT);
	return 0;
}

/*
 * No memory cgroup is charged for a reserved region or for CMA. Behind an IOMMU the DMA API takes
 * contiguous memory from CMA, if there is a CMA area.
 */
static int check_charged(struct check *check)
{
	const struct ba_heap *heap = check->context->heap;
	bool contiguous = check->requirements->max_segments == 1;

	if (check->context->client->charged_only &&
	    (heap->region_size || (heap->behind_iommu && contiguous)))
		return refuse(check, BUFALLOC_REASON_UNCHARGED, -EACCES);
	return 0;
}

static int find_caching(struct check *check)
{
	const struct bufalloc_request *req = check->request;
	struct ba_alloc_context *context = check->context;

	if (check->requirements->pageable && !ba_shmem_is_possible())
		return refuse(check, BUFALLOC_REASON_FEATURE,
			      -EOPNOTSUPP);

	context->caching = req->caching;
	context->memtype = ba_heap_memtype(context->heap, context->caching);
	if (context->memtype == BUFALLOC_MEMTYPE_NONE &&
	    req->flags & BUFALLOC_ALLOC_ANY_CACHING) {
		context->caching = BUFALLOC_CACHING_COHERENT;
		context->memtype = ba_heap_memtype(context->heap, context->caching);
	}
	if (context->memtype == BUFALLOC_MEMTYPE_NONE)
		return refuse(check, BUFALLOC_REASON_CACHING,
			      -EOPNOTSUPP);
	check->requirements->caching = context->caching;
	check->requirements->any_caching = req->flags & BUFALLOC_ALLOC_ANY_CACHING;
	return 0;
}

/* Check in the order that <linux/bufalloc.h> lists (DOC: Errors). */
static int check_all(struct check *check)
{
	int ret;

	ret = check_values(check);
	if (!ret)
		ret = check_pageable(check);
	if (ret)
		return ret;

	state_requirements(check);
	ret = find_heap(check);
	if (!ret)
		ret = check_charged(check);
	if (!ret)
		ret = find_caching(check);
	if (!ret && is_user_memory(check) && !ba_user_pages_allowed())
		ret = refuse(check, BUFALLOC_REASON_FEATURE, -EOPNOTSUPP);
	return ret;
}

/**
 * ba_request_check() - check one request
 * @request: the caller's request.
 * @context: filled in; @context->client is set already.
 * @requirements: filled in.
 * @reason: set on error.
 *
 * Return: 0, or an error that <linux/bufalloc.h> lists for the request.
 */
int ba_request_check(const struct bufalloc_request *request, struct ba_alloc_context *context,
		     struct ba_requirements *requirements, enum bufalloc_reason *reason)
{
	struct check check = {
		.request = request,
		.context = context,
		.requirements = requirements,
		.reason = BUFALLOC_REASON_NONE,
	};
	int ret;

	context->nid = NUMA_NO_NODE;
	ret = check_all(&check);
	*reason = check.reason;
	return ret;
}
