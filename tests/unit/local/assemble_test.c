/* SPDX-License-Identifier: Apache-2.0 */
/* trace_assemble: which document stands, what hangs where, what is inferred,
 * what it all amounts to. A trace is shown as its tree: a letter for the kind
 * (s, u, i), the id's last digit (inferred: none), children in brackets. */
#include "local/assemble.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "xr/buf.h"

#define DOCUMENTS_MAX 16

static struct arena arena;
static struct buf shown;
static struct trace_document documents[DOCUMENTS_MAX];

static struct trace *assemble(const char *const *texts)
{
    size_t n = 0;
    arena_reset(&arena);
    for (; texts[n]; n++)
        documents[n].body = slice_str(texts[n]);
    struct trace *t = trace_assemble(SLICE("1-0-0"), documents, n, &arena);
    assert_non_null(t);
    return t;
}

#define ASSEMBLE(...) assemble((const char *const[]){__VA_ARGS__, NULL})

static void show_entity(const struct trace_entity *e)
{
    buf_byte(&shown, "sui"[e->kind]);
    if (e->kind != TRACE_INFERRED)
        buf_byte(&shown, e->id.p[e->id.n - 1]);
    if (!e->first_child)
        return;
    buf_byte(&shown, '(');
    for (const struct trace_entity *c = e->first_child; c; c = c->next)
        show_entity(c);
    buf_byte(&shown, ')');
}

static void expect_tree(const struct trace *t, const char *want)
{
    buf_clear(&shown);
    for (size_t i = 0; i < t->n_entities; i++) {
        if (t->entities[i]->parent)
            continue;
        if (shown.n)
            buf_byte(&shown, ' ');
        show_entity(t->entities[i]);
    }
    assert_string_equal(buf_cstr(&shown), want);
}

static const struct trace_entity *find(const struct trace *t, const char *id)
{
    for (size_t i = 0; i < t->n_entities; i++)
        if (slice_is(t->entities[i]->id, id))
            return t->entities[i];
    fail_msg("no entity %s", id);
    return NULL;
}

static void expect_text(struct slice got, const char *want)
{
    if (!slice_is(got, want))
        fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

/* Documents: D(id digit, more members). */
#define ID(d) "000000000000000" d
#define D(d, more)                                                             \
    "{\"id\":\"" ID(d) "\",\"trace_id\":\"1-0-0\",\"name\":\"n" d "\"," more "}"
#define S(d, more) D(d, "\"start_time\":1" d ",\"end_time\":2" d more)
#define U(d, p, more)                                                          \
    S(d, ",\"type\":\"subsegment\",\"parent_id\":\"" ID(p) "\"" more)
#define P(p) ",\"parent_id\":\"" ID(p) "\""
#define SUBS(list) ",\"subsegments\":[" list "]"
#define REMOTE ",\"namespace\":\"remote\""

static void a_segment_stands_alone(void **state)
{
    (void)state;
    struct trace *t = ASSEMBLE(S(
        "1", ",\"origin\":\"AWS::EC2::Instance\",\"user\":\"\\u0061b\","
             "\"http\":{\"request\":{\"method\":\"GET\",\"url\":\"http://x/\","
             "\"user_agent\":\"ua\",\"client_ip\":\"10.0.0.1\"},"
             "\"response\":{\"status\":404}}"));
    expect_tree(t, "s1");
    const struct trace_entity *e = t->entry;
    assert_true(e->root);
    expect_text(e->user, "ab");
    expect_text(e->http.url, "http://x/");
    expect_text(e->http.user_agent, "ua");
    assert_int_equal(e->http.status, 404);
    assert_int_equal(e->class, CLASS_ERROR);
    assert_true(t->has_error);
    assert_false(t->has_fault);
    assert_false(t->partial);
    expect_text(t->nodes[0].type, "AWS::EC2::Instance");
    assert_float_equal(t->duration, 10, 0);
    assert_float_equal(t->response_time, 10, 0);
}

static void classes_follow_flags_and_status(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        enum trace_class want;
    } cases[] = {
        {"\"fault\":true,\"error\":true", CLASS_FAULT},
        {"\"http\":{\"response\":{\"status\":503}}", CLASS_FAULT},
        {"\"throttle\":true,\"error\":true", CLASS_THROTTLE},
        {"\"http\":{\"response\":{\"status\":429}}", CLASS_THROTTLE},
        {"\"error\":true", CLASS_ERROR},
        {"\"error\":false", CLASS_OK},
        {"\"http\":{\"response\":{\"status\":302}}", CLASS_OK},
        {"\"http\":{\"response\":{\"status\":1e300}}", CLASS_OK},
        {"\"fault\":\"true\"", CLASS_OK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "{\"id\":\"" ID("1") "\",\"start_time\":1,%s}",
                 cases[i].members);
        assert_int_equal(ASSEMBLE(text)->entry->class, cases[i].want);
    }
}

