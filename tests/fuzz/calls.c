// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "fuzz/calls.h"

#define OP(call, weight_, ...) \
	{ \
		.name = #call, .weight = weight_, .run = run_##call, .args = { __VA_ARGS__ } \
	}

/* A call in which only the module, or a caller of the module, allocates memory. */
#define OP_MAY_FAIL(call, weight_, ...) \
	{ \
		.name = #call, .weight = weight_, .run = run_##call, .may_fail = true, \
		.args = { __VA_ARGS__ } \
	}

/* The programs of the corpus use these names. */
const struct op ops[] = {
	OP_MAY_FAIL(open_device, 3, NEW_DEVICE, OPEN_FLAGS),
	OP(close_device, 2, DEVICE),
	OP(info, 4, DEVICE, PLACE, SPOIL, VALUE, LONGER),
	OP(heap, 4, DEVICE, HEAP, PLACE, SPOIL, VALUE, LONGER),
	OP_MAY_FAIL(alloc, 24, DEVICE, NEW_BUFFER, COUNT, LENGTH, CACHING, ALLOC_FLAGS, FD_FLAGS,
		    HEAP, DMA_BITS, PLACE, PLACE, PLACE, SPOIL, VALUE, LONGER, LONGER, SEGMENTS,
		    ALIGNMENT, PADDING, USER_ADDRESS),
	OP_MAY_FAIL(commit, 12, DEVICE, POOL_OF_FDS, BUFFER, BUFFER, BUFFER, COUNT, PLACE, PLACE,
		    SPOIL, VALUE, LONGER),
	OP_MAY_FAIL(query, 8, DEVICE, POOL_OF_FDS, BUFFER, PLACE, SPOIL, VALUE, LONGER),
	OP_MAY_FAIL(alloc_pageable, 8, DEVICE, NEW_BUFFER, COUNT, LENGTH, FD_FLAGS),
	OP_MAY_FAIL(alloc_user, 8, DEVICE, NEW_BUFFER, COUNT, LENGTH, FD_FLAGS, USER_ADDRESS),
	OP_MAY_FAIL(sync_part, 8, DEVICE, POOL_OF_FDS, BUFFER, PART, PART, SYNC_FLAGS, PLACE, SPOIL,
		    VALUE, LONGER),
	OP_MAY_FAIL(advise, 12, DEVICE, POOL_OF_FDS, BUFFER, NEED, PLACE, SPOIL, VALUE, LONGER),
	OP(press, 2),
	OP(fail, 8, NTH),
	OP(user_memory, 4, USER_ADDRESS, SPAN, WHICH),
	OP(command, 1, DEVICE, COMMAND, PLACE),
	OP(quota, 1, WHICH, LENGTH),
	OP(open_contained, 1, NEW_DEVICE),

	OP(close, 10, BUFFER),
	OP(dup, 4, BUFFER, NEW_BUFFER),
	OP(seek, 2, BUFFER, OFFSET, WHICH),
	OP(sync, 10, BUFFER, SYNC_FLAGS, PLACE),
	OP(name, 3, BUFFER, WHICH, PLACE),
	OP_MAY_FAIL(export_fence, 3, BUFFER, FENCE_FLAGS, NEW_FENCE, PLACE),
	OP(import_fence, 3, BUFFER, FENCE_FLAGS, FENCE, PLACE),
	OP(poll, 2, BUFFER, WHICH),
	OP(buffer_command, 1, BUFFER, BUFFER_COMMAND, PLACE),
	OP(file, 4, POOL_OF_FDS, BUFFER, WHICH, OFFSET),
	OP(reopen, 1, BUFFER, NEW_BUFFER, OPEN_FLAGS),
	OP(pass, 2, BUFFER, NEW_BUFFER, WHICH),
	OP(fork, 1, MAPPING, BUFFER, WHICH),
	OP(open_other, 2, NEW_OTHER, WHICH),
	OP(close_other, 1, OTHER),

	OP_MAY_FAIL(mmap, 14, BUFFER, NEW_MAPPING, PAGE_NR, SPAN, PROT, MAP_FLAGS),
	OP(munmap, 7, MAPPING, PAGE_NR, SPAN),
	OP(mprotect, 4, MAPPING, PAGE_NR, SPAN, PROT),
	OP(mremap, 4, MAPPING, NEW_MAPPING, PAGE_NR, SPAN, SPAN, REMAP_FLAGS),
	OP(madvise, 4, MAPPING, PAGE_NR, SPAN, ADVICE),
	OP(touch, 8, MAPPING, OFFSET, WHICH),
	OP(lock, 2, MAPPING, SPAN, WHICH),
	OP(pin, 4, MAPPING, OFFSET, WHICH),
	OP(proc, 1, BUFFER, WHICH),

	OP(open_importer, 3, NEW_IMPORTER),
	OP(close_importer, 2, IMPORTER),
	OP_MAY_FAIL(attach, 12, IMPORTER, POOL_OF_FDS, BUFFER, PORT, NEW_ATTACHMENT),
	OP(detach, 7, IMPORTER, ATTACHMENT),
	OP_MAY_FAIL(map, 14, IMPORTER, ATTACHMENT, DIRECTION),
	OP(unmap, 7, IMPORTER, ATTACHMENT),
	OP(peek, 3, IMPORTER, ATTACHMENT, OFFSET),
	OP(table, 2, IMPORTER, ATTACHMENT),
	OP_MAY_FAIL(vmap, 4, IMPORTER, BUFFER, OFFSET),
	OP(zap, 4, IMPORTER, BUFFER),
	OP_MAY_FAIL(attach_limited, 2, IMPORTER, POOL_OF_FDS, BUFFER, PORT, NEW_ATTACHMENT, LIMIT),
	OP_MAY_FAIL(map_bus, 2, IMPORTER, POOL_OF_FDS, BUFFER, WHICH, WHICH, DIRECTION),
	OP(leave, 1, POOL_OF_FDS, BUFFER, WHICH),
	OP(dma, 1, IMPORTER, ATTACHMENT, DIRECTION, OFFSET),
	OP_MAY_FAIL(import_mmap, 4, IMPORTER, ATTACHMENT, NEW_MAPPING, PAGE_NR, SPAN, PROT),

	OP(open_drm, 1, NEW_DRM),
	OP(close_drm, 1, DRM),
	OP(to_handle, 2, DRM, BUFFER, NEW_HANDLE),
	OP(to_fd, 1, DRM, HANDLE, NEW_BUFFER),
	OP(close_handle, 1, DRM, HANDLE),
};

const unsigned int nr_ops = ARRAY_SIZE(ops);

int op_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_ops; i++)
		if (!strcmp(ops[i].name, name))
			return i;
	return -EINVAL;
}

unsigned int op_random(struct random *random)
{
	unsigned int total = 0, i;
	uint64_t at;

	for (i = 0; i < nr_ops; i++)
		total += ops[i].weight;
	at = random_below(random, total);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return i;
}
