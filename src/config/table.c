/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option rows. The daemon's own come first, in the order of its --help;
 * ours follow by section. To add an option: a member of struct options, a row
 * here, `make generate`. Knows nothing of where values come from.
 */
#include "table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "xr/options.h"

#define AT(member) .offset = offsetof(struct options, member)

enum { HOUR_MS = 3600 * 1000, DAY_S = 24 * 3600, BUFFER_MAX_MB = 1 << 24 };

static const char *const log_words[] = {"dev",   "debug", "info", "warn",
                                        "error", "prod",  NULL};
static const char *const udp_words[] = {"decode", "pass", NULL};

const struct option_row option_rows[] = {
    {.key = "ResourceARN",
     .short_flag = 'a',
     .long_flag = "resource-arn",
     .usage = "Amazon Resource Name (ARN) of the AWS resource running the "
              "daemon.",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON,
     AT(resource_arn),
     .help = "ARN of the AWS resource that runs the relay; sent with "
             "telemetry records only."},
    {.key = "LocalMode",
     .short_flag = 'o',
     .long_flag = "local-mode",
     .usage = "Don't check for EC2 instance metadata.",
     .type = OPTION_BOOL,
     .marks = ROW_DAEMON,
     AT(local_mode),
     .fallback = "false",
     .help = "Do not ask EC2 or ECS metadata for region, host name and "
             "instance id. Credentials may still come from there."},
    {.key = "TotalBufferSizeMB",
     .short_flag = 'm',
     .long_flag = "buffer-memory",
     .usage = "Change the amount of memory in MB that buffers can use "
              "(minimum 3).",
     .type = OPTION_INT,
     .marks = ROW_DAEMON,
     AT(buffer_mb),
     .fallback = "0",
     .min = INT64_MIN,
     .max = BUFFER_MAX_MB,
     .unit = "MB",
     .help = "Memory that documents waiting for upload may take, at least 3. "
             "0: 1 % of the host's memory or of the cgroup's limit, whichever "
             "is smaller."},
    {.key = "Region",
     .short_flag = 'n',
     .long_flag = "region",
     .usage = "Send segments to X-Ray service in a specific region.",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON,
     AT(region),
     .daemon_env = "AWS_REGION",
     .help = "AWS region to send to. Empty: found in the ECS metadata file or "
             "EC2 metadata; with LocalMode in AWS_DEFAULT_REGION or the shared "
             "AWS config file."},
    {.key = "Socket.UDPAddress",
     .short_flag = 'b',
     .long_flag = "bind",
     .usage = "Overrides default UDP address (127.0.0.1:2000).",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON,
     AT(udp_address),
     .fallback = "127.0.0.1:2000",
     .help = "Address and port that take segment documents by UDP."},
    {.key = "Socket.TCPAddress",
     .short_flag = 't',
     .long_flag = "bind-tcp",
     .usage = "Overrides default TCP address (127.0.0.1:2000).",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON,
     AT(tcp_address),
     .fallback = "127.0.0.1:2000",
     .help = "Address and port that answer sampling calls, health checks and "
             "/metrics by HTTP."},
    {.key = "RoleARN",
     .short_flag = 'r',
     .long_flag = "role-arn",
     .usage = "Assume the specified IAM role to upload segments to a different "
              "account.",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON,
     AT(role_arn),
     .help = "IAM role to assume, for another account."},
    {.short_flag = 'c',
     .long_flag = "config",
     .usage = "Load a configuration file from the specified path.",
     .type = OPTION_ACTION},
    {.key = "Logging.LogPath",
     .short_flag = 'f',
     .long_flag = "log-file",
     .usage = "Output logs to the specified file path.",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON,
     AT(log_file),
     .help = "Write the log to this file and nothing to standard output."},
    {.key = "Logging.LogLevel",
     .short_flag = 'l',
     .long_flag = "log-level",
     .usage = "Log level, from most verbose to least: dev, debug, info, warn, "
              "error, prod (default).",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON | ROW_LENIENT,
     AT(log_level),
     .fallback = "prod",
     .words = log_words,
     .help = "How much is logged; prod is the same as info."},
    {.key = "Logging.LogRotation",
     .type = OPTION_BOOL,
     .marks = ROW_DAEMON,
     AT(log_rotation),
     .fallback = "true",
     .help = "Rename the log file at 50 MiB; one old file is kept."},
    {.key = "ProxyAddress",
     .short_flag = 'p',
     .long_flag = "proxy-address",
     .usage = "Proxy address through which to upload segments.",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON | ROW_URL,
     AT(proxy_address),
     .daemon_env = "HTTPS_PROXY",
     .help = "URL of an HTTP proxy for calls to AWS."},
    {.short_flag = 'v',
     .long_flag = "version",
     .usage = "Show AWS X-Ray daemon version.",
     .type = OPTION_ACTION},
    {.short_flag = 'h',
     .long_flag = "help",
     .usage = "Show this screen",
     .type = OPTION_ACTION},
    {.key = "Concurrency",
     .type = OPTION_INT,
     .marks = ROW_DAEMON,
     AT(concurrency),
     .fallback = "8",
     .min = 1,
     .max = 10000,
     .help = "Uploads under way at the same time."},
    {.key = "Endpoint",
     .type = OPTION_TEXT,
     .marks = ROW_DAEMON | ROW_URL,
     AT(endpoint),
     .help = "Base URL to use instead of the region's X-Ray endpoint."},
    {.key = "NoVerifySSL",
     .type = OPTION_BOOL,
     .marks = ROW_DAEMON,
     AT(no_verify_ssl),
     .fallback = "false",
     .help = "Do not check TLS certificates. For tests only."},

    {.key = "Ingest.ReceiveBufferKB",
     .type = OPTION_INT,
     AT(receive_buffer_kb),
     .fallback = "4096",
     .min = 64,
     .max = 1048576,
     .unit = "KB",
     .help = "Receive buffer to ask of the kernel for the UDP socket. What was "
             "granted is logged at start."},
    {.key = "Ingest.QuietHintSeconds",
     .type = OPTION_INT,
     AT(quiet_hint_s),
     .fallback = "120",
     .min = 0,
     .max = DAY_S,
     .unit = "s",
     .help = "After so long without any data one hint in the log names the "
             "usual mistakes. 0: never."},

    {.key = "Upload.FlushIdleMs",
     .type = OPTION_INT,
     AT(flush_idle_ms),
     .fallback = "1000",
     .min = 10,
     .max = HOUR_MS,
     .unit = "ms",
     .help = "A document waits at most this long for others to share its "
             "request."},
    {.key = "Upload.BatchDocuments",
     .type = OPTION_INT,
     AT(batch_documents),
     .fallback = "50",
     .min = 1,
     .max = 50,
     .help = "Documents in one request. X-Ray takes no more than 50."},
    {.key = "Upload.BatchKB",
     .type = OPTION_INT,
     AT(batch_kb),
     .fallback = "1024",
     .min = 128,
     .max = 4096,
     .unit = "KB",
     .help = "Ceiling of one request's body."},
    {.key = "Upload.RequestTimeoutMs",
     .type = OPTION_INT,
     AT(request_timeout_ms),
     .fallback = "10000",
     .min = 100,
     .max = HOUR_MS,
     .unit = "ms",
     .help = "A request without an answer after this time is tried again."},
    {.key = "Upload.BackoffMaxMs",
     .type = OPTION_INT,
     AT(backoff_max_ms),
     .fallback = "5000",
     .min = 10,
     .max = HOUR_MS,
     .unit = "ms",
     .help = "Longest pause between two tries of a request."},
    {.key = "Upload.RepairNames",
     .type = OPTION_BOOL,
     AT(repair_names),
     .fallback = "true",
     .help = "Clean the name of a document that X-Ray refused for its name, "
             "and send it once more."},
    {.key = "Upload.CABundle",
     .type = OPTION_TEXT,
     AT(ca_bundle),
     .daemon_env = "AWS_CA_BUNDLE",
     .help = "File with CA certificates (PEM). Empty: the system's."},
    {.key = "Upload.RoleExternalId",
     .type = OPTION_TEXT,
     AT(role_external_id),
     .help = "External id to give when RoleARN is assumed."},
    {.key = "Upload.RoleSessionName",
     .type = OPTION_TEXT,
     AT(role_session_name),
     .fallback = "xray-daemon",
     .help = "Session name to give when RoleARN is assumed."},

    {.key = "Shutdown.GraceMs",
     .type = OPTION_INT,
     AT(grace_ms),
     .fallback = "500",
     .min = 0,
     .max = HOUR_MS,
     .unit = "ms",
     .help = "After SIGTERM go on receiving until the sockets are quiet, at "
             "most this long."},
    {.key = "Shutdown.DeadlineMs",
     .type = OPTION_INT,
     AT(deadline_ms),
     .fallback = "10000",
     .min = 0,
     .max = HOUR_MS,
     .unit = "ms",
     .help = "After SIGTERM upload what is left, at most this long."},

    {.key = "Proxy.SignAnything",
     .type = OPTION_BOOL,
     AT(proxy_sign_anything),
     .fallback = "false",
     .help = "Sign and pass on any request that comes by TCP, as the X-Ray "
             "daemon does. Default: only the calls that SDKs make."},
    {.key = "Proxy.TimeoutMs",
     .type = OPTION_INT,
     AT(proxy_timeout_ms),
     .fallback = "15000",
     .min = 100,
     .max = HOUR_MS,
     .unit = "ms",
     .help = "Longest wait for X-Ray's answer to a sampling call."},

    {.key = "Otlp.Http.Enabled",
     .type = OPTION_BOOL,
     AT(otlp_http),
     .fallback = "true",
     .help = "Take OTLP by HTTP (POST /v1/traces)."},
    {.key = "Otlp.Http.Address",
     .type = OPTION_TEXT,
     AT(otlp_http_address),
     .fallback = "127.0.0.1:4318",
     .help = "Address and port of OTLP by HTTP. By default ::1 as well, where "
             "there is IPv6."},
    {.key = "Otlp.Grpc.Enabled",
     .type = OPTION_BOOL,
     AT(otlp_grpc),
     .fallback = "true",
     .help = "Take OTLP by gRPC."},
    {.key = "Otlp.Grpc.Address",
     .type = OPTION_TEXT,
     AT(otlp_grpc_address),
     .fallback = "127.0.0.1:4317",
     .help = "Address and port of OTLP by gRPC. By default ::1 as well, where "
             "there is IPv6."},
    {.key = "Otlp.BodyMaxMB",
     .type = OPTION_INT,
     AT(otlp_body_max_mb),
     .fallback = "16",
     .min = 1,
     .max = 1024,
     .unit = "MB",
     .help = "Largest OTLP request by HTTP, after inflating."},
    {.key = "Otlp.MessageMaxMB",
     .type = OPTION_INT,
     AT(otlp_message_max_mb),
     .fallback = "4",
     .min = 1,
     .max = 1024,
     .unit = "MB",
     .help = "Largest OTLP request by gRPC, after inflating."},
    {.key = "Otlp.CorsOrigins",
     .type = OPTION_LIST,
     AT(otlp_cors_origins),
     .help = "Origins whose web pages may send OTLP by HTTP, such as "
             "https://app.example.com. None by default."},
    {.key = "Otlp.Tls.Certificate",
     .type = OPTION_TEXT,
     AT(otlp_tls_certificate),
     .help = "Certificate chain (PEM) of both OTLP servers. Empty: no TLS."},
    {.key = "Otlp.Tls.Key",
     .type = OPTION_TEXT,
     AT(otlp_tls_key),
     .help = "Private key (PEM) that belongs to the certificate."},
    {.key = "Otlp.Tls.ClientCA",
     .type = OPTION_TEXT,
     AT(otlp_tls_client_ca),
     .help = "CA certificates (PEM) that clients must present one of."},
    {.key = "Otlp.Udp.Mode",
     .type = OPTION_TEXT,
     AT(otlp_udp_mode),
     .fallback = "decode",
     .words = udp_words,
     .help = "What becomes of OTLP in UDP datagrams: decode turns it into "
             "segment documents, pass uploads it as it is."},
    {.key = "Otlp.Udp.Unsampled",
     .type = OPTION_BOOL,
     AT(otlp_udp_unsampled),
     .fallback = "false",
     .help = "Upload spans that the SDK marks as not sampled too. X-Ray bills "
             "them."},

    {.key = "Translate.IndexAll",
     .type = OPTION_BOOL,
     AT(index_all),
     .fallback = "false",
     .help = "Make every attribute of a span an annotation, which X-Ray can "
             "search. Default: metadata."},
    {.key = "Translate.Indexed",
     .type = OPTION_LIST,
     AT(indexed),
     .help = "Attributes to make annotations; * and ? stand for any text and "
             "any letter."},
    {.key = "Translate.LogGroups",
     .type = OPTION_LIST,
     AT(log_groups),
     .help = "CloudWatch log groups, names or ARNs, to link with each "
             "document."},

    {.key = "Telemetry.Enabled",
     .type = OPTION_BOOL,
     AT(telemetry),
     .fallback = "true",
     .help = "Send X-Ray the relay's own counts each minute, as the X-Ray "
             "daemon does."},
};

