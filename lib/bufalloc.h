/* SPDX-License-Identifier: MIT */
/*
 * libbufalloc: a thin layer over /dev/bufalloc and the buffers it makes.
 *
 * A buffer is a dma-buf file descriptor. Close it with close(2), pass it on
 * like any other; its memory lives until the last user of it is gone.
 */
#ifndef BUFALLOC_H
#define BUFALLOC_H

#include <stddef.h>
#include <stdint.h>

#include <linux/bufalloc.h>
#include <linux/dma-buf.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * DOC: Rules that hold for every function
 *
 * Those that return an int return 0 (or what they say) on success and a
 * negative errno on failure, and errno itself has no meaning then. Nothing is
 * printed, nothing ends the process, there is no global state: every function
 * may be called from any thread at any time. What a call that fails would have
 * filled in means nothing, unless it says otherwise. Pointers must be valid;
 * those that may be NULL say so.
 */

/**
 * DOC: How this library grows
 *
 * The structures of <linux/bufalloc.h> gain fields at their end. The size that
 * counts is the one in the program that was compiled: the functions that take
 * such a structure are one-line wrappers here, which hand its sizeof() to a
 * function named *_sized. The library passes that size on to the kernel and
 * touches nothing past it, so programs, library and kernel of any three ages
 * work together. Requests should be cleared before they are filled in (an
 * initializer does that); what comes back is cleared by the library.
 *
 * Languages without C headers call the *_sized functions.
 *
 * The library's own structures (&struct bufalloc_image,
 * &struct bufalloc_layout) never change. What they lack comes with a new
 * structure and a new function, under a new symbol version.
 */

/* The device. */

/** BUFALLOC_DEVICE - the path that bufalloc_open() takes for NULL */
#define BUFALLOC_DEVICE "/dev/bufalloc"

/**
 * BUFALLOC_DEVICE_CHARGED - the same without memory that no memory cgroup is
 * charged for: what may be opened to everybody at the machine
 */
#define BUFALLOC_DEVICE_CHARGED "/dev/bufalloc-charged"

/**
 * bufalloc_open() - open the device
 * @path: Path of the device, or NULL for %BUFALLOC_DEVICE, and where that is not
 *	there or closed to this user, %BUFALLOC_DEVICE_CHARGED.
 *
 * Return: A file descriptor, close-on-exec, to close with bufalloc_close(); or
 * a negative errno of open(2), among them
 *   -ENOENT, -ENODEV, -ENXIO: the module is not loaded;
 *   -EACCES: this user may not open the device.
 */
int bufalloc_open(const char *path);

/**
 * bufalloc_close() - close the device
 * @device: File descriptor of bufalloc_open(), or a negative number: nothing is done.
 *
 * Buffers live on.
 */
void bufalloc_close(int device);

int bufalloc_get_info_sized(int device, struct bufalloc_info *info, size_t size);

/**
 * bufalloc_get_info() - what the kernel offers, and how much is in use
 * @device: File descriptor of bufalloc_open().
 * @info: Filled in.
 *
 * Return: 0, or a negative errno: -ENOTTY when @device is something else.
 */
static inline int bufalloc_get_info(int device, struct bufalloc_info *info)
{
	return bufalloc_get_info_sized(device, info, sizeof(*info));
}

int bufalloc_get_heap_sized(int device, uint32_t index,
			    struct bufalloc_heap *heap, size_t size);

/**
 * bufalloc_get_heap() - one heap by its index
 * @device: File descriptor of bufalloc_open().
 * @index: 0 to bufalloc_info.out_heaps - 1.
 * @heap: Filled in.
 *
 * Return: 0, or a negative errno: -ENOENT when no heap has that index.
 */
static inline int bufalloc_get_heap(int device, uint32_t index,
				    struct bufalloc_heap *heap)
{
	return bufalloc_get_heap_sized(device, index, heap, sizeof(*heap));
}

/**
 * bufalloc_find_heap() - index of the heap with a given name
 * @device: File descriptor of bufalloc_open().
 * @name: Name, as in bufalloc_heap.out_name.
 * @index: Receives the index, as bufalloc_request.heap takes it.
 *
 * Return: 0, or a negative errno: -ENOENT when no heap has that name.
 */
int bufalloc_find_heap(int device, const char *name, uint32_t *index);

/* Buffers. */

int bufalloc_alloc_sized(int device, const struct bufalloc_request *requests,
			 size_t request_size, struct bufalloc_result *results,
			 size_t result_size, uint32_t count, uint32_t *failed,
			 uint32_t *reason);