static void a_complete_document_stands(void **state)
{
    (void)state;
    const char *open = D("1", "\"start_time\":5,\"in_progress\":true");
    struct trace *t = ASSEMBLE(open, S("1", ""));
    assert_float_equal(t->entry->end, 21, 0);
    assert_false(t->partial);
    t = ASSEMBLE(S("1", ""), open);
    assert_float_equal(t->entry->end, 21, 0);
    t = ASSEMBLE(S("1", ""), D("1", "\"start_time\":5,\"end_time\":6"));
    assert_float_equal(t->entry->end, 6, 0);
    t = ASSEMBLE(open);
    assert_true(t->partial);
    assert_float_equal(t->response_time, -1, 0);
}

static void subsegments_hang_below_their_parents(void **state)
{
    (void)state;
    struct trace *t = ASSEMBLE(U("3", "2", ""), U("2", "1", ""), S("1", ""));
    expect_tree(t, "s1(u2(u3))");
    assert_ptr_equal(find(t, ID("3"))->owner, t->entry);
    assert_ptr_equal(find(t, ID("3"))->node, &t->nodes[0]);
    assert_int_equal(t->n_nodes, 1);
    assert_false(t->partial);
}

static void an_orphan_waits(void **state)
{
    (void)state;
    struct trace *t = ASSEMBLE(U("3", "9", ""), S("1", ""));
    expect_tree(t, "s1 u3");
    assert_true(t->partial);
    assert_true(find(t, ID("3"))->orphan);
    assert_null(find(t, ID("3"))->node);
    t = ASSEMBLE(U("3", "9", ""));
    assert_null(t->entry);
    assert_true(t->partial);
    assert_float_equal(t->start, 13, 0);
}

static void a_document_replaces_what_is_embedded(void **state)
{
    (void)state;
    const char *whole =
        S("1", SUBS(S("2", ",\"name\":\"old\"" SUBS(S("3", "")))));
    struct trace *t = ASSEMBLE(whole, U("2", "1", ",\"name\":\"new\""));
    expect_tree(t, "s1(u2)");
    expect_text(find(t, ID("2"))->name, "new");
    t = ASSEMBLE(U("2", "1", ",\"name\":\"new\""), whole);
    expect_text(find(t, ID("2"))->name, "new");
    t = ASSEMBLE(D("2", "\"type\":\"subsegment\",\"start_time\":1,"
                        "\"in_progress\":true" P("1")),
                 whole);
    expect_tree(t, "s1(u2(u3))");
    expect_text(find(t, ID("2"))->name, "old");
    assert_false(t->partial);
}

