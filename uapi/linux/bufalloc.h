/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * bufalloc: memory that devices can use, for userspace.
 *
 * Everything a program needs to talk to /dev/bufalloc is in this file. The
 * device may be opened in any mode: each open file is a client with an account
 * of its own. Buffers come back as dma-buf file descriptors: mmap(),
 * DMA_BUF_IOCTL_SYNC and DMA_BUF_SET_NAME of <linux/dma-buf.h> work on them,
 * and so does every driver that imports dma-bufs.
 *
 * The commands. Their numbers are BUFALLOC_IOCTL_ and the name, which alone is said
 * of them below:
 *
 *  - INFO, HEAP     what this kernel offers, and where memory comes from
 *  - ALLOC          make buffers, with their memory or without
 *  - COMMIT         have such buffers get it, all or none
 *  - QUERY          what a buffer is, and why a device was refused it
 *  - SYNC           hand a part of a buffer to the CPU, or back
 *  - ADVISE         say that nobody needs a buffer for now, or that somebody does again
 *
 * mmap() of a buffer must be MAP_SHARED and stay within it (EINVAL), cannot be
 * executable (EPERM), and cannot write through a read-only file descriptor
 * (EACCES). lseek() to its end tells the length.
 *
 * mmap() maps all small pages, but pages of pageable memory are mapped when they are accessed.
 * Kernels from 6.12 on map a large page at its first access, which takes one fault, if its address
 * in the process is a multiple of its size: bufalloc_map() of the library chooses such an address.
 */
#ifndef _UAPI_LINUX_BUFALLOC_H
#define _UAPI_LINUX_BUFALLOC_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: How the structures grow
 *
 * Every structure that a command takes begins with its own size in bytes, which
 * the caller sets to sizeof(). The command number never depends on it, so that
 * a program and a kernel of different ages understand each other:
 *
 *  - a structure longer than the kernel's, up to a page, is taken when
 *    everything past what the kernel knows is zero, and refused with E2BIG when
 *    it is not;
 *  - a structure shorter than the kernel's, down to its first version, is
 *    taken: what is missing counts as zero;
 *  - the kernel writes back no more than the caller's size, and clears what
 *    the caller has beyond the kernel's own.
 *
 * Arrays are a user address in 64 bits, a number of elements and the size of
 * one element; each element follows the same three rules.
 *
 * Fields named out_*, and all of &struct bufalloc_result, are written by the
 * kernel and ignored on the way in. All others are read, and none is read and
 * then ignored: what this kernel does not do is refused with EOPNOTSUPP, what no
 * kernel does with EINVAL.
 *
 * A 32-bit program uses the same layouts on a 64-bit kernel.
 */

/**
 * DOC: Errors
 *
 * Each call checks in this order, and the first failure decides:
 *
 *  1. EFAULT      the structure, or an array's element, cannot be read
 *  2. EINVAL      a size is below the first version of its structure
 *  3. E2BIG       a size is above a page, a byte past what this kernel knows is
 *                 not zero, or a count is above BUFALLOC_MAX_BATCH
 *  4. EINVAL      an undefined flag, a zero length, an impossible value
 *  5. ENOENT      no heap has that index, or none fits the request
 *  6. EACCES      /dev/bufalloc-charged: memory that no cgroup can be charged for
 *  7. EOPNOTSUPP  defined, but not available from this kernel or this machine
 *  8.             COMMIT, QUERY, SYNC, ADVISE:
 *     EBADF       the file descriptor is not open
 *     EINVAL      the file descriptor is not of a buffer of bufalloc
 *     EINVAL      COMMIT: a buffer is in the array twice
 *     EINVAL      SYNC: the part passes the end of the buffer
 *     EACCES      ADVISE: DONTNEED, and the file descriptor is read-only
 *     EINVAL      ADVISE: DONTNEED, and the memory is of a process
 *  9. EMFILE      ALLOC: the process has no file descriptors left
 * 10. EDQUOT      ALLOC, COMMIT, mmap(2): a quota of the user or of the system is passed
 *     ENOMEM      ALLOC, COMMIT, mmap(2): no memory that satisfies the request is available
 *     ENFILE      ALLOC, COMMIT, mmap(2): the system has no open files left
 *     EFAULT      ALLOC: memory of the caller cannot be pinned
 *     EIO         COMMIT, mmap(2): no memory is within the reach of all attached devices
 *     EAGAIN      COMMIT: devices attached or detached during each of eight tries
 *     EBUSY       ADVISE: DONTNEED, and the buffer is in use
 *     EBUSY       COMMIT, mmap(2): the last advice was DONTNEED
 *     EBUSY       ALLOC, COMMIT, mmap(2): the machine hibernates
 * 11. EFAULT      the output cannot be written, and all was undone
 *
 * ALLOC makes steps 1 to 4 for the call itself, then steps 1 to 7 for each request in its
 * order, all before any buffer's memory is taken. COMMIT makes steps 1 to 4 and 11 for its
 * structure, reads the array, and makes step 8 for each buffer in its order; a buffer that is
 * there twice is found last. ADVISE makes step 11 before it changes anything. It writes
 * whether the content is still there afterwards; if that write fails, the advice stands. A
 * fatal signal ends a call that takes memory, and nobody sees its EINTR. A command that is not
 * in this file is ENOTTY.
 */

