// SPDX-License-Identifier: MIT
/* bufalloc explain: the state of buffers, and why a device could not map them. */
#include "process.h"

static const char help[] =
	"Usage: bufalloc explain PID [FD...] [OPTION...]\n"
	"\n"
	"Tell of the buffers that process PID holds, or of those behind these file\n"
	"descriptors of it: whether each has its memory, in what form, and why the last\n"
	"device that could not map it was refused.\n"
	"\n"
	"  --json         print JSON\n"
	"  --device PATH  use PATH; by default " BUFALLOC_DEVICE ", or -charged\n"
	"  -h, --help     print this\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n";

static void heap_name(int device, uint32_t index, char *name)
{
	struct bufalloc_heap heap;

	if (bufalloc_get_heap(device, index, &heap))
		snprintf(name, BUFALLOC_HEAP_NAME_LEN, "heap %u", index);
	else
		snprintf(name, BUFALLOC_HEAP_NAME_LEN, "%.31s", heap.out_name);
}

static bool is_of_process(const struct bufalloc_query *query)
{
	return query->out_state & BUFALLOC_STATE_USER_MEMORY;
}

/* The state that ADVISE has set. */
static void print_need(const struct bufalloc_query *query)
{
	if (query->out_state & BUFALLOC_STATE_DONTNEED)
		puts("  Its users do not need it for now (DONTNEED), so that nobody can use it.");
	if (query->out_state & BUFALLOC_STATE_PURGED)
		puts("  The kernel took its memory meanwhile, and what was in it.");
}

static void print_memory(int device, const struct bufalloc_query *query)
{
	char heap[BUFALLOC_HEAP_NAME_LEN], human[HUMAN_LEN];

	if (is_of_process(query)) {
		printf("  It is memory of a process, in %u physically contiguous run%s.\n",
		       query->out_segments, plural(query->out_segments));
	} else if (query->out_state & BUFALLOC_STATE_PAGEABLE) {
		printf("  Its memory is pageable: %s of it are in memory.\n",
		       human_size(human, query->out_resident));
	} else if (query->out_state & BUFALLOC_STATE_BACKED) {
		heap_name(device, query->out_heap, heap);
		printf("  It has its memory: from %s, in %u physically contiguous run%s.\n", heap,
		       query->out_segments, plural(query->out_segments));
	} else if (query->out_state & BUFALLOC_STATE_DONTNEED) {
		puts("  It has no memory.");
	} else {
		puts("  It has no memory yet: that comes with its first use, or with a commit.");
	}
}

/* The text if there is no reason. */
static const char no_refusal[] = "No refusal of a device has reached bufalloc.";

/* The next step. Options cannot choose where user memory and pageable memory lie. */
static const char *hint(const struct bufalloc_query *query)
{
	if (query->out_refusal != BUFALLOC_REASON_UNREACHABLE)
		return next_step(0, query->out_refusal);
	if (is_of_process(query))
		return "That memory stays where it is: copy it into a buffer that is allocated\n"
		       "  with --deferred, or have an IOMMU translate for the device.";
	if (query->out_state & BUFALLOC_STATE_PAGEABLE)
		return "Pageable memory may be anywhere: allocate it otherwise, with\n"
		       "  --deferred.";
	return next_step(0, query->out_refusal);
}

static const char *reason_text(const struct bufalloc_query *query)
{
	return query->out_refusals ? bufalloc_reason_string(query->out_refusal) : no_refusal;
}

static bool reaches_above_4_gib(int device, const struct bufalloc_query *query)
{
	struct bufalloc_heap heap;

	return !bufalloc_get_heap(device, query->out_heap, &heap) && heap.out_dma_bits > 32;
}

