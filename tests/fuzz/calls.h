/* SPDX-License-Identifier: MIT */
/*
 * The calls of a program. Each call lists the kinds of its arguments, from which random values are
 * chosen. A call accepts every value of an argument.
 */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "fuzz/program.h"
#include "fuzz/random.h"
#include "fuzz/slots.h"

/* Kinds of arguments. */
enum kind {
	NONE,
	/* A slot that the call uses. */
	DEVICE,
	BUFFER,
	IMPORTER,
	FENCE,
	OTHER,
	DRM,
	ATTACHMENT,
	HANDLE,
	MAPPING,
	/* A slot that the call fills. */
	NEW_DEVICE,
	NEW_BUFFER,
	NEW_IMPORTER,
	NEW_FENCE,
	NEW_OTHER,
	NEW_DRM,
	NEW_ATTACHMENT,
	NEW_HANDLE,
	NEW_MAPPING,
	/* Values. */
	POOL_OF_FDS,
	PLACE,
	SPOIL, /* number of a word of a structure, from 1 on; 0: none */
	VALUE,
	LONGER, /* bytes after a structure */
	COUNT,
	LENGTH,
	SPAN, /* bytes of a mapping */
	PAGE_NR,
	OFFSET,
	CACHING,
	ALLOC_FLAGS,
	FD_FLAGS,
	OPEN_FLAGS,
	HEAP,
	DMA_BITS,
	SEGMENTS,
	ALIGNMENT,
	PADDING,
	USER_ADDRESS,
	NEED,
	PART, /* offset or length of a part of a buffer, in bytes */
	COMMAND,
	BUFFER_COMMAND,
	SYNC_FLAGS,
	FENCE_FLAGS,
	PROT,
	MAP_FLAGS,
	REMAP_FLAGS,
	ADVICE,
	DIRECTION,
	PORT,
	LIMIT,
	NTH, /* number of the allocation of the next call that fails */
	WHICH, /* number of a variant of the call */
	KINDS,
};

typedef long run_fn(const uint64_t *args);

struct op {
	const char *name;
	unsigned int weight; /* frequency, relative to other calls */
	run_fn *run;
	bool may_fail; /* faults may be injected into its allocations */
	enum kind args[ARGS_MAX];
};

extern const struct op ops[];
extern const unsigned int nr_ops;

/* Return: the index of the call, or -EINVAL. */
int op_find(const char *name);
/* Return: the index of a random call, by the weights. */
unsigned int op_random(struct random *random);

/* Return: the pool of an argument that is a slot; -1 for other arguments. */
int kind_pool(enum kind kind);
bool kind_fills(enum kind kind);
/* Return: a random value of an argument that is not a slot. */
uint64_t kind_random(enum kind kind, struct random *random);

/* Start the process that opens devices for run_open_contained(). */
void container_create(void);

/* Until importers_release() no driver is unbound, and no limit and no bus of a device changes. */
void importers_hold(void);
void importers_release(void);

/* The functions of the table, by file. */
run_fn run_open_device, run_close_device, run_info, run_heap, run_alloc,
	run_query, run_commit, run_command, run_quota, run_alloc_pageable,
	run_alloc_user, run_sync_part, run_advise, run_press;
run_fn run_user_memory, run_fail;
run_fn run_close, run_dup, run_seek, run_sync, run_name,
	run_export_fence, run_import_fence, run_poll, run_buffer_command,
	run_file, run_reopen, run_pass, run_fork, run_open_contained, run_open_other,
	run_close_other;
run_fn run_mmap, run_munmap, run_mprotect, run_mremap, run_madvise, run_touch,
	run_lock, run_pin, run_proc;
run_fn run_open_importer, run_close_importer, run_attach, run_detach, run_map,
	run_unmap, run_peek, run_table, run_vmap, run_zap, run_attach_limited, run_dma,
	run_import_mmap, run_map_bus, run_leave;
run_fn run_open_drm, run_close_drm, run_to_handle, run_to_fd, run_close_handle;

#endif /* FUZZ_CALLS_H */