/**
 * DOC: When a buffer gets its memory
 *
 * As a rule, in ALLOC. A %BUFALLOC_ALLOC_DEFERRED buffer gets its memory at its first use:
 * when a device maps the buffer, when the CPU maps it, or in COMMIT, which populates many
 * buffers at once, all or none. Until then a buffer costs a file.
 *
 * The devices that are attached by then decide the placement of deferred memory:
 *
 * - The memory lies below the limit of the device with the smallest reach, and on the node
 *   of memory that all devices are on.
 * - The memory is contiguous, if that costs little more, where a device without an IOMMU has
 *   set a segment limit of at least the buffer's length. A limit of UINT_MAX says nothing:
 *   cameras and codecs that take a single address set it, and so do GPUs. Request
 *   %BUFALLOC_ALLOC_CONTIGUOUS for the former.
 * - Without devices the memory is what ALLOC would have taken.
 * - If bufalloc_request.heap names a heap, the memory comes from that heap.
 *
 * So attach first, then commit or map. Most drivers map as they attach: import into the
 * device with the smallest reach first, or set bufalloc_request.dma_bits. A device that
 * attaches later and does not reach the memory is refused (EIO), and QUERY tells why.
 *
 * On arm and arm64 some devices can snoop the caches while others do not. The attached
 * devices then decide the type of a COHERENT buffer as well: write-back if all of them
 * snoop, else what ALLOC would have made it. A WC buffer with %BUFALLOC_ALLOC_ANY_CACHING
 * becomes COHERENT if all of them snoop. A device of the other kind is refused: EIO with
 * %BUFALLOC_REASON_SNOOPING or %BUFALLOC_REASON_NOT_SNOOPING. Devices of both kinds share
 * CACHED buffers.
 *
 * The memory is charged as ALLOC would have charged it, whoever uses the buffer first.
 *
 * Requests by use (flags without %BUFALLOC_ALLOC_):
 *
 *  ================== ========================= ===========================================
 *  memory             request                   for a buffer
 *  ================== ========================= ===========================================
 *  at once            no flag                   used right away, by devices that reach all
 *                                               memory or whose limit is known (dma_bits)
 *  at first use       DEFERRED                  whose devices attach later and may reach
 *                                               little, or that may never be used
 *  a scene at once    DEFERRED, then COMMIT     of use only together with others
 *  swappable          PAGEABLE, also with       used now and then; its memory may be swapped
 *                     DEFERRED                  out while no device has it mapped
 *  made again         any, and ADVISE           of a cache, worth its memory while no other
 *                                               program needs that memory
 *  the caller's own   USER_MEMORY, alone        whose data is there, where pinning it costs
 *                                               less than a copy
 *  contiguous         CONTIGUOUS                of a device without an IOMMU that takes a single
 *                                               address, as for scanout
 *  few segments       max_segments              of a device with so many entries for addresses
 *  ================== ========================= ===========================================
 *
 * If several threads use a buffer first at once, one of them populates it, and the others
 * wait. The first mapping can fail as ALLOC does. mmap(2) returns that errno (EDQUOT and
 * ENOMEM among them), or EIO if an attached device reaches less than any heap; a device
 * driver may translate it. COMMIT tells the buffer and the reason.
 */

/**
 * DOC: Memory of a process
 *
 * With %BUFALLOC_ALLOC_USER_MEMORY, ALLOC makes a buffer of bufalloc_request.length bytes at
 * bufalloc_request.address of the caller: whole pages that the caller may write, of
 * anonymous memory (huge pages included) or of shmem (memfd_create(2), shared memory,
 * tmpfs). Memory of other files and of devices is refused.
 *
 * Devices get these very pages. They stay pinned until the buffer is released, even if the
 * caller unmaps them or exits; memory that the caller maps there later is not part of the
 * buffer. After fork(2) the pages are the parent's. The CPU has no mapping of the buffer but
 * the caller's own: mmap(2) of it is EINVAL, and so is a kernel mapping for a driver. Put CPU
 * accesses between DMA_BUF_IOCTL_SYNC or SYNC calls, as for every CACHED buffer.
 *
 * Such a request cannot choose where or when the memory comes: caching is CACHED, heap
 * %BUFALLOC_HEAP_ANY, and padding, dma_bits, max_segments, an alignment above a page,
 * %BUFALLOC_ALLOC_CONTIGUOUS, _DEFERRED and _PAGEABLE are EINVAL. A device that does not
 * reach the memory is refused when it maps the buffer.
 *
 * The pages stay charged to the memory cgroups that they were charged to before. They count
 * for the quotas of bufalloc, once for each buffer. They also count against the caller's
 * RLIMIT_MEMLOCK; CAP_IPC_LOCK is not required, but lifts that limit.
 */

/**
 * DOC: Memory that may be swapped out
 *
 * The memory of a %BUFALLOC_ALLOC_PAGEABLE buffer is pages of shmem, like those of a memfd.
 * While a device or the kernel has the buffer mapped, all pages are in memory and stay
 * there. The last unmap keeps neither the mapping nor the table: each frame costs more than
 * with other buffers. From then on the kernel may swap the pages out one by one, also while
 * the CPU has them mapped.
 *
 * For the CPU the memory is like that of a memfd: direct I/O and io_uring may pin it, and
 * pinned pages outlive the buffer. Without a swap device only quotas and cgroups bound how
 * much is touched.
 *
 * A quota counts the whole length from ALLOC on. The memory cgroup of the task that called
 * ALLOC is charged for each page at its first use, by whichever access, and for what is
 * swapped out. If a page cannot be read in, a device is refused, and a CPU access gets
 * SIGBUS. The errno is ENOMEM, or EIO for an error of the swap device or of the hardware. The
 * pages may lie anywhere: a device that does not reach all of them is refused, EIO with
 * %BUFALLOC_REASON_UNREACHABLE, and may be accepted another time.
 *
 * Pages in memory that can be unplugged, or in a CMA area, move out before a device maps them.
 * A kernel before 6.11 cannot move them: there a device is refused while pages are in
 * ZONE_MOVABLE (EBUSY with %BUFALLOC_REASON_MOVABLE).
 *
 * COMMIT succeeds, and reads nothing in.
 */

/**
 * DOC: Content that can be made again
 *
 * A cache, of decoded images say, is worth its memory only while no other program needs that
 * memory. ADVISE with %BUFALLOC_ADVICE_DONTNEED says so of a buffer. The buffer must not be in
 * use: no device is attached, every fence is signalled, and neither the CPU nor the kernel has
 * the buffer mapped. The kernel may purge such buffers when the machine runs out of memory, not
 * when a memory cgroup is at its limit. Buffers that were advised first are purged before
 * others. A buffer that has got an unsignalled fence since is not purged.
 *
 * Until %BUFALLOC_ADVICE_WILLNEED nobody can use the buffer: mmap(2) and COMMIT are EBUSY, and
 * a device that attaches is refused with EBUSY and %BUFALLOC_REASON_PURGED. WILLNEED tells in
 * out_retained whether the content is still there. If not, the buffer gets new memory at its
 * next use, as after %BUFALLOC_ALLOC_DEFERRED: zeros, placed for its devices. That memory is
 * charged to the memory cgroup of the task that was the first to call DONTNEED; for a
 * %BUFALLOC_ALLOC_PAGEABLE buffer, of the task that called ALLOC.
 *
 * Purged memory counts for quotas and cgroups until it is free, a little later. A call that
 * would be refused for memory or quota waits for that, and tries once more. Memory of buffers
 * in the DONTNEED state counts as available, to ALLOC and in MemAvailable, but for
 * %BUFALLOC_ALLOC_PAGEABLE buffers and for small ones in blocks of 2 MiB. No access ever
 * meets purged memory: a mapped buffer is never purged.
 */

