// SPDX-License-Identifier: MIT
/* bufalloc info: the module, its heaps, and the memory types of this machine. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "tool.h"

static const char help[] =
	"Usage: bufalloc info [--json] [--device PATH]\n"
	"\n"
	"Show whether the module is there, the kernel, the ABI, limits, memory in use, and\n"
	"each heap with what its cachings really are on this machine, and which devices\n"
	"snoop the processor's caches.\n"
	"\n"
	"  --json          print JSON\n"
	"  --device PATH   use PATH; by default " BUFALLOC_DEVICE ", or -charged\n"
	"  -h, --help      print this\n"
	"\n"
	"Exit status: 0 shown, 1 the device cannot be used, 2 wrong usage.\n";

struct feature {
	uint64_t bit;
	const char *name;
};

static const struct feature features[] = {
	{ BUFALLOC_FEATURE_DEFERRED, "deferred" },
	{ BUFALLOC_FEATURE_ALIGNMENT, "alignment" },
	{ BUFALLOC_FEATURE_PADDING, "padding" },
	{ BUFALLOC_FEATURE_SEGMENTS, "segments" },
	{ BUFALLOC_FEATURE_USER_MEMORY, "user-memory" },
	{ BUFALLOC_FEATURE_SYNC, "sync" },
	{ BUFALLOC_FEATURE_PAGEABLE, "pageable" },
	{ BUFALLOC_FEATURE_PURGEABLE, "purgeable" },
};

struct caching_view {
	uint32_t caching;
	uint32_t memtype;
};

#define CACHINGS 3

static void view_cachings(const struct bufalloc_heap *heap, struct caching_view *views)
{
	views[0] = (struct caching_view) { BUFALLOC_CACHING_WC, heap->out_memtype_wc };
	views[1] = (struct caching_view) { BUFALLOC_CACHING_COHERENT, heap->out_memtype_coherent };
	views[2] = (struct caching_view) { BUFALLOC_CACHING_CACHED, heap->out_memtype_cached };
}

/* The version of the module, or an empty string if the module has none. */
static void read_module_version(char *version, size_t size)
{
	FILE *file = fopen("/sys/module/bufalloc/version", "re");

	version[0] = '\0';
	if (!file)
		return;
	if (fgets(version, size, file))
		version[strcspn(version, "\n")] = '\0';
	fclose(file);
}

/* The limits are 0 if the module is older than the quotas. */
static void print_use(const char *who, uint64_t buffers, uint64_t bytes, uint64_t buffers_max,
		      uint64_t bytes_max)
{
	char human[HUMAN_LEN], most[HUMAN_LEN];

	printf("%-9s %" PRIu64 " buffers, %s", who, buffers, human_size(human, bytes));
	if (bytes_max)
		printf(" of at most %" PRIu64 " and %s", buffers_max,
		       human_size(most, bytes_max));
	putchar('\n');
}

static void print_info(const char *path, const struct bufalloc_info *info)
{
	char human[HUMAN_LEN];
	bool any = false;
	size_t i;

	printf("device    %s, ABI version %u\n", path, info->out_abi_version);
	printf("features ");
	for (i = 0; i < ARRAY_SIZE(features); i++) {
		if (info->out_features & features[i].bit) {
			printf(" %s", features[i].name);
			any = true;
		}
	}
	puts(any ? "" : " none beyond version 1");
	printf("pages     %s\n", human_size(human, info->out_page_size));
	printf("limits    %u buffers in one call, ", info->out_max_batch);
	printf("%s in one buffer\n", human_size(human, info->out_max_length));
	print_use("in use", info->out_system_buffers, info->out_system_bytes,
		  info->out_system_buffers_max, info->out_system_bytes_max);
	print_use("by you", info->out_user_buffers, info->out_user_bytes,
		  info->out_user_buffers_max, info->out_user_bytes_max);
}

static const struct {
	uint32_t bit;
	const char *name;
	const char *meaning;
} heap_flags[] = {
	{ BUFALLOC_HEAP_KERNEL_MAPPING, "mapped", "by the kernel too, all the time" },
	{ BUFALLOC_HEAP_UNCHARGED, "uncharged", "set aside at boot: no memory cgroup pays for it" },
	{ BUFALLOC_HEAP_UNCHARGED_CONTIGUOUS, "cma",
	  "what is contiguous may be CMA memory: no memory cgroup pays for it" },
	{ BUFALLOC_HEAP_DMEM, "dmem", "pays for what no memory cgroup pays for" },
};

