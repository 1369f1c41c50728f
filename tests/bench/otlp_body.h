/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OTLP request body for the benchmarks, made once: server spans of ten
 * attributes, protobuf or JSON. Before each sending only the ids are written
 * over, so that a loader costs little.
 */
#ifndef BENCH_OTLP_BODY_H
#define BENCH_OTLP_BODY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_SPANS_MAX 1000
#define BODY_SPAN_BYTES 2048
#define BODY_SPACE (BODY_SPANS_MAX * BODY_SPAN_BYTES)

struct body {
    bool json;
    unsigned spans;
    size_t n;
    size_t trace_at[BODY_SPANS_MAX], span_at[BODY_SPANS_MAX];
    unsigned char bytes[BODY_SPACE];
};

static const struct body_attribute {
    const char *key, *text; /* text NULL: a number */
    long long number;
} body_attributes[] = {
    {"http.request.method", "GET", 0},
    {"http.response.status_code", NULL, 200},
    {"http.route", "/orders/{id}", 0},
    {"url.scheme", "https", 0},
    {"url.path", "/orders/4711", 0},
    {"server.address", "shop.example.com", 0},
    {"server.port", NULL, 8443},
    {"client.address", "203.0.113.7", 0},
    {"user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) bench/1.0", 0},
    {"customer", "c-0042", 0},
};
#define BODY_ATTRIBUTES (sizeof(body_attributes) / sizeof(body_attributes[0]))

static inline void put(struct body *b, const void *p, size_t n)
{
    if (b->n + n > BODY_SPACE)
        abort();
    memcpy(b->bytes + b->n, p, n);
    b->n += n;
}

static inline void put_text(struct body *b, const char *text)
{
    put(b, text, strlen(text));
}

/* Protobuf: a length of two bytes, filled in at the end, will do for all but
 * the outer three messages, which get four. */
static inline size_t message_begin(struct body *b, unsigned field, int width)
{
    unsigned char tag = (unsigned char)(field << 3 | 2);
    put(b, &tag, 1);
    b->n += (size_t)width;
    return b->n;
}

static inline void message_end(struct body *b, size_t start, int width)
{
    size_t n = b->n - start;
    for (int i = 0; i < width; i++, n >>= 7)
        b->bytes[start - (size_t)width + (size_t)i] =
            (unsigned char)((n & 0x7f) | (i + 1 < width ? 0x80 : 0));
}

static inline void put_string(struct body *b, unsigned field, const char *s)
{
    size_t at = message_begin(b, field, 2);
    put_text(b, s);
    message_end(b, at, 2);
}

static inline void put_varint(struct body *b, unsigned field, long long v)
{
    unsigned char bytes[11] = {(unsigned char)(field << 3)};
    size_t n = 1;
    for (; v > 0x7f; v >>= 7)
        bytes[n++] = (unsigned char)((v & 0x7f) | 0x80);
    bytes[n++] = (unsigned char)v;
    put(b, bytes, n);
}

static inline void put_attribute(struct body *b, unsigned field,
                                 const struct body_attribute *a)
{
    size_t at = message_begin(b, field, 2), value;
    put_string(b, 1, a->key);
    value = message_begin(b, 2, 2);
    if (a->text)
        put_string(b, 1, a->text);
    else
        put_varint(b, 3, a->number);
    message_end(b, value, 2);
    message_end(b, at, 2);
}

static inline void put_time(struct body *b, unsigned field, long long ns)
{
    unsigned char tag = (unsigned char)(field << 3 | 1);
    put(b, &tag, 1);
    put(b, &ns, sizeof(ns)); /* little endian, as protobuf has it */
}