/**
 * DOC: Who pays
 *
 * Memory cgroup: the memory, and the kernel's records of it, are charged to the cgroup of the task
 * that calls ALLOC. The charge lasts until the memory is freed, whichever process holds the buffer.
 *
 *  - Past the limit of the cgroup ALLOC is ENOMEM, and calls no OOM killer. A table of file
 *    descriptors that has to grow may call the OOM killer, as with open(2).
 *  - Past memory.high or memory.swap.high the kernel delays ALLOC by seconds for each chunk. A
 *    fatal signal ends the call.
 *  - The root cgroup charges nothing. A kernel with cgroup.memory=nokmem charges nothing.
 *  - Memory that was reserved at boot, and CMA memory, cannot be charged to a memory cgroup: HEAP
 *    tells which heaps have such memory. A kernel with the dmem controller charges it to dmem, in a
 *    region named "bufalloc/" and the name of the heap. /dev/bufalloc-charged takes the same
 *    calls, and gives no such memory.
 *  - Memory of a process is charged already: see DOC: Memory of a process.
 *
 * Quotas: all memory counts for the quota of the system, and for the quota of each user.
 *
 *  - The user is the real user ID of the opener of the file. In a user namespace the owner of that
 *    namespace, and of each namespace above, is charged as well.
 *  - Quotas are module parameters; INFO tells them.
 *  - For a quota of bytes a buffer counts as its memory and bufalloc_info.out_buffer_cost.
 *  - Small write-combined buffers on x86 are parts of blocks of 2 MiB. A block belongs to one open
 *    file. The whole block is charged to the cgroup of the task whose request allocated the block.
 */

#define BUFALLOC_IOC_TYPE 0xBF

/** BUFALLOC_ABI_VERSION - reported by INFO; changes only if a rule above does */
#define BUFALLOC_ABI_VERSION 1

/** BUFALLOC_MAX_BATCH - the largest number of buffers in one ALLOC or COMMIT */
#define BUFALLOC_MAX_BATCH 1024

/** BUFALLOC_MAX_ALIGNMENT - the largest bufalloc_request.alignment, in bytes */
#define BUFALLOC_MAX_ALIGNMENT (4U << 20)

/** BUFALLOC_HEAP_NAME_LEN - bytes of a heap's name, with the closing NUL */
#define BUFALLOC_HEAP_NAME_LEN 32

/**
 * enum bufalloc_caching - how the CPU sees a buffer, as requested
 *
 * A caching is given as requested, or refused with EOPNOTSUPP. With
 * %BUFALLOC_ALLOC_ANY_CACHING another one may be given, and is reported.
 *
 * @BUFALLOC_CACHING_WC: Write-combined: never cacheable for the CPU. Writes are
 *	gathered and fast, reads are slow. Needs no sync. The default.
 * @BUFALLOC_CACHING_COHERENT: Needs no sync. It is cacheable on some machines; &enum
 *	bufalloc_memtype tells. If only some devices of the machine snoop the caches, a buffer is
 *	for devices that snoop, or for the others: see DOC: When a buffer gets its memory.
 * @BUFALLOC_CACHING_CACHED: Cacheable. CPU accesses belong between DMA_BUF_IOCTL_SYNC calls,
 *	which take time if a device does not snoop.
 */
enum bufalloc_caching {
	BUFALLOC_CACHING_WC = 0,
	BUFALLOC_CACHING_COHERENT = 1,
	BUFALLOC_CACHING_CACHED = 2,
};

/**
 * enum bufalloc_memtype - what a CPU mapping of a buffer really is
 *
 * @BUFALLOC_MEMTYPE_NONE: The caching is not available.
 * @BUFALLOC_MEMTYPE_WRITE_BACK: Ordinary cacheable memory.
 * @BUFALLOC_MEMTYPE_WRITE_COMBINE: Not cacheable, writes may be gathered.
 * @BUFALLOC_MEMTYPE_UNCACHED: Not cacheable, writes are not gathered.
 */
enum bufalloc_memtype {
	BUFALLOC_MEMTYPE_NONE = 0,
	BUFALLOC_MEMTYPE_WRITE_BACK = 1,
	BUFALLOC_MEMTYPE_WRITE_COMBINE = 2,
	BUFALLOC_MEMTYPE_UNCACHED = 3,
};

/* Bits of bufalloc_info.out_features: additions to version 1 of the ABI. */
/** BUFALLOC_FEATURE_DEFERRED - %BUFALLOC_ALLOC_DEFERRED and COMMIT */
#define BUFALLOC_FEATURE_DEFERRED (1ULL << 0)
/** BUFALLOC_FEATURE_ALIGNMENT - bufalloc_request.alignment above zero */
#define BUFALLOC_FEATURE_ALIGNMENT (1ULL << 1)
/** BUFALLOC_FEATURE_PADDING - bufalloc_request.padding above zero */
#define BUFALLOC_FEATURE_PADDING (1ULL << 2)
/** BUFALLOC_FEATURE_SEGMENTS - bufalloc_request.max_segments above zero */
#define BUFALLOC_FEATURE_SEGMENTS (1ULL << 3)
/** BUFALLOC_FEATURE_PAGEABLE - %BUFALLOC_ALLOC_PAGEABLE */
#define BUFALLOC_FEATURE_PAGEABLE (1ULL << 4)
/** BUFALLOC_FEATURE_PURGEABLE - ADVISE */
#define BUFALLOC_FEATURE_PURGEABLE (1ULL << 7)
/**
 * BUFALLOC_FEATURE_USER_MEMORY - %BUFALLOC_ALLOC_USER_MEMORY, if the administrator allows it: the
 * bit follows the module parameter user_memory, which can change at any time
 */
