// SPDX-License-Identifier: MIT
/* Error messages, each with the next step for the user. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

bool module_loaded(void)
{
	return !access("/sys/module/bufalloc", F_OK);
}

static void no_device(const char *path)
{
	if (strcmp(path, BUFALLOC_DEVICE)) {
		fprintf(stderr, "  Without --device, %s is used.\n", BUFALLOC_DEVICE);
	} else if (module_loaded()) {
		fputs("  The module is loaded, but its device is not in /dev.\n"
		      "  In a container, pass the device in; elsewhere, see whether udev runs.\n",
		      stderr);
	} else {
		fputs("  The bufalloc module is not loaded. To load it:\n"
		      "    sudo modprobe bufalloc\n"
		      "  If modprobe does not find it, install it for this kernel first.\n",
		      stderr);
	}
}

static void no_permission(const char *path)
{
	struct stat node;

	if (!stat(path, &node) && node.st_gid == 0) {
		fprintf(stderr,
			"  %s belongs to root alone. Install the udev rule 60-bufalloc.rules,\n"
			"  which gives it to the group video, or for now:\n"
			"    sudo chgrp video %s && sudo chmod 660 %s\n",
			path, path, path);
	}
	fputs("  You need to be in the group of the device. To join, and then log in again:\n"
	      "    sudo usermod -aG video $USER\n",
	      stderr);
}

void diagnose_open(const char *path, int err)
{
	fflush(stdout);
	fprintf(stderr, "bufalloc: cannot use %s: %s\n", path, strerror(err));
	switch (err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		no_device(path);
		break;
	case EACCES:
	case EPERM:
		no_permission(path);
		break;
	case ENOTTY:
		fprintf(stderr, "  It is not bufalloc's device. Without --device, %s is used.\n",
			BUFALLOC_DEVICE);
		break;
	}
}

/* strerror(ENOENT) speaks of a file, but here no heap was found. */
const char *refusal_words(int err, uint32_t reason)
{
	if (err == ENOENT && reason == BUFALLOC_REASON_DMA_BITS)
		return "No heap has only memory below that limit of addresses";
	if (err == ENOENT && reason == BUFALLOC_REASON_HEAP)
		return "There is no such heap";
	return strerror(err);
}

const char *next_step(int err, uint32_t reason)
{
	switch (reason) {
	case BUFALLOC_REASON_CACHING:
		if (err == EINVAL)
			return NULL;
		return "\"bufalloc info\" shows what heaps give; --any-caching takes any.";
	case BUFALLOC_REASON_LENGTH:
		return "\"bufalloc info\" shows the largest length.";
	case BUFALLOC_REASON_DMA_BITS:
	case BUFALLOC_REASON_HEAP:
		return "\"bufalloc info\" shows the heaps and their addresses.";
	case BUFALLOC_REASON_FDS:
		if (err != EMFILE)
			return "Ask for fewer buffers.";
		return "Ask for fewer buffers, or raise the limit with \"ulimit -n\".";
	case BUFALLOC_REASON_CONTIGUOUS:
		return "Drop --contiguous, ask for less, or boot with a CMA area (cma=256M).";
	case BUFALLOC_REASON_MEMORY:
		return "Ask for less, free memory, or raise the limit of the memory cgroup.";
	case BUFALLOC_REASON_USER_BYTES:
	case BUFALLOC_REASON_USER_BUFFERS:
	case BUFALLOC_REASON_SYSTEM_BYTES:
	case BUFALLOC_REASON_SYSTEM_BUFFERS:
		return "\"bufalloc info\" shows the limits. Free some, or have an administrator\n"
		       "  raise them in /sys/module/bufalloc/parameters/.";
	case BUFALLOC_REASON_SEGMENTS:
	case BUFALLOC_REASON_ALIGNMENT:
		if (err == EINVAL)
			return NULL;
		return "Allow more segments or a smaller alignment, or ask for less.";
	case BUFALLOC_REASON_NARROW:
		return "Ask for less, or attach fewer devices that reach little.";
	case BUFALLOC_REASON_UNREACHABLE:
		return "Ask for dma_bits as the device has them (PCI: dma_mask_bits in /sys),\n"
		       "  or have it attached before others use a buffer that is deferred.";
	case BUFALLOC_REASON_BOUNCED:
		return "Boot without swiotlb=force, or with an IOMMU.";
	case BUFALLOC_REASON_NOT_SNOOPING:
		return "Ask for the caching wc or cached.";
	case BUFALLOC_REASON_SNOOPING:
		return "Ask for the caching cached, or for coherent with --deferred, and attach\n"
		       "  only devices that snoop. \"bufalloc info\" shows which do.";
	case BUFALLOC_REASON_MAPPING:
		return "Free memory, or buffers that the device has mapped.";
	case BUFALLOC_REASON_CHANGED:
		return "Attach the devices first, then commit.";
	case BUFALLOC_REASON_MOVABLE:
		return "Move the program's pages to a node without movable memory (migratepages),\n"
		       "  or use a kernel from 6.11 on.";
	case BUFALLOC_REASON_PURGED:
		return "The program that owns it calls bufalloc_advise() with WILLNEED.";
	case BUFALLOC_REASON_UNCHARGED:
		return "Use --device " BUFALLOC_DEVICE ", another heap, or drop --contiguous.";
	case BUFALLOC_REASON_FIELD:
		return "Drop --contiguous and --any-caching where memory is --pageable; else\n"
		       "  the module may be older than this tool.";
	case BUFALLOC_REASON_FEATURE:
		return "The module may be older than this tool.";
	default:
		return err == E2BIG ? "The module may be older than this tool." : NULL;
	}
}

void diagnose_refused(const char *verb, const char *where, int err, uint32_t reason)
{
	const char *step = next_step(err, reason);

	fprintf(stderr, "bufalloc %s: refused%s: %s\n", verb, where,
		refusal_words(err, reason));
	if (reason != BUFALLOC_REASON_NONE)
		fprintf(stderr, "  %s\n", bufalloc_reason_string(reason));
	if (step)
		fprintf(stderr, "  %s\n", step);
}

int usage_error(const char *verb)
{
	fprintf(stderr, "  Try \"bufalloc%s%s --help\".\n", verb ? " " : "", verb ? verb : "");
	return USAGE;
}

/* A closed pipe or a full disk is a failure. fflush() sees it at the latest. */
int finish_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "bufalloc: cannot write the output: %s\n", strerror(errno));
	return FAILED;
}
