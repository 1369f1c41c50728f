/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of query operations: one pass over the body into a flat table.
 * Knows JSON only. */
#include "param.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ISO_MAX 40
#define MINUTE_S 60
#define HOUR_S 3600

static int syntax(const struct js *j, struct err *err);
static int take(struct params *p, struct js *j, struct slice name,
                struct err *err);
static int list(const struct params *p, const char *name, enum js_kind want,
                struct param_list *out, struct err *err);
static bool iso_time(struct slice text, double *out);

int params_read(struct params *p, struct slice json, struct arena *a,
                struct err *err)
{
    struct js j;
    struct slice key;
    enum js_kind kind;
    p->arena = a;
    p->n = 0;
    if (json.n == 0)
        return 0;
    js_init(&j, json, PARAM_DEPTH_MAX);
    if (js_next(&j, NULL) != JS_OBJECT)
        return err_set(err, "the body is not a JSON object");
    while ((kind = js_next(&j, &key)) == JS_KEY)
        if (take(p, &j, key, err) < 0)
            return -1;
    if (kind != JS_OBJECT_END || js_next(&j, NULL) != JS_END)
        return syntax(&j, err);
    return 0;
}

static int syntax(const struct js *j, struct err *err)
{
    return err_set(err, "the body is not valid JSON: %s at byte %zu",
                   j->why ? j->why : "unexpected token", js_offset(j));
}

static int take(struct params *p, struct js *j, struct slice name,
                struct err *err)
{
    struct param m = {.name = name};
    m.kind = js_next(j, &m.value);
    const char *begin = j->p - 1;
    if (!js_skip(j, m.kind))
        return syntax(j, err);
    if (m.kind == JS_NULL)
        return 0;
    if (m.kind == JS_OBJECT || m.kind == JS_ARRAY)
        m.value = slice_of(begin, (size_t)(j->p - begin));
    if (p->n == PARAM_MEMBERS_MAX)
        return err_set(err, "the body has too many members");
    if (!js_text(m.name, p->arena, &m.name) ||
        (m.kind == JS_STRING && !js_text(m.value, p->arena, &m.value)))
        return err_set(err, "the body is too large");
    p->members[p->n++] = m;
    return 0;
}

const struct param *params_find(const struct params *p, const char *name)
{
    for (size_t i = p->n; i-- > 0;)
        if (slice_is(p->members[i].name, name))
            return &p->members[i];
    return NULL;
}

int params_text(const struct params *p, const char *name, struct slice *out,
                struct err *err)
{
    const struct param *m = params_find(p, name);
    if (m && m->kind != JS_STRING)
        return err_set(err, "%s: a string is expected", name);
    if (m)
        *out = m->value;
    return 0;
}

int params_number(const struct params *p, const char *name, double *out,
                  struct err *err)
{
    const struct param *m = params_find(p, name);
    double v = m && m->kind == JS_NUMBER ? js_number(m->value, NAN) : NAN;
    if (m && !isfinite(v))
        return err_set(err, "%s: a number is expected", name);
    if (m)
        *out = v;
    return 0;
}

int params_bool(const struct params *p, const char *name, bool *out,
                struct err *err)
{
    const struct param *m = params_find(p, name);
    if (m && m->kind != JS_TRUE && m->kind != JS_FALSE)
        return err_set(err, "%s: true or false is expected", name);
    if (m)
        *out = m->kind == JS_TRUE;
    return 0;
}

int params_time(const struct params *p, const char *name, double *out,
                struct err *err)
{
    const struct param *m = params_find(p, name);
    if (m && m->kind == JS_STRING && iso_time(m->value, out))
        return 0;
    if (m && m->kind != JS_NUMBER)
        return err_set(err, "%s: a time is expected", name);
    return params_number(p, name, out, err);
}

int params_texts(const struct params *p, const char *name,
                 struct param_list *out, struct err *err)
{
    return list(p, name, JS_STRING, out, err);
}

int params_objects(const struct params *p, const char *name,
                   struct param_list *out, struct err *err)
{
    return list(p, name, JS_OBJECT, out, err);
}

int params_object(const struct params *p, const char *name, struct slice *out,
                  struct err *err)
{
    const struct param *m = params_find(p, name);
    if (m && m->kind != JS_OBJECT)
        return err_set(err, "%s: an object is expected", name);
    if (m)
        *out = m->value;
    return 0;
}

static int list(const struct params *p, const char *name, enum js_kind want,
                struct param_list *out, struct err *err)
{
    const struct param *m = params_find(p, name);
    struct js j;
    enum js_kind kind;
    struct slice text;
    out->n = 0;
    if (!m)
        return 0;
    if (m->kind != JS_ARRAY)
        return err_set(err, "%s: a list is expected", name);
    js_init(&j, m->value, PARAM_DEPTH_MAX);
    js_next(&j, NULL);
    while ((kind = js_next(&j, &text)) != JS_ARRAY_END) {
        const char *begin = j.p - 1;
        if (kind != want || !js_skip(&j, kind))
            return err_set(err, "%s: a list of %s is expected", name,
                           want == JS_STRING ? "strings" : "objects");
        if (out->n == out->max)
            return err_set(err, "%s: at most %zu are allowed", name, out->max);
        if (kind == JS_OBJECT)
            text = slice_of(begin, (size_t)(j.p - begin));
        else if (!js_text(text, p->arena, &text))
            return err_set(err, "the body is too large");
        out->items[out->n++] = text;
    }
    return 0;
}

/* "2026-09-21T10:00:00.5Z", "...+02:00", without a zone UTC; also epoch
 * seconds in quotes. */
static bool iso_time(struct slice text, double *out)
{
    char s[ISO_MAX + 1], *end;
    struct tm tm = {0};
    int zone_h = 0, zone_m = 0;
    if (text.n == 0 || text.n > ISO_MAX)
        return false;
    memcpy(s, text.p, text.n);
    s[text.n] = '\0';
    double v = strtod(s, &end);
    if (*end == '\0' && isfinite(v)) {
        *out = v;
        return true;
    }
    end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!end)
        return false;
    v = (double)timegm(&tm);
    if (*end == '.')
        v += strtod(end, &end);
    if ((*end == '+' || *end == '-') &&
        sscanf(end + 1, "%2d:%2d", &zone_h, &zone_m) >= 1)
        v -= (*end == '-' ? -1 : 1) * (zone_h * HOUR_S + zone_m * MINUTE_S);
    else if (*end != '\0' && strcmp(end, "Z") != 0)
        return false;
    *out = v;
    return true;
}