/* Properties that some drivers check before they map a buffer, and that this buffer lacks. */
static void print_lacks(int device, const struct bufalloc_query *query)
{
	if (is_of_process(query)) {
		puts("  - a mapping of the kernel, as vivid and others that move data by CPU do,\n"
		     "    or memory in another form or place:\n"
		     "    copy into a buffer without USER_MEMORY.");
		return;
	}
	if (query->out_state & BUFALLOC_STATE_PAGEABLE) {
		puts("  - memory in one run or below 4 GiB: allocate it without --pageable, with\n"
		     "    --contiguous or --dma-bits 32.");
		return;
	}
	if (query->out_segments > 1 && !(query->out_state & BUFALLOC_STATE_CONTIGUOUS))
		puts("  - one physically contiguous run, as drivers with dma-contig do:\n"
		     "    allocate it with --contiguous.");
	if (query->out_state & BUFALLOC_STATE_BACKED && reaches_above_4_gib(device, query))
		puts("  - memory below 4 GiB, as cirrus does: allocate it with --dma-bits 32.");
}

/* bufalloc refused no device: list causes for which a driver can refuse the buffer. */
static void print_possible_causes(int device, const struct bufalloc_query *query)
{
	printf("  %s\n", no_refusal);
	puts("  A driver that refuses the buffer by itself gives an error alone, such as EINVAL\n"
	     "  or EFAULT; \"dmesg\" may tell more. It may need");
	print_lacks(device, query);
	puts("  - a format, a size or alignments that this buffer was not asked to have.");
}

static void print_buffer(int device, const struct process_buffer *buffer)
{
	const struct bufalloc_query *query = &buffer->query;
	char human[HUMAN_LEN];

	printf("fd %d: %s, %s, attached to %u device%s\n", buffer->number,
	       human_size(human, query->out_length), bufalloc_caching_string(query->out_caching),
	       query->out_attachments, plural(query->out_attachments));
	print_memory(device, query);
	print_need(query);
	if (!query->out_refusals) {
		print_possible_causes(device, query);
		return;
	}
	printf("  Devices were refused %u time%s. The last time:\n  %s\n", query->out_refusals,
	       plural(query->out_refusals), reason_text(query));
	if (hint(query))
		printf("  %s\n", hint(query));
}

static void json_buffer(struct json *json, int device, const struct process_buffer *buffer)
{
	const struct bufalloc_query *query = &buffer->query;
	char heap[BUFALLOC_HEAP_NAME_LEN];

	json_open(json, NULL, '{');
	json_number(json, "fd", buffer->number);
	json_number(json, "bytes", query->out_length);
	json_string(json, "caching", bufalloc_caching_string(query->out_caching));
	json_string(json, "memtype", bufalloc_memtype_string(query->out_memtype));
	json_bool(json, "backed", query->out_state & BUFALLOC_STATE_BACKED);
	json_bool(json, "contiguous", query->out_state & BUFALLOC_STATE_CONTIGUOUS);
	json_bool(json, "user_memory", is_of_process(query));
	json_bool(json, "pageable", query->out_state & BUFALLOC_STATE_PAGEABLE);
	json_bool(json, "dontneed", query->out_state & BUFALLOC_STATE_DONTNEED);
	json_bool(json, "purged", query->out_state & BUFALLOC_STATE_PURGED);
	json_number(json, "resident_bytes", query->out_resident);
	if (!is_of_process(query)) {
		heap_name(device, query->out_heap, heap);
		json_string(json, "heap", heap);
	}
	json_number(json, "chunks", query->out_chunks);
	json_number(json, "segments", query->out_segments);
	json_number(json, "attachments", query->out_attachments);
	json_number(json, "refusals", query->out_refusals);
	json_number(json, "reason", query->out_refusal);
	json_string(json, "reason_text", reason_text(query));
	json_close(json, '}');
}

static void explain(const struct target *target, const struct process *process)
{
	struct json json = { .out = stdout };
	uint32_t i;

	if (!target->json) {
		for (i = 0; i < process->count; i++)
			print_buffer(process->device, &process->buffers[i]);
		return;
	}
	json_open(&json, NULL, '{');
	json_open(&json, "buffers", '[');
	for (i = 0; i < process->count; i++)
		json_buffer(&json, process->device, &process->buffers[i]);
	json_close(&json, ']');
	json_close(&json, '}');
}

int verb_explain(int argc, char **argv)
{
	struct target target = { .verb = "explain", .help = help };
	static struct process process;
	int status = parse_target(&target, argc, argv);

	if (status != PROCEED)
		return status;
	if (target_open(&target, &process))
		return FAILED;
	explain(&target, &process);
	target_close(&process);
	return finish_output(DONE);
}