const size_t option_rows_n = sizeof(option_rows) / sizeof(option_rows[0]);

_Static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTION_ROWS_MAX,
               "raise OPTION_ROWS_MAX");

static unsigned key_distance(const char *wanted, const char *key);
static const char *last_part(const char *key);

int option_find_key(const char *key)
{
    for (size_t i = 0; i < option_rows_n; i++)
        if (option_rows[i].key && strcmp(option_rows[i].key, key) == 0)
            return (int)i;
    return -1;
}

int option_find_flag(const char *name)
{
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *r = &option_rows[i];
        bool is_short = r->short_flag && name[0] == r->short_flag && !name[1];
        if (is_short || (r->long_flag && strcmp(r->long_flag, name) == 0))
            return (int)i;
    }
    return -1;
}

bool option_is_section(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < option_rows_n; i++) {
        const char *key = option_rows[i].key;
        if (key && strncmp(key, path, n) == 0 && key[n] == '.')
            return true;
    }
    return false;
}

/* A word begins where a small letter is followed by a capital, and at the
 * last of several capitals if a small letter follows: U-D-P|A-ddress. */
void option_env_name(const char *key, char out[OPTION_ENV_MAX])
{
    size_t n = (size_t)snprintf(out, OPTION_ENV_MAX, "XRAY_RELAY_");

    for (const char *p = key; *p && n < OPTION_ENV_MAX - 2; p++) {
        bool inside = p > key && *p != '.' && p[-1] != '.';
        if (inside && isupper((unsigned char)*p) &&
            (islower((unsigned char)p[-1]) || islower((unsigned char)p[1])))
            out[n++] = '_';
        out[n++] = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    }
    out[n] = '\0';
}