#define BUFALLOC_FEATURE_USER_MEMORY (1ULL << 5)
/** BUFALLOC_FEATURE_SYNC - SYNC */
#define BUFALLOC_FEATURE_SYNC (1ULL << 6)

/**
 * struct bufalloc_info - BUFALLOC_IOCTL_INFO: what this kernel offers
 * @size: sizeof(struct bufalloc_info).
 * @out_abi_version: %BUFALLOC_ABI_VERSION of the kernel.
 * @out_features: BUFALLOC_FEATURE_* bits. A feature whose bit is clear is
 *	refused with EOPNOTSUPP.
 * @out_page_size: Bytes in a page. Lengths are rounded up to pages.
 * @out_heaps: Number of heaps; their indexes are 0 to @out_heaps - 1 and do not
 *	change while the module is loaded.
 * @out_max_batch: Largest number of requests in one ALLOC, and of buffers in one COMMIT.
 * @out_buffer_cost: Bytes that each buffer counts for in a quota, beside its
 *	memory.
 * @out_max_length: Largest length of one buffer, in bytes. A request of that length is valid, but
 *	the memory may not be available.
 * @out_client_bytes: Bytes that this open file is charged, rounding included.
 * @out_client_buffers: Live buffers that this open file allocated.
 * @out_system_bytes: The same for all open files.
 * @out_system_buffers: The same for all open files.
 * @out_user_bytes: The same for the user that this open file is charged to; of several users, the
 *	one with the least room.
 * @out_user_buffers: The same for that user.
 * @out_user_bytes_max: Bytes that one user may hold, see DOC: Who pays.
 * @out_user_buffers_max: Buffers that one user may hold.
 * @out_system_bytes_max: Bytes that all users together may hold.
 * @out_system_buffers_max: Buffers that all users together may hold.
 *
 * The first version ended with @out_system_buffers.
 *
 * Errors: see DOC: Errors, steps 1 to 3.
 */
struct bufalloc_info {
	__u32 size;
	__u32 out_abi_version;
	__aligned_u64 out_features;
	__u32 out_page_size;
	__u32 out_heaps;
	__u32 out_max_batch;
	__u32 out_buffer_cost;
	__aligned_u64 out_max_length;
	__aligned_u64 out_client_bytes;
	__aligned_u64 out_client_buffers;
	__aligned_u64 out_system_bytes;
	__aligned_u64 out_system_buffers;
	__aligned_u64 out_user_bytes;
	__aligned_u64 out_user_buffers;
	__aligned_u64 out_user_bytes_max;
	__aligned_u64 out_user_buffers_max;
	__aligned_u64 out_system_bytes_max;
	__aligned_u64 out_system_buffers_max;
};

/* Bits of bufalloc_heap.out_flags: exceptions of a heap. */
/**
 * BUFALLOC_HEAP_KERNEL_MAPPING - the kernel has a mapping of WC and COHERENT buffers of this heap
 *
 * Behind an IOMMU the DMA API ignores DMA_ATTR_NO_KERNEL_MAPPING. A pool outside of the kernel's
 * direct map is mapped whole; importers that access pages through the direct map cannot use it.
 */
#define BUFALLOC_HEAP_KERNEL_MAPPING (1U << 0)
/**
 * BUFALLOC_HEAP_UNCHARGED - memory of this heap was reserved at boot: no memory cgroup is charged
 */
#define BUFALLOC_HEAP_UNCHARGED (1U << 1)
/**
 * BUFALLOC_HEAP_UNCHARGED_CONTIGUOUS - no memory cgroup is charged for contiguous memory
 *
 * %BUFALLOC_ALLOC_CONTIGUOUS buffers of this heap can come from the kernel's CMA area. So can
 * deferred buffers if a device prefers contiguous memory. Kernels before 7.2 do not tell whether
 * there is a CMA area: the bit is set if there can be one.
 */
#define BUFALLOC_HEAP_UNCHARGED_CONTIGUOUS (1U << 2)
/**
 * BUFALLOC_HEAP_DMEM - memory that no memory cgroup is charged for is charged to the dmem
 * controller, in the region "bufalloc/" and the name of the heap
 */
#define BUFALLOC_HEAP_DMEM (1U << 3)

/**
 * struct bufalloc_heap - BUFALLOC_IOCTL_HEAP: where memory comes from
 * @size: sizeof(struct bufalloc_heap).
 * @index: Number of the heap, 0 to bufalloc_info.out_heaps - 1.
 * @out_name: Name of the heap, NUL-terminated; the same after every boot.
 * @out_dma_bits: All memory of the heap has physical addresses below 2^out_dma_bits.
 * @out_cachings: Available cachings, a bit (1 << caching) for each.
 * @out_memtype_wc: &enum bufalloc_memtype of a WC buffer; %BUFALLOC_MEMTYPE_NONE: the bit of WC in
 *	@out_cachings is clear.
 * @out_memtype_coherent: &enum bufalloc_memtype of a COHERENT buffer.
 * @out_memtype_cached: &enum bufalloc_memtype of a CACHED buffer.
 * @out_flags: BUFALLOC_HEAP_* bits.
 * @out_bytes_total: Bytes in the heap's own region; 0: the heap uses memory of the whole system.
 * @out_bytes_used: Bytes that are allocated from the heap now.
 * @out_contiguous: Bytes up to which a %BUFALLOC_ALLOC_CONTIGUOUS buffer is available while memory
 *	is not fragmented. A longer buffer needs a CMA area, of which the kernel does not tell: the
 *	request may succeed.
 *
 * Errors: see DOC: Errors, steps 1 to 3, then ENOENT: @index is not below
 * bufalloc_info.out_heaps.
 */
