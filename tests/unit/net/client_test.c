/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client against a small server on the same loop: what goes out, how
 * connections are kept, each way in which an exchange ends, and that a name
 * server that never answers neither blocks the loop nor costs CPU.
 */
#include "net/client.c"

#include <netdb.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "../fake_http.h"
#include "xr/clock.h"

#define MANY 4

static struct {
    struct loop *loop;
    struct client *client;
    struct fake_http server;
    char url[128];
    char head[4096], body[65536];
    const char *path; /* of the last request */
    unsigned answers, stop_at;
    bool stop_at_request;
    enum client_outcome outcome;
    int status;
    char why[256], text[256], header[64];
    unsigned numbers[MANY]; /* connection of each request */
} t;

/* The test program's getaddrinfo stands before the C library's, for libcurl
 * too. Names under "slow." wait until the test lets them go. */
static sem_t resolver_gate;

int getaddrinfo(const char *node, const char *service,
                const struct addrinfo *hints, struct addrinfo **res)
{
    (void)service, (void)hints, (void)res;
    if (node && strncmp(node, "slow.", 5) == 0)
        sem_wait(&resolver_gate);
    return EAI_NONAME;
}

static void serve(void *arg, struct fake_conn *c, struct slice head,
                  struct slice body)
{
    (void)arg;
    snprintf(t.head, sizeof(t.head), "%.*s", SLICE_ARG(head));
    snprintf(t.body, sizeof(t.body), "%.*s", SLICE_ARG(body));
    if (c->server->requests <= MANY)
        t.numbers[c->server->requests - 1] = c->number;
    if (t.stop_at_request)
        loop_stop(t.loop);
    t.stop_at_request = false;
    if (strstr(t.head, "/cut "))
        fake_close(c);
    else if (strstr(t.head, "/move "))
        fake_reply(c, 302, "Location: /elsewhere\r\n", "");
    else if (!strstr(t.head, "/hang "))
        fake_reply(c, 200, "X-Answer:  yes \r\n", "fine");
}

static void on_answer(void *arg, const struct client_answer *a)
{
    (void)arg;
    t.outcome = a->outcome;
    t.status = a->status;
    snprintf(t.why, sizeof(t.why), "%s", a->why ? a->why : "");
    snprintf(t.text, sizeof(t.text), "%.*s", SLICE_ARG(a->body));
    snprintf(t.header, sizeof(t.header), "%.*s",
             SLICE_ARG(client_answer_header(a, "x-answer")));
    if (++t.answers == t.stop_at)
        loop_stop(t.loop);
}

static void start(struct client_request *r, const char *path)
{
    struct err err = {0};
    snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u%s", t.server.port,
             path);
    r->url = t.url;
    if (!r->method)
        r->method = "GET";
    if (!client_start(t.client, r, on_answer, NULL, &err))
        fail_msg("%s", err.text);
}

static void wait_for(unsigned answers)
{
    t.stop_at = t.answers + answers;
    loop_run(t.loop);
}

static void get(const char *path)
{
    struct client_request r = {.timeout_ms = 5000};
    start(&r, path);
    wait_for(1);
}

static void new_client(const struct client_options *o)
{
    struct err err = {0};
    client_free(t.client);
    t.client = client_new(t.loop, o, &err);
    if (!t.client)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    unsetenv("HTTPS_PROXY");
    unsetenv("https_proxy");
    unsetenv("NO_PROXY");
    unsetenv("no_proxy");
    t.loop = loop_new(NULL);
    new_client(&(struct client_options){.connections = 2});
    fake_start(&t.server, t.loop, serve, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_free(t.client);
    fake_stop(&t.server);
    loop_free(t.loop);
    return 0;
}

static void sends_headers_and_body_as_given(void **state)
{
    (void)state;
    struct client_header h[] = {{SLICE("X-One"), SLICE("1")},
                                {SLICE("X-Empty"), SLICE("")},
                                {SLICE("Content-Type"), SLICE("text/x")}};
    struct client_request r = {.method = "POST",
                               .headers = h,
                               .n_headers = 3,
                               .body = SLICE("hello"),
                               .timeout_ms = 5000};
    start(&r, "/p?q=1");
    wait_for(1);
    assert_int_equal(t.outcome, CLIENT_ANSWERED);
    assert_int_equal(t.status, 200);
    assert_string_equal(t.body, "hello");
    assert_string_equal(t.text, "fine");
    assert_string_equal(t.header, "yes");
    char want[256];
    snprintf(want, sizeof(want),
             "POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-One: 1\r\n"
             "X-Empty:\r\nContent-Type: text/x\r\nContent-Length: 5\r\n\r\n",
             t.server.port);
    assert_string_equal(t.head, want);
}

static void adds_nothing_to_a_bare_request(void **state)
{
    (void)state;
    char want[256];
    get("/");
    snprintf(want, sizeof(want), "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
             t.server.port);
    assert_string_equal(t.head, want);
    struct client_request r = {.method = "PUT", .timeout_ms = 5000};
    start(&r, "/token");
    wait_for(1);
    assert_non_null(strstr(t.head, "PUT /token HTTP/1.1\r\n"));
    assert_non_null(strstr(t.head, "Content-Length: 0\r\n"));
    struct client_request d = {.method = "DELETE", .timeout_ms = 5000};
    start(&d, "/x");
    wait_for(1);
    assert_null(strstr(t.head, "Content-"));
}

static void large_bodies_need_no_expect(void **state)
{
    (void)state;
    static char big[60000];
    memset(big, 'x', sizeof(big) - 1);
    struct client_request r = {
        .method = "POST", .body = {big, sizeof(big) - 1}, .timeout_ms = 5000};
    start(&r, "/");
    wait_for(1);
    assert_string_equal(t.body, big);
    assert_null(strstr(t.head, "Expect"));
    assert_null(strstr(t.head, "urlencoded"));
}

static void keeps_connections(void **state)
{
    (void)state;
    get("/1");
    get("/2");
    assert_int_equal(t.numbers[1], t.numbers[0]);
    struct client_request r = {.fresh = true, .timeout_ms = 5000};
    start(&r, "/3");
    wait_for(1);
    assert_int_not_equal(t.numbers[2], t.numbers[0]);
}

static void bounds_connections_to_a_host(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct client_request r = {.timeout_ms = 5000};
        start(&r, "/");
    }
    wait_for(MANY);
    assert_int_equal(t.server.requests, MANY);
    assert_int_equal(t.server.connections, 2);
}

