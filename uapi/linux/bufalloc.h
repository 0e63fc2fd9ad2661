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
 * mmap() maps all small pages. Kernels from 6.12 on map a large page at its first access, which
 * takes one fault, if its address in the process is a multiple of its size: bufalloc_map() of the
 * library chooses such an address.
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
 *  8. EBADF       COMMIT, QUERY, SYNC, ADVISE: not an open file descriptor; EINVAL:
 *                 not a buffer of bufalloc; COMMIT: EINVAL: a buffer that is there
 *                 twice; SYNC: EINVAL: a part that passes the end of the buffer;
 *                 ADVISE: DONTNEED: EACCES: the file descriptor is read-only;
 *                 EINVAL: memory of a process
 *  9. EMFILE      ALLOC: the process has no file descriptors left
 * 10. EDQUOT      ALLOC, COMMIT: past a quota of the user or of the system; ENOMEM:
 *                 no memory, or none that satisfies the request; ENFILE: the
 *                 system has no open files left; EIO: COMMIT, mmap(2): no memory is
 *                 where all devices that are attached reach it; EAGAIN: COMMIT:
 *                 devices came and went all the while; EBUSY: ADVISE: DONTNEED, and
 *                 the buffer is in use; COMMIT, mmap(2): after a DONTNEED; ALLOC,
 *                 COMMIT, mmap(2): while the machine hibernates; EFAULT: ALLOC:
 *                 memory of the caller that cannot be pinned
 * 11. EFAULT      what is told could not be written, and all was undone
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
 * Memory is charged to the memory cgroup of the task that calls ALLOC, and so are the records
 * that bufalloc and the file system keep of it. The charge lasts until they are freed,
 * whoever holds the buffer by then. (Memory of a process: see there.) Past the limit of the
 * cgroup ALLOC is ENOMEM: memory for buffers is allocated without the OOM killer. (A table of
 * file descriptors that has to grow may call it, as with open(2).) Past memory.high or
 * memory.swap.high the kernel slows ALLOC down, by seconds for each chunk; a signal that ends
 * the process ends the call. The root cgroup charges nothing, and neither does a kernel that
 * does not account for its own memory (cgroup.memory=nokmem).
 *
 * Memory that was set aside when the machine started, and CMA memory, cannot be charged to a
 * memory cgroup: HEAP tells which. A kernel with the dmem controller charges that memory
 * there, in a region named "bufalloc/" and the name of the heap. Such memory is not available
 * behind /dev/bufalloc-charged, which takes the same calls.
 *
 * All memory counts for quotas as well: that of the system, and that of each user. The user is
 * the real user ID of the opener of the file; in a user namespace also the owner of that
 * namespace, and of those above. Quotas are module parameters, and INFO tells them. For a quota
 * of bytes a buffer counts as its memory and bufalloc_info.out_buffer_cost. Small
 * write-combined buffers on x86 come out of blocks of 2 MiB. A block belongs to one open file,
 * and is charged whole, to the cgroup of the task whose request took it.
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
 * enum bufalloc_caching - how the CPU sees a buffer, as asked for
 *
 * A caching is given as requested, or refused with EOPNOTSUPP. With
 * %BUFALLOC_ALLOC_ANY_CACHING another one may be given, and is reported.
 *
 * @BUFALLOC_CACHING_WC: Write-combined: never cacheable for the CPU. Writes are
 *	gathered and fast, reads are slow. Needs no sync. The default.
 * @BUFALLOC_CACHING_COHERENT: Never needs a sync. What it is on this machine,
 *	cacheable or not, is reported as an &enum bufalloc_memtype. Where some devices
 *	snoop the caches and others do not, it is for those that do not, or for those that
 *	do: see DOC: When a buffer gets its memory.
 * @BUFALLOC_CACHING_CACHED: Cacheable. CPU accesses belong between
 *	DMA_BUF_IOCTL_SYNC calls, which cost time where a device is not
 *	coherent.
 */
enum bufalloc_caching {
	BUFALLOC_CACHING_WC = 0,
	BUFALLOC_CACHING_COHERENT = 1,
	BUFALLOC_CACHING_CACHED = 2,
};

