/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options, configuration, mode, run. A subcommand is a row; what starts a relay
 * is here, since the log and the relay's life belong together.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "relay.h"
#include "xr/log.h"

static int run_relay(struct config *c, enum relay_mode mode);
static int run_local(struct config *c);
static int run_tail(struct config *c);
static int run_for_tail(struct config *c);
static void let_go_of_output(void);
static void open_log(const struct options *o);
static void open_level(const struct options *o);
static void hush_log(const struct config *c);
static void log_warning(void *arg, const char *text);

/* Without a row: the relay in the place of the X-Ray daemon. */
static int (*const commands[COMMANDS])(struct config *) = {
    [COMMAND_CONFIG] = cmd_config,
    [COMMAND_CHECK] = cmd_check,
    [COMMAND_HEALTHCHECK] = cmd_healthcheck,
    [COMMAND_TRANSLATE] = cmd_translate,
    [COMMAND_LOCAL] = run_local,
    [COMMAND_TAIL] = run_tail,
    [COMMAND_TUI] = cmd_tui,
    [COMMAND_LS] = cmd_ls,
    [COMMAND_SHOW] = cmd_show,
    [COMMAND_DIFF] = cmd_diff,
    [COMMAND_WAIT] = cmd_wait,
    [COMMAND_EXPORT] = cmd_export,
    [COMMAND_IMPORT] = cmd_import,
    [COMMAND_ENV] = cmd_env,
    [COMMAND_CLEAR] = cmd_clear,
    [COMMAND_DOCTOR] = cmd_doctor,
    [COMMAND_DEMO] = cmd_demo,
};

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
    if (result.command == COMMAND_IDLE)
        return cmd_idle(argv[0]);
    int (*command)(struct config *) = commands[result.command];
    return command != NULL ? command(c) : run_relay(c, RELAY_UPLOAD);
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

static int run_local(struct config *c)
{
    return run_relay(c, RELAY_LOCAL);
}

static int run_tail(struct config *c)
{
    return cmd_tail(c, run_for_tail);
}

/* For `tail` where nobody listens. */
static int run_for_tail(struct config *c)
{
    return run_relay(c, RELAY_TAIL);
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