static void drops_idle_connections(void **state)
{
    (void)state;
    get("/1");
    client_drop_idle(t.client);
    get("/2");
    assert_int_equal(t.outcome, CLIENT_ANSWERED);
    assert_int_equal(t.server.connections, 2);
}

static void leaves_busy_connections_when_dropping(void **state)
{
    (void)state;
    struct client_request r = {.timeout_ms = 5000};
    start(&r, "/hang");
    t.stop_at = 1000;
    t.stop_at_request = true;
    loop_run(t.loop);
    client_drop_idle(t.client);
    fake_reply(t.server.conns, 200, "", "late");
    wait_for(1);
    assert_string_equal(t.text, "late");
}

static void recovers_when_the_server_closed_meanwhile(void **state)
{
    (void)state;
    get("/1");
    fake_close(t.server.conns);
    get("/2");
    assert_int_equal(t.outcome, CLIENT_ANSWERED);
}

static void tells_how_it_ended(void **state)
{
    (void)state;
    get("/move");
    assert_int_equal(t.status, 302); /* not followed */
    assert_int_equal(t.server.requests, 1);
    get("/cut");
    assert_int_equal(t.outcome, CLIENT_BROKEN);
    assert_int_equal(t.status, 0);
    struct client_request r = {.timeout_ms = 50};
    start(&r, "/hang");
    wait_for(1);
    assert_int_equal(t.outcome, CLIENT_TIMEOUT);
    assert_string_not_equal(t.why, "");
    r = (struct client_request){.answer_max = 3, .timeout_ms = 5000};
    start(&r, "/");
    wait_for(1);
    assert_int_equal(t.outcome, CLIENT_OTHER);
    assert_string_equal(t.why, "the answer is larger than 3 bytes");
}

static void ask(const char *url)
{
    struct client_request r = {.method = "GET", .url = url, .timeout_ms = 5000};
    assert_non_null(client_start(t.client, &r, on_answer, NULL, NULL));
    wait_for(1);
}

static void tells_why_it_never_began(void **state)
{
    (void)state;
    ask("http://127.0.0.1:1/");
    assert_int_equal(t.outcome, CLIENT_REFUSED);
    ask("http://unknown.invalid/");
    assert_int_equal(t.outcome, CLIENT_UNKNOWN_HOST);
    char url[64];
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/", t.server.port);
    t.server.fn = NULL; /* never called: the hello is no request */
    struct client_request r = {.method = "GET", .url = url, .timeout_ms = 300};
    assert_non_null(client_start(t.client, &r, on_answer, NULL, NULL));
    wait_for(1);
    assert_true(t.outcome == CLIENT_TLS || t.outcome == CLIENT_TIMEOUT);
}

static void refuses_what_cannot_be_sent(void **state)
{
    (void)state;
    struct err err = {0};
    struct client_header h = {SLICE("X"), SLICE("a\r\nY: b")};
    struct client_request r = {.method = "GET",
                               .url = "http://127.0.0.1/",
                               .headers = &h,
                               .n_headers = 1};
    assert_null(client_start(t.client, &r, on_answer, NULL, &err));
    assert_non_null(strstr(err.text, "X holds a line break"));
    r = (struct client_request){.method = "GET", .url = "file:///etc/passwd"};
    assert_null(client_start(t.client, &r, on_answer, NULL, &err));
    assert_non_null(strstr(err.text, "no http or https URL"));
}

