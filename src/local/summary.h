/* SPDX-License-Identifier: Apache-2.0 */
/* A trace as the query API summarises it. */
#ifndef XR_LOCAL_SUMMARY_H
#define XR_LOCAL_SUMMARY_H

#include "trace.h"
#include "xr/json_out.h"

/* event_time: MatchedEventTime; 0: none. The arena is for a moment's use. */
void summary_write(struct jw *j, const struct trace *t, double event_time,
                   struct arena *a);

/* --- helpers for all answers */
void member_text(struct jw *j, const char *key, struct slice text);
void member_number(struct jw *j, const char *key, double v);
void member_int(struct jw *j, const char *key, int64_t v);
void member_bool(struct jw *j, const char *key, bool v);
/* Name, and Names with it alone. */
void member_names(struct jw *j, struct slice name);
void member_empty_list(struct jw *j, const char *key);

#endif
