/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OTLP span as plain data: views into the request body and into the
 * request's arena (OpenTelemetry protocol, trace/v1 and common/v1). Filled by
 * the decoders in input/, read by translate/.
 */
#ifndef XR_SPAN_H
#define XR_SPAN_H

#include <stdint.h>

#include "xr/slice.h"

enum value_kind {
    VALUE_EMPTY,
    VALUE_STRING,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_ARRAY,
    VALUE_MAP,
    VALUE_BYTES,
};

struct attribute;
struct value;

struct value_list {
    struct value *items;
    uint32_t n;
};

struct attributes {
    struct attribute *items;
    uint32_t n;
};

struct value {
    enum value_kind kind;
    union {
        struct slice text; /* STRING (UTF-8 not checked), BYTES */
        bool b;
        int64_t i;
        double d;
        struct value_list array;
        struct attributes map;
    };
};

struct attribute {
    struct slice key;
    struct value value;
};

struct resource {
    struct attributes attributes;
    struct slice schema_url;
};

struct scope {
    struct slice name, version, schema_url;
    struct attributes attributes;
};

struct span_event {
    uint64_t time_ns;
    struct slice name;
    struct attributes attributes;
};

struct span_link {
    uint8_t trace_id[16], span_id[8];
    struct slice trace_state;
    struct attributes attributes;
    uint32_t flags;
};

enum span_kind {
    SPAN_UNSPECIFIED,
    SPAN_INTERNAL,
    SPAN_SERVER,
    SPAN_CLIENT,
    SPAN_PRODUCER,
    SPAN_CONSUMER,
};

enum span_status { STATUS_UNSET, STATUS_OK, STATUS_ERROR };

struct span {
    uint8_t trace_id[16]; /* all zero if absent or of a wrong length */
    uint8_t span_id[8];
    uint8_t parent_id[8]; /* all zero: none */
    struct slice trace_state, name;
    uint32_t flags;
    int kind; /* enum span_kind; unknown numbers are kept */
    uint64_t start_ns, end_ns;
    struct attributes attributes;
    struct span_event *events;
    struct span_link *links;
    uint32_t n_events, n_links;
    uint32_t dropped_attributes, dropped_events, dropped_links;
    int status; /* enum span_status */
    struct slice status_message;
    const struct resource *resource; /* never NULL */
    const struct scope *scope;       /* never NULL */
};

#endif
