/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals and URLs as the Go daemon takes them, so that a command line or a
 * file that starts the one starts the other. Pure; knows no option.
 */
#include "value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned digit_value(char c);
static const char *prefix_base(const char *s, unsigned *base);
static bool underscores_good(const char *digits, bool prefixed);
static const char *after_scheme(const char *url, struct err *err);
static int check_authority(const char *p, size_t n, struct err *err);
static int check_host(const char *p, size_t n, struct err *err);
static int check_port(const char *p, size_t n, struct err *err);
static int check_escapes(const char *p, struct err *err);

enum value_verdict value_parse_int(const char *s, enum value_underscore u,
                                   int64_t *out)
{
    bool minus = *s == '-';
    unsigned base;
    uint64_t n = 0;
    bool any = false;

    if (*s == '-' || *s == '+')
        s++;
    const char *digits = prefix_base(s, &base);
    if (u == VALUE_GO_UNDERSCORE && !underscores_good(digits, digits != s))
        return VALUE_SYNTAX;
    bool over = false;
    for (const char *p = digits; *p; p++) {
        if (*p == '_')
            continue;
        unsigned d = digit_value(*p);
        if (d >= base)
            return VALUE_SYNTAX;
        any = true;
        over = over || n > ((uint64_t)INT64_MAX - d) / base;
        n = over ? n : n * base + d;
    }
    if (!any)
        return VALUE_SYNTAX;
    if (over)
        return VALUE_RANGE;
    *out = minus ? -(int64_t)n : (int64_t)n;
    return VALUE_GOOD;
}

bool value_parse_duration(const char *s, int64_t *ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"\xc2\xb5s", 1e-3}, {"ms", 1},
                 {"s", 1e3},   {"m", 6e4},   {"h", 3.6e6}};
    double sum = 0;
    char *end;

    if (strcmp(s, "0") == 0) {
        *ms = 0;
        return true;
    }
    do {
        size_t unit = 0;
        if (!isdigit((unsigned char)*s) && *s != '.')
            return false;
        double n = strtod(s, &end);
        size_t letters = 0;
        while (end[letters] && !isdigit((unsigned char)end[letters]) &&
               end[letters] != '.')
            letters++;
        while (unit < 7 && (strlen(units[unit].unit) != letters ||
                            strncmp(end, units[unit].unit, letters) != 0))
            unit++;
        if (unit == 7)
            return false;
        sum += n * units[unit].ms;
        s = end + letters;
    } while (*s);
    if (!(sum <= INT32_MAX))
        return false;
    *ms = (int64_t)(sum + 0.999999);
    return true;
}

bool value_parse_bool(const char *s, bool *out)
{
    static const char *const words[] = {"1",    "t",     "T",     "true",
                                        "True", "TRUE",  "0",     "f",
                                        "F",    "false", "False", "FALSE"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(s, words[i]) == 0) {
            *out = i < 6;
            return true;
        }
    }
    return false;
}

int value_check_url(const char *url, struct err *err)
{
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return err_set(err, "invalid control character in URL");
    const char *rest = after_scheme(url, err);
    if (!rest)
        return -1;
    if (*rest != '/') {
        size_t segment = strcspn(rest, "/?#");
        if (rest == url && memchr(rest, ':', segment))
            return err_set(err, "first path segment in URL cannot contain "
                                "colon (a URL begins with http://)");
        return rest == url ? check_escapes(rest, err) : 0;
    }
    if (strncmp(rest, "//", 2) == 0) {
        size_t n = strcspn(rest + 2, "/?#");
        if (check_authority(rest + 2, n, err) != 0)
            return -1;
        rest += 2 + n;
    }
    return check_escapes(rest, err);
}

bool value_is_host(const char *s)
{
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("-._", *s))
            return false;
    return true;
}

void value_mask_url(const char *url, char *out, size_t cap)
{
    const char *mark = strstr(url, "://");
    const char *host = mark ? mark + 3 : url;
    size_t n = strcspn(host, "/?#");
    const char *at = NULL;

    for (size_t i = 0; i < n; i++)
        if (host[i] == '@')
            at = host + i;
    if (!at) {
        snprintf(out, cap, "%s", url);
        return;
    }
    const char *colon = memchr(host, ':', (size_t)(at - host));
    const char *keep = colon ? colon + 1 : host;
    snprintf(out, cap, "%.*s***%s", (int)(keep - url), url, at);
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 99;
}

/* Where the digits begin. A leading 0 alone makes an octal number. */
static const char *prefix_base(const char *s, unsigned *base)
{
    *base = 10;
    if (s[0] != '0' || s[1] == '\0')
        return s;
    switch (s[1]) {
    case 'x':
    case 'X':
        *base = 16;
        return s + 2;
    case 'b':
    case 'B':
        *base = 2;
        return s + 2;
    case 'o':
    case 'O':
        *base = 8;
        return s + 2;
    default:
        *base = 8;
        return s + 1;
    }
}

/* Go takes an underscore between digits and behind a base prefix. */
static bool underscores_good(const char *digits, bool prefixed)
{
    const char *p = strchr(digits, '_');

    if (!p)
        return true;
    if (digits[0] == '_' && !prefixed)
        return false;
    return !strstr(digits, "__") && digits[strlen(digits) - 1] != '_';
}

/* Behind "scheme:", or url itself if there is none. */
static const char *after_scheme(const char *url, struct err *err)
{
    for (const char *p = url; *p; p++) {
        if (isalpha((unsigned char)*p))
            continue;
        if (*p == ':' && p == url) {
            err_set(err, "missing protocol scheme");
            return NULL;
        }
        if (*p == ':')
            return p + 1;
        if (p == url || !(isdigit((unsigned char)*p) || strchr("+-.", *p)))
            return url;
    }
    return url;
}

static int check_authority(const char *p, size_t n, struct err *err)
{
    static const char signs[] = "-._:~!$&'()*+,;=%@";
    size_t host = n;

    while (host > 0 && p[host - 1] != '@')
        host--;
    for (size_t i = 0; i + 1 < host; i++)
        if (!isalnum((unsigned char)p[i]) && !strchr(signs, p[i]))
            return err_set(err, "invalid user name or password in URL");
    return check_host(p + host, n - host, err);
}

static int check_host(const char *p, size_t n, struct err *err)
{
    static const char signs[] = "!$&'()*+,;=:[]<>\"-._~%";
    const char *colon = memrchr(p, ':', n);

    if (n > 0 && *p == '[') {
        const char *end = memrchr(p, ']', n);
        if (!end)
            return err_set(err, "missing ']' in host");
        colon = end + 1;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x80 && !isalnum(c) && !strchr(signs, c))
            return err_set(err, "invalid character \"%c\" in host name", c);
    }
    return colon ? check_port(colon, (size_t)(p + n - colon), err) : 0;
}

/* p is at the colon, or at the end of a bracketed host. */
static int check_port(const char *p, size_t n, struct err *err)
{
    bool good = n == 0 || *p == ':';

    for (size_t i = 1; i < n; i++)
        good = good && isdigit((unsigned char)p[i]);
    return good ? 0 : err_set(err, "invalid port after host");
}

static int check_escapes(const char *p, struct err *err)
{
    for (size_t end = strcspn(p, "?"); end > 0; p++, end--)
        if (*p == '%' && (digit_value(p[1]) > 15 || digit_value(p[2]) > 15))
            return err_set(err, "invalid URL escape");
    return 0;
}
