/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name and the namespace of a document: the first source that gives a
 * name which X-Ray accepts. X-Ray allows letters, digits, blanks and some
 * symbols, at most 200 characters, and refuses a document with any other name,
 * so whatever the source was, the text is cleaned. Knows no other field.
 */
#include "letters.h"
#include "parts.h"

enum { NAME_CHARACTERS_MAX = 200 };

static bool try_name(struct translator *t, struct slice text);
static bool try_value(struct translator *t, enum key k);
static bool try_local(struct translator *t);
static bool try_remote(struct translator *t);
static bool try_database(struct translator *t);
static bool is_local_root(const struct translator *t);
static struct slice url_host(struct slice url);
static bool is_scheme(struct slice text);
static struct slice authority_host(struct slice text);
static bool is_name_ascii(unsigned char c);
static bool is_letter(uint32_t c);
static bool host_is_valid(struct slice host);
static void name_space_make(struct translator *t, bool from_aws_service);

void name_make(struct translator *t)
{
    bool serves = t->span->kind == SPAN_SERVER ||
                  (t->span->kind == SPAN_CONSUMER && is_local_root(t));
    bool from_aws_service = false;

    if (try_remote(t) || try_local(t) || try_value(t, KEY_PEER_SERVICE))
        ;
    else if (try_value(t, KEY_AWS_SERVICE))
        from_aws_service = true;
    else if (try_database(t) ||
             (serves && try_name(t, t->resource.service_name)) ||
             try_value(t, KEY_RPC_SERVICE) || try_value(t, KEY_HTTP_HOST) ||
             try_value(t, KEY_NET_PEER_NAME) || try_name(t, t->span->name))
        ;
    else
        try_name(t, SLICE("span"));
    t->name_is_span_name =
        slice_eq(slice_of(t->name, t->name_bytes), t->span->name);
    name_space_make(t, from_aws_service);
}

size_t name_clean(struct slice text, char *out)
{
    size_t n = 0;
    unsigned characters = 0;

    for (size_t i = 0; i < text.n && characters < NAME_CHARACTERS_MAX;) {
        unsigned char c = (unsigned char)text.p[i];
        uint32_t point = c;
        size_t bytes =
            c < 0x80 ? 1 : utf8_decode(text.p + i, text.n - i, &point);
        if (bytes && (c < 0x80 ? is_name_ascii(c) : is_letter(point))) {
            memcpy(out + n, text.p + i, bytes);
            n += bytes;
            characters++;
        }
        i += bytes ? bytes : 1;
    }
    return n;
}

static bool is_name_ascii(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '-' && c <= ':') || /* - . / digits : */
           (c && strchr(" _%&#=+@", c));
}

static bool is_letter(uint32_t c)
{
    size_t low = 0, high = sizeof(letter_runs) / sizeof(letter_runs[0]);

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c > letter_runs[mid][1])
            low = mid + 1;
        else if (c < letter_runs[mid][0])
            high = mid;
        else
            return true;
    }
    return false;
}

size_t utf8_decode(const char *p, size_t n, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)p[0];
    size_t bytes = first < 0x80   ? 1
                   : first < 0xC2 ? 0
                   : first < 0xE0 ? 2
                   : first < 0xF0 ? 3
                   : first < 0xF5 ? 4
                                  : 0;

    if (bytes == 0 || bytes > n)
        return 0;
    uint32_t v = bytes == 1 ? first : first & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (((unsigned char)p[i] & 0xC0) != 0x80)
            return 0;
        v = v << 6 | ((unsigned char)p[i] & 0x3Fu);
    }
    if (v < least[bytes] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        return 0;
    *c = v;
    return bytes;
}

static bool try_name(struct translator *t, struct slice text)
{
    if (text.n > 0)
        t->name_bytes = name_clean(text, t->name);
    return text.n > 0 && t->name_bytes > 0;
}

static bool try_value(struct translator *t, enum key k)
{
    const struct value *v = span_value(t, k);

    return v && try_name(t, value_text(t, v));
}