/**
 * enum bufalloc_memtype - what a CPU mapping of a buffer really is
 *
 * @BUFALLOC_MEMTYPE_NONE: This caching is not available here.
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

/* Bits of bufalloc_info.out_features: what this kernel does beyond version 1. */
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
 * BUFALLOC_FEATURE_USER_MEMORY - %BUFALLOC_ALLOC_USER_MEMORY, where the administrator
 * allows it: module parameter user_memory, which may be changed at any time, and the bit
 * with it
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
 * @out_page_size: Bytes in a page: the unit lengths are rounded up to.
 * @out_heaps: Number of heaps; their indexes are 0 to @out_heaps - 1 and do not
 *	change while the module is loaded.
 * @out_max_batch: Largest number of requests in one ALLOC, and of buffers in one COMMIT.
 * @out_buffer_cost: Bytes that each buffer counts for in a quota, beside its
 *	memory.
 * @out_max_length: Largest length of one buffer, in bytes. Says what is
 *	accepted, not what there is memory for.
 * @out_client_bytes: Memory held on behalf of this open file, in bytes, with
 *	what rounding costs.
 * @out_client_buffers: Live buffers that this open file allocated.
 * @out_system_bytes: The same for all open files.
 * @out_system_buffers: The same for all open files.
 * @out_user_bytes: The same for the user that this open file counts for; where
 *	it counts for several, for the one with the least room.
 * @out_user_buffers: The same for that user.
 * @out_user_bytes_max: Bytes that one user may hold, see DOC: Who pays.
 * @out_user_buffers_max: Buffers that one user may hold.
 * @out_system_bytes_max: Bytes that all may hold.
 * @out_system_buffers_max: Buffers that all may hold.
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

/* Bits of bufalloc_heap.out_flags: what is not as everywhere else. */
/**
 * BUFALLOC_HEAP_KERNEL_MAPPING - the kernel maps WC and COHERENT buffers of
 * this heap for itself, all the time: DMA_ATTR_NO_KERNEL_MAPPING is ignored
 * behind an IOMMU, and a pool that the kernel does not map otherwise is mapped
 * whole. For importers that look at memory by themselves, without asking for a
 * mapping of it, such a pool is out of reach.
 */
#define BUFALLOC_HEAP_KERNEL_MAPPING (1U << 0)
/**
 * BUFALLOC_HEAP_UNCHARGED - memory of this heap was set aside when the machine
 * started. No memory cgroup is charged for it; its size is the limit.
 */
#define BUFALLOC_HEAP_UNCHARGED (1U << 1)
/**
 * BUFALLOC_HEAP_UNCHARGED_CONTIGUOUS - no memory cgroup is charged for contiguous memory
 *
 * %BUFALLOC_ALLOC_CONTIGUOUS buffers of this heap may come from the kernel's CMA area, and
 * so may deferred ones that a device prefers contiguous. Kernels before 7.2 do not tell
 * whether there is such an area: there the bit is set wherever there may be one.
 */
#define BUFALLOC_HEAP_UNCHARGED_CONTIGUOUS (1U << 2)
/**
 * BUFALLOC_HEAP_DMEM - what no memory cgroup is charged for is charged to the dmem
 * controller, as "bufalloc/" and the name of the heap.
 */
#define BUFALLOC_HEAP_DMEM (1U << 3)

/**
 * struct bufalloc_heap - BUFALLOC_IOCTL_HEAP: where memory comes from
 * @size: sizeof(struct bufalloc_heap).
 * @index: Number of the heap, 0 to bufalloc_info.out_heaps - 1.
 * @out_name: Name of the heap, NUL-terminated; the same after every boot.
 * @out_dma_bits: Every byte of the heap lies below 2^out_dma_bits in physical
 *	addresses.
 * @out_cachings: Available cachings, a bit (1 << caching) for each.
 * @out_memtype_wc: &enum bufalloc_memtype of a WC buffer;
 *	%BUFALLOC_MEMTYPE_NONE where its bit in @out_cachings is clear. The same
 *	goes for the other two.
 * @out_memtype_coherent: &enum bufalloc_memtype of a COHERENT buffer.
 * @out_memtype_cached: &enum bufalloc_memtype of a CACHED buffer.
 * @out_flags: BUFALLOC_HEAP_* bits.
 * @out_bytes_total: Bytes in the heap's own region, or zero where it takes
 *	memory from the whole system.
 * @out_bytes_used: Bytes taken from the heap and not given back.
 * @out_contiguous: Bytes up to which a %BUFALLOC_ALLOC_CONTIGUOUS buffer can be
 *	had while memory is not fragmented. Longer ones need a region set aside
 *	for them, which the kernel does not tell of: ask, and be refused.
 *
 * Errors: see DOC: Errors, steps 1 to 3, then ENOENT for an index past the
 * last heap.
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
 * BUFALLOC_ALLOC_CONTIGUOUS - one physically contiguous run of memory of up to
 * 1 GiB, or ENOMEM with %BUFALLOC_REASON_CONTIGUOUS. Never silently scattered.
 */
