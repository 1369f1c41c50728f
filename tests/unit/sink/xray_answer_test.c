/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of single documents that an answer speaks of. */
#include "sink/xray_answer.c"

#include "xray_world.h"

static void half_unprocessed(const struct request *r)
{
    struct buf text;
    buf_init(&text, 65536);
    buf_str(&text, "{\"UnprocessedTraceSegments\":[");
    for (unsigned i = 0; i < r->n && r->number == 1; i += 2)
        buf_printf(&text, "%s{\"Id\":\"%016x\",\"ErrorCode\":\"%s\"}",
                   i ? "," : "", r->ids[i],
                   i == 4 ? "InvalidSegment" : "ThrottledException");
    buf_str(&text, "]}");
    fake_reply(r->conn, 200, "", buf_cstr(&text));
    buf_fini(&text);
}

static void unprocessed_documents_part_ways(void **state)
{
    (void)state;
    t.script = half_unprocessed;
    push_many(0, 50);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 49);
    assert_int_equal(refused(), 1);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(t.seen[i], i % 2 == 0 && i != 4 ? 2 : 1);
}

static void quote_bytes(const struct request *r)
{
    fake_reply(r->conn, 200, "",
               "{\"UnprocessedTraceSegments\":[{\"Id\":\"0000000000000001\","
               "\"ErrorCode\":\"Bad\",\"Message\":\"\xff \\u0000 99999999"
               "99999999999999\",\"n\":99999999999999999999999}]}");
}

static void odd_bytes_in_a_message_do_no_harm(void **state)
{
    (void)state;
    t.script = quote_bytes;
    push_many(0, 3);
    UNTIL(waiting() == 0);
    assert_int_equal(t.requests, 1);
    assert_int_equal(refused(), 1);
    assert_int_equal(delivered(), 2);
}

/* Document 7 is never taken, and no one says that it is that one. */
static void blame_no_one(const struct request *r)
{
    bool seven = false;
    for (unsigned i = 0; i < r->n; i++)
        seven |= r->ids[i] == 7;
    fake_reply(r->conn, 200, "",
               seven ? "{\"UnprocessedTraceSegments\":"
                       "[{\"ErrorCode\":\"InvalidSegment\"}]}"
                     : OK);
}

static void finds_the_document_that_no_one_names(void **state)
{
    (void)state;
    t.script = blame_no_one;
    push_many(0, 50);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 49);
    assert_int_equal(refused(), 1);
    assert_true(*t.x->n.splits >= 5);
}

static void blame_all(const struct request *r)
{
    fake_reply(r->conn, 200, "",
               r->number == 1 ? "{\"UnprocessedTraceSegments\":["
                                "{\"ErrorCode\":\"InternalFailure\"},"
                                "{\"Id\":null,\"ErrorCode\":\"Bad\"},"
                                "{\"Id\":\"unknown\",\"ErrorCode\":\"500\"}]}"
                              : OK);
}

static void entries_without_ids_count_by_position(void **state)
{
    (void)state;
    t.script = blame_all;
    push_many(0, 3);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 2);
    assert_int_equal(refused(), 1);
    assert_int_equal(t.seen[0], 2);
    assert_int_equal(t.seen[1], 1);
    assert_int_equal(t.seen[2], 2);
}

static void refuse_seven(const struct request *r)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (r->ids[i] == 7) {
            fake_reply(r->conn, r->n > 9 ? 413 : 400, "",
                       "{\"code\":\"InvalidRequestException\"}");
            return;
        }
    }
    fake_reply(r->conn, 200, "", OK);
}

static void one_bad_document_takes_no_other_with_it(void **state)
{
    (void)state;
    t.script = refuse_seven;
    push_many(0, 100);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 99);
    assert_int_equal(refused(), 1);
    assert_int_equal(*t.x->sink.dropped, 0);
}

static void want_clean_names(const struct request *r)
{
    const char *at = strstr(r->body, "\\\"name\\\":\\\"");
    snprintf(t.name, sizeof(t.name), "%.*s", (int)strcspn(at + 11, "\\"),
             at + 11);
    if (strpbrk(t.name, "!*$"))
        fake_reply(r->conn, 200, "",
                   "{\"UnprocessedTraceSegments\":[{\"Id\":"
                   "\"0000000000000001\",\"ErrorCode\":\"InvalidName\"}]}");
    else
        fake_reply(r->conn, 200, "", OK);
}

static void names_are_cleaned_once(void **state)
{
    (void)state;
    t.script = want_clean_names;
    push_text("{\"name\":\"a!b*c\",\"id\":\"0000000000000001\"}",
              WHEN_FULL_DROP_OLDEST);
    UNTIL(waiting() == 0);
    assert_int_equal(delivered(), 1);
    assert_string_equal(t.name, "abc");
    assert_int_equal(*t.x->n.repairs, 1);
    t.x->o.repair_names = false;
    push_text("{\"name\":\"a!b*c\",\"id\":\"0000000000000001\"}",
              WHEN_FULL_DROP_OLDEST);
    UNTIL(waiting() == 0);
    assert_int_equal(refused(), 1);
}

static void repairs_names_alone(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    assert_true(xray_repair_names(
        SLICE("{\"a\":{\"name\":\"x!\"}, \"name\" : \"n\\u0021\xc3\xa9\\\\\","
              "\"subsegments\":[{\"name\":\"!\"},"
              "{\"metadata\":{\"name\":\"!\"},\"name\":\"ok\"}]}"),
        &out));
    assert_string_equal(
        buf_cstr(&out),
        "{\"a\":{\"name\":\"x!\"}, \"name\" : \"n\xc3\xa9\\\\\","
        "\"subsegments\":[{\"name\":\"unknown\"},"
        "{\"metadata\":{\"name\":\"!\"},\"name\":\"ok\"}]}");
    buf_clear(&out);
    assert_false(xray_repair_names(SLICE("{\"name\":\"fine\"}"), &out));
    assert_false(xray_repair_names(SLICE("{\"name\":\"!\""), &out));
    assert_false(xray_repair_names(SLICE("]"), &out));
    buf_fini(&out);
}

int main(void)
{
    alarm(120);
    const struct CMUnitTest tests[] = {
        TEST(unprocessed_documents_part_ways),
        TEST(odd_bytes_in_a_message_do_no_harm),
        TEST(finds_the_document_that_no_one_names),
        TEST(entries_without_ids_count_by_position),
        TEST(one_bad_document_takes_no_other_with_it),
        TEST(names_are_cleaned_once),
        TEST(repairs_names_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
