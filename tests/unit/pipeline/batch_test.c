/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, hashes, list sums and the answers when something does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/batch.c"

#define MAX (1u << 20)

static struct batch *filling(size_t max)
{
    struct batch *b = batch_new(max);
    assert_non_null(b);
    return b;
}

static void assert_body(struct batch *b, const char *body)
{
    uint8_t sum[SHA256_BYTES];
    batch_seal(b);
    assert_true(slice_is(buf_slice(&b->body), body));
    sha256_once(buf_slice(&b->body), sum);
    assert_memory_equal(sum, b->sha256, SHA256_BYTES);
}

static void builds_body_and_hash(void **state)
{
    (void)state;
    struct batch *b = filling(MAX);
    assert_true(batch_append(b, SLICE("{\"a\":1}")));
    assert_true(batch_append(b, SLICE("\n\x01\xff")));
    assert_body(b, "{\"TraceSegmentDocuments\":[\"{\\\"a\\\":1}\","
                   "\"\\n\\u0001\xef\xbf\xbd\"]}");
    assert_true(slice_is(batch_document(b, 1), "\\n\\u0001\xef\xbf\xbd"));
    batch_free(b);
}

static void is_reused_after_reset(void **state)
{
    (void)state;
    struct batch *b = filling(MAX);
    assert_true(batch_append(b, SLICE("first")));
    batch_seal(b);
    batch_reset(b);
    assert_true(batch_append(b, SLICE("second")));
    assert_body(b, "{\"TraceSegmentDocuments\":[\"second\"]}");
    batch_free(b);
}

static void moves_escaped_documents(void **state)
{
    (void)state;
    struct batch *a = filling(MAX), *b = filling(MAX);
    assert_true(batch_append(a, SLICE("\"x\"")));
    assert_true(batch_append_escaped(b, batch_document(a, 0)));
    assert_body(b, "{\"TraceSegmentDocuments\":[\"\\\"x\\\"\"]}");
    batch_free(a);
    batch_free(b);
}

static void refuses_what_does_not_fit_and_stays_whole(void **state)
{
    (void)state;
    char big[200];
    memset(big, 1, sizeof(big)); /* each byte becomes six */
    struct batch *b = filling(256);
    assert_true(batch_append(b, SLICE("fits")));
    assert_false(batch_append(b, slice_of(big, sizeof(big))));
    assert_false(batch_append_escaped(b, slice_of(big, 4 * sizeof(big))));
    assert_true(batch_append(b, SLICE("too")));
    assert_body(b, "{\"TraceSegmentDocuments\":[\"fits\",\"too\"]}");
    batch_free(b);
}

static void takes_fifty_documents(void **state)
{
    (void)state;
    struct batch *b = filling(MAX);
    for (int i = 0; i < BATCH_DOCUMENTS_MAX; i++)
        assert_true(batch_append(b, SLICE("{}")));
    assert_false(batch_append(b, SLICE("{}")));
    assert_int_equal(b->n, BATCH_DOCUMENTS_MAX);
    batch_free(b);
}

static void lists_sum_memory_and_documents(void **state)
{
    (void)state;
    struct batch_list fill = {0}, ready = {0};
    struct batch *a = filling(MAX), *b = filling(MAX);
    batch_set_state(a, BATCH_FILLING, &fill);
    batch_set_state(b, BATCH_FILLING, &fill);
    for (int i = 0; i < 30; i++)
        assert_true(batch_append(a, SLICE("0123456789 0123456789")));
    assert_int_equal(fill.documents, 30);
    assert_int_equal(fill.bytes, memory_of(a) + memory_of(b));
    batch_set_state(a, BATCH_READY, &ready);
    assert_int_equal(fill.bytes, memory_of(b));
    assert_int_equal(ready.documents, 30);
    assert_ptr_equal(fill.first, b);
    batch_reset(a);
    assert_int_equal(ready.documents, 0);
    batch_set_state(a, BATCH_FREE, NULL);
    batch_set_state(b, BATCH_FREE, NULL);
    assert_int_equal(ready.bytes + fill.bytes, 0);
    batch_free(a);
    batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_body_and_hash),
        cmocka_unit_test(is_reused_after_reset),
        cmocka_unit_test(moves_escaped_documents),
        cmocka_unit_test(refuses_what_does_not_fit_and_stays_whole),
        cmocka_unit_test(takes_fifty_documents),
        cmocka_unit_test(lists_sum_memory_and_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