struct bufalloc_heap {
	__u32 size;
	__u32 index;
	char out_name[BUFALLOC_HEAP_NAME_LEN];
	__u32 out_dma_bits;
	__u32 out_cachings;
	__u32 out_memtype_wc;
	__u32 out_memtype_coherent;
	__u32 out_memtype_cached;
	__u32 out_flags;
	__aligned_u64 out_bytes_total;
	__aligned_u64 out_bytes_used;
	__aligned_u64 out_contiguous;
};

/* Bits of bufalloc_request.flags. */
/**
 * BUFALLOC_ALLOC_CONTIGUOUS - one physically contiguous range of up to 1 GiB, or ENOMEM with
 * %BUFALLOC_REASON_CONTIGUOUS
 */
#define BUFALLOC_ALLOC_CONTIGUOUS (1U << 0)
/**
 * BUFALLOC_ALLOC_ANY_CACHING - if the requested caching is not available, give COHERENT
 * instead. bufalloc_result.caching tells which was given; for deferred memory QUERY does.
 */
#define BUFALLOC_ALLOC_ANY_CACHING (1U << 1)
/**
 * BUFALLOC_ALLOC_DEFERRED - allocate the memory at the first use, see DOC: When a buffer gets
 * its memory. Needs %BUFALLOC_FEATURE_DEFERRED.
 */
#define BUFALLOC_ALLOC_DEFERRED (1U << 2)
/**
 * BUFALLOC_ALLOC_PAGEABLE - memory that the kernel may swap out while no device uses it
 *
 * See DOC: Memory that may be swapped out. Needs %BUFALLOC_FEATURE_PAGEABLE. The caching is
 * %BUFALLOC_CACHING_CACHED and the heap %BUFALLOC_HEAP_ANY. EINVAL with the reason of the field:
 * another caching or heap, dma_bits or max_segments above 0, an alignment above a page. EINVAL with
 * %BUFALLOC_REASON_FIELD: together with %BUFALLOC_ALLOC_CONTIGUOUS or %BUFALLOC_ALLOC_ANY_CACHING.
 */
#define BUFALLOC_ALLOC_PAGEABLE (1U << 3)

/**
 * BUFALLOC_ALLOC_USER_MEMORY - memory of the caller becomes a buffer, see DOC: Memory of a
 * process. Needs %BUFALLOC_FEATURE_USER_MEMORY.
 */
#define BUFALLOC_ALLOC_USER_MEMORY (1U << 4)

/**
 * BUFALLOC_HEAP_ANY - the built-in heap that fits bufalloc_request.dma_bits. A heap that a device
 * tree describes must be named.
 */
#define BUFALLOC_HEAP_ANY 0xffffffffU

/**
 * struct bufalloc_request - a request for one buffer
 *
 * A cleared request asks for write-combined memory of the first heap behind a
 * read-only file descriptor. Most programs set heap to %BUFALLOC_HEAP_ANY and
 * fd_flags to O_RDWR | O_CLOEXEC beside the length.
 *
 * @length: Bytes, 1 to bufalloc_info.out_max_length. With @padding it is rounded up
 *	to whole pages, and to a multiple of @alignment.
 * @caching: &enum bufalloc_caching.
 * @flags: BUFALLOC_ALLOC_* bits.
 * @fd_flags: O_RDONLY or O_RDWR, with or without O_CLOEXEC, of <fcntl.h>, for
 *	the dma-buf's file descriptor. O_RDONLY stops writes by the CPU through
 *	this file descriptor; it stops no device.
 * @heap: Index of a heap, or %BUFALLOC_HEAP_ANY.
 * @dma_bits: All physical addresses lie below 2^dma_bits; 0: no limit; else 12 to 64.
 * @max_segments: Largest number of physically contiguous ranges; 0: no limit; 1: the same as
 *	%BUFALLOC_ALLOC_CONTIGUOUS. A request with a limit above 1 is refused if the memory that is
 *	available has more ranges; it can succeed at another time. Needs
 *	%BUFALLOC_FEATURE_SEGMENTS.
 * @alignment: Bytes, a power of two up to %BUFALLOC_MAX_ALIGNMENT: the address of each range, as
 *	the heap's device sees it, is a multiple of it; 0: a page. Needs
 *	%BUFALLOC_FEATURE_ALIGNMENT.
 * @padding: Bytes after @length that a device may read. They are zero at first. @length + @padding
 *	is at most bufalloc_info.out_max_length. Needs %BUFALLOC_FEATURE_PADDING.
 * @address: With %BUFALLOC_ALLOC_USER_MEMORY the page-aligned address of the memory. Else zero.
 *
 * The first version ended with @padding.
 */
struct bufalloc_request {
	__aligned_u64 length;
	__u32 caching;
	__u32 flags;
	__u32 fd_flags;
	__u32 heap;
	__u32 dma_bits;
	__u32 max_segments;
	__aligned_u64 alignment;
	__aligned_u64 padding;
	__aligned_u64 address;
};

/* Bits of bufalloc_result.state and bufalloc_query.out_state. */
/** BUFALLOC_STATE_BACKED - the buffer has memory; pageable memory may be swapped out */
#define BUFALLOC_STATE_BACKED (1U << 0)
/** BUFALLOC_STATE_CONTIGUOUS - the memory is one physically contiguous range */
#define BUFALLOC_STATE_CONTIGUOUS (1U << 1)
/** BUFALLOC_STATE_PAGEABLE - the kernel may swap the memory out */
#define BUFALLOC_STATE_PAGEABLE (1U << 2)
/** BUFALLOC_STATE_DONTNEED - the last advice was %BUFALLOC_ADVICE_DONTNEED */
#define BUFALLOC_STATE_DONTNEED (1U << 3)
/** BUFALLOC_STATE_PURGED - the kernel has taken the memory, and the buffer has no new memory */
#define BUFALLOC_STATE_PURGED (1U << 4)
/** BUFALLOC_STATE_USER_MEMORY - the memory belongs to a process */
#define BUFALLOC_STATE_USER_MEMORY (1U << 5)

