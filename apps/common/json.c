// SPDX-License-Identifier: BSD-2-Clause
#include "common/json.h"

#include <inttypes.h>
#include <string.h>

/* Length of the UTF-8 character at s, 0 if it is not one. */
static size_t utf8_len(const unsigned char *s)
{
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;

	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;

	/* overlong forms, surrogates, above U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void write_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		size_t len = utf8_len(s);

		if (*s == '"' || *s == '\\') {
			fprintf(out, "\\%c", *s);
		} else if (*s < 0x20 || *s == 0x7f) {
			fprintf(out, "\\u%04x", *s);
		} else if (len == 0) {
			fputs("\\ufffd", out);
			len = 1;
		} else {
			fwrite(s, 1, len, out);
		}
		s += len;
	}
	fputc('"', out);
}

static void write_key(struct json *json, const char *key)
{
	if (json->comma)
		fputs(", ", json->out);
	json->comma = true;
	if (key) {
		write_string(json->out, key);
		fputs(": ", json->out);
	}
}

void json_begin(struct json *json, FILE *out)
{
	json->out = out;
	json->comma = false;
	fputc('{', out);
}

void json_end(struct json *json)
{
	fputs("}\n", json->out);
	fflush(json->out);
}

static void open_nest(struct json *json, const char *key, char bracket)
{
	write_key(json, key);
	fputc(bracket, json->out);
	json->comma = false;
}

static void close_nest(struct json *json, char bracket)
{
	fputc(bracket, json->out);
	json->comma = true;
}

void json_open_object(struct json *json, const char *key)
{
	open_nest(json, key, '{');
}

void json_close_object(struct json *json)
{
	close_nest(json, '}');
}

void json_open_array(struct json *json, const char *key)
{
	open_nest(json, key, '[');
}

void json_close_array(struct json *json)
{
	close_nest(json, ']');
}

void json_str(struct json *json, const char *key, const char *value)
{
	write_key(json, key);
	write_string(json->out, value);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	write_key(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
	write_key(json, key);
	fprintf(json->out, "%" PRId64, value);
}

void json_double(struct json *json, const char *key, double value)
{
	write_key(json, key);
	fprintf(json->out, "%.6f", value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	write_key(json, key);
	fputs(value ? "true" : "false", json->out);
}
