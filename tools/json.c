// SPDX-License-Identifier: MIT
/* A writer of JSON. The output is valid JSON for every content of the strings. */
#include <string.h>

#include "tool.h"

/* Bytes of the valid UTF-8 sequence that @text begins with, or 0. */
static int utf8_length(const unsigned char *text)
{
	int length = text[0] < 0x80 ? 1 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2 :
				  (text[0] & 0xf0) == 0xe0		    ? 3 :
				  text[0] >= 0xf0 && text[0] < 0xf5	    ? 4 :
									      0;
	int i;

	for (i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and values above U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90))
		return 0;
	return length;
}

static void write_string(FILE *out, const char *string)
{
	const unsigned char *text = (const unsigned char *)string;
	int length;

	putc('"', out);
	for (; *text; text += length ? length : 1) {
		length = utf8_length(text);
		if (!length)
			fputs("\\ufffd", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (*text < 0x20 || *text == 0x7f)
			fprintf(out, "\\u%04x", *text);
		else
			fwrite(text, 1, length, out);
	}
	putc('"', out);
}

static void begin_value(struct json *json, const char *key)
{
	if (json->depth)
		fprintf(json->out, "%s\n%*s", json->empty ? "" : ",", 2 * json->depth, "");
	json->empty = false;
	if (key) {
		write_string(json->out, key);
		fputs(": ", json->out);
	}
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin_value(json, key);
	putc(bracket, json->out);
	json->depth++;
	json->empty = true;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (!json->empty)
		fprintf(json->out, "\n%*s", 2 * json->depth, "");
	putc(bracket, json->out);
	json->empty = false;
	if (!json->depth)
		putc('\n', json->out);
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	write_string(json->out, value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%llu", (unsigned long long)value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_error(const char *text)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_string(&json, "error", text);
	json_close(&json, '}');
}

void json_refusal(struct json *json, int err, uint32_t failed, uint32_t reason)
{
	json_string(json, "error", refusal_words(err, reason));
	json_number(json, "failed", failed);
	json_number(json, "reason", reason);
	json_string(json, "reason_text", bufalloc_reason_string(reason));
}

void json_refused(int err, uint32_t failed, uint32_t reason)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_refusal(&json, err, failed, reason);
	json_close(&json, '}');
}
