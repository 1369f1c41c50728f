/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What local mode says when it has started, and, when its port is taken, by
 * what: whoever holds it is asked by HTTP.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/reach.h"
#include "relay.h"
#include "xr/log.h"

#define URL_MAX 128
#define ASK_TIMEOUT_MS 2000
#define SHOWN_MAX 60
#define PATH_BYTES_MAX 4096

/* An exchange with whoever holds the port. */
struct question {
    struct loop *loop;
    enum client_outcome outcome;
    int status;
    char body[256];
};

static void greet_traces(const struct relay *r, FILE *out);
static void greet_page(const struct relay *r, FILE *out);
static void greet_query(const struct relay *r, FILE *out);
static const char *shorten(const char *path, char *out, size_t size);
static void ask(const char *address, const char *path, struct question *q);
static void on_answer(void *arg, const struct client_answer *a);

void relay_greet(const struct relay *r)
{
    char path[PATH_BYTES_MAX];
    FILE *out = stdout;
    greet_traces(r, out);
    greet_page(r, out);
    fprintf(out, "store    %s (%llu traces)\n",
            shorten(local_store(r->traces), path, sizeof(path)),
            (unsigned long long)local_traces(r->traces));
    greet_query(r, out);
    if (r->uploads)
        fprintf(out, "upload   to AWS as well, %s (--tee)\n",
                r->region[0] != '\0' ? r->endpoint
                                     : "as soon as a region is known");
    fflush(out);
}

static void greet_traces(const struct relay *r, FILE *out)
{
    const char *udp = udp_bound(xray_udp_socket(r->udp));
    const char *tcp = http1_bound(r->tcp);
    if (strcmp(udp, tcp) == 0)
        fprintf(out, "traces   udp+tcp %s", tcp);
    else
        fprintf(out, "traces   udp %s tcp %s", udp, tcp);
    if (r->grpc[0] != NULL || r->otlp_server[0] != NULL)
        fputs("   otlp", out);
    if (r->grpc[0] != NULL)
        fprintf(out, " %s (grpc)", otlp_grpc_bound(r->grpc[0]));
    if (r->otlp_server[0] != NULL)
        fprintf(out, " %s (http)", http1_bound(r->otlp_server[0]));
    fputc('\n', out);
}

/* Who is asked for the token gets it here. */
static void greet_page(const struct relay *r, FILE *out)
{
    char url[URL_MAX];
    struct err err;
    if (reach_url(http1_bound(r->tcp), "/", url, sizeof(url), &err))
        fprintf(out, "page     %s%s%s\n", url,
                r->token[0] != '\0' ? "?token=" : "", r->token);
}

/* `env` finds the default port by itself. The program's name is the one that it
 * was started by: after `make run` it need not be on the path. */
static void greet_query(const struct relay *r, FILE *out)
{
    const char *at = http1_bound(r->tcp);
    bool usual = strcmp(at, "127.0.0.1:2000") == 0;
    fprintf(out,
            "query    eval \"$(%s env%s%s)\" && aws xray "
            "get-service-graph --start-time $(date -d -1hour +%%s) "
            "--end-time $(( $(date +%%s) + 1 ))\n",
            program_invocation_name, usual ? "" : " -t ", usual ? "" : at);
}

/* With ~ for the home directory. */
static const char *shorten(const char *path, char *out, size_t size)
{
    const char *home = getenv("HOME");
    size_t n = home == NULL ? 0 : strlen(home);
    if (n < 2 || strncmp(path, home, n) != 0 || path[n] != '/')
        return path;
    snprintf(out, size, "~%s", path + n);
    return out;
}

/* sure: something holds it, even if it does not answer. */
void relay_explain_taken(const char *address, bool sure)
{
    struct question q;
    ask(address, "/api/health", &q);
    if (q.status == 200 && strstr(q.body, "\"xray-relay\"") != NULL) {
        log_error("Another xray-relay local runs at %s: its page is "
                  "http://%s/, `xray-relay tail` shows its traces. Stop it, "
                  "or listen elsewhere with --port",
                  address, address);
        return;
    }
    if (q.outcome == CLIENT_ANSWERED)
        ask(address, "/healthz", &q);
    if (q.status == 200 && strncmp(q.body, "xray-relay", 10) == 0)
        log_error("An xray-relay that uploads to AWS runs at %s: stop it, or "
                  "listen elsewhere with --port",
                  address);
    else if (q.outcome == CLIENT_ANSWERED)
        log_error("A program that answers HTTP with status %d holds %s: the "
                  "X-Ray daemon, perhaps. Stop it, or listen elsewhere with "
                  "--port (and tell SDKs, `xray-relay env`)",
                  q.status, address);
    else if (sure)
        log_error("A program that does not answer HTTP holds %s (`ss -lnp` "
                  "names it). Stop it, or listen elsewhere with --port (and "
                  "tell SDKs, `xray-relay env`)",
                  address);
}

static void ask(const char *address, const char *path, struct question *q)
{
    struct err err;
    char url[160];
    struct client_options o = {.connections = 1};
    struct client_request request = {.method = "GET",
                                     .url = url,
                                     .timeout_ms = ASK_TIMEOUT_MS,
                                     .connect_timeout_ms = ASK_TIMEOUT_MS,
                                     .direct = true};
    *q = (struct question){.loop = loop_new(&err), .outcome = CLIENT_OTHER};
    if (q->loop == NULL)
        return;
    struct client *client = client_new(q->loop, &o, &err);
    snprintf(url, sizeof(url), "http://%s%s", address, path);
    if (client != NULL &&
        client_start(client, &request, on_answer, q, &err) != NULL)
        loop_run(q->loop);
    client_free(client);
    loop_free(q->loop);
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct question *q = arg;
    q->outcome = a->outcome;
    q->status = a->outcome == CLIENT_ANSWERED ? a->status : 0;
    snprintf(q->body, sizeof(q->body), "%.*s",
             (int)(a->body.n < SHOWN_MAX ? a->body.n : SHOWN_MAX), a->body.p);
    loop_stop(q->loop);
}
