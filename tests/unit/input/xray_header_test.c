/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that the X-Ray daemon takes and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "input/xray_header.c"

static const char *const good[] = {
    "{\"format\":\"json\",\"version\":1}",
    "{\"format\": \"json\", \"version\": 1}",
    " {\"version\" : 1 , \"format\":\"JSON\"}\r",
    "{\"FORMAT\":\"jSoN\",\"Version\":1}",
    "{\"format\":\"j\xc5\xbfon\",\"ver\xc5\xbfion\":1}",
    "{\"\\u0066ormat\":\"\\u006ason\",\"version\":1}",
    "{\"x\":[{},{\"format\":2}],\"format\":\"json\",\"version\":1}",
    "{\"format\":\"json\",\"format\":7,\"version\":1,\"version\":null}",
    "{\"version\":1,\"version\":1.0,\"version\":1e0,\"format\":\"json\"}",
    "{\"version\":1,\"version\":99999999999999999999,\"format\":\"json\"}",
    "{\"format\":\"json\",\"version\":1,\"x\":\"\xff\"}",
};

static const char *const bad[] = {
    "",
    "null",
    "[]",
    "\"json\"",
    "{\"format\":\"json\"}",
    "{\"version\":1}",
    "{\"format\":\"xml\",\"version\":1}",
    "{\"format\":\"json \",\"version\":1}",
    "{\"format\":\"json\",\"version\":2}",
    "{\"format\":\"json\",\"version\":-1}",
    "{\"format\":\"json\",\"version\":1.0}",
    "{\"format\":\"json\",\"version\":1e0}",
    "{\"format\":\"json\",\"version\":\"1\"}",
    "{\"format\":\"json\",\"version\":true}",
    "{\"format\":\"json\",\"version\":18446744073709551617}",
    "{\"format\":\"json\",\"version\":01}",
    "{\"format\":\"json\",\"version\":1,}",
    "{\"format\":\"json\",\"version\":1}{}",
    "{'format':'json','version':1}",
    "\xef\xbb\xbf{\"format\":\"json\",\"version\":1}",
    "\f{\"format\":\"json\",\"version\":1}",
    "{\"format\":\"json\",\"version\":1,\"version\":2}",
    "{\"format\":\"json\",\"Format\":\"xml\",\"version\":1}",
    "{\"format\":\"jsonjsonjsonjsonjsonjsonjsonjson\",\"version\":1}",
};

static void takes_what_the_daemon_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!xray_header_ok(slice_str(good[i])))
            fail_msg("refused: %s", good[i]);
}

static void refuses_what_the_daemon_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (xray_header_ok(slice_str(bad[i])))
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_daemon_takes),
        cmocka_unit_test(refuses_what_the_daemon_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