const char *option_nearest_key(const char *key)
{
    const char *best = NULL;
    unsigned least = ~0U;

    for (size_t i = 0; i < option_rows_n; i++) {
        if (!option_rows[i].key)
            continue;
        unsigned d = key_distance(key, option_rows[i].key);
        if (d < least) {
            least = d;
            best = option_rows[i].key;
        }
    }
    return best && word_is_near(least, last_part(key)) ? best : NULL;
}

unsigned word_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    unsigned row[LONGEST + 1];
    size_t na = strlen(a), nb = strlen(b);

    if (na > LONGEST || nb > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= nb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            bool same = tolower((unsigned char)a[i - 1]) ==
                        tolower((unsigned char)b[j - 1]);
            unsigned cost = corner + !same;
            corner = row[j];
            if (row[j] + 1 < cost)
                cost = row[j] + 1;
            if (row[j - 1] + 1 < cost)
                cost = row[j - 1] + 1;
            row[j] = cost;
        }
    }
    return row[nb];
}

bool word_is_near(unsigned distance, const char *word)
{
    return distance <= 1 + strlen(word) / 4;
}

/* A key in the wrong section is near too, one edit further off. */
static unsigned key_distance(const char *wanted, const char *key)
{
    unsigned whole = word_distance(wanted, key);
    unsigned part = word_distance(last_part(wanted), last_part(key)) + 1;

    return whole < part ? whole : part;
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');

    return dot ? dot + 1 : key;
}
