// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/guest.h"

#define SYSFS "/sys/class/misc/bufalloc/"
#define TRACING "/sys/kernel/tracing/"

const char *machine(void)
{
	const char *name = getenv("BUFALLOC_MACHINE");

	return name ? name : "";
}

bool machine_has_wc(void)
{
	return strcmp(machine(), "nopat") != 0;
}

#ifdef __x86_64__
#define IS_X86 true
#else
#define IS_X86 false
#endif

bool machine_types_memory(void)
{
	return IS_X86;
}

bool machine_is_coherent(void)
{
	return IS_X86;
}

bool machine_reaches_above_4_GiB(void)
{
	FILE *file = fopen("/proc/iomem", "re");
	unsigned long long end;
	bool found = false;
	char line[256];

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*x-%llx : System RAM", &end) == 1 &&
		    strstr(line, "System RAM") && end >> 32)
			found = true;
	fclose(file);
	return found;
}

bool machine_maps_all_memory(void)
{
	return meminfo("HighTotal") <= 0;
}

bool machine_maps(unsigned long bytes)
{
	return machine_maps_all_memory() ||
	       meminfo("LowTotal") * 1024UL >= bytes;
}

bool machine_judges_segments(void)
{
	return read_number("/sys/kernel/debug/dma-api/error_count") >= 0;
}

long read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

int write_string(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

long live_bytes(void)
{
	return read_number(SYSFS "live_bytes");
}

long settled_bytes(long wanted)
{
	int i;

	for (i = 0; i < 6000 && live_bytes() != wanted; i++)
		usleep(10000);
	return live_bytes();
}

long live_buffers(void)
{
	return read_number(SYSFS "live_buffers");
}

static long table_number(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	long found = -1, number;
	char line[256], word[128];

	if (!file)
		return -1;
	while (found < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, " %127[^: ]%*[: ]%ld", word, &number) == 2 &&
		    !strcmp(word, name))
			found = number;
	fclose(file);
	return found;
}

long meminfo(const char *name)
{
	return table_number("/proc/meminfo", name);
}

long vmstat(const char *name)
{
	return table_number("/proc/vmstat", name);
}

/* Each line: two addresses, and the bytes between them. */
long vmalloc_bytes(void)
{
	FILE *file = fopen("/proc/vmallocinfo", "re");
	long total = 0, bytes;
	char line[512];

	if (!file)
		return -1;
	/* What is only not yet purged maps nothing any more. */
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %ld", &bytes) == 1 &&
		    !strstr(line, "unpurged"))
			total += bytes;
	fclose(file);
	return total;
}

/* A record of the log, without the numbers before its text. */
static const char *log_text(int file, char *record, size_t size)
{
	ssize_t length = read(file, record, size - 1);
	char *text;

	if (length < 0)
		return NULL;
	record[length] = '\0';
	text = strchr(record, ';');
	return text ? text + 1 : record;
}

bool cma_area(uint64_t *start, uint64_t *end)
{
	int file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	unsigned long long mib, at;
	const char *text;
	char record[8192];
	bool found = false;

	while (file >= 0 && !found && (text = log_text(file, record, sizeof(record))))
		found = sscanf(text, "cma: Reserved %llu MiB at %llx", &mib, &at) == 2;
	if (file >= 0)
		close(file);
	if (!found)
		return false;
	*start = at;
	*end = at + (mib << 20);
	return true;
}

int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	/* ".", ".." and the directory itself. */
	return count - 3;
}

long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt;
}

int run_on(int processor)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
}

int probe_start(const char *function, const char *fetch)
{
	char text[256];
	int ret;

	probe_stop();
	write_string(TRACING "trace_clock", "global");
	snprintf(text, sizeof(text), "p:bufalloc/probe %s %s", function, fetch);
	ret = write_string(TRACING "kprobe_events", text);
	if (ret)
		return ret;
	fclose(fopen(TRACING "trace", "we"));
	return write_string(TRACING "events/bufalloc/probe/enable", "1");
}

/* Lines of kprobe_profile: name, hits, misses. */
long probe_hits(void)
{
	return table_number(TRACING "kprobe_profile", "probe");
}

int probe_read(char *text, int size)
{
	FILE *file = fopen(TRACING "trace", "re");
	int length;

	if (!file)
		return -errno;
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return length;
}

void probe_stop(void)
{
	write_string(TRACING "events/bufalloc/probe/enable", "0");
	write_string(TRACING "kprobe_events", "-:bufalloc/probe");
}
