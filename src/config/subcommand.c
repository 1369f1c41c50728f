/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of subcommands and the help texts made of it and of the option
 * rows. To add a flag: a row. Knows nothing of what the subcommands do.
 */
#include "subcommand.h"

#include <stdio.h>
#include <string.h>

static const struct sub_flag local_flags[] = {
    {.name = "tree", .type = OPTION_BOOL, .help = "show each trace as a tree"},
    {.name = "port",
     .type = OPTION_INT,
     .argument = "PORT",
     .help = "listen on 127.0.0.1:PORT, UDP and TCP, instead of 2000"},
    {.name = "store",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "keep traces in this file; :memory: only in memory; run: in a "
             "new file each start"},
    {.name = "keep-mb",
     .type = OPTION_INT,
     .argument = "MB",
     .help = "delete the traces that came first beyond so many MB (512)"},
    {.name = "keep-days",
     .type = OPTION_INT,
     .argument = "DAYS",
     .help = "delete traces of which nothing came for so many days (7)"},
    {.name = "index-text",
     .type = OPTION_BOOL,
     .help = "index the text of documents: searches are quick, the store is "
             "larger and slower"},
    {.name = "tee",
     .type = OPTION_BOOL,
     .help = "upload to AWS as well, as without `local`"},
    {.name = "strict",
     .type = OPTION_BOOL,
     .help = "refuse documents that AWS refuses for their age or size"},
    {.name = "redact",
     .type = OPTION_TEXT,
     .argument = "NAMES",
     .help = "hide these members of metadata and http, split by commas"},
    {.name = "sampling-rate",
     .type = OPTION_TEXT,
     .argument = "RATE",
     .help = "what the sampling rule Default tells SDKs, 0 to 1 (1: all)"},
    {.name = "fault",
     .type = OPTION_TEXT,
     .argument = "FAULTS",
     .help = "inject faults: GetSamplingRules:429:10%, udp:drop=5%, ..."},
    {.name = "source-root",
     .type = OPTION_TEXT,
     .argument = "FOLDER",
     .help = "link stack frames of files in this folder to the editor"},
    {.name = "allow-host",
     .type = OPTION_TEXT,
     .argument = "NAMES",
     .help = "answer requests for these host names too, split by commas"},
    {.name = "allow-remote",
     .type = OPTION_BOOL,
     .help = "allow other addresses than loopback; reading takes a token"},
    {0},
};

static const struct sub_flag config_flags[] = {
    {.name = "sample",
     .type = OPTION_BOOL,
     .prints = true,
     .help = "print a commented configuration file with every option"},
    {.name = "manual",
     .type = OPTION_BOOL,
     .prints = true,
     .help = "print the manual of all options (Markdown)"},
    {0},
};

static const struct sub_flag translate_flags[] = {
    {.name = "index-all",
     .type = OPTION_BOOL,
     .key = "Translate.IndexAll",
     .help = "make every attribute an annotation"},
    {.name = "index",
     .type = OPTION_LIST,
     .argument = "KEY",
     .key = "Translate.Indexed",
     .help = "make this attribute an annotation; may be repeated"},
    {.name = "log-group",
     .type = OPTION_LIST,
     .argument = "GROUP",
     .key = "Translate.LogGroups",
     .help = "link this CloudWatch log group; may be repeated"},
    {.name = "limit",
     .type = OPTION_INT,
     .argument = "BYTES",
     .help = "cut documents to this size, as the relay does at 65536"},
    {0},
};

#define JSON_FLAG                                                              \
    {                                                                          \
        .name = "json", .type = OPTION_BOOL, .help = "one JSON object a line"  \
    }

#define STORE_FLAG                                                             \
    {                                                                          \
        .name = "store", .type = OPTION_TEXT, .argument = "FILE",              \
        .help = "read this file, whether or not local mode runs; run: the "    \
                "newest run's"                                                 \
    }

static const struct sub_flag ls_flags[] = {
    STORE_FLAG,
    {.name = "limit",
     .type = OPTION_INT,
     .argument = "N",
     .help = "at most so many traces (50)"},
    {.name = "since",
     .type = OPTION_TEXT,
     .argument = "TIME",
     .help = "of the last 300 (seconds), 5m, 2h only"},
    JSON_FLAG,
    {0},
};

