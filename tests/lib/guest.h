/* SPDX-License-Identifier: MIT */
/* What a test asks of the machine it runs on. */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/* The machine of this cell, as tests/vm/cells names it; "" outside of one. */
const char *machine(void);
/* Whether this machine has write-combining at all. */
bool machine_has_wc(void);
/*
 * Whether a memory type belongs to the memory, as on x86: then the kernel's own
 * mapping has it too. Elsewhere it belongs to each mapping.
 */
bool machine_types_memory(void);
/* Whether memory that needs no syncs is cacheable: devices look into caches. */
bool machine_is_coherent(void);
/* Whether there is memory above 4 GiB. */
bool machine_reaches_above_4_GiB(void);
/*
 * Whether the kernel maps all memory for itself, and if not, whether it does so
 * for this much: devices are given no other, except from a CMA area.
 */
bool machine_maps_all_memory(void);
bool machine_maps(unsigned long bytes);

/* Whether the kernel warns of entries that are longer than a driver has allowed. */
bool machine_judges_segments(void);

/* Counters of the module, of all clients; -1 where it is not loaded. */
long live_bytes(void);
/* The same, once they are what is @wanted: the kernel frees what it took by itself. */
long settled_bytes(long wanted);
long live_buffers(void);

/* A line of /proc/meminfo in KiB, of /proc/vmstat in its unit; -1 for none. */
long meminfo(const char *name);
long vmstat(const char *name);

/* Kernel address space that /proc/vmallocinfo lists, in bytes. */
long vmalloc_bytes(void);

/* The kernel's own CMA area, as its log tells; false where there is none. */
bool cma_area(uint64_t *start, uint64_t *end);

/* File descriptors that this process has open. */
int open_fds(void);

/* Page faults that this thread took so far. */
long minor_faults(void);

/* Keep this thread on one processor, from 0. 0 or a negative errno. */
int run_on(int processor);

/* The first number of a file, or -1; and a string into a file, or -errno. */
long read_number(const char *path);
int write_string(const char *path, const char *text);

/*
 * Arguments of a kernel function, for a @fetch. Not every kernel counts them: on
 * ARM four are in registers, where one of 64 bits begins at an even one.
 */
#ifdef __arm__
#define PROBE_ARG3 "%r2"
#define PROBE_ARG5 "$stack0"
#define PROBE_ARG5_AFTER_U64 "$stack2"
#else
#define PROBE_ARG3 "$arg3"
#define PROBE_ARG5 "$arg5"
#define PROBE_ARG5_AFTER_U64 "$arg5"
#endif

/*
 * Calls of a kernel function, counted from probe_start() to probe_stop(). With
 * @fetch (see kprobetrace in the kernel's documentation) its arguments are
 * written to the trace, which probe_read() copies.
 */
int probe_start(const char *function, const char *fetch);
long probe_hits(void);
int probe_read(char *text, int size);
void probe_stop(void);

#endif /* TESTS_GUEST_H */
