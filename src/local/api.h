/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The own HTTP API of local mode (docs/LOCAL_API.md), for the page, the
 * terminal and scripts. Reads from the store, takes documents through what it
 * is given; knows no other input.
 */
#ifndef XR_LOCAL_API_H
#define XR_LOCAL_API_H

#include "filter.h"
#include "guard.h"
#include "row.h"
#include "xr/local.h"
#include "xr/store.h"

struct api;

struct api_options {
    struct loop *loop;
    struct store *store;
    const struct filter_groups *groups;
    struct guard guard;
    const char *source_root;     /* absolute, without links; NULL: none */
    struct store_options limits; /* path, max_bytes, max_age_s for health */
    const char *runs_folder;     /* where `--store run` keeps them; or NULL */
    /* Takes one segment document; NULL, or the word of X-Ray for what is
     * wrong with it. */
    const char *(*take)(void *arg, struct slice document);
    struct local_otlp otlp; /* for OTLP in imports */
    /* Writes the member `listeners` of health, and those of the live view:
     * whoever wires knows the inputs. May be NULL. */
    void (*health)(void *arg, struct jw *j, bool live);
    /* Faults to be injected, for GET and POST /api/faults: the text of a JSON
     * array of texts. May be NULL. */
    void (*faults)(void *arg, struct jw *j);
    bool (*set_faults)(void *arg, struct slice json, struct err *err);
    /* Documents refused so far. */
    uint64_t (*refused)(void *arg);
    void *arg;
};

struct api *api_new(const struct api_options *o);
/* All that begins with /api/. */
void api_routes(struct api *a, struct http1 *server);
/* Loop, from the store: traces have changed; each summary is the row that
 * row_write wrote. */
void api_on_change(struct api *a, const struct store_change *c, size_t n);
/* Ends streams and waiting requests. */
void api_stop(struct api *a);
void api_free(struct api *a); /* NULL is fine */

#endif
