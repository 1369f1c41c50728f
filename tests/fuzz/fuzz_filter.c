/* SPDX-License-Identifier: Apache-2.0 */
/* Filter expressions and selectors, asked of a small trace. */
#include <assert.h>
#include <stdint.h>

#include "local/filter.h"

static const char document[] =
    "{\"trace_id\":\"1-5759e988-bd862e3fe1be46a994272793\","
    "\"id\":\"0000000000000001\",\"name\":\"a\",\"start_time\":1,"
    "\"end_time\":2,\"annotations\":{\"k\":\"v\",\"n\":1,\"b\":true},"
    "\"subsegments\":[{\"id\":\"0000000000000002\",\"name\":\"b\","
    "\"namespace\":\"remote\",\"start_time\":1,\"end_time\":2,"
    "\"fault\":true}]}";

static bool find(void *arg, struct slice name, struct slice *expression)
{
    *expression = *(struct slice *)arg;
    return slice_is(name, "g");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice text = slice_of(data, n);
    struct filter_groups groups = {find, &text};
    struct trace_document d = {slice_str(document)};
    uint64_t budget = 10000;
    size_t conditions;
    struct err err = {""};
    struct arena a;
    arena_init(&a, 1 << 20);
    struct trace *t = trace_assemble(SLICE("1-5759e988-bd86"), &d, 1, &a);
    struct filter *f = filter_parse(text, &groups, &err);
    assert((f == NULL) == (err.text[0] != '\0'));
    if (f != NULL) {
        (void)!filter_match(f, t, &budget);
        (void)!filter_conditions(f, &conditions);
    }
    filter_free(f);
    struct selector *s = selector_parse(text, &err);
    if (s != NULL)
        (void)!selector_service(s, t->entry);
    selector_free(s);
    arena_fini(&a);
    return 0;
}
