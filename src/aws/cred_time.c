/* SPDX-License-Identifier: Apache-2.0 */
/* ISO 8601 times as AWS writes them. Pure. */
#include "cred_parse.h"

struct cursor {
    struct slice s;
    bool bad;
};

static int64_t digits(struct cursor *c, size_t n);
static void expect(struct cursor *c, char want);
static bool next_is(const struct cursor *c, char want);
static void skip(struct cursor *c);
static int64_t fraction_ms(struct cursor *c);
static int64_t offset_s(struct cursor *c);
static int64_t days_since_epoch(int64_t year, int64_t month, int64_t day);

bool cred_parse_time(struct slice s, int64_t *ms)
{
    struct cursor c = {.s = s};
    int64_t year, month, day, hour, minute, second, fraction;

    year = digits(&c, 4);
    expect(&c, '-');
    month = digits(&c, 2);
    expect(&c, '-');
    day = digits(&c, 2);
    expect(&c, 'T');
    hour = digits(&c, 2);
    expect(&c, ':');
    minute = digits(&c, 2);
    expect(&c, ':');
    second = digits(&c, 2);
    fraction = fraction_ms(&c);
    second -= offset_s(&c);
    if (c.bad || c.s.n || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour > 23 || minute > 59)
        return false;
    *ms = ((days_since_epoch(year, month, day) * 24 + hour) * 60 + minute) *
              60000 +
          second * 1000 + fraction;
    return true;
}

static int64_t digits(struct cursor *c, size_t n)
{
    int64_t v = 0;

    for (size_t i = 0; i < n; i++) {
        if (c->s.n == 0 || c->s.p[0] < '0' || c->s.p[0] > '9') {
            c->bad = true;
            return 0;
        }
        v = v * 10 + (c->s.p[0] - '0');
        skip(c);
    }
    return v;
}

static void expect(struct cursor *c, char want)
{
    if (next_is(c, want))
        skip(c);
    else
        c->bad = true;
}

static bool next_is(const struct cursor *c, char want)
{
    return c->s.n && c->s.p[0] == want;
}

static void skip(struct cursor *c)
{
    c->s.p++;
    c->s.n--;
}

static int64_t fraction_ms(struct cursor *c)
{
    int64_t ms = 0, unit = 100;

    if (!next_is(c, '.'))
        return 0;
    skip(c);
    while (c->s.n && c->s.p[0] >= '0' && c->s.p[0] <= '9') {
        ms += unit * (c->s.p[0] - '0');
        unit /= 10;
        skip(c);
    }
    return ms;
}

static int64_t offset_s(struct cursor *c)
{
    int64_t sign, hours, minutes;

    if (next_is(c, 'Z')) {
        skip(c);
        return 0;
    }
    sign = next_is(c, '-') ? -1 : 1;
    if (!next_is(c, '-') && !next_is(c, '+')) {
        c->bad = true;
        return 0;
    }
    skip(c);
    hours = digits(c, 2);
    if (next_is(c, ':'))
        skip(c);
    minutes = digits(c, 2);
    return sign * (hours * 3600 + minutes * 60);
}

/* Days from the civil calendar: years begin in March, so that the leap day is
 * the last of its year; 400 years are 146097 days. */
static int64_t days_since_epoch(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}