/**
 * bufalloc_alloc() - allocate one buffer
 * @device: File descriptor of bufalloc_open().
 * @request: The request. Zeros mean write-combined memory of heap 0 behind
 *	a read-only file descriptor: most programs set heap to
 *	%BUFALLOC_HEAP_ANY and fd_flags to O_RDWR | O_CLOEXEC beside the length.
 * @result: Receives the buffer; close(result->fd) gives it back.
 * @reason: Receives the &enum bufalloc_reason of a refusal, or NULL.
 *
 * Return: 0, or a negative errno as listed in <linux/bufalloc.h>. @result means
 * nothing then.
 */
static inline int bufalloc_alloc(int device,
				 const struct bufalloc_request *request,
				 struct bufalloc_result *result,
				 uint32_t *reason)
{
	return bufalloc_alloc_sized(device, request, sizeof(*request), result,
				    sizeof(*result), 1, NULL, reason);
}

/**
 * bufalloc_alloc_batch() - allocate several buffers, all or none
 * @device: File descriptor of bufalloc_open().
 * @requests: @count requests.
 * @results: Room for @count results.
 * @count: 1 to bufalloc_info.out_max_batch.
 * @failed: Receives the index of the refused request, or NULL.
 *	@count when the errno concerns no single request.
 * @reason: Receives the &enum bufalloc_reason of the refusal, or NULL.
 *	%BUFALLOC_REASON_NONE when the errno says it all.
 *
 * Return: 0, or a negative errno as listed in <linux/bufalloc.h>: no buffer was
 * made then, and @results mean nothing.
 */
static inline int bufalloc_alloc_batch(int device,
				       const struct bufalloc_request *requests,
				       struct bufalloc_result *results,
				       uint32_t count, uint32_t *failed,
				       uint32_t *reason)
{
	return bufalloc_alloc_sized(device, requests, sizeof(*requests),
				    results, sizeof(*results), count, failed,
				    reason);
}

/**
 * bufalloc_commit() - have buffers get their memory, all or none
 * @device: File descriptor of bufalloc_open().
 * @fds: @count buffers' file descriptors, of this or any other process: those that
 *	were allocated with %BUFALLOC_ALLOC_DEFERRED and not used yet. Others keep
 *	the memory they have.
 * @count: 1 to bufalloc_info.out_max_batch.
 * @failed: Receives the index of the buffer that failed, or NULL. @count
 *	when the errno concerns no single buffer.
 * @reason: Receives its &enum bufalloc_reason, or NULL.
 *
 * The memory is chosen so that all devices that are attached by now reach it.
 *
 * Return: 0, or a negative errno as listed in <linux/bufalloc.h>: every buffer is as
 * it was then.
 */
int bufalloc_commit(int device, const int *fds, uint32_t count,
		    uint32_t *failed, uint32_t *reason);

/**
 * bufalloc_advise() - say whether a buffer's content is needed
 * @device: File descriptor of bufalloc_open().
 * @fd: A buffer's file descriptor, of this or any other process.
 * @advice: %BUFALLOC_ADVICE_DONTNEED: the kernel may take the memory when there is
 *	not enough, and nobody can use the buffer; %BUFALLOC_ADVICE_WILLNEED: as at
 *	first.
 * @retained: Receives 1 if the content is still there, else 0; or NULL. Then the
 *	buffer gets new memory, zeroed, at its next use.
 *
 * Return: 0, or a negative errno: -EBUSY when it is not needed and still in use: a device
 * is attached or has not signalled its fence, or a CPU has it mapped; -EACCES when it is
 * not needed and @fd is read-only; -EBADF when @fd is not open; -EINVAL when it is not a
 * buffer of bufalloc, when it is memory of a process, or for any other @advice;
 * -ENOTTY when the kernel is older than %BUFALLOC_FEATURE_PURGEABLE.
 */
int bufalloc_advise(int device, int fd, uint32_t advice, uint32_t *retained);

int bufalloc_query_sized(int device, int fd, struct bufalloc_query *query,
			 size_t size);

/**
 * bufalloc_query() - what a buffer is
 * @device: File descriptor of bufalloc_open().
 * @fd: A buffer's file descriptor, of this or any other process.
 * @query: Filled in.
 *
 * Return: 0, or a negative errno: -EBADF when @fd is not open, -EINVAL when it
 * is not a buffer of bufalloc.
 */
static inline int bufalloc_query(int device, int fd,
				 struct bufalloc_query *query)
{
	return bufalloc_query_sized(device, fd, query, sizeof(*query));
}

/**
 * bufalloc_set_name() - give a buffer a name, for people to see
 * @fd: Any dma-buf's file descriptor.
 * @name: At most 31 bytes, and a NUL.
 *
 * The name shows in /proc/PID/fdinfo, /proc/PID/maps and debugfs. Mappings of
 * pageable buffers are called "/bufalloc (deleted)" in maps, whatever their name.
 *
 * Return: 0, or a negative errno: -EINVAL when @name is too long.
 */
int bufalloc_set_name(int fd, const char *name);

/* CPU mappings. */

