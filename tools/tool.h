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

/* Verbs. argv[0] is the title of the verb, such as "bufalloc info". Return: an exit status. */
int verb_info(int argc, char **argv);
int verb_alloc(int argc, char **argv);
int verb_commit(int argc, char **argv);
int verb_explain(int argc, char **argv);

/* number.c. Return: false if the text is not one whole number in range. */
bool parse_number(const char *text, uint64_t max, uint64_t *number);
bool parse_size(const char *text, uint64_t *bytes);

/* The plural ending of a noun, for @count things. */
static inline const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Write a size such as "7.9 MiB" into @buffer, of HUMAN_LEN bytes. Return: @buffer. */
#define HUMAN_LEN 32
char *human_size(char *buffer, uint64_t bytes);

/* caching.c: the values of --caching. */
bool parse_caching(const char *name, uint32_t *caching);
void list_cachings(FILE *out, const char *indent);

/* The path without --device: the device that this user may open. */
const char *default_device(void);
/* Return: a file descriptor, or a negative errno; -ENOTTY: not the device of bufalloc. */
int open_device(const char *path);

/* diagnostics.c: print the error and the next step on stderr. */
bool module_loaded(void);
void diagnose_open(const char *path, int err);
/* @where names the refused buffer, as " at ..."; empty if it is not known. */
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
 * unheld.c: count the live buffers that no process holds. A driver may hold them. Return: 0, or a
 * negative errno. -EACCES: the caller may not look into each process. -EAGAIN: buffers came and
 * went during each try.
 */
int count_unheld(int device, uint64_t *unheld);

/* fill.c: the pattern that is written into a buffer and read back. */
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

/* hold.c: wait for @seconds; if @seconds is negative, wait for the user. */
int hold(int64_t seconds);

/* json.c: a writer of JSON, with commas, indents and escapes. */
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
/* Print an error as a JSON object, for programs that read only the JSON. */
void json_error(const char *text);
void json_refused(int err, uint32_t failed, uint32_t reason);
/* Write the members of a refusal into an open object. */
void json_refusal(struct json *json, int err, uint32_t failed, uint32_t reason);

#endif /* BUFALLOC_TOOL_H */
