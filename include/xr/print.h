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
struct print *print_new(struct loop *l, struct pipeline *p, struct stats *stats,
                        const struct print_options *o);
struct sink *print_sink(struct print *p);
/* Prints what has not settled yet. */
void print_flush(struct print *p);
void print_free(struct print *p);

#endif
