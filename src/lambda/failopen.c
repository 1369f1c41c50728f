/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fail open: an extension that ends makes the function's invocation fail, even
 * one that has answered already. So whatever would end this process — a fatal
 * signal, an assert, exit() for want of memory — makes it execute itself as
 * `idle` instead. All that this needs is laid out when it is armed; the
 * handler only calls what is safe in a signal.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "idle.h"
#include "xr/lambda.h"

#define PATH_BYTES 4096
#define ENVIRONMENT_MAX 1024
#define STACK_BYTES (64u << 10)

extern char **environ;

/* Process-wide, as signal handlers are. All zero at first, so that the program
 * file need not hold it. */
static struct {
    bool armed;
    volatile int outstanding; /* descriptor + 1 */
    char path[PATH_BYTES], program[PATH_BYTES];
    char identifier[sizeof(IDLE_ENV_ID) + 1 + LAMBDA_ID_MAX];
    char descriptor[sizeof(IDLE_ENV_FD) + 1 + 12];
    char *argv[3];
    char *envp[ENVIRONMENT_MAX + 3];
    size_t n_env;
    char stack[STACK_BYTES];
} self;

static void on_exit_unasked(void);
static void on_fatal(int signo);
static void become_idle(void) __attribute__((noreturn));
static void write_number(char *out, int n);

void failopen_arm(const char *program)
{
    static const int fatal[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE,
                                SIGILL,  SIGSYS,  SIGTRAP};
    static bool registered;
    ssize_t n = readlink("/proc/self/exe", self.path, PATH_BYTES - 1);
    if (n <= 0)
        snprintf(self.path, PATH_BYTES, "%s", program);
    snprintf(self.program, PATH_BYTES, "%s", program);
    self.argv[0] = self.program;
    self.argv[1] = (char *)"idle";
    while (self.n_env < ENVIRONMENT_MAX && environ[self.n_env] != NULL) {
        self.envp[self.n_env] = environ[self.n_env];
        self.n_env++;
    }
    /* A stack that ran over has no room for a handler. */
    stack_t stack = {.ss_sp = self.stack, .ss_size = STACK_BYTES};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = SA_ONSTACK};
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        sigaction(fatal[i], &action, NULL);
    if (!registered)
        atexit(on_exit_unasked);
    registered = self.armed = true;
}

void failopen_disarm(void)
{
    self.armed = false;
}

void failopen_remember(const char *identifier)
{
    snprintf(self.identifier, sizeof(self.identifier), IDLE_ENV_ID "=%s",
             identifier);
}

void failopen_outstanding(int fd)
{
    self.outstanding = fd + 1;
}

static void on_exit_unasked(void)
{
    if (self.armed)
        become_idle();
}

static void on_fatal(int signo)
{
    static const char text[] = "xray-relay broke; going on as an idle "
                               "extension: spans are dropped\n";
    (void)signo;
    if (!self.armed)
        _exit(128 + signo);
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        self.armed = false; /* nothing to be done about it */
    become_idle();
}

static void become_idle(void)
{
    size_t n = self.n_env;
    int fd = self.outstanding - 1;
    if (self.identifier[0] != '\0')
        self.envp[n++] = self.identifier;
    if (fd >= 0) {
        fcntl(fd, F_SETFD, 0);
        write_number(self.descriptor, fd);
        self.envp[n++] = self.descriptor;
    }
    self.envp[n] = NULL;
    execve(self.path, self.argv, self.envp);
    /* Then in this process, broken as it is: it needs little. */
    _exit(idle_run(self.program,
                   self.identifier[0] ? strchr(self.identifier, '=') + 1 : NULL,
                   fd));
}

/* snprintf is not for signal handlers. */
static void write_number(char *out, int n)
{
    char digits[12];
    int i = 0;
    memcpy(out, IDLE_ENV_FD "=", sizeof(IDLE_ENV_FD));
    out += sizeof(IDLE_ENV_FD);
    do {
        digits[i++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (i > 0)
        *out++ = digits[--i];
    *out = '\0';
}
