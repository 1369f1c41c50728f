/* SPDX-License-Identifier: Apache-2.0 */
/* aws/cred_chain.c: fresh, stale, failing and renewed snapshots. */
#include "aws/cred_chain.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "asker.h"

static void many_wait_for_one_refresh(void **state)
{
    struct cred_chain *c;
    struct got waiting[3] = {{.calls = 0}};

    (void)state;
    fake_answer("PUT", IMDS, 200, "T");
    fake_answer("GET", IMDS_KEYS, 200, "r");
    fake_answer("GET", IMDS_KEYS "r", 200, KEYS("IMDS", IN_AN_HOUR));
    c = chain(NULL);
    for (size_t i = 0; i < 3; i++)
        cred_get(c, on_cred, &waiting[i]);
    cred_cancel(c, &waiting[1]);
    assert_null(cred_current(c));
    fake_run(10);
    assert_int_equal(fake.n_calls, 3);
    assert_string_equal(waiting[0].id, "IMDS");
    assert_int_equal(waiting[1].calls, 0);
    assert_string_equal(waiting[2].id, "IMDS");
    assert_non_null(cred_current(c));
    cred_chain_free(c);
}

static void failure_is_retried_by_itself_and_told(void **state)
{
    struct cred_chain *c = chain(NULL);
    size_t calls;

    (void)state;
    cred_get(c, on_cred, &got);
    fake_run(100);
    assert_string_equal(got.id, "");
    calls = fake.n_calls;
    /* While it waits to try again, askers are told at once. */
    got.calls = 0;
    cred_get(c, on_cred, &got);
    assert_int_equal(got.calls, 1);
    assert_int_equal(fake.n_calls, calls);
    /* In ten minutes: half a minute apart at most, half of that at least. */
    fake_run(600 * 1000);
    assert_in_range(fake.n_calls, 20, 48);
    cred_chain_free(c);
}

static void arrival_after_failure_is_announced(void **state)
{
    struct cred_chain *c = chain(NULL);

    (void)state;
    ask(c);
    assert_null(cred_current(c));
    setenv("AWS_ACCESS_KEY_ID", "LATE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    fake_run(3000); /* it asks again by itself */
    assert_non_null(cred_current(c));
    assert_string_equal(ask(c)->id, "LATE");
    cred_chain_free(c);
}

static void valid_credentials_survive_a_failed_refresh(void **state)
{
    struct cred_chain *c;

    (void)state;
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/", 1);
    fake_answer("GET", "http://localhost/", 200, KEYS("OLD", IN_AN_HOUR));
    c = chain(NULL);
    assert_string_equal(ask(c)->id, "OLD");
    fake_answer("GET", "http://localhost/", 500, "");
    fake_run(57 * 60000);
    ask(c);
    assert_string_equal(ask(c)->id, "OLD");
    fake_run(10 * 60000);
    assert_string_equal(ask(c)->id, "");
    fake_answer("GET", "http://localhost/", 200,
                KEYS("NEW", "2024-05-01T16:00:00Z"));
    fake_run(60000);
    assert_string_equal(ask(c)->id, "NEW");
    cred_chain_free(c);
}

static void invalid_ones_are_fetched_anew(void **state)
{
    struct cred_chain *c;
    struct cred *first;

    (void)state;
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/", 1);
    fake_answer("GET", "http://localhost/", 200, KEYS("A", IN_AN_HOUR));
    c = chain(NULL);
    ask(c);
    first = cred_ref(cred_current(c));
    fake_answer("GET", "http://localhost/", 200, KEYS("B", IN_AN_HOUR));
    cred_invalidate(c, first);
    assert_string_equal(ask(c)->id, "B");
    cred_invalidate(c, first); /* was replaced meanwhile */
    assert_non_null(cred_current(c));
    assert_int_equal(first->refs, 1);
    cred_unref(first);
    cred_chain_free(c);
}

static void profile_keys_are_read_again_when_the_file_changes(void **state)
{
    struct cred_chain *c;

    (void)state;
    scene_file(".aws/credentials", "[dev]\naws_access_key_id = ONE\n"
                                   "aws_secret_access_key = x\n");
    setenv("AWS_PROFILE", "dev", 1);
    c = chain(NULL);
    assert_string_equal(ask(c)->id, "ONE");
    assert_string_equal(got.source, "profile dev");
    scene_file(".aws/credentials", "[dev]\naws_access_key_id = THREE\n"
                                   "aws_secret_access_key = x\n");
    fake_run(1000);
    assert_string_equal(ask(c)->id, "THREE");
    /* A half-written file does not take the good ones away. */
    scene_file(".aws/credentials", "[dev]\naws_access_key_id = FO");
    fake_run(1000);
    assert_string_equal(ask(c)->id, "THREE");
    cred_chain_free(c);
}

static void freed_in_the_middle_leaves_nothing(void **state)
{
    struct cred_chain *c = chain(NULL);

    (void)state;
    fake_answer("PUT", IMDS, 200, "T");
    got.calls = 0;
    cred_get(c, on_cred, &got);
    assert_int_equal(fake_open_calls(), 1);
    cred_set_region(c, "us-east-2");
    cred_chain_free(c);
    assert_int_equal(got.calls, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(many_wait_for_one_refresh),
        T(failure_is_retried_by_itself_and_told),
        T(arrival_after_failure_is_announced),
        T(valid_credentials_survive_a_failed_refresh),
        T(invalid_ones_are_fetched_anew),
        T(profile_keys_are_read_again_when_the_file_changes),
        T(freed_in_the_middle_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
