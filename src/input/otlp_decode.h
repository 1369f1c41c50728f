/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two OTLP readers share: the decoder with its cursor, the account of
 * work that keeps one call short, and lists in an arena. Private to input/.
 */
#ifndef XR_INPUT_OTLP_DECODE_H
#define XR_INPUT_OTLP_DECODE_H

#include "xr/buf.h"
#include "xr/otlp.h"

/* Work is counted in units of 10 to 30 ns: a protobuf field, a JSON token, a
 * digit of a fraction, some escapes, or so many bytes of what a reader has to
 * look at. */
#define OTLP_WORK_BYTES 128     /* of plain text */
#define OTLP_WORK_BYTES_CLOSE 8 /* each on its own: base64, groups */
#define OTLP_WORK_ESCAPES 8
/* One call of otlp_decode ends after so much, however few spans it gave. */
#define OTLP_WORK_STEP 50000
/* A span, resource or scope is read in one go, so it has a ceiling: 128 events
 * of 128 attributes, the most of SDKs that nobody told otherwise, take 149,000
 * in JSON. */
#define OTLP_WORK_MESSAGE_MAX 160000
/* Memory behind one span: attributes, events, links, decoded text. */
#define OTLP_SPAN_MEMORY_MAX (16u << 20)
/* ResourceSpans and ScopeSpans in one JSON request. */
#define OTLP_OBJECTS_MAX (1u << 18)

/* Request, ResourceSpans, ScopeSpans: the levels that hold a list to walk. */
enum { OTLP_REQUEST, OTLP_RESOURCE, OTLP_SCOPE, OTLP_LEVELS };

struct otlp_pb_cursor {
    struct slice bytes[OTLP_LEVELS];
    struct pb reader[OTLP_LEVELS];
    int level;
    bool looking; /* for the resource or scope, which may stand last */
};

/* The way to a place, for messages: `spans[3].attributes[0].value`. A value
 * takes at most four steps a level, the way to it at most eight. */
#define OTLP_PATH_MAX (4 * OTLP_VALUE_DEPTH_MAX + 8)

struct otlp_path_step {
    const char *name;
    int64_t index; /* -1: no list */
};

/* What was found in a ResourceSpans or ScopeSpans object: where the values of
 * these members begin, NULL if there are none. */
struct otlp_json_head {
    const char *at; /* "resource", "scope" */
    const char *schema_url;
};

/* The first pass, over brackets and member names only. */
struct otlp_json_outline {
    const char *p, *end; /* p is NULL once it is done */
    const char *run;     /* where the string or the rest began */
    bool in_string;
    unsigned depth;
    int level;
    bool in_list, list_next;      /* list_next: its key was read */
    struct otlp_json_head *heads; /* in the order in which objects begin */
    uint32_t n_heads;
    uint32_t open[OTLP_LEVELS]; /* the heads of the objects that are open */
};

struct otlp_json_cursor {
    struct js main;
    struct js ahead; /* for a resource or scope, found by the outline */
    struct js *in;   /* the one of the two that is being read */
    struct slice text;
    enum js_kind kind; /* of the last token, with its text */
    int level;
    bool begun, in_list;
    unsigned skipping; /* containers open in a value that is skipped */
    struct otlp_path_step path[OTLP_PATH_MAX];
    int path_n;
    uint32_t next_head;
    struct otlp_json_outline outline;
};

struct otlp_decoder {
    enum otlp_encoding encoding;
    struct slice body;
    struct arena *arena;  /* of resources and scopes */
    struct arena scratch; /* of the present span */
    struct arena *into;   /* the one of the two that is filled */
    struct span span;
    struct resource *resource;
    struct scope *scope;
    int value_depth;
    uint64_t work, work_limit;
    uint64_t left_out;
    uint32_t over_attributes, over_events, over_links; /* of the span */
    /* Of the present call. */
    otlp_span_fn fn;
    void *arg;
    unsigned spans_left;
    bool stopped;
    bool passed_over; /* a span, for a ceiling that err tells */
    enum otlp_result state;
    bool at_ceiling; /* err is about one */
    struct err err;
    union {
        struct otlp_pb_cursor pb;
        struct otlp_json_cursor json;
    };
};

void otlp_pb_init(struct otlp_decoder *d);
void otlp_json_init(struct otlp_decoder *d);
/* One step of the walk, at most one span. BAD with d->err set. */
enum otlp_result otlp_pb_step(struct otlp_decoder *d);
enum otlp_result otlp_json_step(struct otlp_decoder *d);

/* Before a span is read: empties the scratch arena. */
void otlp_span_begin(struct otlp_decoder *d);
/* Hands it out. */
void otlp_span_deliver(struct otlp_decoder *d);
/* A span could not be read: true if for a ceiling, so that the others can. */
bool otlp_span_pass_over(struct otlp_decoder *d);
/* Before a resource or scope is read; false when the arena is full. */
bool otlp_resource_begin(struct otlp_decoder *d);
bool otlp_scope_begin(struct otlp_decoder *d);
/* Counts work; false when the message has had its share. */
static inline bool otlp_spend(struct otlp_decoder *d, uint64_t units)
{
    d->work += units;
    return d->work <= d->work_limit;
}
/* Whether a list with n items is full: one more is passed over then, and
 * counted in *over as well, NULL if there is no such count. */
bool otlp_list_full(struct otlp_decoder *d, uint32_t n, uint32_t *over);
/* Gives the list with room for one more item behind n, cleared; NULL
 * when the arena is full. The capacity is not kept: it follows from n. */
void *otlp_list_add(struct otlp_decoder *d, void *items, uint32_t n,
                    size_t size);

/* One sentence a ceiling, the same for both encodings. */
extern const char otlp_why_work[], otlp_why_memory[], otlp_why_depth[],
    otlp_why_string[];
/* Whether the sentence is one of these. */
bool otlp_is_ceiling(const char *why);

/* The list that is walked at each level of JSON, and what stands beside it. */
struct otlp_json_level {
    const char *list, *list_snake, *head;
};
extern const struct otlp_json_level otlp_json_levels[OTLP_LEVELS];
void otlp_json_outline_init(struct otlp_json_outline *o, struct slice body);
/* Goes on with the outline for a while; false with d->err set. */
bool otlp_json_outline(struct otlp_decoder *d);

/* Readers of whole JSON messages, in otlp_json_message.c; the token that
 * begins the message is the cursor's last one. False with d->err set. */
bool otlp_json_resource(struct otlp_decoder *d, struct resource *resource);
bool otlp_json_scope(struct otlp_decoder *d, struct scope *scope);
bool otlp_json_span(struct otlp_decoder *d, struct span *span);
/* The next token, false on a fault. */
bool otlp_json_next(struct otlp_decoder *d);
/* Counts work; false on a fault. */
bool otlp_json_spend(struct otlp_decoder *d, uint64_t units);
/* Sets the error with path and offset; always false. */
bool otlp_json_fail(struct otlp_decoder *d, const char *why);
void otlp_json_enter(struct otlp_decoder *d, const char *name);
static inline void otlp_json_leave(struct otlp_decoder *d)
{
    d->json.path_n--;
}
/* Moves the innermost step of the path to the next item of its list. */
void otlp_json_item(struct otlp_decoder *d);

#endif
