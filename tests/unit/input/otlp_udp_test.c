/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP in datagrams: prefixes, modes, faults, and what real exporters sent
 * (the golden cases; the tests run in the project's folder). */
#include "input/otlp_udp.c"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../otlp_make.h"

/* Keeps the last document that was pushed. */
struct keep_sink {
    struct sink sink;
    uint64_t taken;
    struct buf last;
};

static struct stats *stats;
static struct pipeline *pipeline;
static struct translator *translator;
static struct keep_sink sink;
static struct otlp_udp *otlp;
static struct intake *intake;
static struct buf request, body;

static enum push_result keep_push(struct sink *s, const struct segment *seg,
                                  enum push_when_full when, struct err *err)
{
    struct keep_sink *k = (struct keep_sink *)s;

    assert_int_equal(when, WHEN_FULL_DROP_OLDEST);
    if (slice_is(seg->name, "refuse me")) {
        err_set(err, "refused by the sink");
        return PUSH_INVALID;
    }
    k->taken++;
    buf_clear(&k->last);
    buf_append(&k->last, seg->document);
    return PUSH_ACCEPTED;
}

static void begin(bool pass, bool unsampled)
{
    static const struct translate_options plain = {.limit = 65536};

    stats = stats_new();
    pipeline = pipeline_new(stats);
    sink = (struct keep_sink){.sink = {.name = "keep", .push = keep_push}};
    buf_init(&sink.last, 1u << 20);
    pipeline_add(pipeline, &sink.sink);
    translator = translator_new(&plain);
    otlp = otlp_udp_new(pipeline, translator, pass, unsampled);
    assert_non_null(otlp);
    intake = pipeline_intake(pipeline, "otlp_udp");
    buf_init(&request, 1u << 20);
    buf_init(&body, 1u << 20);
}

static void end(void)
{
    otlp_udp_free(otlp);
    translator_free(translator);
    pipeline_free(pipeline);
    stats_free(stats);
    buf_fini(&sink.last);
    buf_fini(&request);
    buf_fini(&body);
}

static int setup(void **state)
{
    (void)state;
    begin(false, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    end();
    return 0;
}

static void hand_in(struct slice s)
{
    assert_true(otlp_udp_is(s));
    otlp_udp_handle(otlp, s);
}

/* The present request behind a prefix. */
static void send_request(const char *prefix)
{
    buf_clear(&body);
    buf_str(&body, prefix);
    char *p = buf_reserve(&body, base64_encoded_len(request.n));
    assert_non_null(p);
    body.n += base64_encode(buf_slice(&request), p);
    hand_in(buf_slice(&body));
}

static void prefixes_are_told_from_documents(void **state)
{
    (void)state;
    assert_true(otlp_udp_is(SLICE("T1SCgA=")));
    assert_true(otlp_udp_is(SLICE("T1UCgA=")));
    assert_true(otlp_udp_is(SLICE("T1S")));
    assert_true(otlp_udp_is(SLICE("T1CgA=")));
    assert_true(otlp_udp_is(SLICE("M1Cg")));
    assert_false(otlp_udp_is(SLICE("{\"id\":\"T1S\"}")));
    assert_false(otlp_udp_is(SLICE("T1")));
    assert_false(otlp_udp_is(SLICE("T1Xabc")));
    assert_false(otlp_udp_is(SLICE("t1sCg")));
    assert_false(otlp_udp_is(SLICE(" T1SCg")));
    assert_false(otlp_udp_is(SLICE("")));
}

static void sampled_spans_are_translated(void **state)
{
    (void)state;
    make_request(&request, 3, 0, SLICE("op"));
    send_request("T1S");
    assert_int_equal(sink.taken, 3);
    assert_int_equal(*intake->accepted, 3);
    assert_non_null(strstr(buf_cstr(&sink.last), "\"name\":\"op\""));
    send_request("T1"); /* the first versions */
    assert_int_equal(*intake->accepted, 6);
    hand_in(SLICE("T1S")); /* no spans */
    assert_int_equal(*intake->accepted, 6);
    assert_int_equal(sink.taken, 6);
}

static void unsampled_and_metrics_are_counted(void **state)
{
    (void)state;
    make_request(&request, 3, 0, SLICE("op"));
    send_request("T1U");
    send_request("M1");
    assert_int_equal(sink.taken, 0);
    assert_int_equal(*intake->accepted, 0);
    assert_int_equal(*intake->rejected[REJECT_OTLP_UNSAMPLED], 1);
    assert_int_equal(*intake->rejected[REJECT_OTLP_METRICS], 1);
}

static void unsampled_may_be_taken(void **state)
{
    (void)state;
    begin(false, true);
    make_request(&request, 2, 0, SLICE("op"));
    send_request("T1U");
    assert_int_equal(*intake->accepted, 2);
    assert_int_equal(*intake->rejected[REJECT_OTLP_UNSAMPLED], 0);
    end();
}

static void pass_forwards_the_bytes(void **state)
{
    (void)state;
    begin(true, false);
    make_request(&request, 2, 0, SLICE("op"));
    send_request("T1U");
    assert_int_equal(*intake->accepted, 1);
    assert_true(slice_eq(buf_slice(&sink.last), buf_slice(&body)));
    hand_in(SLICE("T1S!not base64"));
    assert_true(slice_is(buf_slice(&sink.last), "T1S!not base64"));
    hand_in(SLICE("M1x"));
    assert_int_equal(sink.taken, 2);
    assert_int_equal(*intake->rejected[REJECT_OTLP_METRICS], 1);
    end();
}

static void faults_forward_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "T1SCgA", "T1SCgA==",    "T1SCg A=", "T1SCgA=\n",
        "T1S=",   "T1SCgA=CgA=", "T1S-_-_",  "T1SCwE=",
    };
    unsigned n = 0;

    for (; n < sizeof(bad) / sizeof(bad[0]); n++)
        hand_in(slice_str(bad[n]));
    /* A fault behind two good spans. */
    make_request(&request, 2, 0, SLICE("op"));
    buf_append(&request, SLICE("\x0a\x7f"));
    send_request("T1S");
    assert_int_equal(*intake->rejected[REJECT_OTLP_MALFORMED], n + 1);
    assert_int_equal(*intake->accepted, 0);
    assert_int_equal(sink.taken, 0);
}