static void callees_without_report_are_inferred(void **state)
{
    (void)state;
    const char *caller =
        S("1", SUBS(S("2", REMOTE ",\"fault\":true") "," S("3", "")));
    struct trace *t = ASSEMBLE(caller);
    expect_tree(t, "s1(u2(i)u3)");
    const struct trace_entity *i = find(t, ID("2"))->callee;
    assert_int_equal(i->class, CLASS_FAULT);
    expect_text(i->parent_id, ID("2"));
    expect_text(i->node->type, "remote");
    assert_true(i->node->inferred);
    char id[17];
    memcpy(id, i->id.p, 16);
    id[16] = '\0';
    t = ASSEMBLE(caller);
    expect_text(find(t, ID("2"))->callee->id, id);
    t = ASSEMBLE(caller, S("4", P("2")));
    expect_tree(t, "s1(u2(s4)u3)");
    expect_text(find(t, ID("2"))->callee->id, ID("4"));
}

static void inferred_ones_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *members, *name, *type;
    } cases[] = {
        {"aws\",\"name\":\"dynamodb\",\"aws\":{\"table_name\":\"t\"}", "t",
         "AWS::DynamoDB::Table"},
        {"aws\",\"name\":\"DynamoDB\",\"aws\":{\"resource_names\":[\"r\"]}",
         "r", "AWS::DynamoDB::Table"},
        {"aws\",\"name\":\"sns\"", "SNS", "AWS::SNS"},
        {"aws\",\"name\":\"SQS\",\"aws\":{\"queue_url\":\"https://q\"}",
         "https://q", "AWS::SQS::Queue"},
        {"aws\",\"name\":\"Lambda\",\"aws\":{\"function_name\":\"f\"}", "f",
         "AWS::Lambda"},
        {"aws\",\"name\":\"S3\"", "S3", "AWS::S3::Bucket"},
        {"aws\",\"name\":\"S3\",\"aws\":{\"bucket_name\":\"b\"}", "b",
         "AWS::S3::Bucket"},
        {"aws\",\"name\":\"KMS\"", "KMS", "AWS::KMS"},
        {"remote\",\"name\":\"db@h\",\"sql\":{\"url\":\"u\"}", "db@h",
         "Database::SQL"},
        {"remote\",\"name\":\"h\"", "h", "remote"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        snprintf(
            text, sizeof(text),
            S("1", SUBS("{\"id\":\"" ID("2") "\",\"start_time\":1,\"end_time\":"
                                             "2,\"namespace\":\"%s}")),
            cases[i].members);
        const struct trace *t = ASSEMBLE(text);
        const struct trace_entity *e = find(t, ID("2"))->callee;
        expect_text(e->node->name, cases[i].name);
        expect_text(e->node->type, cases[i].type);
    }
}

static void roots_are_found(void **state)
{
    (void)state;
    struct trace *t = ASSEMBLE(S("5", ""), S("3", ""), S("1", P("9")));
    expect_text(t->entry->id, ID("3"));
    assert_true(find(t, ID("5"))->root);
    assert_false(find(t, ID("1"))->root);
    assert_float_equal(t->start, 11, 0);
    expect_tree(t, "s3 s5 s1");
    t = ASSEMBLE(S("5", P("8")), S("3", P("9")));
    expect_text(t->entry->id, ID("3"));
    assert_true(find(t, ID("5"))->root);
    t = ASSEMBLE(U("2", "9", ""), S("3", P("2")));
    expect_text(t->entry->id, ID("3"));
    assert_true(t->partial);
}

static void circles_are_cut(void **state)
{
    (void)state;
    struct trace *t = ASSEMBLE(S("1", P("2")), S("2", P("1")));
    assert_int_equal(t->n_entities, 2);
    assert_non_null(t->entry);
    t = ASSEMBLE(S("1", P("1")));
    expect_tree(t, "s1");
    t = ASSEMBLE(U("2", "3", ""), U("3", "2", ""), S("1", ""));
    assert_int_equal(t->n_entities, 3);
    t = ASSEMBLE(D("2", "\"type\":\"subsegment\",\"in_progress\":true,"
                        "\"start_time\":1" SUBS(S("2", SUBS(S("3", ""))))));
    assert_int_equal(t->n_entities, 2);
    t = ASSEMBLE(D("1", "\"type\":\"subsegment\",\"in_progress\":true,"
                        "\"start_time\":1" SUBS(S("2", ""))),
                 D("2", "\"type\":\"subsegment\",\"in_progress\":true,"
                        "\"start_time\":1" SUBS(S("1", ""))));
    assert_int_equal(t->n_entities, 2);
}

