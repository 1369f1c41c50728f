/* SPDX-License-Identifier: Apache-2.0 */
/* An OTLP request in protobuf. */
#include "otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    otlp_check(OTLP_PROTOBUF, slice_of(data, n));
    return 0;
}
