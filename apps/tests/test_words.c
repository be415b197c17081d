// SPDX-License-Identifier: BSD-2-Clause
/* Numbers in sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/common.h"

static void plurals(void **state)
{
	(void)state;
	assert_string_equal(app_s(0), "s");
	assert_string_equal(app_s(1), "");
	assert_string_equal(app_s(2), "s");
	assert_string_equal(app_s((1ULL << 32) + 1), "s");
}

static void sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 bytes" }, { 1, "1 byte" }, { 999, "999 bytes" },
		{ 1000, "1.0 KB" }, { 2960, "3.0 KB" },
		{ 999949, "999.9 KB" }, { 999950, "1.0 MB" },
		{ 1500000, "1.5 MB" }, { 1ULL << 30, "1.1 GB" },
		{ UINT64_MAX, "18.4 EB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(app_size(rows[i].bytes).text, rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plurals),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