#define BUFALLOC_ALLOC_CONTIGUOUS (1U << 0)
/**
 * BUFALLOC_ALLOC_ANY_CACHING - if the requested caching is not available, give COHERENT
 * instead. bufalloc_result.caching tells which was given; for deferred memory QUERY does.
 */
#define BUFALLOC_ALLOC_ANY_CACHING (1U << 1)
/**
 * BUFALLOC_ALLOC_DEFERRED - take memory at first use, see DOC: When a buffer gets
 * its memory. Needs %BUFALLOC_FEATURE_DEFERRED.
 */
#define BUFALLOC_ALLOC_DEFERRED (1U << 2)
/**
 * BUFALLOC_ALLOC_PAGEABLE - memory that the kernel may swap out while no device uses
 * it, see DOC: Memory that may be swapped out. Only %BUFALLOC_CACHING_CACHED of
 * %BUFALLOC_HEAP_ANY, in any number of segments and anywhere: EINVAL, with the reason of
 * that field, with any other caching, heap, dma_bits, max_segments or alignment (but that
 * of a page), and with %BUFALLOC_REASON_FIELD together with %BUFALLOC_ALLOC_CONTIGUOUS or
 * %BUFALLOC_ALLOC_ANY_CACHING. Needs %BUFALLOC_FEATURE_PAGEABLE.
 */
#define BUFALLOC_ALLOC_PAGEABLE (1U << 3)

/**
 * BUFALLOC_ALLOC_USER_MEMORY - memory that the caller has becomes a buffer, see
 * DOC: Memory of a process. Needs %BUFALLOC_FEATURE_USER_MEMORY.
 */
#define BUFALLOC_ALLOC_USER_MEMORY (1U << 4)

/**
 * BUFALLOC_HEAP_ANY - whichever of the heaps of the system's memory fits
 * bufalloc_request.dma_bits. A heap that a device tree describes has to be named.
 */
#define BUFALLOC_HEAP_ANY 0xffffffffU

/**
 * struct bufalloc_request - one buffer wanted
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
 * @dma_bits: Memory must lie below 2^dma_bits; 0 for no limit, else 12 to 64.
 * @max_segments: Physically contiguous runs that the memory may be in at most; 0 for
 *	no limit, 1 for the same as %BUFALLOC_ALLOC_CONTIGUOUS. More than 1 makes memory
 *	come no other way than without a limit: what is in more runs is refused, and may
 *	be in fewer another time. (Needs %BUFALLOC_FEATURE_SEGMENTS.)
 * @alignment: Bytes, a power of two up to %BUFALLOC_MAX_ALIGNMENT that the address
 *	of each run is a multiple of, as the heap's device sees it; 0 for no more than
 *	a page. (Needs %BUFALLOC_FEATURE_ALIGNMENT.)
 * @padding: Bytes after @length that a device may read: they are there, and zero at
 *	first. With @length at most bufalloc_info.out_max_length. (Needs
 *	%BUFALLOC_FEATURE_PADDING.)
 * @address: With %BUFALLOC_ALLOC_USER_MEMORY, where the memory is: a multiple of the
 *	page size. Else zero.
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
/** BUFALLOC_STATE_BACKED - the buffer has its memory, or the promise of it */
#define BUFALLOC_STATE_BACKED (1U << 0)
/** BUFALLOC_STATE_CONTIGUOUS - the memory is one physically contiguous run */
#define BUFALLOC_STATE_CONTIGUOUS (1U << 1)
/** BUFALLOC_STATE_PAGEABLE - the kernel may swap it out */
#define BUFALLOC_STATE_PAGEABLE (1U << 2)
/** BUFALLOC_STATE_DONTNEED - %BUFALLOC_ADVICE_DONTNEED, and nothing since */
#define BUFALLOC_STATE_DONTNEED (1U << 3)
/** BUFALLOC_STATE_PURGED - its memory was taken, and it has no other yet */
#define BUFALLOC_STATE_PURGED (1U << 4)
/** BUFALLOC_STATE_USER_MEMORY - it is memory of a process */
#define BUFALLOC_STATE_USER_MEMORY (1U << 5)