static void cancels_in_silence(void **state)
{
    (void)state;
    struct client_request r = {.method = "GET", .url = "http://127.0.0.1:1/"};
    struct client_call *call =
        client_start(t.client, &r, on_answer, NULL, NULL);
    client_cancel(call);
    get("/");
    assert_int_equal(t.answers, 1);
    start(&r, "/hang"); /* tear_down frees it while open */
}

static void asks_the_proxy(void **state)
{
    (void)state;
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", t.server.port);
    setenv("https_proxy", proxy, 1);
    setenv("NO_PROXY", "other.invalid", 1);
    new_client(&(struct client_options){0});
    ask("http://some.invalid/x");
    assert_int_equal(t.outcome, CLIENT_ANSWERED);
    assert_non_null(strstr(t.head, "GET http://some.invalid/x HTTP/1.1"));
    ask("http://other.invalid/x");
    assert_int_equal(t.outcome, CLIENT_UNKNOWN_HOST);
    struct client_request r = {.method = "GET",
                               .url = "http://some.invalid/x",
                               .direct = true,
                               .timeout_ms = 5000};
    assert_non_null(client_start(t.client, &r, on_answer, NULL, NULL));
    wait_for(1);
    assert_int_equal(t.outcome, CLIENT_UNKNOWN_HOST);
    new_client(&(struct client_options){.proxy = proxy});
    ask("http://other.invalid/x"); /* an option knows no exceptions */
    assert_int_equal(t.outcome, CLIENT_ANSWERED);
}

static void refuses_bad_options(void **state)
{
    (void)state;
    struct err err = {0};
    struct client_options o = {.proxy = "127.0.0.1:3128"};
    assert_null(client_new(t.loop, &o, &err));
    assert_non_null(strstr(err.text, "Bad proxy URL"));
    o.proxy = "http://user:secret@[::1";
    assert_null(client_new(t.loop, &o, &err));
    assert_non_null(strstr(err.text, "missing ']'"));
    assert_null(strstr(err.text, "secret"));
    o = (struct client_options){.ca_bundle = "/no/such/bundle"};
    assert_null(client_new(t.loop, &o, &err));
    assert_non_null(strstr(err.text, "cannot read the CA bundle /no/such"));
}

static const char *ca_of(const struct client_options *o)
{
    static char path[256];
    struct client_env e;
    assert_int_equal(client_env_init(&e, o, NULL), 0);
    snprintf(path, sizeof(path), "%s", e.ca_file ? e.ca_file : "");
    client_env_fini(&e);
    return path;
}

static void finds_the_ca_bundle(void **state)
{
    (void)state;
    struct client_options o = {.ca_bundle = "/dev/null"};
    setenv("AWS_CA_BUNDLE", "/etc/passwd", 1);
    setenv("SSL_CERT_FILE", "/etc/group", 1);
    assert_string_equal(ca_of(&o), "/dev/null");
    o.ca_bundle = NULL;
    assert_string_equal(ca_of(&o), "/etc/passwd");
    setenv("AWS_CA_BUNDLE", "/no/such/file", 1); /* passed over, and said */
    assert_string_equal(ca_of(&o), "/etc/group");
    unsetenv("AWS_CA_BUNDLE");
    unsetenv("SSL_CERT_FILE");
    assert_string_not_equal(ca_of(&o), "/etc/group");
}

static int64_t cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
           u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void a_dead_resolver_costs_nothing(void **state)
{
    (void)state;
    assert_int_equal(sem_init(&resolver_gate, 0, 0), 0);
    get("/"); /* libcurl is set up */
    struct client_request r = {.method = "GET",
                               .url = "http://slow.invalid/",
                               .connect_timeout_ms = 600,
                               .timeout_ms = 600};
    for (int i = 0; i < MANY; i++)
        assert_non_null(client_start(t.client, &r, on_answer, NULL, NULL));
    int64_t cpu = cpu_us(), begin = clock_mono_us();
    wait_for(MANY); /* all time out, though the resolver does not return */
    assert_int_equal(t.outcome, CLIENT_TIMEOUT);
    assert_true(clock_mono_us() - begin < 3000000);
    struct timer *quiet = timer_new(t.loop, stop, t.loop);
    timer_start(quiet, 400);
    loop_run(t.loop);
    timer_free(quiet);
    assert_true(cpu_us() - cpu < 100000); /* of a second in all */
    for (int i = 0; i < MANY; i++)
        sem_post(&resolver_gate);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        TEST(sends_headers_and_body_as_given),
        TEST(adds_nothing_to_a_bare_request),
        TEST(large_bodies_need_no_expect),
        TEST(keeps_connections),
        TEST(bounds_connections_to_a_host),
        TEST(drops_idle_connections),
        TEST(leaves_busy_connections_when_dropping),
        TEST(recovers_when_the_server_closed_meanwhile),
        TEST(tells_how_it_ended),
        TEST(tells_why_it_never_began),
        TEST(refuses_what_cannot_be_sent),
        TEST(cancels_in_silence),
        TEST(asks_the_proxy),
        TEST(refuses_bad_options),
        TEST(finds_the_ca_bundle),
        TEST(a_dead_resolver_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
