// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/tree.h"

#define BASE "/sys/firmware/devicetree/base"

/* Bytes of a property, or -1 where there is none. */
static int property(const char *node, const char *name, void *value, size_t size)
{
	char path[1024];
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", node, name);
	file = fopen(path, "r");
	if (!file)
		return -1;
	length = fread(value, 1, size, file);
	fclose(file);
	return length;
}

static bool has(const char *node, const char *name)
{
	char byte;

	return property(node, name, &byte, 1) >= 0;
}

/* Its region is the child of /reserved-memory with that phandle. */
static void find_region(struct tree_heap *heap, uint32_t phandle)
{
	static const char regions[] = BASE "/reserved-memory";
	char node[512];
	struct dirent *entry;
	uint32_t found;
	uint64_t reg[2];
	DIR *dir = opendir(regions);

	while (dir && (entry = readdir(dir))) {
		snprintf(node, sizeof(node), "%s/%s", regions, entry->d_name);
		if (property(node, "phandle", &found, sizeof(found)) != sizeof(found) ||
		    found != phandle ||
		    property(node, "reg", reg, sizeof(reg)) != sizeof(reg))
			continue;
		heap->start = be64toh(reg[0]);
		heap->size = be64toh(reg[1]);
		heap->reusable = has(node, "reusable");
	}
	if (dir)
		closedir(dir);
}

static bool heap_read(struct tree_heap *heap, const char *node)
{
	static const char compatible[] = "bufalloc,heap";
	char value[64] = "";
	uint32_t phandle;

	property(node, "compatible", value, sizeof(value) - 1);
	if (strcmp(value, compatible))
		return false;

	memset(heap, 0, sizeof(*heap));
	snprintf(heap->name, sizeof(heap->name), "%.31s", strrchr(node, '/') + 1);
	heap->name[strcspn(heap->name, "@")] = '\0';
	property(node, "label", heap->name, sizeof(heap->name) - 1);
	heap->coherent = has(node, "dma-coherent");
	heap->translated = has(node, "iommus");
	if (property(node, "memory-region", &phandle, sizeof(phandle)) == sizeof(phandle))
		find_region(heap, phandle);
	return true;
}

int tree_heaps(struct tree_heap *heaps, int max)
{
	char node[512];
	struct dirent *entry;
	DIR *dir = opendir(BASE);
	int count = 0;

	while (dir && count < max && (entry = readdir(dir))) {
		snprintf(node, sizeof(node), "%s/%s", BASE, entry->d_name);
		count += heap_read(&heaps[count], node);
	}
	if (dir)
		closedir(dir);
	return count;
}
