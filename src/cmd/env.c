/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `eval "$(xray-relay env)"`: what makes SDKs and the AWS CLI use local mode.
 * boto3 asks for a region and credentials before it sends anything, so dummies
 * are given where there are none.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "local.h"

static void set(const char *name, const char *value);
static void set_if_unset(const char *name, const char *value);

int cmd_env(struct config *c)
{
    struct local l;
    char otlp[160];
    if (!local_open(&l, "env", c)) {
        config_free(c);
        return EXIT_FAILED;
    }
    snprintf(otlp, sizeof(otlp), "http://%s",
             config_options(c)->otlp_http_address);
    set("AWS_ENDPOINT_URL_XRAY", l.base);
    set("AWS_XRAY_DAEMON_ADDRESS", l.base + strlen("http://"));
    set("OTEL_EXPORTER_OTLP_ENDPOINT", otlp);
    set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    set_if_unset("AWS_REGION", "us-east-1");
    set_if_unset("AWS_DEFAULT_REGION", "us-east-1");
    if (getenv("AWS_PROFILE") == NULL) {
        set_if_unset("AWS_ACCESS_KEY_ID", "local");
        set_if_unset("AWS_SECRET_ACCESS_KEY", "local");
    }
    local_close(&l);
    config_free(c);
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}

static void set(const char *name, const char *value)
{
    printf("export %s='", name);
    for (; *value != '\0'; value++) {
        if (*value == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*value);
    }
    puts("'");
}

static void set_if_unset(const char *name, const char *value)
{
    const char *have = getenv(name);
    if (have == NULL || have[0] == '\0')
        set(name, value);
}