/* What Application Signals calls the callee. */
static bool try_remote(struct translator *t)
{
    int kind = t->span->kind;

    if (t->role == ROLE_SERVICE ||
        (t->role == ROLE_ONLY && kind != SPAN_CLIENT && kind != SPAN_PRODUCER &&
         kind != SPAN_CONSUMER))
        return false;
    struct slice text = value_text(t, span_value(t, KEY_AWS_REMOTE_SERVICE));
    if (t->aws_api && slice_starts(text, "AWS.SDK."))
        text = slice_from(text, 8);
    else if (t->aws_api && slice_starts(text, "AWS::"))
        text = slice_from(text, 5);
    return try_name(t, text);
}

/* What it calls the service itself. */
static bool try_local(struct translator *t)
{
    bool wanted =
        t->role == ROLE_SERVICE || t->span->kind == SPAN_SERVER ||
        ((t->span->kind == SPAN_INTERNAL || t->span->kind == SPAN_CONSUMER) &&
         is_local_root(t));

    return wanted && try_value(t, KEY_AWS_LOCAL_SERVICE);
}

static bool try_database(struct translator *t)
{
    struct slice name = value_text(t, span_value(t, KEY_DB_NAME));

    if (name.n == 0)
        return false;
    struct slice url = value_text(t, span_value(t, KEY_DB_CONNECTION_STRING));
    struct slice host = url_host(url);
    if (host.n == 0)
        return try_name(t, name);
    buf_clear(&t->scratch);
    buf_append(&t->scratch, name);
    buf_byte(&t->scratch, '@');
    buf_append(&t->scratch, host);
    return try_name(t, buf_slice(&t->scratch));
}

static bool is_local_root(const struct translator *t)
{
    const struct value *v = span_value(t, KEY_AWS_SPAN_KIND);

    return v && v->kind == VALUE_STRING && slice_is(v->text, "LOCAL_ROOT");
}

/* The host of SCHEME://[USER@]HOST[:PORT][/...], with or without "jdbc:"
 * before it; empty if the text is no such URL. */
static struct slice url_host(struct slice url)
{
    if (slice_starts(url, "jdbc:"))
        url = slice_from(url, 5);
    size_t colon = slice_find_byte(url, ':');
    struct slice rest = slice_from(url, colon);
    if (!is_scheme(slice_of(url.p, colon)) || !slice_starts(rest, "://"))
        return SLICE("");
    return authority_host(slice_from(rest, 3));
}

static bool is_scheme(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || (c && strchr("+-.", c));
        if (!letter && (i == 0 || !other))
            return false;
    }
    return text.n > 0;
}

/* The host of `user:password@host:port/path`; empty if it is none. */
static struct slice authority_host(struct slice text)
{
    size_t n = 0;
    while (n < text.n && !(text.p[n] && strchr("/?#", text.p[n])))
        n++;
    text.n = n;
    size_t at = slice_find_last(text, SLICE("@"));
    if (at < text.n)
        text = slice_from(text, at + 1);
    if (text.n > 0 && text.p[0] == '[') {
        size_t end = slice_find_byte(text, ']');
        return end < text.n ? slice_of(text.p + 1, end - 1) : SLICE("");
    }
    size_t port = slice_find_last(text, SLICE(":"));
    struct slice host = slice_of(text.p, port);
    struct slice digits = slice_from(text, port < text.n ? port + 1 : text.n);
    bool is_port =
        digits.n == 0 || slice_number(digits) > 0 || slice_is(digits, "0");
    return is_port && host_is_valid(host) ? host : SLICE("");
}

static bool host_is_valid(struct slice host)
{
    for (size_t i = 0; i < host.n; i++) {
        unsigned char c = (unsigned char)host.p[i];
        if (c <= ' ' || c == 0x7F || strchr("\"<>\\^`{|}%", c))
            return false;
    }
    return true;
}

static void name_space_make(struct translator *t, bool from_aws_service)
{
    bool outgoing =
        t->span->kind == SPAN_CLIENT || t->span->kind == SPAN_PRODUCER;

    t->name_space = NULL;
    if (t->role == ROLE_SERVICE)
        return;
    if (t->aws_api || from_aws_service)
        t->name_space = "aws";
    else if (outgoing || t->role == ROLE_DEPENDENCY)
        t->name_space = "remote";
}