static void print_heap(const struct bufalloc_heap *heap)
{
	struct caching_view views[CACHINGS];
	char used[HUMAN_LEN], total[HUMAN_LEN], contiguous[HUMAN_LEN];
	size_t i;

	printf("\nheap %-4u %s\n", heap->index, heap->out_name);
	printf("  addresses  below 2^%u\n", heap->out_dma_bits);
	human_size(used, heap->out_bytes_used);
	if (heap->out_bytes_total)
		printf("  memory     %s used of %s of its own\n", used,
		       human_size(total, heap->out_bytes_total));
	else
		printf("  memory     %s used, from the whole system\n", used);
	printf("  contiguous up to %s, while memory is not fragmented\n",
	       human_size(contiguous, heap->out_contiguous));
	for (i = 0; i < ARRAY_SIZE(heap_flags); i++)
		if (heap->out_flags & heap_flags[i].bit)
			printf("  %-10s %s\n", heap_flags[i].name, heap_flags[i].meaning);
	view_cachings(heap, views);
	for (i = 0; i < CACHINGS; i++)
		printf("  %-10s %s\n", bufalloc_caching_string(views[i].caching),
		       heap->out_cachings & (1U << views[i].caching) ?
			       bufalloc_memtype_string(views[i].memtype) :
			       "not available on this machine");
}

static void json_info(struct json *json, const struct bufalloc_info *info)
{
	size_t i;

	json_number(json, "abi_version", info->out_abi_version);
	json_open(json, "features", '[');
	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (info->out_features & features[i].bit)
			json_string(json, NULL, features[i].name);
	json_close(json, ']');
	json_number(json, "page_size", info->out_page_size);
	json_number(json, "max_batch", info->out_max_batch);
	json_number(json, "max_length", info->out_max_length);
	json_number(json, "system_bytes", info->out_system_bytes);
	json_number(json, "system_buffers", info->out_system_buffers);
	json_number(json, "system_bytes_max", info->out_system_bytes_max);
	json_number(json, "system_buffers_max", info->out_system_buffers_max);
	json_number(json, "user_bytes", info->out_user_bytes);
	json_number(json, "user_buffers", info->out_user_buffers);
	json_number(json, "user_bytes_max", info->out_user_bytes_max);
	json_number(json, "user_buffers_max", info->out_user_buffers_max);
	json_number(json, "buffer_cost", info->out_buffer_cost);
}

static void json_heap(struct json *json, const struct bufalloc_heap *heap)
{
	struct caching_view views[CACHINGS];
	size_t i;

	json_open(json, NULL, '{');
	json_number(json, "index", heap->index);
	json_string(json, "name", heap->out_name);
	json_number(json, "dma_bits", heap->out_dma_bits);
	json_number(json, "bytes_total", heap->out_bytes_total);
	json_number(json, "bytes_used", heap->out_bytes_used);
	json_number(json, "contiguous", heap->out_contiguous);
	json_open(json, "flags", '[');
	for (i = 0; i < ARRAY_SIZE(heap_flags); i++)
		if (heap->out_flags & heap_flags[i].bit)
			json_string(json, NULL, heap_flags[i].name);
	json_close(json, ']');
	view_cachings(heap, views);
	/* A caching that is not available has the memory type "none". */
	json_open(json, "cachings", '{');
	for (i = 0; i < CACHINGS; i++)
		json_string(json, bufalloc_caching_string(views[i].caching),
			    bufalloc_memtype_string(heap->out_cachings & (1U << views[i].caching) ?
							    views[i].memtype :
							    BUFALLOC_MEMTYPE_NONE));
	json_close(json, '}');
	json_close(json, '}');
}

/* Show nothing if the user may not look into every process. */
static void show_unheld(struct json *json, int device)
{
	uint64_t unheld;

	if (count_unheld(device, &unheld))
		return;
	if (json)
		json_number(json, "unheld_buffers", unheld);
	else if (unheld)
		printf("unheld    %" PRIu64 " buffer%s: no process here has %s, so a driver does\n"
		       "          (a queued frame, a displayed image), or a message that nobody has\n"
		       "          received.\n"
		       "          Some drivers keep a buffer that they refused: bufalloc-info(1)\n",
		       unheld, plural(unheld), unheld == 1 ? "it" : "them");
}