/**
 * bufalloc_map() - map a buffer where huge pages are possible
 * @fd: Any dma-buf's file descriptor.
 * @length: Bytes to map, from the start of the buffer; rounded up to pages.
 * @prot: PROT_READ, PROT_WRITE or both, of <sys/mman.h>.
 * @address: Receives the address: a multiple of 2 MiB if @length is at least that.
 *
 * The mapping is shared. Give it back with bufalloc_unmap(). Where limits of the
 * process leave no room to choose an address, the kernel chooses it.
 *
 * Return: 0, or a negative errno of mmap(2), among them
 *   -EINVAL: @length is zero or reaches past the end of the buffer;
 *   -EACCES: @prot has PROT_WRITE and @fd is read-only;
 *   -ENOMEM: no room in the address space;
 *   -EAGAIN: past RLIMIT_MEMLOCK, after mlockall(2) with MCL_FUTURE.
 */
int bufalloc_map(int fd, size_t length, int prot, void **address);

/**
 * bufalloc_unmap() - undo bufalloc_map()
 * @address: The address of bufalloc_map(), or NULL: nothing is done.
 * @length: The same length.
 *
 * Return: 0, or a negative errno of munmap(2).
 */
int bufalloc_unmap(void *address, size_t length);

/**
 * bufalloc_begin_cpu_access() - from here on the CPU uses the buffer
 * @fd: Any dma-buf's file descriptor.
 * @access: DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE or DMA_BUF_SYNC_RW, of
 *	<linux/dma-buf.h>: what the CPU will do.
 *
 * Buffers that are CACHED need it, others do not mind. It waits for devices
 * that still work on the buffer where their drivers say so, and goes on
 * waiting when a signal interrupts it.
 *
 * Return: 0, or a negative errno: -EINVAL for any other @access, -ENOTTY when
 * @fd is not a dma-buf.
 */
int bufalloc_begin_cpu_access(int fd, unsigned int access);

/**
 * bufalloc_end_cpu_access() - from here on devices may use the buffer
 * @fd: The same as for bufalloc_begin_cpu_access().
 * @access: The same as for bufalloc_begin_cpu_access().
 *
 * Return: As bufalloc_begin_cpu_access().
 */
int bufalloc_end_cpu_access(int fd, unsigned int access);

/**
 * bufalloc_begin_cpu_access_range() - from here on the CPU uses a part of the buffer
 * @device: File descriptor of bufalloc_open().
 * @fd: A buffer's file descriptor, of this or any other process.
 * @offset: Bytes before the part.
 * @length: Bytes in it, 1 or more.
 * @access: As for bufalloc_begin_cpu_access().
 *
 * For who touches little of a large buffer that is CACHED: the rest is not synced, but
 * for the cache lines in which the part begins and ends. It waits as
 * bufalloc_begin_cpu_access() does.
 *
 * Return: 0, or a negative errno: -EBADF when @fd is not open; -EINVAL when it is not a
 * buffer of bufalloc, for a part that is empty or passes its end, and for any other
 * @access; -ENOTTY when the kernel does not have %BUFALLOC_FEATURE_SYNC.
 */
int bufalloc_begin_cpu_access_range(int device, int fd, uint64_t offset,
				    uint64_t length, unsigned int access);

/**
 * bufalloc_end_cpu_access_range() - from here on devices may use the part
 * @device: The same as for bufalloc_begin_cpu_access_range().
 * @fd: The same as there.
 * @offset: The same as there.
 * @length: The same as there.
 * @access: The same as there.
 *
 * Return: As bufalloc_begin_cpu_access_range().
 */
int bufalloc_end_cpu_access_range(int device, int fd, uint64_t offset,
				  uint64_t length, unsigned int access);

/* Words. */

/**
 * bufalloc_reason_string() - why a request was refused, as a sentence
 * @reason: &enum bufalloc_reason.
 *
 * Return: A constant string, for unknown reasons too. Never NULL.
 */
const char *bufalloc_reason_string(uint32_t reason);

/**
 * bufalloc_caching_string() - name of a caching
 * @caching: &enum bufalloc_caching.
 *
 * Return: "wc", "coherent", "cached", or "unknown caching".
 */
const char *bufalloc_caching_string(uint32_t caching);

/**
 * bufalloc_memtype_string() - name of a memory type
 * @memtype: &enum bufalloc_memtype.
 *
 * Return: "none", "write-back", "write-combine", "uncached", or
 * "unknown memory type".
 */
const char *bufalloc_memtype_string(uint32_t memtype);

/* Images. */

/** BUFALLOC_MAX_PLANES - planes in the largest layout */
#define BUFALLOC_MAX_PLANES 4

