/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The effective configuration: flags, cfg.yaml, environment and defaults
 * merged. Never written after start; a reload makes a new one. One row an
 * option in config/rows.c gives name, type, range, default, unit and help;
 * --help, conf/xray-relay.yaml and docs/OPTIONS.md come from the rows.
 */
#ifndef XR_OPTIONS_H
#define XR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xr/buf.h"
#include "xr/err.h"

struct text_list {
    char **items;
    size_t n;
};

/* A step of the collector's processors (resource, attributes,
 * probabilistic_sampler, resourcedetection), in the order of the pipeline. */
enum processor_action {
    PROCESSOR_INSERT, /* where there is none */
    PROCESSOR_UPDATE, /* where there is one */
    PROCESSOR_UPSERT,
    PROCESSOR_DELETE,
    PROCESSOR_SAMPLE, /* real: per cent of the traces to keep */
};
enum processor_kind {
    PROCESSOR_TEXT,
    PROCESSOR_INT,
    PROCESSOR_REAL,
    PROCESSOR_BOOL,
    PROCESSOR_LATER, /* becomes known while running */
};
struct processor_step {
    enum processor_action action;
    bool resource; /* of the resource, else of the span */
    const char *key;
    enum processor_kind kind;
    const char *text;
    int64_t number;
    double real;
    bool yes;
};
#define PROCESSOR_STEPS_MAX 256

/* The collector's debug exporter. */
enum debug_export { DEBUG_NONE, DEBUG_COUNTS, DEBUG_DOCUMENTS };

/* An otlphttp exporter of the collector's traces pipeline. Texts are never
 * NULL; "" is "not set". */
struct otlp_header {
    const char *name, *value;
};
enum otlp_packing { OTLP_PACK_GZIP, OTLP_PACK_DEFLATE, OTLP_PACK_NONE };
struct otlp_exporter {
    const char *name; /* "otlphttp/x" */
    const char *url;  /* whole */
    struct otlp_header *headers;
    size_t n_headers;
    enum otlp_packing packing;
    const char *ca_file, *proxy_url;
    bool no_verify;
    int64_t timeout_ms;
    bool retry;
    int64_t retry_first_ms, retry_max_ms;
    int64_t retry_total_ms; /* 0: never given up */
    bool sigv4;
    const char *region, *service, *role_arn, *role_session_name;
    const char *role_external_id, *sts_region;
};
#define OTLP_EXPORTERS_MAX 8

/* Texts are never NULL; "" is "not set". */
struct options {
    /* The daemon's own (cfg.yaml keys in the daemon's spelling). */
    char *resource_arn, *region, *role_arn, *endpoint, *proxy_address;
    char *udp_address, *tcp_address; /* Socket.UDPAddress, .TCPAddress */
    char *log_file, *log_level;      /* Logging.LogPath, .LogLevel */
    bool log_rotation, local_mode, no_verify_ssl;
    int64_t buffer_mb;   /* TotalBufferSizeMB; 0: 1 % of memory, else >= 3 */
    int64_t concurrency; /* 8 */

