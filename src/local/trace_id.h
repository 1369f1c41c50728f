/* SPDX-License-Identifier: Apache-2.0 */
/* Trace ids as text and as the store's bytes. */
#ifndef XR_LOCAL_TRACE_ID_H
#define XR_LOCAL_TRACE_ID_H

#include "xr/store.h"

#define TRACE_ID_TEXT 36 /* with the NUL */

/* "1-8hex-24hex", or W3C's 32 hex digits; false: neither. */
bool trace_id_read(struct slice text, uint8_t out[STORE_TRACE_ID]);
/* "1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx". */
void trace_id_write(const uint8_t id[STORE_TRACE_ID], char out[TRACE_ID_TEXT]);
/* The second in the id. */
uint32_t trace_id_second(const uint8_t id[STORE_TRACE_ID]);

#endif
