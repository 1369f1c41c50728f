/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From foreign answers to snapshots: JSON of container endpoints, IMDS,
 * credential processes and the SSO portal, XML of STS. Pure; sizes were bounded
 * by who read the answer.
 */
#include "cred_parse.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 << 10)
#define MEMBERS 4 /* of Credentials */

/* How the members are called. */
struct names {
    const char *id, *secret, *token;
};

static const struct names container_names = {"AccessKeyId", "SecretAccessKey",
                                             "Token"};
static const struct names process_names = {"AccessKeyId", "SecretAccessKey",
                                           "SessionToken"};
static const struct names sso_names = {"accessKeyId", "secretAccessKey",
                                       "sessionToken"};

static json_t *load(struct slice body, struct err *err);
static void keep(char *out, size_t room, struct slice text);
static struct slice member(const json_t *o, const char *name);
static void read_parts(const json_t *o, const struct names *names,
                       struct cred_parts *p);
static void set_expiry(struct cred_parts *p, int64_t expires_ms,
                       int64_t now_ms);
static int read_expiry(const json_t *o, const char *name, int64_t *ms,
                       struct err *err);
static bool refused(const json_t *o, struct err *err);
static bool error_of_json(const json_t *o, char out[256]);
static void say(char out[256], struct slice code, struct slice message);
static void xml_member(struct slice xml, const char *name, struct buf *text,
                       struct slice *out);

struct cred *cred_parse_container(struct slice body, int64_t now_ms,
                                  const char *source, struct err *err)
{
    struct cred_parts p = {.expires_ms = 0};
    struct cred *c = NULL;
    json_t *o = load(body, err);
    int64_t expires = 0;

    if (o && !refused(o, err) &&
        read_expiry(o, "Expiration", &expires, err) == 0) {
        read_parts(o, &container_names, &p);
        set_expiry(&p, expires, now_ms);
        c = cred_make(&p, source, err);
    }
    json_decref(o);
    return c;
}

struct cred *cred_parse_process(struct slice body, int64_t now_ms,
                                const char *source, struct err *err)
{
    struct cred_parts p = {.expires_ms = 0};
    struct cred *c = NULL;
    json_t *o = load(body, err);
    int64_t expires = 0;

    if (o && json_integer_value(json_object_get(o, "Version")) != 1) {
        err_set(err, "its output has no \"Version\": 1");
    } else if (o && read_expiry(o, "Expiration", &expires, err) == 0) {
        read_parts(o, &process_names, &p);
        p.expires_ms = expires;
        if (expires && expires <= now_ms)
            err_set(err, "the credentials it gave have expired");
        else
            c = cred_make(&p, source, err);
    }
    json_decref(o);
    return c;
}

struct cred *cred_parse_sso(struct slice body, int64_t now_ms,
                            const char *source, struct err *err)
{
    struct cred_parts p = {.expires_ms = 0};
    struct cred *c = NULL;
    json_t *o = load(body, err);
    const json_t *role = json_object_get(o, "roleCredentials");

    if (o && !json_is_object(role)) {
        err_set(err, "there are no roleCredentials in it");
    } else if (o) {
        read_parts(role, &sso_names, &p);
        set_expiry(&p, json_integer_value(json_object_get(role, "expiration")),
                   now_ms);
        c = cred_make(&p, source, err);
    }
    json_decref(o);
    return c;
}

struct cred *cred_parse_sts(struct slice body, int64_t now_ms,
                            const char *source, struct err *err)
{
    struct cred_parts p = {.expires_ms = 0};
    struct cred *c = NULL;
    struct slice xml, when;
    struct buf text;
    int64_t expires = 0;

    if (!xml_find(body, "Credentials", &xml)) {
        err_set(err, "there are no Credentials in it");
        return NULL;
    }
    buf_init(&text, MEMBERS * TEXT_MAX);
    /* Entities only shrink, so that the text never moves once reserved. */
    if (xml.n < TEXT_MAX && buf_reserve(&text, MEMBERS * xml.n + 1)) {
        xml_member(xml, "AccessKeyId", &text, &p.id);
        xml_member(xml, "SecretAccessKey", &text, &p.secret);
        xml_member(xml, "SessionToken", &text, &p.token);
        xml_member(xml, "Expiration", &text, &when);
        if (when.n && !cred_parse_time(when, &expires)) {
            err_set(err, "its Expiration is no time");
        } else {
            set_expiry(&p, expires, now_ms);
            c = cred_make(&p, source, err);
        }
    } else {
        err_set(err, "it is too large");
    }
    if (text.n)
        explicit_bzero(text.p, text.n);
    buf_fini(&text);
    return c;
}

bool cred_parse_error(struct slice body, char out[256])
{
    struct slice error, code, message;
    json_t *o;
    bool found;

    out[0] = '\0';
    if (xml_find(body, "Error", &error)) {
        xml_find(error, "Code", &code);
        xml_find(error, "Message", &message);
        say(out, code, message);
        return out[0] != '\0';
    }
    o = load(body, NULL);
    found = o && error_of_json(o, out);
    json_decref(o);
    return found;
}

