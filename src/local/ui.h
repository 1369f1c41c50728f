/* SPDX-License-Identifier: Apache-2.0 */
/* The web page of local mode: its files, out of the program itself. */
#ifndef XR_LOCAL_UI_H
#define XR_LOCAL_UI_H

#include "guard.h"

struct ui;

/* guard outlives it. */
struct ui *ui_new(const struct guard *guard);
/* The page at / and what it loads. */
void ui_routes(struct ui *u, struct http1 *server);
void ui_free(struct ui *u); /* NULL is fine */

#endif
