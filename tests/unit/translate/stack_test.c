/* SPDX-License-Identifier: Apache-2.0 */
/* Stack texts of all languages, whole and cut off anywhere. */
#include <stdlib.h>

#include "spans.h"
#include "translate/stack.c"

static struct fixture f;

static const struct {
    const char *language, *text, *want;
} rows[] = {
    {"java",
     "T: M\r\n\tat java.base/a.B.c(B.java:3)\r\n\tat d.E.f(Native Method)\r\n"
     "Caused by: x.Y: over\nlines\n\tat g.H.i(H.java:5)\n\t... 2 more\n",
     "\"stack\":[{\"path\":\"B.java\",\"line\":3,\"label\":\"a.B.c\"},"
     "{\"path\":\"Native Method\",\"label\":\"d.E.f\"}],\"cause\":\""},
    {"java", "T\nCaused by: x.Y: over\nlines\n\tat g.H.i(H.java:5)\n",
     "\"type\":\"x.Y\",\"message\":\"over\\nlines\",\"remote\":false,"
     "\"stack\":[{\"path\":\"H.java\",\"line\":5,\"label\":\"g.H.i\"}]"},
    {"php", "E: n\n\tat {main}(x.php:1)\n", "\"label\":\"{main}\""},
    {"python",
     "Traceback (most recent call last):\n  File \"a,b.py\", line 1, in f\n"
     "    g()\n    ^^^\n  File \"c.py\", line 2, in g\n    x\n"
     "KeyError: one: two\n\n"
     "The above exception was the direct cause of the following exception:\n"
     "\nTraceback (most recent call last):\n"
     "  File \"d.py\", line 3, in <module>\n    h()\nE: m\n",
     "\"stack\":[{\"path\":\"d.py\",\"line\":3,\"label\":\"<module>\"}],"
     "\"cause\":\""},
    {"python",
     "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n"
     "    x\n    ^\nKeyError: one: two\n\n"
     "During handling of the above exception, another exception occurred:\n"
     "\nE: m",
     "\"type\":\"KeyError\",\"message\":\"one: two\""},
    {"python",
     "  + Exception Group Traceback (most recent call last):\n"
     "  |   File \"g.py\", line 9, in g\n  |     x\n"
     "  | ExceptionGroup: M (1 sub-exception)\n"
     "  +-+---------------- 1 ----------------\n"
     "    | Traceback (most recent call last):\n"
     "    |   File \"s.py\", line 4, in s\n    |     y\n"
     "    | ValueError: first\n    +------------------------------------\n",
     "\"stack\":[{\"path\":\"g.py\",\"line\":9,\"label\":\"g\"}]},{\"id\":"},
    {"python",
     "  + Exception Group Traceback (most recent call last):\n"
     "  +-+---------------- 1 ----------------\n"
     "    |   File \"s.py\", line 4, in s\n    | ValueError: first\n"
     "    +------------------------------------\n",
     "\"type\":\"ValueError\",\"message\":\"first\",\"remote\":false,"
     "\"stack\":[{\"path\":\"s.py\",\"line\":4,\"label\":\"s\"}]"},
    {"nodejs",
     "E: m\n    at f (file:///a/b.mjs:10:5)\n    at C:\\x\\y.js:3:4\n"
     "    at new Foo (native)\n    at (weird\n",
     "\"stack\":[{\"path\":\"file:///a/b.mjs\",\"line\":10,\"label\":\"f\"},"
     "{\"path\":\"C:\\\\x\\\\y.js\",\"line\":3},"
     "{\"path\":\"native\",\"label\":\"new Foo\"}]"},
    {"dotnet",
     "E: m\n   at A.B(Int32 a, in Int32 b) in C:\\x in y.cs:line 42\n"
     "   at A.C()\n   at Lib.NoParen\n   --- End of stack ---\n",
     "\"stack\":[{\"path\":\"C:\\\\x in y.cs\",\"line\":42,"
     "\"label\":\"A.B(Int32 a, in Int32 b)\"},{\"label\":\"A.C()\"}]"},
    {"go",
     "m\ngoroutine 7 [running]:\nmain.f(0x1)\n\t/app/m.go:12 +0x1d\n"
     "main.lost()\nmain.g()\n\t/app/g.go:3\n",
     "\"stack\":[{\"path\":\"/app/m.go\",\"line\":12,\"label\":\"main.f(0x1)\"}"
     ",{\"label\":\"main.lost()\"},{\"path\":\"/app/g.go\",\"line\":3,"
     "\"label\":\"main.g()\"}]"},
    {"ruby",
     "/app/x.rb:3:in `foo': boom (RuntimeError)\n\tfrom x.rb:7:in '<main>'\n",
     "\"stack\":[{\"path\":\"/app/x.rb\",\"line\":3,\"label\":\"foo\"},"
     "{\"path\":\"x.rb\",\"line\":7,\"label\":\"<main>\"}]"},
    {"rust", "   0: a::b\n             at /src/a.rs:50:5\n   1: c::d\n",
     "\"stack\":[{\"path\":\"/src/a.rs\",\"line\":50,\"label\":\"a::b\"},"
     "{\"label\":\"c::d\"}]"},
    {"cpp", " 0# f() at /src/f.cpp:5\n 1# main in ./app\n",
     "\"stack\":[{\"path\":\"/src/f.cpp\",\"line\":5,\"label\":\"f()\"},"
     "{\"path\":\"./app\",\"label\":\"main\"}]"},
    {"ruby", "T: m\n\tat a.B.c(B.java:3)\n", "\"remote\":false}]"},
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fixture_begin(&f, SPAN_SERVER, false);
        add_resource(&f, "telemetry.sdk.language", rows[i].language);
        add_exception(&f, rows[i].text);
        fixture_run(&f);
        assert_has(&f, rows[i].want);
        fixture_end(&f);
    }
}

/* Each text cut at each byte, in memory of its exact length. */
static void test_cut_off_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fixture_begin(&f, SPAN_SERVER, false);
        add_resource(&f, "telemetry.sdk.language", rows[i].language);
        add_exception(&f, "");
        size_t n = strlen(rows[i].text);
        for (size_t at = 0; at < n; at++) {
            char *end = malloc(at + 1), *start = malloc(n - at);
            memcpy(end, rows[i].text, at);
            memcpy(start, rows[i].text + at, n - at);
            f.event_attributes[2].value.text = slice_of(end, at);
            assert_int_equal(fixture_run(&f), 1);
            f.event_attributes[2].value.text = slice_of(start, n - at);
            assert_int_equal(fixture_run(&f), 1);
            free(end);
            free(start);
        }
        fixture_end(&f);
    }
}

static void test_unread_stack_is_kept(void **state)
{
    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    add_exception(&f, "odd");
    fixture_run(&f);
    assert_has(&f, "{\"exception.stacktrace\":\"odd\"}");
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_cut_off_anywhere),
        cmocka_unit_test(test_unread_stack_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
