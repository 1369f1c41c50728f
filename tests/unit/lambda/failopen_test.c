/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambda/failopen.c: children of this program break in all ways, and what they
 * execute themselves as, this program called with `idle`, writes down what was
 * handed over.
 */
#include "lambda/failopen.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PROGRAM "/opt/extensions/name"
#define IDLE_STATUS 42

/* Runs fn in a child whose output goes to a pipe; its status as of wait(). */
static int in_child(void (*fn)(void), char out[256])
{
    int p[2], status;
    size_t n = 0;
    assert_int_equal(pipe(p), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(p[1], 1);
        close(p[0]);
        close(p[1]);
        fn();
        _exit(99);
    }
    close(p[1]);
    for (ssize_t k; n < 255 && (k = read(p[0], out + n, 255 - n)) > 0;)
        n += (size_t)k;
    out[n] = '\0';
    close(p[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* What the new program has been given. */
static int be_idle(char **argv)
{
    const char *id = getenv(IDLE_ENV_ID), *fd = getenv(IDLE_ENV_FD);
    int open = fd != NULL && fcntl((int)strtol(fd, NULL, 10), F_GETFD) >= 0;
    printf("%s id %s fd %s %s\n", argv[0], id ? id : "none", fd ? fd : "none",
           open ? "open" : "closed");
    return IDLE_STATUS;
}

static void assert_idle(void (*fn)(void), const char *line)
{
    char out[256];
    int status = in_child(fn, out);
    assert_string_equal(out, line);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), IDLE_STATUS);
}

static int signal_number;

static void break_by_signal(void)
{
    failopen_arm(PROGRAM);
    raise(signal_number);
}

static void each_fatal_signal(void **state)
{
    static const int all[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE,
                              SIGILL,  SIGSYS,  SIGTRAP};
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        signal_number = all[i];
        assert_idle(break_by_signal, PROGRAM " id none fd none closed\n");
    }
}

static volatile int depth_wanted = 1 << 30;

static int go_deeper(int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    if (depth < depth_wanted)
        return go_deeper(depth + 1) + frame[0];
    return frame[0];
}

static void run_over(void)
{
    struct rlimit small = {1 << 20, 1 << 20};
    failopen_arm(PROGRAM);
    setrlimit(RLIMIT_STACK, &small);
    go_deeper(0);
}

/* The handler has a stack of its own. */
static void a_stack_that_ran_over(void **state)
{
    (void)state;
    assert_idle(run_over, PROGRAM " id none fd none closed\n");
}

static void exit_unasked(void)
{
    failopen_arm(PROGRAM);
    exit(1);
}

static void exit_that_nobody_asked_for(void **state)
{
    (void)state;
    assert_idle(exit_unasked, PROGRAM " id none fd none closed\n");
}

/* To a place where it is not by chance, and to be closed by execve. */
static void break_while_asking(void)
{
    failopen_arm(PROGRAM);
    failopen_remember("first");
    failopen_remember("id-1");
    dup3(2, 107, O_CLOEXEC);
    failopen_outstanding(107);
    raise(SIGSEGV);
}

static void break_after_asking(void)
{
    failopen_arm(PROGRAM);
    failopen_remember("id-1");
    failopen_outstanding(107);
    failopen_outstanding(-1);
    raise(SIGSEGV);
}

static void hands_over(void **state)
{
    (void)state;
    assert_idle(break_while_asking, PROGRAM " id id-1 fd 107 open\n");
    assert_idle(break_after_asking, PROGRAM " id id-1 fd none closed\n");
}

static void leave_by_exit(void)
{
    failopen_arm(PROGRAM);
    failopen_disarm();
    exit(3);
}

static void break_when_disarmed(void)
{
    failopen_arm(PROGRAM);
    failopen_disarm();
    raise(SIGABRT);
}

/* Behind SHUTDOWN an end is an end. */
static void disarmed(void **state)
{
    char out[256];
    (void)state;
    assert_int_equal(WEXITSTATUS(in_child(leave_by_exit, out)), 3);
    int status = in_child(break_when_disarmed, out);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGABRT);
    assert_string_equal(out, "");
}

/* The API's only answer is ready before it is asked for. */
static void break_without_a_file(void)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n"
                                 "{\"eventType\":\"SHUTDOWN\"}";
    int p[2];
    setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9", 1);
    failopen_arm(PROGRAM);
    snprintf(self.path, PATH_BYTES, "/nonexistent");
    failopen_remember("id-1");
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) != 0 ||
        write(p[1], answer, sizeof(answer) - 1) < 0)
        _exit(98);
    failopen_outstanding(p[0]);
    raise(SIGSEGV);
}

/* Then the handler itself does what `idle` would. */
static void a_program_that_is_gone(void **state)
{
    char out[256];
    (void)state;
    int status = in_child(break_without_a_file, out);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fatal_signal),
        cmocka_unit_test(a_stack_that_ran_over),
        cmocka_unit_test(exit_that_nobody_asked_for),
        cmocka_unit_test(hands_over),
        cmocka_unit_test(disarmed),
        cmocka_unit_test(a_program_that_is_gone),
    };
    if (argc == 2 && strcmp(argv[1], "idle") == 0)
        return be_idle(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
