/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that comes as the text of an attribute: checked, then copied token by
 * token without white space, so that numbers keep their digits and the
 * document stays on one line. Knows no rule.
 */
#include "xr/json_scan.h"

#include "parts.h"

enum { DEPTH_MAX = 64 };

static void compact(struct translator *t, struct slice json);
static bool put_member(struct translator *t, struct slice raw_key,
                       struct slice value);

bool json_text_is_object(struct slice text)
{
    struct js j;

    js_init(&j, text, DEPTH_MAX);
    enum js_kind kind = js_next(&j, NULL);
    return kind == JS_OBJECT && js_skip(&j, kind) &&
           js_next(&j, NULL) == JS_END;
}

void json_text_write(struct translator *t, struct slice text)
{
    buf_clear(&t->connection);
    compact(t, text);
    struct slice json = buf_slice(&t->connection);
    if (json.n <= t->cuts.value_max) {
        if (!limit_passed(t, json.n))
            jw_raw(&t->jw, json);
        return;
    }
    jw_object(&t->jw);
    put_name(t, SLICE("cut"));
    put_cut(t, json, t->cuts.value_max);
    jw_object_end(&t->jw);
    t->cuts.made.cut_metadata++;
}

/* The text is known to be an object. */
void json_text_merge(struct translator *t, struct slice text, uint32_t *written)
{
    struct js j;
    struct slice key;

    js_init(&j, text, DEPTH_MAX);
    js_next(&j, NULL);
    while (js_next(&j, &key) == JS_KEY) {
        const char *from = j.p;
        enum js_kind kind = js_next(&j, NULL);
        if (!js_skip(&j, kind))
            return;
        if (*written >= t->cuts.list_max)
            t->cuts.made.cut_others++;
        else
            *written +=
                put_member(t, key, slice_of(from, (size_t)(j.p - from)));
    }
}

/* False if an attribute of that name stands already: it stays. */
static bool put_member(struct translator *t, struct slice raw_key,
                       struct slice value)
{
    if (seen_find(&t->doubles, key_hash(raw_key)))
        return false;
    buf_clear(&t->connection);
    compact(t, slice_of(raw_key.p - 1, raw_key.n + 2));
    buf_byte(&t->connection, ':');
    value = slice_trim(value);
    if (value.n > 0 && value.p[0] == ':')
        value = slice_from(value, 1);
    compact(t, value);
    struct slice json = buf_slice(&t->connection);
    if (json.n > t->cuts.value_max) {
        t->cuts.made.cut_metadata++;
        jw_key(&t->jw, raw_key);
        put_cut(t, json, t->cuts.value_max);
    } else if (!limit_passed(t, json.n)) {
        jw_raw(&t->jw, json);
    }
    return true;
}

/* Appends the text without white space between tokens; bytes in texts that are
 * no UTF-8 become U+FFFD. */
static void compact(struct translator *t, struct slice json)
{
    enum { BYTES_A_UNIT = 8, GROWTH = 3 };
    char *to = buf_reserve(&t->connection, json.n * GROWTH);
    const char *p = json.p, *end = p + json.n;
    bool in_text = false;

    if (!to)
        return;
    limit_spend(t, json.n / BYTES_A_UNIT);
    while (p < end) {
        uint32_t point;
        size_t n = 1;
        if ((unsigned char)*p >= 0x80)
            n = utf8_decode(p, (size_t)(end - p), &point);
        else if (in_text && *p == '\\' && p + 1 < end)
            n = 2;
        else if (*p == '"')
            in_text = !in_text;
        const char *from = n ? p : "\xEF\xBF\xBD";
        for (size_t i = 0; i < (n ? n : 3); i++) {
            *to = from[i];
            to += in_text || (unsigned char)from[i] > ' ';
        }
        p += n ? n : 1;
    }
    t->connection.n = (size_t)(to - t->connection.p);
}
