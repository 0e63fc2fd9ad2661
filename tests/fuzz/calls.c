// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "fuzz/calls.h"

/* Programs of the corpus call them by these names. */
const struct op ops[] = {
	{ "open_device", 3, run_open_device, { NEW_DEVICE, OPEN_FLAGS } },
	{ "close_device", 2, run_close_device, { DEVICE } },
	{ "info", 4, run_info, { DEVICE, PLACE, SPOIL, VALUE, LONGER } },
	{ "heap", 4, run_heap, { DEVICE, HEAP, PLACE, SPOIL, VALUE, LONGER } },
	{ "alloc", 24, run_alloc, { DEVICE, NEW_BUFFER, COUNT, LENGTH, CACHING, ALLOC_FLAGS, FD_FLAGS, HEAP, DMA_BITS, PLACE, PLACE, PLACE, SPOIL, VALUE, LONGER, LONGER } },
	{ "query", 8, run_query, { DEVICE, POOL_OF_FDS, BUFFER, PLACE, SPOIL, VALUE, LONGER } },
	{ "command", 1, run_command, { DEVICE, COMMAND, PLACE } },

	{ "close", 10, run_close_buffer, { BUFFER } },
	{ "dup", 4, run_dup, { BUFFER, NEW_BUFFER } },
	{ "seek", 2, run_seek, { BUFFER, OFFSET, WHICH } },
	{ "sync", 10, run_sync, { BUFFER, SYNC_FLAGS, PLACE } },
	{ "name", 3, run_name, { BUFFER, WHICH, PLACE } },
	{ "export_fence", 3, run_export_fence, { BUFFER, FENCE_FLAGS, NEW_FENCE, PLACE } },
	{ "import_fence", 3, run_import_fence, { BUFFER, FENCE_FLAGS, FENCE, PLACE } },
	{ "poll", 2, run_poll, { BUFFER, WHICH } },
	{ "buffer_command", 1, run_buffer_command, { BUFFER, BUFFER_COMMAND, PLACE } },
	{ "file", 4, run_file, { POOL_OF_FDS, BUFFER, WHICH, OFFSET } },
	{ "reopen", 1, run_reopen, { BUFFER, NEW_BUFFER, OPEN_FLAGS } },
	{ "pass", 2, run_pass, { BUFFER, NEW_BUFFER, WHICH } },
	{ "fork", 2, run_fork, { MAPPING, BUFFER, WHICH } },
	{ "open_other", 2, run_open_other, { NEW_OTHER, WHICH } },
	{ "close_other", 1, run_close_other, { OTHER } },

	{ "mmap", 14, run_mmap, { BUFFER, NEW_MAPPING, PAGE_NR, SPAN, PROT, MAP_FLAGS } },
	{ "munmap", 7, run_munmap, { MAPPING, PAGE_NR, SPAN } },
	{ "mprotect", 4, run_mprotect, { MAPPING, PAGE_NR, SPAN, PROT } },
	{ "mremap", 4, run_mremap, { MAPPING, NEW_MAPPING, PAGE_NR, SPAN, SPAN, REMAP_FLAGS } },
	{ "madvise", 4, run_madvise, { MAPPING, PAGE_NR, SPAN, ADVICE } },
	{ "touch", 8, run_touch, { MAPPING, OFFSET, WHICH } },
	{ "lock", 2, run_lock, { MAPPING, SPAN, WHICH } },
	{ "pin", 4, run_pin, { MAPPING, OFFSET, WHICH } },
	{ "proc", 1, run_proc, { BUFFER, WHICH } },

	{ "open_importer", 3, run_open_importer, { NEW_IMPORTER } },
	{ "close_importer", 2, run_close_importer, { IMPORTER } },
	{ "attach", 12, run_attach, { IMPORTER, POOL_OF_FDS, BUFFER, PORT, NEW_ATTACHMENT } },
	{ "detach", 7, run_detach, { IMPORTER, ATTACHMENT } },
	{ "map", 14, run_map, { IMPORTER, ATTACHMENT, DIRECTION } },
	{ "unmap", 7, run_unmap, { IMPORTER, ATTACHMENT } },
	{ "peek", 3, run_peek, { IMPORTER, ATTACHMENT, OFFSET } },
	{ "table", 2, run_table, { IMPORTER, ATTACHMENT } },
	{ "vmap", 4, run_vmap, { IMPORTER, BUFFER, OFFSET } },
	{ "zap", 4, run_zap, { IMPORTER, BUFFER } },
	{ "limit", 2, run_limit, { IMPORTER, PORT, LIMIT } },
	{ "dma", 1, run_dma, { IMPORTER, ATTACHMENT, DIRECTION, OFFSET } },
	{ "import_mmap", 4, run_import_mmap, { IMPORTER, ATTACHMENT, NEW_MAPPING, PAGE_NR, SPAN, PROT } },

	{ "open_drm", 1, run_open_drm, { NEW_DRM } },
	{ "close_drm", 1, run_close_drm, { DRM } },
	{ "to_handle", 2, run_to_handle, { DRM, BUFFER, NEW_HANDLE } },
	{ "to_fd", 1, run_to_fd, { DRM, HANDLE, NEW_BUFFER } },
	{ "close_handle", 1, run_close_handle, { DRM, HANDLE } },
};

const unsigned int nr_ops = sizeof(ops) / sizeof(ops[0]);

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
