/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `xray-relay idle`: the extension that only keeps the function alive. Runs in
 * place of a relay that broke, and by hand where the relay shall do nothing;
 * reads no configuration.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "xr/lambda.h"

int cmd_idle(const char *program)
{
    if (getenv("AWS_LAMBDA_RUNTIME_API") == NULL) {
        fputs("idle: AWS_LAMBDA_RUNTIME_API is not set; this is for Lambda\n",
              stderr);
        return 1;
    }
    return lambda_idle(program);
}
