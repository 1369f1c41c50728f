/* SPDX-License-Identifier: Apache-2.0 */
/* translate/process.c, by the documents that come out. */
#include "translate/process.c"

#include "spans.h"

static struct process_step text_step(enum process_action action, bool resource,
                                     const char *key, const char *text)
{
    return (struct process_step){
        .action = action,
        .resource = resource,
        .key = slice_str(key),
        .value = {.kind = text ? VALUE_STRING : VALUE_EMPTY,
                  .text = slice_str(text)},
    };
}

static void run(struct fixture *f, const struct process_step *steps, size_t n)
{
    struct err err;
    struct translate_options o = {.steps = steps, .n_steps = n};
    f->translator = translator_new(&o);
    assert_non_null(f->translator);
    translator_begin_request(f->translator);
    int made = translate_span(f->translator, &f->span, f->out, &err);
    assert_int_equal(made, 1);
    assert_true(f->out[0].document.n < sizeof(f->text[0]));
    memcpy(f->text[0], f->out[0].document.p, f->out[0].document.n);
    f->text[0][f->out[0].document.n] = '\0';
}

static void changes_attributes_of_spans(void **state)
{
    static struct fixture f;
    const struct process_step steps[] = {
        text_step(PROCESS_INSERT, false, "there", "inserted"),
        text_step(PROCESS_INSERT, false, "new", "inserted2"),
        text_step(PROCESS_UPDATE, false, "absent", "updated"),
        text_step(PROCESS_UPDATE, false, "old", "updated2"),
        text_step(PROCESS_UPSERT, false, "up", "upserted"),
        text_step(PROCESS_DELETE, false, "secret", NULL),
        text_step(PROCESS_INSERT, false, "unknown", NULL),
    };

    (void)state;
    fixture_begin(&f, SPAN_SERVER, true);
    add_text(&f, "there", "own");
    add_text(&f, "old", "own2");
    add_text(&f, "secret", "hidden");
    add_text(&f, "secret", "twice");
    run(&f, steps, sizeof(steps) / sizeof(steps[0]));
    assert_non_null(strstr(f.text[0], "\"there\":\"own\""));
    assert_non_null(strstr(f.text[0], "\"new\":\"inserted2\""));
    assert_null(strstr(f.text[0], "absent"));
    assert_non_null(strstr(f.text[0], "\"old\":\"updated2\""));
    assert_non_null(strstr(f.text[0], "\"up\":\"upserted\""));
    assert_null(strstr(f.text[0], "secret"));
    assert_null(strstr(f.text[0], "unknown"));
    /* The request's own list is as it was. */
    assert_int_equal(f.span.attributes.n, 4);
    translator_free(f.translator);
}

/* Two resources one after the other, at which the view's address is the
 * same. */
static void changes_attributes_of_each_resource(void **state)
{
    static struct fixture f;
    struct attribute other_items[1] = {
        {.key = SLICE("service.name"),
         .value = {.kind = VALUE_STRING, .text = SLICE("second")}}};
    struct resource other = {.attributes = {other_items, 1}};
    const struct process_step steps[] = {
        text_step(PROCESS_INSERT, true, "service.name", "default"),
        text_step(PROCESS_UPSERT, true, "team", "blue"),
    };
    struct err err;

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    run(&f, steps, 2);
    assert_non_null(strstr(f.text[0], "\"name\":\"default\""));
    assert_non_null(strstr(f.text[0], "blue"));
    f.span.resource = &other;
    assert_int_equal(translate_span(f.translator, &f.span, f.out, &err), 1);
    assert_non_null(memmem(f.out[0].document.p, f.out[0].document.n,
                           "\"name\":\"second\"", 15));
    translator_free(f.translator);
}

static void learns_a_value_later(void **state)
{
    static struct fixture f;
    struct err err;
    struct process_step step =
        text_step(PROCESS_UPSERT, true, "cloud.account.id", NULL);

    (void)state;
    fixture_begin(&f, SPAN_SERVER, false);
    run(&f, &step, 1);
    assert_null(strstr(f.text[0], "123456789012"));
    translator_learn(f.translator, SLICE("cloud.account.id"),
                     SLICE("123456789012"));
    assert_int_equal(translate_span(f.translator, &f.span, f.out, &err), 1);
    assert_non_null(
        memmem(f.out[0].document.p, f.out[0].document.n, "123456789012", 12));
    translator_free(f.translator);
}

static unsigned kept_of_1000(double percent)
{
    static struct fixture f;
    struct process_step step = {
        .action = PROCESS_SAMPLE,
        .keep = (uint64_t)(percent / 100 * (double)(1ull << 56)),
    };
    struct translate_options o = {.steps = &step, .n_steps = 1};
    struct err err;
    unsigned kept = 0;

    fixture_begin(&f, SPAN_SERVER, false);
    f.translator = translator_new(&o);
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++) {
        for (int k = 0; k < 16; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            f.span.trace_id[k] = (uint8_t)(seed >> 56);
        }
        int n = translate_span(f.translator, &f.span, f.out, &err);
        assert_true(n == 1 || n == TRANSLATE_LEFT_OUT);
        kept += n == 1;
        assert_int_equal(n, translate_span(f.translator, &f.span, f.out, &err));
    }
    assert_int_equal(translator_counts(f.translator)->sampled_out,
                     2 * (1000 - kept));
    translator_free(f.translator);
    return kept;
}

static void keeps_a_share_of_the_traces(void **state)
{
    (void)state;
    assert_int_equal(kept_of_1000(0), 0);
    assert_int_equal(kept_of_1000(100), 1000);
    unsigned half = kept_of_1000(50);
    assert_true(half > 430 && half < 570);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_attributes_of_spans),
        cmocka_unit_test(changes_attributes_of_each_resource),
        cmocka_unit_test(learns_a_value_later),
        cmocka_unit_test(keeps_a_share_of_the_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