/**
 * struct bufalloc_image - an image that needs a place in a buffer
 * @fourcc: DRM_FORMAT_*, of libdrm's <drm_fourcc.h>.
 * @width: Pixels, 1 or more.
 * @height: Lines, 1 or more.
 * @stride_align: Bytes that divide each stride: a power of two, 0 for 1.
 * @offset_align: Bytes that divide each plane's offset: a power of two, 0 for 1.
 * @height_align: Lines that the height is rounded up to before planes are
 *	placed: a power of two, 0 for 1.
 */
struct bufalloc_image {
	uint32_t fourcc;
	uint32_t width;
	uint32_t height;
	uint32_t stride_align;
	uint32_t offset_align;
	uint32_t height_align;
};

/**
 * BUFALLOC_ALIGN_GPU - alignments in a struct bufalloc_image that GPUs take
 *
 * An initializer: { .fourcc = DRM_FORMAT_NV12, .width = 1920, .height = 1080,
 * BUFALLOC_ALIGN_GPU }. Strides are multiples of 256 bytes and heights of 16 lines,
 * the largest that drivers of GPUs are known to require of a linear image.
 */
#define BUFALLOC_ALIGN_GPU .stride_align = 256, .height_align = 16

/**
 * BUFALLOC_ALIGN_GSTREAMER - alignments with which NV12 is laid out as by GStreamer
 *
 * An initializer, as BUFALLOC_ALIGN_GPU. The layout is that of GstVideoInfo for
 * NV12 and NV21, so that elements that ignore GstVideoMeta find the planes.
 */
#define BUFALLOC_ALIGN_GSTREAMER .stride_align = 4, .height_align = 2

/**
 * struct bufalloc_layout - where each plane of a linear image lies
 * @fourcc: As in &struct bufalloc_image.
 * @width: As in &struct bufalloc_image.
 * @height: As in &struct bufalloc_image, not rounded.
 * @planes: Number of planes, 1 to %BUFALLOC_MAX_PLANES.
 * @strides: Bytes from one line of a plane to the next. 0 past @planes.
 * @offsets: Bytes from the start of the buffer to a plane. 0 past @planes.
 * @size: Bytes for the whole image: the length to allocate.
 */
struct bufalloc_layout {
	uint32_t fourcc;
	uint32_t width;
	uint32_t height;
	uint32_t planes;
	uint32_t strides[BUFALLOC_MAX_PLANES];
	uint32_t offsets[BUFALLOC_MAX_PLANES];
	uint64_t size;
};

/**
 * bufalloc_get_layout() - lay an image out
 * @image: The image and what the devices that use it require.
 * @layout: Filled in.
 *
 * Planes follow each other in the order of the fourcc. Their strides keep the
 * proportion that the format has, so that the first says all of them, as V4L2
 * and others assume: for NV12 both are the same, for YUV420 the first is twice
 * the others and a multiple of twice @stride_align. Chroma of an odd width or
 * height is rounded up.
 *
 * Return: 0, or
 *   -EINVAL: a zero width or height, or an alignment that is no power of two;
 *   -EOPNOTSUPP: a fourcc that this library cannot lay out;
 *   -EOVERFLOW: a stride or an offset of 4 GiB or more, or an impossible size.
 * They are checked in this order, and leave @layout as it was.
 */
int bufalloc_get_layout(const struct bufalloc_image *image,
			struct bufalloc_layout *layout);

/**
 * bufalloc_add_framebuffer() - make a KMS framebuffer of a buffer
 * @drm: File descriptor of a KMS device.
 * @fd: Any dma-buf's file descriptor.
 * @layout: The layout of the image in the buffer.
 * @id: Receives the framebuffer's id. Remove it with
 *	bufalloc_remove_framebuffer().
 *
 * The framebuffer holds the buffer: @fd may be closed. The GEM handle that the
 * import needs is closed before this returns. A buffer has a single handle in
 * each open file of a KMS device: when something else imported this buffer
 * through the same @drm (GBM, say), that handle is gone too; such a program
 * calls drmModeAddFB2() with the handle it has.
 *
 * Return: 0, or a negative errno of DRM_IOCTL_PRIME_FD_TO_HANDLE or
 * DRM_IOCTL_MODE_ADDFB2: -EINVAL, for instance, when the device cannot show
 * that format or stride; -EINVAL for a @layout whose planes are not 1 to
 * %BUFALLOC_MAX_PLANES. Nothing is left behind then.
 */
int bufalloc_add_framebuffer(int drm, int fd,
			     const struct bufalloc_layout *layout,
			     uint32_t *id);

/**
 * bufalloc_remove_framebuffer() - undo bufalloc_add_framebuffer()
 * @drm: The same as there.
 * @id: The framebuffer's id. Planes that show it are turned off.
 *
 * Return: 0, or a negative errno: -ENOENT when there is no such framebuffer.
 */
int bufalloc_remove_framebuffer(int drm, uint32_t id);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* BUFALLOC_H */
