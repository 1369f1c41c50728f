/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential_process: a command of a profile that prints credentials as JSON.
 * Run by the shell as in the original's SDK, in a process group of its own,
 * its output read through the loop under a time limit and a ceiling. Its
 * messages are not kept, since nobody knows what they hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cred_job.h"
#include "cred_parse.h"
#include "xr/clock.h"
#include "xr/log.h"

#define TIME_LIMIT_MS 60000
#define REAP_MS 20 /* between looks, when it closed its output but runs on */
#define OUTPUT_MAX ((size_t)64 << 10)
#define READ_STEP 4096

extern char **environ;

struct state {
    pid_t pid; /* 0: reaped */
    int fd;
    struct watch *watch;
    struct timer *limit, *reap;
    struct buf output;
};

static void start(struct cred_job *j);
static int spawn(struct state *s, const char *command, struct err *err);
static int spawn_to(struct state *s, const char *command, int out);
static void set_attributes(posix_spawnattr_t *a);
static void on_output(void *arg, int fd, bool readable, bool writable);
static void on_limit(void *arg);
static void on_end(void *arg);
static void finish(struct cred_job *j, int status);
static void stop(struct cred_job *j);

const struct cred_kind cred_kind_process = {"credential_process", start, stop};

static void start(struct cred_job *j)
{
    struct state *s = j->state = calloc(1, sizeof *s);
    struct err err;

    if (!s)
        log_fatal("Out of memory for a credential_process");
    s->fd = -1;
    buf_init(&s->output, OUTPUT_MAX);
    if (spawn(s, j->step->process.command, &err) != 0) {
        cred_job_fail(j, "credential_process: %s", err.text);
        return;
    }
    s->watch = watch_new(j->loop, s->fd, on_output, j);
    s->limit = timer_new(j->loop, on_limit, j);
    s->reap = timer_new(j->loop, on_end, j);
    timer_start(s->limit, TIME_LIMIT_MS);
}

static int spawn(struct state *s, const char *command, struct err *err)
{
    int ends[2], rc;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, "pipe: %s", strerror(errno));
    rc = spawn_to(s, command, ends[1]);
    close(ends[1]);
    if (rc != 0) {
        close(ends[0]);
        s->pid = 0;
        return err_set(err, "/bin/sh: %s", strerror(rc));
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    s->fd = ends[0];
    return 0;
}

static int spawn_to(struct state *s, const char *command, int out)
{
    char shell[] = "sh", flag[] = "-c";
    char *argv[] = {shell, flag, (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int rc;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    set_attributes(&attributes);
    rc = posix_spawn(&s->pid, "/bin/sh", &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* A group of its own, so that all of it can be ended; signals as usual. */
static void set_attributes(posix_spawnattr_t *a)
{
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(a, &all);
    posix_spawnattr_setsigmask(a, &none);
    posix_spawnattr_setpgroup(a, 0);
    posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                    POSIX_SPAWN_SETSIGMASK);
}

static void on_output(void *arg, int fd, bool readable, bool writable)
{
    struct cred_job *j = arg;
    struct state *s = j->state;
    char *p = buf_reserve(&s->output, READ_STEP);
    ssize_t n;

    (void)readable, (void)writable;
    if (!p) {
        cred_job_fail(j, "credential_process: printed more than %zu bytes",
                      OUTPUT_MAX - READ_STEP);
        return;
    }
    n = read(fd, p, READ_STEP);
    if (n > 0)
        s->output.n += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        on_end(j);
}

static void on_limit(void *arg)
{
    cred_job_fail(arg, "credential_process: no result within %d s",
                  TIME_LIMIT_MS / 1000);
}

/* Its output has ended; the process itself may take a moment more. */
static void on_end(void *arg)
{
    struct cred_job *j = arg;
    struct state *s = j->state;
    int status;
    pid_t pid = waitpid(s->pid, &status, WNOHANG);

    watch_set(s->watch, false, false);
    if (pid == 0) {
        timer_start(s->reap, REAP_MS);
        return;
    }
    if (pid < 0)
        status = 0; /* somebody else reaped it: its output decides */
    s->pid = 0;
    finish(j, status);
}

static void finish(struct cred_job *j, int status)
{
    struct state *s = j->state;
    struct cred *c;
    struct err err;

    if (WIFSIGNALED(status)) {
        cred_job_fail(j, "credential_process: ended by signal %d",
                      WTERMSIG(status));
        return;
    }
    if (WEXITSTATUS(status) != 0) {
        cred_job_fail(j,
                      "credential_process: exit status %d; run it by hand "
                      "to see why",
                      WEXITSTATUS(status));
        return;
    }
    c = cred_parse_process(buf_slice(&s->output), clock_wall_ms(),
                           j->step->source, &err);
    if (c)
        cred_job_end(j, c, &err);
    else
        cred_job_fail(j, "credential_process: %s", err.text);
}

static void stop(struct cred_job *j)
{
    struct state *s = j->state;

    j->state = NULL;
    if (!s)
        return;
    watch_free(s->watch);
    timer_free(s->limit);
    timer_free(s->reap);
    if (s->fd >= 0)
        close(s->fd);
    if (s->pid > 0) {
        kill(-s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    buf_wipe(&s->output);
    free(s);
}
