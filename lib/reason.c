// SPDX-License-Identifier: MIT
/* Names and sentences for the numbers of the ABI. */
#include "bufalloc.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *const reasons[] = {
	[BUFALLOC_REASON_NONE] =
		"The error code says it all.",
	[BUFALLOC_REASON_FIELD] =
		"The request has a flag that does not exist or does not go with another, or a field that is to be zero is not.",
	[BUFALLOC_REASON_LENGTH] =
		"The length is zero or above the largest of a buffer; or memory of a process is not whole pages, or has padding.",
	[BUFALLOC_REASON_CACHING] =
		"That caching does not exist, or this heap cannot give it on this machine; memory that is pageable, or of a process, is cached.",
	[BUFALLOC_REASON_FD_FLAGS] =
		"The file descriptor flags are more than O_RDONLY, O_RDWR and O_CLOEXEC.",
	[BUFALLOC_REASON_DMA_BITS] =
		"The address limit is not 0 or 12 to 64 bits, or the heap does not lie below it, or the memory is of a kind that may be anywhere.",
	[BUFALLOC_REASON_HEAP] =
		"No heap has that index; memory that is pageable, or of a process, comes from none in particular (BUFALLOC_HEAP_ANY).",
	[BUFALLOC_REASON_FEATURE] =
		"This bufalloc does not have a feature that the request needs, or its administrator does not allow it.",
	[BUFALLOC_REASON_FDS] =
		"No file descriptor is left, for this process or in the whole system.",
	[BUFALLOC_REASON_CONTIGUOUS] =
		"There is no physically contiguous run of memory of that length.",
	[BUFALLOC_REASON_MEMORY] =
		"There is not enough memory, or the limit of the memory cgroup is reached.",
	[BUFALLOC_REASON_SIGNAL] =
		"A fatal signal ended the call.",
	[BUFALLOC_REASON_USER_BYTES] =
		"This user would hold more memory than one user may.",
	[BUFALLOC_REASON_USER_BUFFERS] =
		"This user would hold more buffers than one user may.",
	[BUFALLOC_REASON_SYSTEM_BYTES] =
		"All users together would hold more memory than they may.",
	[BUFALLOC_REASON_SYSTEM_BUFFERS] =
		"All users together would hold more buffers than they may.",
	[BUFALLOC_REASON_UNCHARGED] =
		"No memory cgroup can be charged for this memory, as this device demands.",
	[BUFALLOC_REASON_ALIGNMENT] =
		"The alignment is not a power of two up to 4 MiB, or no memory is aligned like that, or memory of this kind takes none above a page.",
	[BUFALLOC_REASON_SEGMENTS] =
		"There is no memory in so few physically contiguous runs, or memory of this kind takes no such limit.",
	[BUFALLOC_REASON_NARROW] =
		"There is not enough memory where all attached devices reach it.",
	[BUFALLOC_REASON_UNREACHABLE] =
		"The device does not reach the memory: its DMA mask is too small, and no IOMMU translates for it.",
	[BUFALLOC_REASON_BOUNCED] =
		"The device would work on a copy of the memory (swiotlb), which this buffer cannot have.",
	[BUFALLOC_REASON_NOT_SNOOPING] =
		"The device does not see what is in the processor's caches, and this memory gets no syncs: use wc or cached.",
	[BUFALLOC_REASON_TABLE] =
		"The segments that the device takes do not fit the buffer's pages.",
	[BUFALLOC_REASON_NO_DMA] =
		"The device does no DMA.",
	[BUFALLOC_REASON_DIRECTION] =
		"The device has the buffer mapped in another direction.",
	[BUFALLOC_REASON_MAPPING] =
		"The buffer could not be mapped for the device: its addresses ran out, or the memory for its tables.",
	[BUFALLOC_REASON_FD] =
		"A file descriptor is not open, or is not a buffer of bufalloc.",
	[BUFALLOC_REASON_TWICE] =
		"The same buffer is there twice.",
	[BUFALLOC_REASON_CHANGED] =
		"Devices were attached to the buffers again and again meanwhile.",
	[BUFALLOC_REASON_USER_ADDRESS] =
		"The address is not one of a page, or there is no memory that the caller may write: none is mapped, a file or its file system ends, or it is a guard.",
	[BUFALLOC_REASON_USER_KIND] =
		"Memory of a file or of a device cannot become a buffer: only anonymous memory and shmem.",
	[BUFALLOC_REASON_LOCKED] =
		"The process would lock more memory than it may (RLIMIT_MEMLOCK, ulimit -l).",
	[BUFALLOC_REASON_BUSY] =
		"The buffer is in use: a device is attached or has not signalled its fence, or a processor or the kernel has it mapped.",
	[BUFALLOC_REASON_PURGED] =
		"Its users said that they do not need it (BUFALLOC_ADVICE_DONTNEED): say BUFALLOC_ADVICE_WILLNEED first.",
	[BUFALLOC_REASON_SNOOPING] =
		"The device snoops the processor's caches, which may have old lines of this memory: use cached, or coherent and deferred.",
	[BUFALLOC_REASON_MOVABLE] =
		"Pages of the buffer lie in memory that can be removed (ZONE_MOVABLE), and this kernel cannot move them.",
	[BUFALLOC_REASON_UNREADABLE] =
		"A page of the memory is poisoned after a hardware error, or the swap device cannot be read.",
	[BUFALLOC_REASON_HIBERNATION] =
		"The machine hibernates just now, which could not save memory of this kind.",
};

static const char *const cachings[] = {
	[BUFALLOC_CACHING_WC] = "wc",
	[BUFALLOC_CACHING_COHERENT] = "coherent",
	[BUFALLOC_CACHING_CACHED] = "cached",
};

static const char *const memtypes[] = {
	[BUFALLOC_MEMTYPE_NONE] = "none",
	[BUFALLOC_MEMTYPE_WRITE_BACK] = "write-back",
	[BUFALLOC_MEMTYPE_WRITE_COMBINE] = "write-combine",
	[BUFALLOC_MEMTYPE_UNCACHED] = "uncached",
};

const char *bufalloc_reason_string(uint32_t reason)
{
	if (reason >= ARRAY_SIZE(reasons) || !reasons[reason])
		return "The kernel gives a reason that this version of the library does not know.";
	return reasons[reason];
}

const char *bufalloc_caching_string(uint32_t caching)
{
	return caching < ARRAY_SIZE(cachings) ? cachings[caching] : "unknown caching";
}

const char *bufalloc_memtype_string(uint32_t memtype)
{
	return memtype < ARRAY_SIZE(memtypes) ? memtypes[memtype] : "unknown memory type";
}
