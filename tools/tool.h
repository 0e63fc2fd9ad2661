/* SPDX-License-Identifier: MIT */
/* Shared by all files of the bufalloc command. */
#ifndef BUFALLOC_TOOL_H
#define BUFALLOC_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <bufalloc.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Exit status. */
enum {
	DONE = 0,
	FAILED = 1,
	USAGE = 2,
};

/* Verbs: each gets argv with its own name as argv[0], and returns an exit status. */
int verb_info(int argc, char **argv);
int verb_alloc(int argc, char **argv);
int verb_commit(int argc, char **argv);
int verb_explain(int argc, char **argv);

/* number.c: both return false for anything but one whole number in range. */
bool parse_number(const char *text, uint64_t max, uint64_t *number);
bool parse_size(const char *text, uint64_t *bytes);

/* The end of a noun that @count of them are. */
static inline const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* "7.9 MiB", in a buffer of HUMAN_LEN bytes, which is returned. */
#define HUMAN_LEN 32
char *human_size(char *buffer, uint64_t bytes);

/* caching.c: one table of what --caching takes. */
bool parse_caching(const char *name, uint32_t *caching);
void list_cachings(FILE *out, const char *indent);

/* The device that this user may open, where none was named. */
const char *default_device(void);
/* A file descriptor of a device that is bufalloc's, or a negative errno. */
int open_device(const char *path);

/* diagnostics.c: what went wrong and what to do next, on stderr. */
bool module_loaded(void);
void diagnose_open(const char *path, int err);
/* @where is what was refused, if it is known: " at ...". */
void diagnose_refused(const char *verb, const char *where, int err, uint32_t reason);
/* The errno of a refused request, in words. */
const char *refusal_words(int err, uint32_t reason);
/* The next step after a refusal, or NULL. */
const char *next_step(int err, uint32_t reason);
int usage_error(const char *verb);
int finish_output(int status);

/* snoop.c: the nodes of the device tree whose devices snoop the processor's caches. */
bool snoop_is_told(void);
void snoop_visit_nodes(void (*found)(void *data, const char *node), void *data);

/*
 * unheld.c: live buffers that no process holds. A driver may have them. 0, or a negative
 * errno: -EACCES if the caller may not look at each process, -EAGAIN if buffers came and
 * went all the while.
 */
int count_unheld(int device, uint64_t *unheld);

/* fill.c: what is written into a buffer and read back. */
struct fill {
	bool by_offset;
	uint8_t byte;
};

struct mismatch {
	uint64_t offset;
	uint64_t wrote;
	uint64_t read;
};

bool parse_fill(const char *text, struct fill *fill);
int fill_buffer(const struct fill *fill, uint32_t buffer, int fd, uint64_t length);
int verify_buffer(const struct fill *fill, uint32_t buffer, int fd, uint64_t length,
		  bool *same, struct mismatch *mismatch);

/* hold.c: wait for the user, or for @seconds when @seconds is not negative. */
int hold(int64_t seconds);

/* json.c: a writer that keeps commas, indents and escapes right. */
struct json {
	FILE *out;
	int depth;
	bool empty;
};

/* @key is NULL inside arrays and at the top. @bracket is '{' or '['. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* A program that only asked for JSON reads there, too, what went wrong. */
void json_error(const char *text);
void json_refused(int err, uint32_t failed, uint32_t reason);
/* The same into an object that has been opened. */
void json_refusal(struct json *json, int err, uint32_t failed, uint32_t reason);

#endif /* BUFALLOC_TOOL_H */