static void each_span_is_counted_by_its_own_fate(void **state)
{
    (void)state;
    make_request(&request, 3, 1, SLICE("op"));
    make_request(&request, 1, 0, SLICE("refuse me"));
    send_request("T1S");
    assert_int_equal(*intake->accepted, 2);
    assert_int_equal(*intake->rejected[REJECT_BAD_IDS], 1);
    assert_int_equal(*intake->rejected[REJECT_INVALID], 1);
    assert_int_equal(*intake->rejected[REJECT_OTLP_MALFORMED], 0);
}

/* 49,104 bytes are the most that fit a datagram: 65,507 minus the header's 30
 * bytes and the prefix, times 3/4. */
static void the_largest_datagram_is_taken(void **state)
{
    (void)state;
    char filler[49104];

    memset(filler, 'x', sizeof(filler));
    make_request(&request, 1, 0, SLICE("op"));
    /* An unknown field fills it up: tag, three bytes of length. */
    make_bytes(&request, 9, slice_of(filler, sizeof(filler) - request.n - 4));
    assert_int_equal(request.n, 49104);
    send_request("T1S");
    assert_int_equal(body.n, 65475);
    assert_int_equal(*intake->accepted, 1);
    buf_clear(&body);
    buf_str(&body, "T1S");
    memset(buf_reserve(&body, 65540), 'A', 65540);
    body.n += 65540;
    hand_in(buf_slice(&body));
    assert_int_equal(*intake->rejected[REJECT_TOO_LARGE], 1);
}

/* Reads the file of one line of base64. */
static void read_datagram(const char *path, struct buf *out)
{
    static char text[98304];
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    buf_clear(out);
    uint8_t *p = (uint8_t *)buf_reserve(out, n / 4 * 3);
    long bytes = base64_decode(slice_of(text, n), p);
    assert_true(bytes > 0);
    out->n = (size_t)bytes;
}

static void real_exporters_are_understood(void **state)
{
    (void)state;
    glob_t files;
    uint64_t unsampled = 0;

    assert_int_equal(
        glob("tests/golden/cases/captured-udp/*/datagram.b64", 0, NULL, &files),
        0);
    assert_true(files.gl_pathc >= 15);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        uint64_t before = *intake->accepted;
        read_datagram(files.gl_pathv[i], &request);
        const char *line = memchr(request.p, '\n', request.n);
        assert_non_null(line);
        struct slice s =
            slice_of(line + 1, request.n - (size_t)(line + 1 - request.p));
        unsampled += slice_starts(s, "T1U");
        hand_in(s);
        assert_true(*intake->accepted > before || slice_starts(s, "T1U"));
    }
    assert_true(unsampled > 0);
    assert_int_equal(*intake->rejected[REJECT_OTLP_UNSAMPLED], unsampled);
    assert_int_equal(*intake->rejected[REJECT_OTLP_MALFORMED], 0);
    assert_int_equal(*intake->rejected[REJECT_BAD_IDS], 0);
    globfree(&files);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(prefixes_are_told_from_documents),
        TEST(sampled_spans_are_translated),
        TEST(unsampled_and_metrics_are_counted),
        cmocka_unit_test(unsampled_may_be_taken),
        cmocka_unit_test(pass_forwards_the_bytes),
        TEST(faults_forward_nothing),
        TEST(each_span_is_counted_by_its_own_fate),
        TEST(the_largest_datagram_is_taken),
        TEST(real_exporters_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