static void nodes_are_of_name_and_type(void **state)
{
    (void)state;
    struct trace *t = ASSEMBLE(
        S("1", ",\"name\":\"a\",\"origin\":\"AWS::Lambda\""),
        S("2", ",\"name\":\"a\",\"origin\":\"AWS::Lambda::Function\"" P("1")),
        S("3", ",\"name\":\"a\",\"origin\":\"AWS::Lambda\"" P("1")));
    assert_int_equal(t->n_nodes, 2);
    assert_ptr_equal(find(t, ID("1"))->node, find(t, ID("3"))->node);
}

static void annotations_and_exceptions_are_read(void **state)
{
    (void)state;
    struct trace *t = ASSEMBLE(
        S("1", ",\"annotations\":{\"s\":\"x\",\"n\":-1.5,\"b\":true,"
               "\"o\":{},\"l\":[1]},\"cause\":{\"working_directory\":\"/\","
               "\"exceptions\":[{\"id\":\"e\",\"type\":\"T\",\"message\":"
               "\"m\\n\",\"remote\":true,\"stack\":[{\"path\":\"p\"}]},7]}"));
    const struct trace_annotation *a = t->entry->annotations;
    expect_text(a->key, "s");
    expect_text(a->text, "x");
    assert_float_equal(a->next->number, -1.5, 0);
    assert_int_equal(a->next->next->kind, VALUE_BOOL);
    assert_true(a->next->next->boolean);
    assert_null(a->next->next->next);
    const struct trace_exception *x = t->entry->exceptions;
    expect_text(x->type, "T");
    expect_text(x->message, "m\n");
    assert_true(x->remote);
    assert_null(x->next);
}

static void what_is_no_segment_is_counted(void **state)
{
    (void)state;
    struct buf deep;
    buf_init(&deep, 4096);
    buf_str(&deep, "{\"id\":\"" ID("2") "\",\"metadata\":");
    for (int i = 0; i < 2 * TRACE_JSON_DEPTH_MAX; i++)
        buf_byte(&deep, '[');
    struct trace *t = ASSEMBLE("", "[]", "{\"id\":\"zz\"}", "{\"id\":1}",
                               buf_cstr(&deep), S("1", ""));
    assert_int_equal(t->unreadable, 5);
    expect_tree(t, "s1");
    buf_fini(&deep);
}

static void a_full_arena_ends_it(void **state)
{
    (void)state;
    const char *text = S("1", SUBS(S("2", REMOTE) "," S("3", "")));
    struct trace_document d = {slice_str(text)};
    for (size_t n = 0; n < 40000; n += 500) {
        struct arena small;
        arena_init(&small, n);
        struct trace *t = trace_assemble(SLICE("1-0-0"), &d, 1, &small);
        if (t)
            assert_int_equal(t->n_entities, 4);
        arena_fini(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_stands_alone),
        cmocka_unit_test(classes_follow_flags_and_status),
        cmocka_unit_test(a_complete_document_stands),
        cmocka_unit_test(subsegments_hang_below_their_parents),
        cmocka_unit_test(an_orphan_waits),
        cmocka_unit_test(a_document_replaces_what_is_embedded),
        cmocka_unit_test(callees_without_report_are_inferred),
        cmocka_unit_test(inferred_ones_are_named),
        cmocka_unit_test(roots_are_found),
        cmocka_unit_test(circles_are_cut),
        cmocka_unit_test(nodes_are_of_name_and_type),
        cmocka_unit_test(annotations_and_exceptions_are_read),
        cmocka_unit_test(what_is_no_segment_is_counted),
        cmocka_unit_test(a_full_arena_ends_it),
    };
    arena_init(&arena, 16u << 20);
    buf_init(&shown, 4096);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    buf_fini(&shown);
    return failed;
}
