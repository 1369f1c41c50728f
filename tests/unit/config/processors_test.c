/* SPDX-License-Identifier: Apache-2.0 */
/* config/processors.c */
#include "config/processors.c"

#include "load.h"

#define PIPELINE(processors)                                                   \
    "service:\n  pipelines:\n    traces:\n      processors: [" processors      \
    "]\n      exporters: [awsxray]\n"

static const struct processor_step *step(struct load *l, size_t i)
{
    const struct options *o = load_options(l);
    assert_true(i < o->n_processors);
    return &o->processors[i];
}

static void takes_steps_in_the_order_of_the_pipeline(void **state)
{
    struct load l = {
        .file = "processors:\n"
                "  attributes/a:\n"
                "    actions:\n"
                "      - {key: n, value: 5, action: upsert}\n"
                "      - {key: secret, action: delete}\n"
                "      - {key: t, value: \"5\", action: insert}\n"
                "      - {key: b, value: true, action: update}\n"
                "      - {key: r, value: 1.5, action: upsert}\n"
                "  resource:\n"
                "    attributes:\n"
                "      - key: service.name\n"
                "        value: ${env:NAME:-shop}\n"
                "        action: upsert\n" PIPELINE("resource, attributes/a")};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    assert_string_equal(l.warnings, "");
    assert_int_equal(load_options(&l)->n_processors, 6);
    assert_true(step(&l, 0)->resource);
    assert_string_equal(step(&l, 0)->key, "service.name");
    assert_string_equal(step(&l, 0)->text, "shop");
    assert_int_equal(step(&l, 0)->action, PROCESSOR_UPSERT);
    assert_false(step(&l, 1)->resource);
    assert_int_equal(step(&l, 1)->kind, PROCESSOR_INT);
    assert_int_equal(step(&l, 1)->number, 5);
    assert_int_equal(step(&l, 2)->action, PROCESSOR_DELETE);
    assert_int_equal(step(&l, 3)->kind, PROCESSOR_TEXT);
    assert_string_equal(step(&l, 3)->text, "5");
    assert_int_equal(step(&l, 4)->kind, PROCESSOR_BOOL);
    assert_true(step(&l, 4)->yes);
    assert_int_equal(step(&l, 5)->kind, PROCESSOR_REAL);
    assert_true(step(&l, 5)->real == 1.5);
    load_end(&l);
}

static void passes_over_what_it_does_not_know(void **state)
{
    struct load l = {.file =
                         "processors:\n"
                         "  attributes:\n"
                         "    include: {match_type: strict}\n"
                         "    actions:\n"
                         "      - {key: a, action: hash}\n"
                         "      - {key: a, action: insert, from_attribute: b}\n"
                         "      - {action: delete}\n"
                         "  resource: 7\n"
                         "  resourcedetection: {detectors: [ec2]}\n" PIPELINE(
                             "attributes, resource, resourcedetection, gone")};
    static const char *const wanted[] = {
        "c.yaml:5: processors.attributes: not used: only insert",
        "c.yaml:6: processors.attributes: not used: a has no value",
        "c.yaml:7: processors.attributes: not used: only insert",
        "processors.attributes.include and exclude are not used",
        "processors.resource has no list of actions",
        "the detector ec2 is not used",
        "names processors.gone, which is not there",
    };

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_contains(l.warnings, wanted[i]);
    assert_int_equal(load_options(&l)->n_processors, 0);
    load_end(&l);
}

static void maps_batch_and_memory_limiter(void **state)
{
    struct load l = {.file =
                         "processors:\n"
                         "  batch: {timeout: 200ms, send_batch_size: 8192}\n"
                         "  memory_limiter: {limit_mib: 64, "
                         "check_interval: 1s, spike_limit_mib: 5}\n"
                         "  decouple: {max_queue_size: 7}\n" PIPELINE(
                             "memory_limiter, batch, decouple")};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_false(l.result.done);
    assert_string_equal(l.warnings, "");
    assert_int_equal(load_options(&l)->flush_idle_ms, 200);
    assert_int_equal(load_options(&l)->batch_documents, 50);
    assert_int_equal(load_options(&l)->buffer_mb, 64);
    load_end(&l);
}

static void reads_the_share_of_the_sampler(void **state)
{
    struct load l = {.file = "processors:\n"
                             "  probabilistic_sampler:\n"
                             "    sampling_percentage: 12.5\n" PIPELINE(
                                 "probabilistic_sampler")};

    (void)state;
    load_run(&l, "-c c.yaml");
    assert_int_equal(step(&l, 0)->action, PROCESSOR_SAMPLE);
    assert_true(step(&l, 0)->real == 12.5);
    load_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_steps_in_the_order_of_the_pipeline),
        cmocka_unit_test(passes_over_what_it_does_not_know),
        cmocka_unit_test(maps_batch_and_memory_limiter),
        cmocka_unit_test(reads_the_share_of_the_sampler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