/**
 * struct bufalloc_result - one buffer obtained
 * @fd: The dma-buf's file descriptor.
 * @caching: &enum bufalloc_caching obtained.
 * @memtype: &enum bufalloc_memtype of its CPU mappings.
 * @heap: Index of the heap the memory came from; while it has none, of the one that
 *	it would come from without devices; %BUFALLOC_HEAP_ANY for memory of a process.
 * @length: Bytes in the dma-buf: what was asked for, rounded up.
 * @chunks: Number of allocations, or parts of one, that make up the memory; 0 where
 *	that is pageable.
 * @state: BUFALLOC_STATE_* bits.
 *
 * The kernel writes every field and reads none. The results are written when
 * the call succeeds; they mean nothing when it fails.
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
 * Written to bufalloc_alloc.out_reason, bufalloc_commit.out_reason and
 * bufalloc_advise.out_reason beside the errno, and told by QUERY of the last device that
 * could not map a buffer.
 *
 * @BUFALLOC_REASON_NONE: Nothing was refused, or the errno says it all.
 * @BUFALLOC_REASON_FIELD: EINVAL: an undefined flag, flags that do not go together, or
 *	a field that is to be zero, such as an address without
 *	%BUFALLOC_ALLOC_USER_MEMORY.
 * @BUFALLOC_REASON_LENGTH: EINVAL: zero, or above bufalloc_info.out_max_length, or not
 *	whole pages of a process. This, what follows up to the heap, the alignment and
 *	the segments, also with EINVAL where memory that is pageable, or of a process,
 *	cannot be so.
 * @BUFALLOC_REASON_CACHING: EINVAL: not an &enum bufalloc_caching; EOPNOTSUPP:
 *	not available from this heap on this machine.
 * @BUFALLOC_REASON_FD_FLAGS: EINVAL: more than O_RDONLY, O_RDWR and O_CLOEXEC.
 * @BUFALLOC_REASON_DMA_BITS: EINVAL: not 0 or 12 to 64; ENOENT: no heap lies
 *	below that limit, or the heap asked for does not.
 * @BUFALLOC_REASON_HEAP: ENOENT: no heap has that index.
 * @BUFALLOC_REASON_FEATURE: EOPNOTSUPP: a feature whose bit INFO does not show; that of
 *	memory of a process shows where the module's parameter user_memory is set.
 * @BUFALLOC_REASON_FDS: EMFILE or ENFILE: no file descriptor left.
 * @BUFALLOC_REASON_CONTIGUOUS: ENOMEM: no contiguous run of that length, or no
 *	memory at all, for a request with %BUFALLOC_ALLOC_CONTIGUOUS or a max_segments of 1.
 * @BUFALLOC_REASON_MEMORY: ENOMEM: not enough memory, or past the limit of the
 *	memory cgroup.
 * @BUFALLOC_REASON_SIGNAL: EINTR: a fatal signal.
 * @BUFALLOC_REASON_USER_BYTES: EDQUOT: past bufalloc_info.out_user_bytes_max.
 * @BUFALLOC_REASON_USER_BUFFERS: EDQUOT: past
 *	bufalloc_info.out_user_buffers_max.
 * @BUFALLOC_REASON_SYSTEM_BYTES: EDQUOT: past
 *	bufalloc_info.out_system_bytes_max.
 * @BUFALLOC_REASON_SYSTEM_BUFFERS: EDQUOT: past
 *	bufalloc_info.out_system_buffers_max.
 * @BUFALLOC_REASON_UNCHARGED: EACCES: memory that no memory cgroup can be
 *	charged for, asked for through /dev/bufalloc-charged.
 * @BUFALLOC_REASON_ALIGNMENT: EINVAL: not a power of two, or above
 *	%BUFALLOC_MAX_ALIGNMENT; ENOMEM: no memory at such addresses, or none at all, for
 *	a request with an alignment above a page.
 * @BUFALLOC_REASON_SEGMENTS: ENOMEM: no memory in so few runs.
 * @BUFALLOC_REASON_NARROW: ENOMEM: not enough memory where all devices that are
 *	attached reach it, or not enough at all, for a buffer that has such devices.
 * @BUFALLOC_REASON_UNREACHABLE: EIO: a device that no IOMMU translates for does not
 *	reach the memory that the buffer has, or any memory of ours.
 * @BUFALLOC_REASON_BOUNCED: EIO: the device would see a copy of the memory.
 * @BUFALLOC_REASON_NOT_SNOOPING: EIO: the device does not see what is in the caches,
 *	and this memory gets no syncs.
 * @BUFALLOC_REASON_TABLE: EINVAL: the device's segments are shorter than a page; EIO:
 *	what an IOMMU made of them is longer than a segment can be.
 * @BUFALLOC_REASON_NO_DMA: ENODEV: the device does no DMA.
 * @BUFALLOC_REASON_DIRECTION: EBUSY: the device has it mapped in another direction.
 * @BUFALLOC_REASON_MAPPING: another errno: the device's addresses ran out, or the
 *	memory for its tables.
 * @BUFALLOC_REASON_FD: EBADF or EINVAL: not a buffer of bufalloc.
 * @BUFALLOC_REASON_TWICE: EINVAL: the buffer is in the array twice.
 * @BUFALLOC_REASON_CHANGED: EAGAIN: devices attached and detached in each of eight tries, or
 *	requirements changed.
 * @BUFALLOC_REASON_USER_ADDRESS: EINVAL: the address is not page-aligned, or address +
 *	length overflows. EFAULT: the caller has no memory there, or may not write it: past
 *	the end of a file, in a full file system, at a guard page, without a free huge page,
 *	or after an error of the swap device.
 * @BUFALLOC_REASON_USER_KIND: EFAULT: memory of a file or of a device, or of
 *	memfd_secret(2).
 * @BUFALLOC_REASON_LOCKED: ENOMEM: past RLIMIT_MEMLOCK.
 * @BUFALLOC_REASON_BUSY: EBUSY: a device is attached or has not signalled its fence, or
 *	the CPU or the kernel has it mapped.
 * @BUFALLOC_REASON_PURGED: EBUSY: nobody needs it, since %BUFALLOC_ADVICE_DONTNEED.
 * @BUFALLOC_REASON_SNOOPING: EIO: the device snoops, and CPU mappings of this memory are
 *	not cacheable while the kernel's own mapping is: the caches may have old lines.
 * @BUFALLOC_REASON_MOVABLE: EBUSY: pages of the buffer lie in memory that the kernel may
 *	have to empty (ZONE_MOVABLE), and a kernel before 6.11 gives no means to move them.
 * @BUFALLOC_REASON_UNREADABLE: EIO: a page of a %BUFALLOC_ALLOC_PAGEABLE buffer is
 *	poisoned after a hardware error, or the swap device cannot be read; EFAULT: a page
 *	of the caller's memory is poisoned.
 * @BUFALLOC_REASON_HIBERNATION: EBUSY: the machine hibernates just now, which could not
 *	save this memory.
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
 * @out_failed: Index of the request that was refused; @count where none was,
 *	or where the error concerns the call itself.
 * @out_reason: &enum bufalloc_reason of that request;
 *	%BUFALLOC_REASON_NONE where the errno says it all.
 * @__reserved: Zero.
 *
 * All buffers are made, or none: a failed call leaves no buffer, no file
 * descriptor and no memory behind. Memory is zero when userspace
 * or a device first sees it. File descriptors appear in the process after
 * everything else has succeeded.
 *
 * Errors: see DOC: Errors. @out_failed and @out_reason are written with all of
 * them, but for those of reading this structure.
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
 * @out_caching: &enum bufalloc_caching obtained.
 * @out_memtype: &enum bufalloc_memtype of its CPU mappings. While the buffer has no
 *	memory, both are what they would be without devices.
 * @out_heap: Index of its heap; %BUFALLOC_HEAP_ANY for memory of a process.
 * @out_state: BUFALLOC_STATE_* bits.
 * @out_chunks: Number of allocations, or parts of one, that make it up; 0 where it is
 *	pageable, but while a device or the kernel has it mapped.
 * @out_segments: Physically contiguous runs: neighbouring chunks count as one. The
 *	same goes for them.
 * @out_attachments: Devices attached to the buffer now.
 * @__reserved: Zero.
 * @out_max_cpu_page: Bytes of the largest page that a CPU mapping can use: of a large page (2 MiB
 *	on x86) if the memory contains one and the kernel can map it, else of a small page. 0: memory
 *	of a process cannot be mapped through the buffer.
 * @out_refusals: How often a device could not map the buffer. Read it before and after an
 *	import to know whether @out_refusal is of that import.
 * @out_refusal: &enum bufalloc_reason of the last time.
 * @out_resident: Bytes that are in memory: all of what it has, but for pageable memory
 *	that was not used yet, or was swapped out.
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
 * @fds: Address of an array of file descriptors of buffers, each an int (__s32),
 *	allocated by this or any other process. Those that have their memory already
 *	keep it.
 * @count: Elements in it, 1 to %BUFALLOC_MAX_BATCH.
 * @out_failed: Index of the buffer that could not be; @count where none was, or
 *	where the error concerns the call itself.
 * @out_reason: &enum bufalloc_reason of that buffer; %BUFALLOC_REASON_NONE where the
 *	errno says it all.
 * @__reserved: Zero.
 *
 * Afterwards all have memory, or no buffer has changed. If there is not enough memory for all
 * concurrent calls, those that there is room for succeed, and the others fail as ALLOC does;
 * no call waits for another that waits. A call that the kernel delays past memory.high can
 * make another fail as well. If two calls share a buffer, one may be refused for memory that
 * the other has taken and not yet published: a later call finds it populated. A buffer that
 * is discarded during COMMIT keeps its old memory, or has none.
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
 * @offset: Bytes before the part, less than the buffer has.
 * @length: Bytes in it, 1 to what the buffer has from @offset on.
 * @flags: DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE or DMA_BUF_SYNC_RW of
 *	<linux/dma-buf.h>, and DMA_BUF_SYNC_START or DMA_BUF_SYNC_END.
 * @__reserved: Zero.
 *
 * As DMA_BUF_IOCTL_SYNC, for a part: call START before the CPU's accesses, END after them.
 * START waits for the devices' fences, whatever the caching. Then a CACHED buffer is synced
 * for devices that do not snoop. Only the part is touched, and the rest of the cache lines in
 * which it begins and ends: what the CPU has written there goes to memory, over what a
 * device has written. So keep parts of the CPU and of a device a cache line apart.
 *
 * Needs %BUFALLOC_FEATURE_SYNC; without it the command is ENOTTY.
 *
 * Errors: see DOC: Errors, steps 1 to 4, then step 8, then EINTR for a signal while it
 * waits, where the signal's handler does not ask for calls to be begun again.
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
 * @BUFALLOC_ADVICE_WILLNEED: It is, as at first.
 * @BUFALLOC_ADVICE_DONTNEED: Not for now: the kernel may take the memory.
 */
enum bufalloc_advice {
	BUFALLOC_ADVICE_WILLNEED = 0,
	BUFALLOC_ADVICE_DONTNEED = 1,
};

/**
 * struct bufalloc_advise - BUFALLOC_IOCTL_ADVISE: see DOC: Content that can be made again
 * @size: sizeof(struct bufalloc_advise).
 * @fd: File descriptor of a buffer, allocated by this or any other process; for
 *	%BUFALLOC_ADVICE_DONTNEED one that can be written.
 * @advice: &enum bufalloc_advice. Saying it again changes nothing.
 * @out_retained: 1 where the buffer has what was last in it, which may be nothing but
 *	zeros; 0 where that was taken, and it has no new memory yet. Also 0 on failure.
 * @out_reason: &enum bufalloc_reason; %BUFALLOC_REASON_NONE where the errno says it all.
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