/**
 * struct bufalloc_result - one buffer that ALLOC made
 * @fd: The dma-buf's file descriptor.
 * @caching: &enum bufalloc_caching of the buffer.
 * @memtype: &enum bufalloc_memtype of its CPU mappings.
 * @heap: Index of the heap of the memory. Without memory: of the heap that would be used without
 *	devices. %BUFALLOC_HEAP_ANY: memory of a process.
 * @length: Bytes in the dma-buf: the requested length, rounded up.
 * @chunks: Number of allocations, or parts of allocations; 0: pageable memory.
 * @state: BUFALLOC_STATE_* bits.
 *
 * The kernel writes every field and reads none. If the call fails, the fields mean nothing.
 */
struct bufalloc_result {
	__s32 fd;
	__u32 caching;
	__u32 memtype;
	__u32 heap;
	__aligned_u64 length;
	__u32 chunks;
	__u32 state;
};

/**
 * enum bufalloc_reason - why a request, or a device, was refused
 *
 * ALLOC, COMMIT and ADVISE write the reason to out_reason beside the errno. QUERY tells the reason
 * for the last device that could not map a buffer.
 *
 * @BUFALLOC_REASON_NONE: Nothing was refused, or the errno has one meaning only.
 * @BUFALLOC_REASON_FIELD: EINVAL: a flag is undefined, two flags exclude each other, or a field is
 *	not zero (an address without %BUFALLOC_ALLOC_USER_MEMORY, for one).
 * @BUFALLOC_REASON_LENGTH: EINVAL: the length is zero, or length + padding is above
 *	bufalloc_info.out_max_length. EINVAL: the memory is of a process, and the length is not
 *	whole pages, or there is padding. The reasons from here to HEAP, ALIGNMENT and SEGMENTS are
 *	EINVAL as well if pageable memory, or memory of a process, cannot have the requested value.
 * @BUFALLOC_REASON_CACHING: EINVAL: the value is not an &enum bufalloc_caching. EOPNOTSUPP: the
 *	heap does not offer the caching on this machine.
 * @BUFALLOC_REASON_FD_FLAGS: EINVAL: there are other flags than O_RDONLY, O_RDWR and O_CLOEXEC.
 * @BUFALLOC_REASON_DMA_BITS: EINVAL: the value is not 0 or 12 to 64. ENOENT: no heap lies below
 *	that limit, or the requested heap does not.
 * @BUFALLOC_REASON_HEAP: ENOENT: no heap has that index.
 * @BUFALLOC_REASON_FEATURE: EOPNOTSUPP: INFO does not show the bit of the feature. The bit of
 *	USER_MEMORY follows the module parameter user_memory.
 * @BUFALLOC_REASON_FDS: EMFILE, ENFILE: no file descriptor is left.
 * @BUFALLOC_REASON_CONTIGUOUS: ENOMEM: no contiguous range of that length is available, for a
 *	request with %BUFALLOC_ALLOC_CONTIGUOUS or a max_segments of 1.
 * @BUFALLOC_REASON_MEMORY: ENOMEM: the memory is not available, or passes the limit of the memory
 *	cgroup.
 * @BUFALLOC_REASON_SIGNAL: EINTR: a fatal signal is pending.
 * @BUFALLOC_REASON_USER_BYTES: EDQUOT: the memory passes bufalloc_info.out_user_bytes_max.
 * @BUFALLOC_REASON_USER_BUFFERS: EDQUOT: the buffers pass bufalloc_info.out_user_buffers_max.
 * @BUFALLOC_REASON_SYSTEM_BYTES: EDQUOT: the memory passes bufalloc_info.out_system_bytes_max.
 * @BUFALLOC_REASON_SYSTEM_BUFFERS: EDQUOT: the buffers pass bufalloc_info.out_system_buffers_max.
 * @BUFALLOC_REASON_UNCHARGED: EACCES: no memory cgroup can be charged for the memory, and the file
 *	is of /dev/bufalloc-charged.
 * @BUFALLOC_REASON_ALIGNMENT: EINVAL: the value is not a power of two, or above
 *	%BUFALLOC_MAX_ALIGNMENT. ENOMEM: no memory is available at such addresses, for a request
 *	with an alignment above a page.
 * @BUFALLOC_REASON_SEGMENTS: ENOMEM: the memory that was available has more ranges.
 * @BUFALLOC_REASON_NARROW: ENOMEM: no memory is available within the reach of all attached
 *	devices, one of which does not reach all memory.
 * @BUFALLOC_REASON_UNREACHABLE: EIO: a device without an IOMMU does not reach the memory of the
 *	buffer, or does not reach the memory of any heap.
 * @BUFALLOC_REASON_BOUNCED: EIO: the device would get a copy of the memory.
 * @BUFALLOC_REASON_NOT_SNOOPING: EIO: the memory is cacheable and gets no syncs, but the device
 *	does not snoop the caches.
 * @BUFALLOC_REASON_TABLE: EINVAL: the device takes segments of less than a page. EIO: the IOMMU
 *	has merged segments to one that no entry can hold.
 * @BUFALLOC_REASON_NO_DMA: ENODEV: the device does no DMA.
 * @BUFALLOC_REASON_DIRECTION: EBUSY: the device has the buffer mapped in another direction.
 * @BUFALLOC_REASON_MAPPING: other errnos: no address of the device is left, or no memory for its
 *	tables.
 * @BUFALLOC_REASON_FD: EBADF, EINVAL: the file descriptor is not of a buffer of bufalloc.
 * @BUFALLOC_REASON_TWICE: EINVAL: the buffer is in the array twice.
 * @BUFALLOC_REASON_CHANGED: EAGAIN: devices attached or detached during each of eight tries.
 * @BUFALLOC_REASON_USER_ADDRESS: EINVAL: the address is not page-aligned, or address + length
 *	overflows. EFAULT: the caller has no memory there, or cannot write it: behind the end of a
 *	file, in a full file system, at a guard page, without a free huge page, or after an error of
 *	the swap device.
 * @BUFALLOC_REASON_USER_KIND: EFAULT: the memory is of a file, of a device or of memfd_secret(2).
 * @BUFALLOC_REASON_LOCKED: ENOMEM: the memory passes RLIMIT_MEMLOCK.
 * @BUFALLOC_REASON_BUSY: EBUSY: an importer is attached, a fence is not signalled, or the CPU or
 *	the kernel has the buffer mapped.
 * @BUFALLOC_REASON_PURGED: EBUSY: the last advice was %BUFALLOC_ADVICE_DONTNEED.
 * @BUFALLOC_REASON_SNOOPING: EIO: the device snoops the caches, CPU mappings of the memory are not
 *	cacheable, and the kernel's own mapping is: the caches may have old lines.
 * @BUFALLOC_REASON_MOVABLE: EBUSY: pages lie in memory that the kernel must be able to empty
 *	(ZONE_MOVABLE), and a kernel before 6.11 does not let the module move them.
 * @BUFALLOC_REASON_UNREADABLE: EIO: a page of a %BUFALLOC_ALLOC_PAGEABLE buffer is poisoned after a
 *	hardware error, or the swap device cannot be read. EFAULT: a page of the caller's memory is
 *	poisoned.
 * @BUFALLOC_REASON_HIBERNATION: EBUSY: the machine hibernates, and would not save the memory.
 */
