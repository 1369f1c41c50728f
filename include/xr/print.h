/* SPDX-License-Identifier: Apache-2.0 */
/* The sink that shows traces in the terminal as they settle. */
#ifndef XR_PRINT_H
#define XR_PRINT_H

#include <stdio.h>

#include "xr/loop.h"
#include "xr/pipeline.h"

struct print_options {
    FILE *out;
    bool tree;
    bool colour;
    unsigned settle_ms; /* quiet time after which a trace is printed */
};
struct print;
/* NULL without memory. Lines go to o->out, which stays the caller's. */
struct print *print_new(struct loop *l, const struct print_options *o);
/* For pipeline_add; it is the print's. */
struct sink *print_sink(struct print *p);
/* Prints what has not settled yet. */
void print_flush(struct print *p);
void print_free(struct print *p); /* NULL is fine */

/* The collector's debug exporter: each document as a line on stdout, or how
 * many there were. */
struct sink *debug_sink_new(struct loop *l, bool documents);
void debug_sink_free(struct sink *s); /* NULL is fine */

#endif
