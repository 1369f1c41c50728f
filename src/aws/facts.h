/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of facts, and the readers that fill them. Pure: any bytes may come. */
#ifndef XR_AWS_FACTS_H
#define XR_AWS_FACTS_H

#include "xr/detect.h"

void facts_init(struct facts *f);
void facts_clear(struct facts *f);
void facts_fini(struct facts *f);
/* Adds a fact unless there is one of that name, or the value is empty, too
 * long or not printable. name: a static text. */
void facts_add(struct facts *f, const char *name, struct slice value);
void facts_add_all(struct facts *f, const struct facts *from);

/* OTEL_RESOURCE_ATTRIBUTES: key=value pairs between commas, percent-encoded.
 * One fault and none of them counts, as OpenTelemetry wants it: false. */
bool facts_read_pairs(struct facts *f, struct slice text, struct err *err);
/* OTEL_SERVICE_NAME, which goes before service.name in the pairs. */
void facts_set_service(struct facts *f, struct slice name);
/* ECS task metadata, version 4. */
bool facts_read_task(struct facts *f, struct slice body, struct err *err);
void facts_read_place(struct facts *f, const struct place *p);

#endif
