/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the commands; see local.h. */
#include "local.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "local/elements.h"
#include "offline.h"
#include "reach.h"
#include "text.h"

#define PATH_MAX_BYTES (64u << 10)
#define CONNECT_TIMEOUT_MS 3000

static bool open_store(struct local *l, const char *path);
static bool use_token(struct local *l, const char *token, struct err *err);
static void send_once(struct local *l, const struct client_request *q);
static void on_answer(void *arg, const struct client_answer *a);
static void on_data(void *arg, struct slice data);

bool local_open(struct local *l, const char *command, const struct config *c)
{
    struct err err = {""};
    struct client_options o = {.connections = 4};
    *l = (struct local){.command = command, .status = -1};
    buf_init(&l->path, PATH_MAX_BYTES);
    buf_init(&l->answer, ANSWER_MAX_BYTES);
    l->loop = loop_new(&err);
    l->client = l->loop == NULL ? NULL : client_new(l->loop, &o, &err);
    if (l->client != NULL && use_token(l, getenv("XRAY_RELAY_TOKEN"), &err) &&
        reach_url(config_options(c)->tcp_address, "", l->base, sizeof(l->base),
                  &err))
        return true;
    local_say(l, "%s", err.text);
    local_close(l);
    return false;
}

/* token NULL: none. */
static bool use_token(struct local *l, const char *token, struct err *err)
{
    if (token == NULL || token[0] == '\0')
        return true;
    int n = snprintf(l->token, sizeof(l->token), "Bearer %s", token);
    if (n < 0 || (size_t)n >= sizeof(l->token)) {
        err_set(err, "XRAY_RELAY_TOKEN is longer than %zu bytes",
                sizeof(l->token) - sizeof("Bearer "));
        return false;
    }
    l->authorization = slice_of(l->token, (size_t)n);
    return true;
}

bool local_open_reader(struct local *l, const char *command,
                       const struct config *c)
{
    const char *given = config_flag(c, "store");
    if (!local_open(l, command, c))
        return false;
    l->reads_store = true;
    if (given == NULL || open_store(l, given))
        return true;
    local_close(l);
    return false;
}

/* path NULL: where it is if nothing is said. Nobody else may ask the server
 * that this takes, so it has a token of its own. */
static bool open_store(struct local *l, const char *path)
{
    struct err err;
    l->offline = offline_open(l->loop, path, &err);
    if (l->offline == NULL) {
        local_say(l, "%s", err.text);
        return false;
    }
    int n = snprintf(l->token, sizeof(l->token), "Bearer %s",
                     offline_token(l->offline));
    l->authorization = slice_of(l->token, (size_t)n);
    snprintf(l->base, sizeof(l->base), "http://%s",
             offline_address(l->offline));
    return true;
}

void local_close(struct local *l)
{
    client_free(l->client);
    offline_close(l->offline);
    if (l->loop != NULL)
        loop_free(l->loop);
    buf_fini(&l->path);
    buf_fini(&l->answer);
}

void local_path(struct local *l, const char *path)
{
    buf_clear(&l->path);
    buf_printf(&l->path, "%s%s", l->base, path);
}

void local_param(struct local *l, const char *name, const char *value)
{
    bool first = memchr(l->path.p, '?', l->path.n) == NULL;
    if (value == NULL)
        return;
    buf_printf(&l->path, "%c%s=", first ? '?' : '&', name);
    for (; *value != '\0'; value++) {
        if (strchr("-_.~", *value) != NULL ||
            (*value >= '0' && *value <= '9') ||
            (*value >= 'A' && *value <= 'Z') ||
            (*value >= 'a' && *value <= 'z'))
            buf_byte(&l->path, *value);
        else
            buf_printf(&l->path, "%%%02X", (unsigned char)*value);
    }
}

int local_send(struct local *l, const char *method, struct slice body,
               unsigned timeout_ms)
{
    struct client_request q = {.method = method,
                               .body = body,
                               .timeout_ms = timeout_ms,
                               .on_data = l->on_data == NULL ? NULL : on_data};
    size_t base = strlen(l->base);
    send_once(l, &q);
    if (!l->refused)
        return l->status;
    if (l->reads_store && l->offline == NULL && offline_is_there()) {
        local_say(l, "nothing listens at %s: reading the store's file",
                  l->base);
        char *path = strdup(buf_cstr(&l->path) + base);
        if (path != NULL && open_store(l, NULL)) {
            local_path(l, path);
            send_once(l, &q);
        }
        free(path);
        return l->status;
    }
    if (!l->quiet)
        local_say(l,
                  "nothing listens at %s: start `xray-relay local`, or say "
                  "where it is with -t ADDRESS:PORT",
                  l->base);
    return l->status;
}

static void send_once(struct local *l, const struct client_request *q)
{
    l->status = -1;
    l->refused = false;
    buf_clear(&l->answer);
    if (local_start(l, q, on_answer, l) != NULL)
        loop_run(l->loop);
}

struct client_call *local_start(struct local *l, const struct client_request *q,
                                client_fn fn, void *arg)
{
    struct err err = {""};
    struct client_request whole = *q;
    struct client_header headers[3] = {{SLICE("X-Xray-Relay"), SLICE("1")}};
    size_t n = 1;
    if (l->authorization.n > 0)
        headers[n++] =
            (struct client_header){SLICE("Authorization"), l->authorization};
    if (l->content_type.n > 0)
        headers[n++] =
            (struct client_header){SLICE("Content-Type"), l->content_type};
    whole.url = buf_cstr(&l->path);
    whole.headers = headers;
    whole.n_headers = n;
    whole.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    whole.direct = true;
    whole.answer_max = ANSWER_MAX_BYTES;
    struct client_call *call = client_start(l->client, &whole, fn, arg, &err);
    if (call == NULL)
        local_say(l, "%s", err.text);
    return call;
}

/* Answers of a stranger are shown as little as possible. */
int local_complain(struct local *l)
{
    struct arena a;
    struct line line;
    if (l->status < 0)
        return EXIT_FAILED;
    arena_init(&a, 1 << 20);
    line_init(&line);
    line.width = 0;
    struct slice error = elements_member(buf_slice(&l->answer), "error", &a);
    struct slice text = elements_member(error, "message", &a);
    struct slice column = elements_member(error, "column", &a);
    line_text(&line, text, 1000);
    if (text.n == 0)
        local_say(l, "what answers at %s is no xray-relay local (status %d)",
                  l->base, l->status);
    else
        local_say(l, "%s", buf_cstr(&line.out));
    bool filter = column.n > 0 && !slice_is(column, "null");
    line_fini(&line);
    arena_fini(&a);
    return filter ? EXIT_BAD_FILTER : EXIT_FAILED;
}

void local_say(const struct local *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "xray-relay %s: ", l->command);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static void on_answer(void *arg, const struct client_answer *a)
{
    struct local *l = arg;
    loop_stop(l->loop);
    if (a->outcome == CLIENT_ANSWERED) {
        l->status = a->status;
        buf_append(&l->answer, a->body);
        return;
    }
    l->refused = a->outcome == CLIENT_REFUSED;
    if (!l->refused)
        local_say(l, "%s: %s", l->base, a->why);
}

static void on_data(void *arg, struct slice data)
{
    struct local *l = arg;
    l->on_data(l->arg, data);
}