enum bufalloc_reason {
	BUFALLOC_REASON_NONE = 0,
	BUFALLOC_REASON_FIELD = 1,
	BUFALLOC_REASON_LENGTH = 2,
	BUFALLOC_REASON_CACHING = 3,
	BUFALLOC_REASON_FD_FLAGS = 4,
	BUFALLOC_REASON_DMA_BITS = 5,
	BUFALLOC_REASON_HEAP = 6,
	BUFALLOC_REASON_FEATURE = 7,
	BUFALLOC_REASON_FDS = 8,
	BUFALLOC_REASON_CONTIGUOUS = 9,
	BUFALLOC_REASON_MEMORY = 10,
	BUFALLOC_REASON_SIGNAL = 11,
	BUFALLOC_REASON_USER_BYTES = 12,
	BUFALLOC_REASON_USER_BUFFERS = 13,
	BUFALLOC_REASON_SYSTEM_BYTES = 14,
	BUFALLOC_REASON_SYSTEM_BUFFERS = 15,
	BUFALLOC_REASON_UNCHARGED = 16,
	BUFALLOC_REASON_ALIGNMENT = 17,
	BUFALLOC_REASON_SEGMENTS = 18,
	BUFALLOC_REASON_NARROW = 19,
	BUFALLOC_REASON_UNREACHABLE = 20,
	BUFALLOC_REASON_BOUNCED = 21,
	BUFALLOC_REASON_NOT_SNOOPING = 22,
	BUFALLOC_REASON_TABLE = 23,
	BUFALLOC_REASON_NO_DMA = 24,
	BUFALLOC_REASON_DIRECTION = 25,
	BUFALLOC_REASON_MAPPING = 26,
	BUFALLOC_REASON_FD = 27,
	BUFALLOC_REASON_TWICE = 28,
	BUFALLOC_REASON_CHANGED = 29,
	BUFALLOC_REASON_USER_ADDRESS = 30,
	BUFALLOC_REASON_USER_KIND = 31,
	BUFALLOC_REASON_LOCKED = 32,
	BUFALLOC_REASON_BUSY = 33,
	BUFALLOC_REASON_PURGED = 34,
	BUFALLOC_REASON_SNOOPING = 35,
	BUFALLOC_REASON_MOVABLE = 36,
	BUFALLOC_REASON_UNREADABLE = 37,
	BUFALLOC_REASON_HIBERNATION = 38,
};

/**
 * struct bufalloc_alloc - BUFALLOC_IOCTL_ALLOC: buffers, all or nothing
 * @size: sizeof(struct bufalloc_alloc).
 * @flags: Zero.
 * @requests: Address of an array of &struct bufalloc_request.
 * @results: Address of an array of &struct bufalloc_result.
 * @request_size: sizeof(struct bufalloc_request).
 * @result_size: sizeof(struct bufalloc_result).
 * @count: Elements in each array, 1 to %BUFALLOC_MAX_BATCH.
 * @out_failed: Index of the request that was refused; @count: no request was refused, or the error
 *	is of the call itself.
 * @out_reason: &enum bufalloc_reason of that request.
 * @__reserved: Zero.
 *
 * All buffers are made, or none: a failed call leaves no buffer, no file descriptor and no memory
 * behind. Memory is zero when userspace or a device first sees it. File descriptors are installed
 * after everything else has succeeded.
 *
 * Errors: see DOC: Errors. @out_failed and @out_reason are written with each error of a later step
 * than those that read this structure.
 */
struct bufalloc_alloc {
	__u32 size;
	__u32 flags;
	__aligned_u64 requests;
	__aligned_u64 results;
	__u32 request_size;
	__u32 result_size;
	__u32 count;
	__u32 out_failed;
	__u32 out_reason;
	__u32 __reserved;
};

/**
 * struct bufalloc_query - BUFALLOC_IOCTL_QUERY: what a buffer is
 * @size: sizeof(struct bufalloc_query).
 * @fd: File descriptor of a buffer, allocated by this or any other process.
 * @out_length: Bytes in the dma-buf.
 * @out_caching: &enum bufalloc_caching of the buffer. Without memory: the caching that it would
 *	have without devices.
 * @out_memtype: &enum bufalloc_memtype of its CPU mappings, likewise.
 * @out_heap: Index of its heap; %BUFALLOC_HEAP_ANY: memory of a process.
 * @out_state: BUFALLOC_STATE_* bits.
 * @out_chunks: Number of allocations, or parts of allocations. Pageable memory has 0, and 1 while a
 *	device or the kernel has it mapped.
 * @out_segments: Number of physically contiguous ranges; 0 for pageable memory that is not mapped.
 * @out_attachments: Devices attached to the buffer now.
 * @__reserved: Zero.
 * @out_max_cpu_page: Bytes of the largest page that a CPU mapping can use: a large page (2 MiB on
 *	x86) if the memory contains one and the kernel can map it, else a small page. 0: memory of
 *	a process cannot be mapped through the buffer.
 * @out_refusals: How often a device could not map the buffer. Read it before and after an
 *	import to know whether @out_refusal is of that import.
 * @out_refusal: &enum bufalloc_reason of the last refusal.
 * @out_resident: Bytes that are in memory. Pages of pageable memory that were not used yet, or are
 *	swapped out, do not count.
 *
 * The first version ended with @out_max_cpu_page.
 *
 * Errors: see DOC: Errors, steps 1 to 4, then EBADF or EINVAL for @fd.
 */
