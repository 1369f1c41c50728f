/* SPDX-License-Identifier: Apache-2.0 */
/* aws/cred_process.c with real processes and the real loop. */
#include "aws/cred_process.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>

static struct loop *loop;
static char id[64], why[512];

static void on_end_of_job(void *arg, struct cred *c, const struct err *err)
{
    (void)arg;
    id[0] = why[0] = '\0';
    if (c)
        snprintf(id, sizeof id, "%.*s", (int)c->access_key_id.n,
                 c->access_key_id.p);
    else
        snprintf(why, sizeof why, "%s", err->text);
    cred_unref(c);
    loop_stop(loop);
}

static void run(const char *command)
{
    struct cred_step step = {.kind = &cred_kind_process, .source = "test"};
    struct cred_job j = {.loop = loop, .step = &step, .end = on_end_of_job};

    step.process.command = command;
    cred_kind_process.start(&j);
    loop_run(loop);
    assert_null(j.state);
    /* Nothing is left to be reaped. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void its_output_is_read(void **state)
{
    (void)state;
    run("printf '{\"Version\":1,\"AccessKeyId\":\"A\",'; "
        "echo '\"SecretAccessKey\":\"S\"}'");
    assert_string_equal(id, "A");
}

static void signals_and_streams_are_as_usual(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    run("echo noise >&2; read x && exit 9; kill -PIPE $$; exit 3");
    assert_string_equal(why, "credential_process: ended by signal 13");
    signal(SIGPIPE, SIG_DFL);
}

static void its_failure_is_told(void **state)
{
    (void)state;
    run("exit 3");
    assert_non_null(strstr(why, "exit status 3"));
    run("echo no json");
    assert_non_null(strstr(why, "it is not JSON"));
    run("/no/such/command");
    assert_non_null(strstr(why, "exit status 127"));
}

static void too_much_output_ends_it(void **state)
{
    (void)state;
    run("while :; do echo 0123456789012345678901234567890123456789; done");
    assert_non_null(strstr(why, "printed more than"));
}

static void it_may_close_its_output_early(void **state)
{
    (void)state;
    run("echo '{\"Version\":1,\"AccessKeyId\":\"B\",\"SecretAccessKey\":\"S\"}'"
        "; exec >&-; sleep 0.1");
    assert_string_equal(id, "B");
}

/* The whole group is ended: nobody is left who holds the pipe. */
static void the_limit_ends_its_children_too(void **state)
{
    struct cred_step step = {.kind = &cred_kind_process, .source = "test"};
    struct cred_job j = {.loop = loop, .step = &step, .end = on_end_of_job};
    struct state *s;
    struct pollfd pipe = {.events = POLLIN};

    (void)state;
    step.process.command = "sleep 1000 & sleep 1000; :";
    cred_kind_process.start(&j);
    s = j.state;
    pipe.fd = dup(s->fd);
    assert_int_equal(poll(&pipe, 1, 0), 0);
    timer_start(s->limit, 1);
    loop_run(loop);
    assert_non_null(strstr(why, "no result within 60 s"));
    assert_int_equal(poll(&pipe, 1, 10000), 1);
    assert_true(pipe.revents & POLLHUP);
    close(pipe.fd);
}

static int begin(void **state)
{
    struct err err;

    (void)state;
    loop = loop_new(&err);
    return loop ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_output_is_read),
        cmocka_unit_test(signals_and_streams_are_as_usual),
        cmocka_unit_test(its_failure_is_told),
        cmocka_unit_test(too_much_output_ends_it),
        cmocka_unit_test(it_may_close_its_output_early),
        cmocka_unit_test(the_limit_ends_its_children_too),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
