// SPDX-License-Identifier: MIT
/* Devices that snoop the processor's caches, according to the device tree. */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define TREE "/proc/device-tree"
#define PATH_LEN 1024

/* The property holds for the node and for all nodes below. */
static bool is_marked(const char *path)
{
	char property[PATH_LEN + sizeof("/dma-coherent")];

	snprintf(property, sizeof(property), "%s/dma-coherent", path);
	return !access(property, F_OK);
}

static void visit(char *path, void (*found)(void *data, const char *node), void *data);

static void visit_children(char *path, void (*found)(void *data, const char *node), void *data)
{
	size_t length = strlen(path);
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    length + 1 + strlen(entry->d_name) >= PATH_LEN)
			continue;
		snprintf(path + length, PATH_LEN - length, "/%s", entry->d_name);
		visit(path, found, data);
		path[length] = '\0';
	}
	closedir(dir);
}

static void visit(char *path, void (*found)(void *data, const char *node), void *data)
{
	if (is_marked(path))
		found(data, path[strlen(TREE)] ? path + strlen(TREE) : "/");
	else
		visit_children(path, found, data);
}

bool snoop_is_told(void)
{
	return !access(TREE "/compatible", F_OK);
}

void snoop_visit_nodes(void (*found)(void *data, const char *node), void *data)
{
	char path[PATH_LEN] = TREE;

	visit(path, found, data);
}
