/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs what it is told, for the comparison with botocore: a JSON object a
 * line on stdin, a JSON object a line on stdout.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xr/sigv4.h"

#define HEADERS_MAX 64
#define OUT_MAX (1 << 20)

static struct slice text(const json_t *j, const char *name)
{
    const json_t *s = json_object_get(j, name);

    return slice_of(json_string_value(s), json_string_length(s));
}

static size_t headers(const json_t *j, struct sigv4_header *out)
{
    size_t n = json_array_size(j);

    if (n > HEADERS_MAX)
        abort();
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(j, i);

        out[i].name = slice_str(json_string_value(json_array_get(pair, 0)));
        out[i].value = slice_str(json_string_value(json_array_get(pair, 1)));
    }
    return n;
}

static void answer(struct buf *authorization, struct buf *canonical)
{
    json_t *o =
        json_pack("{s:s, s:s, s:b}", "authorization", buf_cstr(authorization),
                  "canonical", buf_cstr(canonical), "failed",
                  authorization->failed || canonical->failed);

    if (!o || json_dumpf(o, stdout, JSON_COMPACT) != 0)
        abort();
    putchar('\n');
    json_decref(o);
}

static void sign(const json_t *j)
{
    struct sigv4_header h[HEADERS_MAX];
    struct sigv4_request r = {
        .method = text(j, "method"),
        .path = text(j, "path"),
        .query = text(j, "query"),
        .headers = h,
        .n_headers = headers(json_object_get(j, "headers"), h),
    };
    struct sigv4_key key = {
        .access_key_id = text(j, "access_key_id"),
        .secret_access_key = text(j, "secret_access_key"),
        .region = text(j, "region"),
        .service = text(j, "service"),
    };
    char date[SIGV4_DATE_LEN + 1];
    struct buf authorization, canonical;

    buf_init(&authorization, OUT_MAX);
    buf_init(&canonical, OUT_MAX);
    sha256_once(text(j, "body"), r.body_sha256);
    sigv4_date(json_integer_value(json_object_get(j, "epoch")), date);
    sigv4_canonical_request(&r, &canonical);
    sigv4_sign(&r, &key, date, &authorization);
    answer(&authorization, &canonical);
    buf_fini(&authorization);
    buf_fini(&canonical);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        json_t *j = json_loads(line, 0, NULL);

        if (!j)
            abort();
        sign(j);
        json_decref(j);
    }
    free(line);
    return 0;
}
