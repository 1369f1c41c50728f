/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars of OTLP/JSON, each read from the cursor's last token. False, with
 * d->err set, when the token cannot be such a value. Private to input/.
 */
#ifndef XR_INPUT_OTLP_JSON_SCALAR_H
#define XR_INPUT_OTLP_JSON_SCALAR_H

#include "otlp_decode.h"

/* Names of an enum's values, by number; ended by NULL. */
extern const char *const otlp_json_span_kinds[],
    *const otlp_json_status_codes[];

bool otlp_json_text(struct otlp_decoder *d, struct slice *out);
/* Hexadecimal of either case; zeros when it is not n bytes of that. */
bool otlp_json_id(struct otlp_decoder *d, uint8_t *out, size_t n);
/* Base64, also of the URL-safe alphabet and without padding. */
bool otlp_json_bytes(struct otlp_decoder *d, struct slice *out);
/* Integers: as numbers or as strings, also 1e3 and 5.0. */
bool otlp_json_uint32(struct otlp_decoder *d, uint32_t *out);
bool otlp_json_uint64(struct otlp_decoder *d, uint64_t *out);
bool otlp_json_int64(struct otlp_decoder *d, int64_t *out);
/* Also "NaN", "Infinity", "-Infinity". */
bool otlp_json_double(struct otlp_decoder *d, double *out);
/* A name or a number; a name that is not known leaves *out. */
bool otlp_json_enum(struct otlp_decoder *d, const char *const *names, int *out);

#endif
