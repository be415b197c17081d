// SPDX-License-Identifier: BSD-2-Clause
/* What apps write as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"

static void expect_text(const char *value, const char *written)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct json json;
	char want[256];

	assert_non_null(out);
	json_begin(&json, out);
	json_str(&json, "k", value);
	json_end(&json);
	fclose(out);
	snprintf(want, sizeof(want), "{\"k\": \"%s\"}\n", written);
	assert_string_equal(text, want);
	free(text);
}

static void test_strings(void **state)
{
	(void)state;
	expect_text("plain", "plain");
	expect_text("a\"b\\c", "a\\\"b\\\\c");
	expect_text("\n\t\x01\x7f", "\\u000a\\u0009\\u0001\\u007f");
	expect_text("\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80",
		      "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80");
	/* not UTF-8: alone, cut, overlong, a surrogate, too high */
	expect_text("\xff", "\\ufffd");
	expect_text("x\xc3", "x\\ufffd");
	expect_text("\xe2\x82", "\\ufffd\\ufffd");
	expect_text("\xc0\xaf", "\\ufffd\\ufffd");
	expect_text("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");
	expect_text("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
}

static void test_nesting(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct json json;

	(void)state;
	assert_non_null(out);
	json_begin(&json, out);
	json_open_array(&json, "a");
	json_open_object(&json, NULL);
	json_u64(&json, "n", UINT64_MAX);
	json_bool(&json, "b", false);
	json_close_object(&json);
	json_u64(&json, NULL, 1);
	json_open_object(&json, NULL);
	json_close_object(&json);
	json_close_array(&json);
	json_i64(&json, "i", INT64_MIN);
	json_double(&json, "d", 0.5);
	json_end(&json);
	fclose(out);
	assert_string_equal(text, "{\"a\": [{\"n\": 18446744073709551615, \"b\": false}, 1, {}], \"i\": -9223372036854775808, \"d\": 0.500000}\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