struct bufalloc_query {
	__u32 size;
	__s32 fd;
	__aligned_u64 out_length;
	__u32 out_caching;
	__u32 out_memtype;
	__u32 out_heap;
	__u32 out_state;
	__u32 out_chunks;
	__u32 out_segments;
	__u32 out_attachments;
	__u32 __reserved;
	__aligned_u64 out_max_cpu_page;
	__u32 out_refusals;
	__u32 out_refusal;
	__aligned_u64 out_resident;
};

/**
 * struct bufalloc_commit - BUFALLOC_IOCTL_COMMIT: memory for buffers, all or nothing
 * @size: sizeof(struct bufalloc_commit).
 * @flags: Zero.
 * @fds: Address of an array of file descriptors (__s32) of buffers, allocated by this or any other
 *	process. A buffer that has memory keeps it.
 * @count: Elements in the array, 1 to %BUFALLOC_MAX_BATCH.
 * @out_failed: Index of the buffer that was refused; @count: no buffer was refused, or the error is
 *	of the call itself.
 * @out_reason: &enum bufalloc_reason of that buffer.
 * @__reserved: Zero.
 *
 * Afterwards all buffers have memory, or no buffer has changed.
 *
 *  - Concurrent calls: a call succeeds if there is room for its buffers, and fails as ALLOC does if
 *    not. A call that the kernel delays past memory.high can make another call fail as well.
 *  - Two calls share a buffer: one can fail for memory that the other has allocated and not
 *    published yet. A later call finds the buffer populated.
 *  - A buffer that gets %BUFALLOC_ADVICE_DONTNEED during COMMIT keeps its old memory, or has none.
 *
 * Errors: see DOC: Errors.
 */
struct bufalloc_commit {
	__u32 size;
	__u32 flags;
	__aligned_u64 fds;
	__u32 count;
	__u32 out_failed;
	__u32 out_reason;
	__u32 __reserved;
};

/**
 * struct bufalloc_sync - BUFALLOC_IOCTL_SYNC: a part of a buffer, for the CPU or back
 * @size: sizeof(struct bufalloc_sync).
 * @fd: File descriptor of a buffer, allocated by this or any other process.
 * @offset: Offset of the part in bytes, below the length of the buffer.
 * @length: Bytes in the part; 1 to the length of the buffer - @offset.
 * @flags: DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE or DMA_BUF_SYNC_RW of
 *	<linux/dma-buf.h>, and DMA_BUF_SYNC_START or DMA_BUF_SYNC_END.
 * @__reserved: Zero.
 *
 * Does for a part what DMA_BUF_IOCTL_SYNC does for a whole buffer: call START before the CPU's
 * accesses, END after them. START waits for the devices' fences, whatever the caching. Then the
 * part of a CACHED buffer is synced for devices that do not snoop.
 *
 * The sync also writes back the rest of the cache lines in which the part begins and ends. There
 * CPU writes replace what a device has written. So keep parts of the CPU and of a device a cache
 * line apart.
 *
 * Needs %BUFALLOC_FEATURE_SYNC. ENOTTY: the kernel has no SYNC.
 *
 * Errors: see DOC: Errors, steps 1 to 4, then step 8. Then EINTR: a signal came during the wait,
 * and its handler was installed without SA_RESTART.
 */
struct bufalloc_sync {
	__u32 size;
	__s32 fd;
	__aligned_u64 offset;
	__aligned_u64 length;
	__u32 flags;
	__u32 __reserved;
};

/**
 * enum bufalloc_advice - whether a buffer's content is needed
 *
 * @BUFALLOC_ADVICE_WILLNEED: The content is needed. This is the state of a new buffer.
 * @BUFALLOC_ADVICE_DONTNEED: The content is not needed for now: the kernel may take the memory.
 */
enum bufalloc_advice {
	BUFALLOC_ADVICE_WILLNEED = 0,
	BUFALLOC_ADVICE_DONTNEED = 1,
};

/**
 * struct bufalloc_advise - BUFALLOC_IOCTL_ADVISE: see DOC: Content that can be made again
 * @size: sizeof(struct bufalloc_advise).
 * @fd: File descriptor of a buffer, allocated by this or any other process; writable for
 *	%BUFALLOC_ADVICE_DONTNEED.
 * @advice: &enum bufalloc_advice. The same advice again changes nothing.
 * @out_retained: 1: the buffer has its last content, or zeros if nothing was written. 0: the kernel
 *	has taken the content, and the buffer has no new memory; or the call failed.
 * @out_reason: &enum bufalloc_reason.
 * @__reserved: Zero.
 *
 * Errors: see DOC: Errors. EBUSY comes with %BUFALLOC_REASON_BUSY.
 */
struct bufalloc_advise {
	__u32 size;
	__s32 fd;
	__u32 advice;
	__u32 out_retained;
	__u32 out_reason;
	__u32 __reserved;
};

/*
 * The commands. _IO() keeps the number free of any structure's size; each takes
 * the address of the structure named beside it.
 */
#define BUFALLOC_IOCTL_INFO _IO(BUFALLOC_IOC_TYPE, 0) /* struct bufalloc_info */
#define BUFALLOC_IOCTL_HEAP _IO(BUFALLOC_IOC_TYPE, 1) /* struct bufalloc_heap */
#define BUFALLOC_IOCTL_ALLOC _IO(BUFALLOC_IOC_TYPE, 2) /* struct bufalloc_alloc */
#define BUFALLOC_IOCTL_QUERY _IO(BUFALLOC_IOC_TYPE, 3) /* struct bufalloc_query */
#define BUFALLOC_IOCTL_COMMIT _IO(BUFALLOC_IOC_TYPE, 4) /* struct bufalloc_commit */
#define BUFALLOC_IOCTL_SYNC _IO(BUFALLOC_IOC_TYPE, 5) /* struct bufalloc_sync */
#define BUFALLOC_IOCTL_ADVISE _IO(BUFALLOC_IOC_TYPE, 6) /* struct bufalloc_advise */

#endif /* _UAPI_LINUX_BUFALLOC_H */