    /* Ingest: */
    int64_t receive_buffer_kb; /* Ingest.ReceiveBufferKB */
    int64_t quiet_hint_s;      /* Ingest.QuietHintSeconds; 0: none */
    /* Upload: */
    int64_t flush_idle_ms;   /* Upload.FlushIdleMs, 1000 */
    int64_t batch_documents; /* Upload.BatchDocuments, 50 */
    int64_t batch_kb;        /* Upload.BatchKB */
    int64_t request_timeout_ms;
    int64_t backoff_max_ms; /* 5000 */
    bool repair_names;
    char *ca_bundle; /* Upload.CABundle; "": usual places */
    char *role_external_id, *role_session_name;
    /* Shutdown: */
    int64_t grace_ms;    /* Shutdown.GraceMs: keep receiving, at most 500 */
    int64_t deadline_ms; /* Shutdown.DeadlineMs, 10000 */
    /* Proxy: */
    bool proxy_sign_anything; /* Proxy.SignAnything: as the Go daemon */
    int64_t proxy_timeout_ms;
    /* Otlp: */
    bool otlp_http, otlp_grpc;                   /* Otlp.Http.Enabled … */
    char *otlp_http_address, *otlp_grpc_address; /* 127.0.0.1:4318, :4317 */
    bool otlp_http_address_set, otlp_grpc_address_set; /* not the default */
    int64_t otlp_body_max_mb;                          /* 16 */
    int64_t otlp_message_max_mb;                       /* 4, gRPC */
    struct text_list otlp_cors_origins;
    char *otlp_tls_certificate, *otlp_tls_key, *otlp_tls_client_ca;
    char *otlp_udp_mode;     /* "decode", "pass" */
    bool otlp_udp_unsampled; /* take T1U too */
    /* Translate: */
    bool index_all;
    struct text_list indexed, log_groups;
    bool detect; /* lend spans what is known of our own place */
    struct processor_step *processors;
    size_t n_processors;
    enum debug_export debug_export;
    struct otlp_exporter *exporters;
    size_t n_exporters;
    bool batches; /* the pipeline has a batch processor */
    /* The traces pipeline names exporters: not awsxray; none that we are. */
    bool no_xray, no_exporter;
    bool fallback_exporter; /* then: to X-Ray all the same */
    /* Lambda: */
    char *lambda_flush; /* "adaptive", "end", "periodic" */
    int64_t lambda_flush_interval_ms;
    /* Telemetry: PutTelemetryRecords each minute. */
    bool telemetry;
};

/* What the first words of the command line ask for. */
enum command {
    COMMAND_RUN, /* the daemon */
    COMMAND_LOCAL,
    COMMAND_CONFIG,
    COMMAND_CHECK,
    COMMAND_HEALTHCHECK,
    COMMAND_VERSION,
    COMMAND_HELP,
    COMMAND_TRANSLATE,
    COMMAND_IDLE,
    COMMAND_TAIL,
    COMMAND_TUI,
    COMMAND_LS,
    COMMAND_SHOW,
    COMMAND_DIFF,
    COMMAND_WAIT,
    COMMAND_EXPORT,
    COMMAND_IMPORT,
    COMMAND_ENV,
    COMMAND_CLEAR,
    COMMAND_DOCTOR,
    COMMAND_DEMO,
    COMMANDS,
};

struct config;

/* How the process ends, if it does. config_load has then
 * printed all there is to print. */
struct config_result {
    enum command command;
    int exit_code; /* meaningful when done */
    bool done;     /* exit with exit_code: an error, --help, --version, the
                      subcommands version and help, config --sample ... */
};

/* Reads command line, file and environment. NULL when out->done, or else
 * without memory. argv is borrowed for the life of the config. */
struct config *config_load(int argc, char **argv, struct config_result *out);
/* As a Lambda extension: no command line, the collector's file where Lambda
 * layers look for it, quieter defaults. Whatever is wrong becomes one warning
 * and leaves the defaults; NULL without memory only. */
struct config *config_load_lambda(char **argv);
void config_free(struct config *c);
const struct options *config_options(const struct config *c);
/* Words behind a subcommand (files of `translate`), NULL-ended. */
char *const *config_words(const struct config *c);
/* Reads the same sources again for SIGHUP; NULL with the reason, the old one
 * stays good. */
struct config *config_reload(const struct config *c, struct err *err);
/* Flags of the subcommands (--tree, --index-all …) as given; NULL if not. */
const char *config_flag(const struct config *c, const char *name);
/* Appends the effective configuration, a line an option with its source. */
void config_print(const struct config *c, struct buf *out);
/* Messages of level warning gathered while loading, for the log once it is
 * open: calls fn for each. */
void config_warnings(const struct config *c,
                     void (*fn)(void *arg, const char *text), void *arg);
/* Generated texts: conf/xray-relay.yaml and docs/OPTIONS.md. */
void config_sample(struct buf *out);
void config_manual(struct buf *out);

#endif