bool cred_parse_sso_token(struct slice body, const char *start_url,
                          struct sso_token *out)
{
    json_t *o = load(body, NULL);
    struct slice token = member(o, "accessToken");
    struct slice url = member(o, "startUrl");
    bool good = o && token.n > 0 && token.n < sizeof out->access_token &&
                slice_is(url, start_url) &&
                cred_parse_time(member(o, "expiresAt"), &out->expires_ms);

    for (size_t i = 0; good && i < token.n; i++)
        good = token.p[i] > ' ' && token.p[i] < 0x7f;
    if (good) {
        memcpy(out->access_token, token.p, token.n);
        out->access_token[token.n] = '\0';
    }
    json_decref(o);
    return good;
}

bool imds_parse_identity(struct slice body, struct place *out)
{
    json_t *o = load(body, NULL);

    keep(out->region, sizeof out->region, member(o, "region"));
    keep(out->account_id, sizeof out->account_id, member(o, "accountId"));
    keep(out->zone, sizeof out->zone, member(o, "availabilityZone"));
    keep(out->instance_type, sizeof out->instance_type,
         member(o, "instanceType"));
    keep(out->image_id, sizeof out->image_id, member(o, "imageId"));
    if (!out->instance_id[0])
        keep(out->instance_id, sizeof out->instance_id,
             member(o, "instanceId"));
    json_decref(o);
    return out->region[0] != '\0';
}

/* An object, or NULL with the reason (err may be NULL). jansson's own reasons
 * quote the text, which may be secret. */
static json_t *load(struct slice body, struct err *err)
{
    json_error_t why;
    json_t *o = json_loadb(body.p ? body.p : "", body.n, 0, &why);

    if (json_is_object(o))
        return o;
    if (err && o)
        err_set(err, "it is JSON, but not an object");
    else if (err)
        err_set(err, "it is not JSON (line %d, column %d)", why.line,
                why.column);
    json_decref(o);
    return NULL;
}

static void keep(char *out, size_t room, struct slice text)
{
    bool good = text.n > 0 && text.n < room;

    for (size_t i = 0; good && i < text.n; i++)
        good = text.p[i] > ' ' && text.p[i] < 0x7f;
    if (good)
        memcpy(out, text.p, text.n);
    out[good ? text.n : 0] = '\0';
}

static struct slice member(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);

    return slice_of(json_string_value(v), json_string_length(v));
}

static void read_parts(const json_t *o, const struct names *names,
                       struct cred_parts *p)
{
    p->id = member(o, names->id);
    p->secret = member(o, names->secret);
    p->token = member(o, names->token);
}

static void set_expiry(struct cred_parts *p, int64_t expires_ms, int64_t now_ms)
{
    if (expires_ms > now_ms)
        p->expires_ms = expires_ms;
    else if (expires_ms)
        p->refresh_ms = now_ms + CRED_ASK_AGAIN_MS;
}

/* Absent or empty: 0. */
static int read_expiry(const json_t *o, const char *name, int64_t *ms,
                       struct err *err)
{
    struct slice s = member(o, name);

    if (s.n == 0 || cred_parse_time(s, ms))
        return 0;
    return err_set(err, "its %s is no time", name);
}

/* IMDS answers 200 with another Code when the role is broken. */
static bool refused(const json_t *o, struct err *err)
{
    struct slice code = member(o, "Code");
    char text[256];

    if (code.n == 0 || slice_is(code, "Success"))
        return false;
    say(text, code, member(o, "Message"));
    err_set(err, "%s", text);
    return true;
}

static bool error_of_json(const json_t *o, char out[256])
{
    static const char *const codes[] = {"Code", "code", "__type", "error"};
    static const char *const messages[] = {"Message", "message",
                                           "error_description"};
    struct slice code = slice_of(NULL, 0), message = code;

    for (size_t i = 0; i < 4 && code.n == 0; i++)
        code = member(o, codes[i]);
    for (size_t i = 0; i < 3 && message.n == 0; i++)
        message = member(o, messages[i]);
    say(out, code, message);
    return out[0] != '\0';
}

/* Foreign text on its way into a log line. */
static void say(char out[256], struct slice code, struct slice message)
{
    int n = snprintf(out, 256, "%.*s%s%.*s", code.n > 80 ? 80 : (int)code.n,
                     code.n ? code.p : "", code.n && message.n ? ": " : "",
                     message.n > 150 ? 150 : (int)message.n,
                     message.n ? message.p : "");

    for (int i = 0; i < n && out[i]; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
            out[i] = ' ';
}

static void xml_member(struct slice xml, const char *name, struct buf *text,
                       struct slice *out)
{
    struct slice raw;
    size_t begin = text->n;

    xml_find(xml, name, &raw);
    while (raw.n && strchr(" \t\r\n", raw.p[0])) {
        raw.p++;
        raw.n--;
    }
    while (raw.n && strchr(" \t\r\n", raw.p[raw.n - 1]))
        raw.n--;
    xml_text(raw, text);
    *out = slice_of(text->p + begin, text->n - begin);
}
