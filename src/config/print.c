/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows the effective configuration, a line an option with its value and
 * where that came from; then the exporters of OTLP. Passwords in URLs are
 * masked.
 */
#include <string.h>

#include "config.h"
#include "value.h"

enum { URL_BYTES = 1024 };

static void show_exporter(const struct otlp_exporter *e, struct buf *out);
static void show_text(const char *text, struct buf *out);
static void show_list(const struct text_list *list, struct buf *out);

void config_print(const struct config *c, struct buf *out)
{
    struct buf value;

    buf_printf(out, "# file: %s\n", c->file ? c->file : "none");
    buf_init(&value, CONFIG_BYTES_MAX);
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        if (!r->key)
            continue;
        buf_clear(&value);
        config_show(c, (int)i, &value);
        buf_printf(out, "%-24s %-24s # %s\n", r->key, buf_cstr(&value),
                   c->origin[i] ? c->origin[i] : "default");
    }
    for (size_t i = 0; i < c->options.n_exporters; i++)
        show_exporter(&c->options.exporters[i], out);
    buf_fini(&value);
}

/* Of its headers the names only: values are keys of somebody. */
static void show_exporter(const struct otlp_exporter *e, struct buf *out)
{
    char url[URL_BYTES];

    value_mask_url(e->url, url, sizeof(url));
    buf_printf(out, "exporters.%s ", e->name);
    show_text(url, out);
    for (size_t i = 0; i < e->n_headers; i++) {
        buf_str(out, i ? ", " : " headers: ");
        show_text(e->headers[i].name, out);
    }
    buf_printf(out, "%s\n", e->sigv4 ? " signed" : "");
}

void config_show(const struct config *c, int row, struct buf *out)
{
    const struct option_row *r = &option_rows[row];
    const void *at = (const char *)&c->options + r->offset;
    char url[URL_BYTES];

    switch (r->type) {
    case OPTION_TEXT:
        if (r->marks & ROW_URL) {
            value_mask_url(*(char *const *)at, url, sizeof(url));
            show_text(url, out);
        } else {
            show_text(*(char *const *)at, out);
        }
        break;
    case OPTION_BOOL:
        buf_str(out, *(const bool *)at ? "true" : "false");
        break;
    case OPTION_INT:
        buf_printf(out, "%lld%s%s", (long long)*(const int64_t *)at,
                   r->unit ? " " : "", r->unit ? r->unit : "");
        break;
    default:
        show_list(at, out);
        break;
    }
}

/* In quotes, as YAML takes them; control bytes stay on the line. */
static void show_text(const char *text, struct buf *out)
{
    buf_byte(out, '"');
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            buf_printf(out, "\\x%02x", (unsigned char)*p);
        else if (*p == '"' || *p == '\\')
            buf_printf(out, "\\%c", *p);
        else
            buf_byte(out, *p);
    }
    buf_byte(out, '"');
}

static void show_list(const struct text_list *list, struct buf *out)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        buf_str(out, i ? ", " : "");
        show_text(list->items[i], out);
    }
    buf_byte(out, ']');
}