static inline void put_span(struct body *b, unsigned i)
{
    size_t at = message_begin(b, 2, 4), id;
    id = message_begin(b, 1, 2);
    b->trace_at[i] = b->n;
    b->n += 16;
    message_end(b, id, 2);
    id = message_begin(b, 2, 2);
    b->span_at[i] = b->n;
    b->n += 8;
    message_end(b, id, 2);
    put_string(b, 5, "GET /orders/{id}");
    put_varint(b, 6, 2);
    put_time(b, 7, 1700000000123456789LL);
    put_time(b, 8, 1700000000987654321LL);
    for (size_t k = 0; k < BODY_ATTRIBUTES; k++)
        put_attribute(b, 9, &body_attributes[k]);
    message_end(b, at, 4);
}

static inline void make_protobuf(struct body *b)
{
    static const struct body_attribute service = {"service.name", "bench", 0};
    size_t resource_spans = message_begin(b, 1, 4), scope_spans, at;
    at = message_begin(b, 1, 2);
    put_attribute(b, 1, &service);
    message_end(b, at, 2);
    scope_spans = message_begin(b, 2, 4);
    at = message_begin(b, 1, 2);
    put_string(b, 1, "bench");
    message_end(b, at, 2);
    for (unsigned i = 0; i < b->spans; i++)
        put_span(b, i);
    message_end(b, scope_spans, 4);
    message_end(b, resource_spans, 4);
}

static inline void put_json_span(struct body *b, unsigned i)
{
    char text[256];
    put_text(b, i ? ",{\"traceId\":\"" : "{\"traceId\":\"");
    b->trace_at[i] = b->n;
    b->n += 32;
    put_text(b, "\",\"spanId\":\"");
    b->span_at[i] = b->n;
    b->n += 16;
    put_text(b, "\",\"name\":\"GET /orders/{id}\",\"kind\":2,"
                "\"startTimeUnixNano\":\"1700000000123456789\","
                "\"endTimeUnixNano\":\"1700000000987654321\","
                "\"attributes\":[");
    for (size_t k = 0; k < BODY_ATTRIBUTES; k++) {
        const struct body_attribute *a = &body_attributes[k];
        const char *comma = k ? "," : "";
        if (a->text)
            snprintf(text, sizeof(text),
                     "%s{\"key\":\"%s\",\"value\":{\"stringValue\":\"%s\"}}",
                     comma, a->key, a->text);
        else
            snprintf(text, sizeof(text),
                     "%s{\"key\":\"%s\",\"value\":{\"intValue\":\"%lld\"}}",
                     comma, a->key, a->number);
        put_text(b, text);
    }
    put_text(b, "]}");
}

static inline void make_json(struct body *b)
{
    put_text(b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":"
                "\"service.name\",\"value\":{\"stringValue\":\"bench\"}}]},"
                "\"scopeSpans\":[{\"scope\":{\"name\":\"bench\"},\"spans\":[");
    for (unsigned i = 0; i < b->spans; i++)
        put_json_span(b, i);
    put_text(b, "]}]}]}");
}

static inline struct body *body_new(bool json, unsigned spans)
{
    struct body *b = calloc(1, sizeof(*b));
    if (b == NULL || spans < 1 || spans > BODY_SPANS_MAX)
        abort();
    b->json = json;
    b->spans = spans;
    if (json)
        make_json(b);
    else
        make_protobuf(b);
    return b;
}

static inline void put_id(unsigned char *at, unsigned long long id, bool json)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; json && i < 16; i++)
        at[i] = (unsigned char)digits[id >> (60 - 4 * i) & 15];
    for (int i = 0; !json && i < 8; i++)
        at[i] = (unsigned char)(id >> (56 - 8 * i));
}

/* Numbers the spans of the body at `bytes` from id on: the last half of the
 * trace id is the number, as is the span id. */
static inline void body_number(const struct body *b, unsigned char *bytes,
                               unsigned long long id)
{
    size_t half = b->json ? 16 : 8;
    for (unsigned i = 0; i < b->spans; i++, id++) {
        put_id(bytes + b->trace_at[i], 0x6553f1000000000aULL, b->json);
        put_id(bytes + b->trace_at[i] + half, id, b->json);
        put_id(bytes + b->span_at[i], id, b->json);
    }
}

#endif
