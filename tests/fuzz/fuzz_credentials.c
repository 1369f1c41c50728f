/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign answers that hold credentials or tell of the place, and attributes
 * out of the environment: each reader on the same bytes. */
#include <assert.h>
#include <stdint.h>

#include "aws/cred_parse.h"
#include "aws/facts.h"
#include "xr/http_date.h"

static void read_facts(struct slice body)
{
    struct facts facts;
    struct err err = {""};

    facts_init(&facts);
    assert(facts_read_pairs(&facts, body, &err) || err.text[0]);
    facts_set_service(&facts, body);
    assert(facts.n <= FACTS_MAX);
    err.text[0] = '\0';
    assert(facts_read_task(&facts, body, &err) || err.text[0]);
    facts_fini(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct cred *(*const readers[])(struct slice, int64_t, const char *,
                                           struct err *) = {
        cred_parse_container, cred_parse_process, cred_parse_sso,
        cred_parse_sts};
    struct slice body = slice_of(data, n);
    struct sso_token token;
    struct place place = {.region = ""};
    char text[256];
    int64_t ms;

    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        struct err err = {""};
        struct cred *c = readers[i](body, 1700000000000, "fuzz", &err);
        assert(c || err.text[0]);
        cred_unref(c);
    }
    (void)!cred_parse_error(body, text);
    (void)!cred_parse_sso_token(body, "https://a/start", &token);
    (void)!imds_parse_identity(body, &place);
    read_facts(body);
    (void)!http_date_parse(body, &ms);
    (void)!cred_parse_time(body, &ms);
    return 0;
}
