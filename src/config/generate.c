/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts made from the option rows: the commented sample file and the manual.
 * `make generate` writes them into conf/ and docs/; a test compares.
 */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "subcommand.h"

enum { COLUMNS = 78, SECTION_BYTES = 64 };

static void sample_row(const struct option_row *r, const char *section,
                       struct buf *out);
static void sample_section(const char *section, const char *before,
                           struct buf *out);
static void sample_value(const struct option_row *r, struct buf *out);
static void wrap(const char *text, const char *lead, struct buf *out);
static void section_of(const char *key, char out[SECTION_BYTES]);
static unsigned depth_of(const char *section);
static void manual_row(const struct option_row *r, struct buf *out);
static void manual_range(const struct option_row *r, struct buf *out);
static const char *type_name(const struct option_row *r);

void config_sample(struct buf *out)
{
    char section[SECTION_BYTES], before[SECTION_BYTES] = "";

    buf_str(out,
            "# Every option of xray-relay with its default. Made by\n"
            "# `xray-relay config --sample`.\n"
            "#\n"
            "# To change an option take away the first # of its line and of "
            "the lines of\n"
            "# its sections above. `xray-relay config -c FILE` checks the "
            "file and shows\n"
            "# what is in force. The file of the AWS X-Ray daemon can be used "
            "as it is.\n"
            "\n"
            "Version: 2\n");
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        if (!r->key)
            continue;
        section_of(r->key, section);
        if (strcmp(section, before) != 0)
            sample_section(section, before, out);
        memcpy(before, section, sizeof(before));
        sample_row(r, section, out);
    }
}

void config_manual(struct buf *out)
{
    buf_str(out,
            "# Options\n\n"
            "Made from the option rows by `xray-relay config --manual`; do "
            "not edit.\n\n"
            "An option is set, from the strongest to the weakest, by a flag, "
            "by its `XRAY_RELAY_…` variable, by the\nconfiguration file, by "
            "the variables that the AWS X-Ray daemon reads, else it has its "
            "default. `xray-relay config`\nprints what is in force and "
            "where it comes from.\n\n"
            "The file is the one named by `-c` (or `XRAY_RELAY_CONFIG`), else "
            "`/etc/amazon/xray/cfg.yaml`, else `cfg.yaml`\nin the working "
            "folder. It is YAML, keys with a dot stand in sections, and "
            "`Version: 2` must be there. A key that\nis not known is an error "
            "in a file named by `-c` and a warning in one that was found; a "
            "value of the wrong\ntype is always an error. Of the daemon's own "
            "keys an empty text or 0 means the default. A variable that is\n"
            "set to nothing counts as not set; lists are parted by commas "
            "in variables.\n\n"
            "| Key | Type | Default | Flag | Variable | Meaning |\n"
            "|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < option_rows_n; i++)
        if (option_rows[i].key)
            manual_row(&option_rows[i], out);
    buf_str(out, "\n## Command line\n\n```\n");
    usage_all(out);
    buf_str(out, "```\n");
}

static void sample_row(const struct option_row *r, const char *section,
                       struct buf *out)
{
    unsigned indent = 2 * depth_of(section);
    const char *name = *section ? r->key + strlen(section) + 1 : r->key;
    char lead[32], env[OPTION_ENV_MAX];

    snprintf(lead, sizeof(lead), "## %*s", (int)indent, "");
    buf_byte(out, '\n');
    wrap(r->help, lead, out);
    option_env_name(r->key, env);
    buf_printf(out, "%s", lead);
    if (r->short_flag)
        buf_printf(out, "-%c, ", r->short_flag);
    buf_printf(out, "%s", env);
    manual_range(r, out);
    buf_printf(out, "\n#%*s%s: ", (int)indent, "", name);
    sample_value(r, out);
    buf_byte(out, '\n');
}

/* The lines that open a section; Otlp.Tls needs Otlp only once. */
static void sample_section(const char *section, const char *before,
                           struct buf *out)
{
    unsigned indent = 0;

    for (const char *part = section; *part; indent += 2) {
        size_t n = strcspn(part, "."), so_far = (size_t)(part - section) + n;
        bool open = strncmp(section, before, so_far) == 0 &&
                    (before[so_far] == '.' || before[so_far] == '\0');
        if (!open)
            buf_printf(out, "\n#%*s%.*s:", (int)indent, "", (int)n, part);
        part += n + (part[n] == '.');
    }
}

static void sample_value(const struct option_row *r, struct buf *out)
{
    const char *text = r->fallback ? r->fallback : "";

    if (r->type == OPTION_LIST)
        buf_str(out, "[]");
    else if (r->type == OPTION_TEXT)
        buf_printf(out, "\"%s\"", text);
    else
        buf_str(out, text);
}

static void wrap(const char *text, const char *lead, struct buf *out)
{
    size_t room = COLUMNS - strlen(lead);

    while (*text) {
        size_t n = strlen(text);
        if (n > room)
            for (n = room; n > 0 && text[n] != ' ';)
                n--;
        buf_printf(out, "%s%.*s\n", lead, (int)n, text);
        text += n;
        text += *text == ' ';
    }
}

static void section_of(const char *key, char out[SECTION_BYTES])
{
    const char *dot = strrchr(key, '.');

    memset(out, 0, SECTION_BYTES);
    if (dot)
        memcpy(out, key, (size_t)(dot - key));
}

static unsigned depth_of(const char *section)
{
    unsigned depth = *section != '\0';

    for (; *section; section++)
        depth += *section == '.';
    return depth;
}

static void manual_row(const struct option_row *r, struct buf *out)
{
    char env[OPTION_ENV_MAX];

    option_env_name(r->key, env);
    buf_printf(out, "| `%s` | %s", r->key, type_name(r));
    manual_range(r, out);
    buf_str(out, " | ");
    if (r->fallback)
        buf_printf(out, "`%s`", r->fallback);
    buf_str(out, " | ");
    if (r->short_flag)
        buf_printf(out, "`-%c`, `--%s`", r->short_flag, r->long_flag);
    buf_printf(out, " | `%s`", env);
    if (r->daemon_env)
        buf_printf(out, ", `%s`", r->daemon_env);
    buf_printf(out, " | %s |\n", r->help);
}

/* ", 10 to 60000 ms" or ": decode, pass". */
static void manual_range(const struct option_row *r, struct buf *out)
{
    if (r->words) {
        for (const char *const *w = r->words; *w; w++)
            buf_printf(out, "%s%s", w == r->words ? ": " : ", ", *w);
    } else if (r->type == OPTION_INT) {
        buf_printf(out, ", %lld to %lld%s%s",
                   (long long)(r->min < 0 ? 0 : r->min), (long long)r->max,
                   r->unit ? " " : "", r->unit ? r->unit : "");
    }
}

static const char *type_name(const struct option_row *r)
{
    static const char *const names[] = {
        [OPTION_TEXT] = "text",  [OPTION_BOOL] = "boolean",
        [OPTION_INT] = "number", [OPTION_LIST] = "list",
        [OPTION_ACTION] = "",
    };

    return names[r->type];
}