static void print_node(void *data, const char *node)
{
	bool *any = data;

	printf("%s %s\n", *any ? "         " : "snooping ", node);
	*any = true;
}

static void json_node(void *data, const char *node)
{
	json_string(data, NULL, node);
}

/*
 * If COHERENT memory of the first heap is write-back, a device without a firmware description
 * snoops. Then all devices snoop. The kernel does not expose the description of ACPI.
 */
static bool all_snoop(const struct bufalloc_heap *first)
{
	return first->out_memtype_coherent == BUFALLOC_MEMTYPE_WRITE_BACK;
}

static void print_snooping(const struct bufalloc_heap *first)
{
	bool any = false;

	if (all_snoop(first)) {
		puts("snooping  all devices");
		return;
	}
	if (snoop_is_told())
		snoop_visit_nodes(print_node, &any);
	else
		puts("snooping  this kernel does not tell which devices do");
	if (snoop_is_told() && !any)
		puts("snooping  no device");
	else
		puts("          a device there, or below, takes cached buffers, or\n"
		     "          coherent ones that are allocated with --deferred");
}

static void json_snooping(struct json *json, const struct bufalloc_heap *first)
{
	json_bool(json, "all_devices_snoop", all_snoop(first));
	if (all_snoop(first) || !snoop_is_told())
		return;
	json_open(json, "snooping_nodes", '[');
	snoop_visit_nodes(json_node, json);
	json_close(json, ']');
}

static int show_snooping(struct json *json, int device)
{
	struct bufalloc_heap first;
	int ret = bufalloc_get_heap(device, 0, &first);

	if (!ret && json)
		json_snooping(json, &first);
	else if (!ret)
		print_snooping(&first);
	return ret;
}

static int show_heaps(struct json *json, int device, uint32_t heaps)
{
	struct bufalloc_heap heap;
	uint32_t i;
	int ret = 0;

	if (json)
		json_open(json, "heaps", '[');
	for (i = 0; i < heaps && !ret; i++) {
		ret = bufalloc_get_heap(device, i, &heap);
		if (!ret && json)
			json_heap(json, &heap);
		else if (!ret)
			print_heap(&heap);
	}
	if (json)
		json_close(json, ']');
	return ret;
}

static int show_device(struct json *json, const char *path)
{
	struct bufalloc_info info;
	int device, ret;

	device = open_device(path);
	if (device < 0)
		return device;
	ret = bufalloc_get_info(device, &info);
	if (ret)
		goto close;
	if (json)
		json_info(json, &info);
	else
		print_info(path, &info);
	show_unheld(json, device);
	ret = show_snooping(json, device);
	if (!ret)
		ret = show_heaps(json, device, info.out_heaps);
close:
	bufalloc_close(device);
	return ret;
}

static void show_host(struct json *json)
{
	bool loaded = module_loaded();
	struct utsname host;
	char version[64];

	uname(&host);
	read_module_version(version, sizeof(version));
	if (json) {
		json_string(json, "kernel", host.release);
		json_string(json, "machine", host.machine);
		json_bool(json, "module_loaded", loaded);
		if (version[0])
			json_string(json, "module_version", version);
		return;
	}
	printf("kernel    %s %s\n", host.release, host.machine);
	printf("module    %s%s%s\n", loaded ? "loaded" : "not loaded",
	       version[0] ? ", version " : "", version);
}

static int show(struct json *json, const char *path)
{
	int ret;

	if (json)
		json_open(json, NULL, '{');
	show_host(json);
	if (json)
		json_string(json, "device", path);
	ret = show_device(json, path);
	if (json && ret)
		json_string(json, "error", strerror(-ret));
	if (json)
		json_close(json, '}');
	if (ret)
		diagnose_open(path, -ret);
	return finish_output(ret ? FAILED : DONE);
}

int verb_info(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct json json = { .out = stdout };
	const char *path = default_device();
	bool as_json = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			as_json = true;
			break;
		case 'd':
			path = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return finish_output(DONE);
		default:
			return usage_error("info");
		}
	}
	if (optind < argc) {
		fprintf(stderr, "bufalloc info: takes no argument, but got \"%s\"\n", argv[optind]);
		return usage_error("info");
	}
	return show(as_json ? &json : NULL, path);
}
