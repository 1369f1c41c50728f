/* SPDX-License-Identifier: Apache-2.0 */
/* The region in an ECS metadata file. Pure. */
#ifndef XR_AWS_ECS_FILE_H
#define XR_AWS_ECS_FILE_H

#include "xr/err.h"
#include "xr/slice.h"

/* 4th colon field of TaskARN; false with the reason. Takes any bytes. */
bool ecs_region_parse(struct slice json, char out[64], struct err *err);

#endif
