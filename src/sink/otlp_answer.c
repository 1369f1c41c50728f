/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backend says in its answer: the partial success of an export, or the
 * message of an error, in protobuf or JSON; any other text is shown as it is.
 * Nothing in it is trusted: it is short, of printable letters, and never more
 * than words for the log and one number.
 */
#include <jansson.h>
#include <stdlib.h>

#include "otlp_parts.h"
#include "xr/pb.h"

static bool read_json(struct slice body, bool ok, struct otlp_said *out);
static void read_protobuf(struct slice body, bool ok, struct otlp_said *out);
static bool has_type(const struct client_answer *a, const char *word);
static void set_message(struct otlp_said *out, struct slice text);

void otlp_read_answer(const struct client_answer *a, bool ok,
                      struct otlp_said *out)
{
    *out = (struct otlp_said){0};
    if (has_type(a, "json") && read_json(a->body, ok, out))
        return;
    if (has_type(a, "protobuf") || (ok && !has_type(a, "json")))
        read_protobuf(a->body, ok, out);
    else if (!ok)
        set_message(out, a->body);
}

/* {"partialSuccess": {"rejectedSpans": "1", "errorMessage": ""}}, or of an
 * error {"message": ""}. */
static bool read_json(struct slice body, bool ok, struct otlp_said *out)
{
    json_t *root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *from = ok ? json_object_get(root, "partialSuccess") : root;
    json_t *n = json_object_get(from, "rejectedSpans");
    const char *text = json_string_value(
        json_object_get(from, ok ? "errorMessage" : "message"));
    if (json_is_integer(n))
        out->rejected = json_integer_value(n);
    else if (json_is_string(n)) /* as JSON of protobuf writes 64 bits */
        out->rejected = strtoll(json_string_value(n), NULL, 10);
    if (text)
        set_message(out, slice_str(text));
    bool good = ok ? root != NULL : text != NULL;
    json_decref(root);
    return good;
}

/* ExportTraceServiceResponse.partial_success = 1: rejected_spans = 1,
 * error_message = 2; or google.rpc.Status: message = 2. */
static void read_protobuf(struct slice body, bool ok, struct otlp_said *out)
{
    struct pb r;
    struct pb_field f;
    pb_init(&r, body);
    while (ok && pb_next(&r, &f) > 0)
        if (f.number == 1 && f.type == PB_BYTES)
            body = f.bytes;
    if (ok && body.p == (const char *)r.start)
        return;
    pb_init(&r, body);
    while (pb_next(&r, &f) > 0) {
        if (f.number == 1 && f.type == PB_VARINT && ok)
            out->rejected = (int64_t)f.u;
        else if (f.number == 2 && f.type == PB_BYTES)
            set_message(out, f.bytes);
    }
}

static bool has_type(const struct client_answer *a, const char *word)
{
    struct slice type = client_answer_header(a, "Content-Type");
    return memmem(type.p, type.n, word, strlen(word)) != NULL;
}

static void set_message(struct otlp_said *out, struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof(out->message) - 1; i++) {
        unsigned char c = (unsigned char)text.p[i];
        out->message[n++] = c < ' ' || c == 0x7f ? ' ' : (char)c;
    }
    while (n > 0 && out->message[n - 1] == ' ')
        n--;
    out->message[n] = '\0';
}