static const struct sub_flag tui_flags[] = {STORE_FLAG, {0}};

static const struct sub_flag show_flags[] = {STORE_FLAG, JSON_FLAG, {0}};

static const struct sub_flag tail_flags[] = {
    {.name = "tree", .type = OPTION_BOOL, .help = "show each trace as a tree"},
    JSON_FLAG,
    {.name = "since",
     .type = OPTION_TEXT,
     .argument = "TIME",
     .help = "begin with the traces of the last 300 (seconds), 5m, 2h"},
    {.name = "fail",
     .type = OPTION_BOOL,
     .help = "end with 1 on the first fault"},
    {0},
};

static const struct sub_flag wait_flags[] = {
    {.name = "mark",
     .type = OPTION_BOOL,
     .help = "only print a mark for --since"},
    {.name = "since",
     .type = OPTION_TEXT,
     .argument = "MARK",
     .help = "traces since a mark, a time, or now"},
    {.name = "timeout",
     .type = OPTION_TEXT,
     .argument = "TIME",
     .help = "10s, 500ms, 2m (10s)"},
    {.name = "count",
     .type = OPTION_INT,
     .argument = "N",
     .help = "so many traces must match (1)"},
    {.name = "settle",
     .type = OPTION_TEXT,
     .argument = "TIME",
     .help = "and not have changed for so long (200ms)"},
    {.name = "none",
     .type = OPTION_BOOL,
     .help = "nothing may match for the whole time"},
    {.name = "assert",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "JSON list of {name, filter, count, max_duration, none}"},
    {.name = "junit",
     .type = OPTION_TEXT,
     .argument = "FILE",
     .help = "where the JUnit XML of --assert goes (standard output)"},
    JSON_FLAG,
    {0},
};

static const struct sub_flag export_flags[] = {
    STORE_FLAG,
    {.name = "format",
     .type = OPTION_TEXT,
     .argument = "FORMAT",
     .help = "ndjson (a document a line) or batchget"},
    {0},
};

static const struct subcommand subcommands[] = {
    {.name = "local",
     .command = COMMAND_LOCAL,
     .configured = true,
     .offline = true,
     .help = "show traces on this machine; no AWS account needed",
     .flags = local_flags},
    {.name = "tail",
     .command = COMMAND_TAIL,
     .configured = true,
     .offline = true,
     .words = "[FILTER]",
     .help = "print traces of local mode as they come",
     .flags = tail_flags},
    {.name = "tui",
     .command = COMMAND_TUI,
     .configured = true,
     .offline = true,
     .words = "[FILTER]",
     .help = "look through traces of local mode, live, in panes",
     .flags = tui_flags},
    {.name = "ls",
     .command = COMMAND_LS,
     .configured = true,
     .offline = true,
     .words = "[FILTER]",
     .help = "list traces of local mode",
     .flags = ls_flags},
    {.name = "show",
     .command = COMMAND_SHOW,
     .configured = true,
     .offline = true,
     .words = "TRACE",
     .help = "print a trace of local mode as a tree",
     .flags = show_flags},
    {.name = "diff",
     .command = COMMAND_DIFF,
     .configured = true,
     .offline = true,
     .words = "A B",
     .help = "compare two traces of local mode, span by span",
     .flags = show_flags},
    {.name = "wait",
     .command = COMMAND_WAIT,
     .configured = true,
     .offline = true,
     .words = "[FILTER]",
     .help = "for tests: exit 0 when a trace matches, 1 if none does in time",
     .flags = wait_flags},
    {.name = "export",
     .command = COMMAND_EXPORT,
     .configured = true,
     .offline = true,
     .words = "[FILTER]",
     .help = "print the documents of local mode",
     .flags = export_flags},
    {.name = "import",
     .command = COMMAND_IMPORT,
     .configured = true,
     .offline = true,
     .words = "FILE...",
     .help = "take documents from files into local mode"},
    {.name = "env",
     .command = COMMAND_ENV,
     .configured = true,
     .offline = true,
     .help = "print what points SDKs and the AWS CLI at local mode"},
    {.name = "clear",
     .command = COMMAND_CLEAR,
     .configured = true,
     .offline = true,
     .words = "[FILTER]",
     .help = "delete the traces of local mode"},
    {.name = "doctor",
     .command = COMMAND_DOCTOR,
     .configured = true,
     .offline = true,
     .help = "say what reached local mode and what was refused"},
    {.name = "demo",
     .command = COMMAND_DEMO,
     .configured = true,
     .offline = true,
     .help = "send a sample of traces to local mode"},
    {.name = "config",
     .command = COMMAND_CONFIG,
     .configured = true,
     .help = "check the configuration and print it with its sources",
     .flags = config_flags},
    {.name = "check",
     .command = COMMAND_CHECK,
     .configured = true,
     .help = "send one segment through the whole path and report"},
    {.name = "healthcheck",
     .command = COMMAND_HEALTHCHECK,
     .configured = true,
     .offline = true,
     .help = "exit 0 if the running relay is healthy"},
    {.name = "version",
     .command = COMMAND_VERSION,
     .help = "print the version"},
    {.name = "translate",
     .command = COMMAND_TRANSLATE,
     .configured = true,
     .offline = true,
     .words = "FILE...",
     .help = "print OTLP requests as segment documents",
     .flags = translate_flags},
    {.name = "help",
     .command = COMMAND_HELP,
     .words = "[SUBCOMMAND]",
     .help = "print this"},
    {.name = "idle",
     .command = COMMAND_IDLE,
     .help = "as a Lambda extension: register, drop everything"},
};

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

