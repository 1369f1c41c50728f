/* SPDX-License-Identifier: Apache-2.0 */
/* Options, configuration, mode, run. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "relay.h"
#include "xr/log.h"

static int run_relay(struct config *c, enum relay_mode mode);
static int run_tail(struct config *c);
static pid_t start_child(struct config *c);
static bool show_greeting(int fd);
static void let_go_of_output(void);
static void open_log(const struct options *o);
static void open_level(const struct options *o);
static void hush_log(const struct config *c);
static void log_warning(void *arg, const char *text);

int main(int argc, char **argv)
{
    struct config_result result;
    if (argc == 2 && strcmp(argv[1], "idle") == 0)
        return cmd_idle(argv[0]);
    if (argc == 1 && getenv("AWS_LAMBDA_RUNTIME_API") != NULL)
        return relay_run_lambda(argv);
    struct config *c = config_load(argc, argv, &result);
    if (result.done || c == NULL)
        return c == NULL && !result.done ? 1 : result.exit_code;
    switch (result.command) {
    case COMMAND_CONFIG:
        return cmd_config(c);
    case COMMAND_CHECK:
        return cmd_check(c);
    case COMMAND_HEALTHCHECK:
        return cmd_healthcheck(c);
    case COMMAND_TRANSLATE:
        return cmd_translate(c);
    case COMMAND_LOCAL:
        return run_relay(c, RELAY_LOCAL);
    case COMMAND_IDLE:
        return cmd_idle(argv[0]);
    case COMMAND_TAIL:
        return run_tail(c);
    case COMMAND_TUI:
        return cmd_tui(c);
    case COMMAND_LS:
        return cmd_ls(c);
    case COMMAND_SHOW:
        return cmd_show(c);
    case COMMAND_DIFF:
        return cmd_diff(c);
    case COMMAND_WAIT:
        return cmd_wait(c);
    case COMMAND_EXPORT:
        return cmd_export(c);
    case COMMAND_IMPORT:
        return cmd_import(c);
    case COMMAND_ENV:
        return cmd_env(c);
    case COMMAND_CLEAR:
        return cmd_clear(c);
    case COMMAND_DOCTOR:
        return cmd_doctor(c);
    case COMMAND_DEMO:
        return cmd_demo(c);
    default:
        return run_relay(c, RELAY_UPLOAD);
    }
}

static int run_relay(struct config *c, enum relay_mode mode)
{
    struct relay r;
    int status = 1;
    open_log(config_options(c));
    if (mode == RELAY_UPLOAD)
        log_info("Initializing xray-relay %s", XR_VERSION);
    config_warnings(c, log_warning, NULL);
    if (mode != RELAY_UPLOAD)
        hush_log(c);
    bool started = relay_start(&r, c, mode);
    open_level(config_options(c));
    if (started && mode == RELAY_TAIL)
        let_go_of_output();
    if (started)
        status = relay_run(&r);
    relay_fini(&r);
    config_free(r.config);
    log_close();
    return status;
}

/* Where nobody listens, a child does as long as this process lives. */
static int run_tail(struct config *c)
{
    bool nobody = false;
    int status = cmd_tail(c, &nobody);
    pid_t child = nobody ? start_child(c) : 0;
    if (child > 0) {
        status = cmd_tail(c, &nobody);
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
    }
    config_free(c);
    return status;
}

/* Returns when it listens; -1: it does not, and has said why. */
static pid_t start_child(struct config *c)
{
    int greeting[2];
    pid_t parent = getpid();
    if (pipe(greeting) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(greeting[1], STDOUT_FILENO);
        close(greeting[0]);
        close(greeting[1]);
        exit(getppid() == parent ? run_relay(c, RELAY_TAIL) : 1);
    }
    close(greeting[1]);
    bool listens = child > 0 && show_greeting(greeting[0]);
    close(greeting[0]);
    if (child > 0 && !listens)
        waitpid(child, NULL, 0);
    return listens ? child : -1;
}

/* Says where to send to, beside the traces. */
static bool show_greeting(int fd)
{
    char text[1024];
    ssize_t n;
    bool any = false;
    while ((n = read(fd, text, sizeof(text))) > 0) {
        fwrite(text, 1, (size_t)n, stderr);
        any = true;
    }
    return any;
}

/* The end of the greeting, for the parent. */
static void let_go_of_output(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDOUT_FILENO);
    close(null);
}

/* A log file that cannot be made is no reason to end: the log goes on to
 * stderr. */
static void open_log(const struct options *o)
{
    struct err err;
    open_level(o);
    if (log_open(o->log_file, o->log_rotation, &err) != 0)
        log_error("%s", err.text);
}

static void open_level(const struct options *o)
{
    enum log_level level;
    if (log_level_parse(o->log_level, &level))
        log_set_level(level);
}

/* Local mode says in its own words what it listens on. */
static void hush_log(const struct config *c)
{
    enum log_level level;
    if (log_level_parse(config_options(c)->log_level, &level) &&
        level == LOG_LEVEL_INFO)
        log_set_level(LOG_LEVEL_WARN);
}

static void log_warning(void *arg, const char *text)
{
    (void)arg;
    log_warn("%s", text);
}
