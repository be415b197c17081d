/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON, written by hand: objects of names and values, nested as the caller
 * opens and closes them.  A key is NULL inside an array.
 */
#ifndef APPS_JSON_H
#define APPS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool  comma;	/* the next value is not the first of its object */
};

/* One whole object, on one line. */
void json_begin(struct json *json, FILE *out);
void json_end(struct json *json);

void json_open_object(struct json *json, const char *key);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);

void json_str(struct json *json, const char *key, const char *value);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_double(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);

#endif /* APPS_JSON_H */