static void flag_line(const struct sub_flag *f, struct buf *out);

const struct subcommand *subcommand_find(const char *name)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    return NULL;
}

const char *subcommand_nearest(const char *word)
{
    const char *best = NULL;
    unsigned least = ~0U;

    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        unsigned d = word_distance(word, subcommands[i].name);
        if (d < least) {
            least = d;
            best = subcommands[i].name;
        }
    }
    return word_is_near(least, best) ? best : NULL;
}

const struct sub_flag *subcommand_find_flag(const struct subcommand *s,
                                            const char *name)
{
    if (!s || !s->flags)
        return NULL;
    for (const struct sub_flag *f = s->flags; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

void usage_daemon(struct buf *out)
{
    buf_str(out, "Usage: X-Ray [options]\n");
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        if (!r->long_flag)
            continue;
        buf_printf(out, "\t-%c\t--%s\t%s%s\n", r->short_flag, r->long_flag,
                   strlen(r->long_flag) <= 4 ? "\t" : "", r->usage);
    }
}

void usage_subcommand(const struct subcommand *s, struct buf *out)
{
    buf_printf(out, "Usage: xray-relay %s%s%s%s\n\n  %s\n", s->name,
               s->flags || s->configured ? " [options]" : "",
               s->words ? " " : "", s->words ? s->words : "", s->help);
    if (s->flags) {
        buf_str(out, "\nOptions\n");
        for (const struct sub_flag *f = s->flags; f->name; f++)
            flag_line(f, out);
    }
    if (s->configured)
        buf_str(out, "\nand those of the daemon, see xray-relay --help.\n");
}

void usage_all(struct buf *out)
{
    buf_str(out, "Usage: xray-relay [SUBCOMMAND] [options]\n\n"
                 "Without a subcommand: the relay, started like the X-Ray "
                 "daemon.\n\nSubcommands\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        buf_printf(out, "  %-12s %s\n", subcommands[i].name,
                   subcommands[i].help);
    buf_str(out, "\nOptions of the daemon\n");
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        if (r->long_flag)
            buf_printf(out, "  -%c --%-14s %s\n", r->short_flag, r->long_flag,
                       r->usage);
    }
    buf_str(out, "\n`xray-relay help SUBCOMMAND` says more; `xray-relay config "
                 "--manual` is the manual of\nall options of the file and of "
                 "the XRAY_RELAY_ variables.\n");
}

static void flag_line(const struct sub_flag *f, struct buf *out)
{
    char left[64];

    snprintf(left, sizeof(left), "--%s%s%s", f->name, f->argument ? " " : "",
             f->argument ? f->argument : "");
    buf_printf(out, "  %-18s %s\n", left, f->help);
}
