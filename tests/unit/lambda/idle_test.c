/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambda/idle.c: a child is the idle extension, and this program the API that
 * answers, refuses or closes, step by step.
 */
#include "lambda/idle.c"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#define LENGTH(n) "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\n"
#define REGISTERED LENGTH(2) "Lambda-Extension-Identifier: id-1\r\n\r\n{}"
#define INVOKE LENGTH(22) "\r\n{\"eventType\":\"INVOKE\"}"
#define SHUTDOWN LENGTH(26) "\r\n{\"eventType\" : \"SHUTDOWN\"}"
#define REFUSED "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
#define BROKEN "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"

#define REGISTER_LINE "POST /2020-01-01/extension/register "
#define NEXT_LINE "GET /2020-01-01/extension/event/next "

/* A request that is awaited, as far as it matters, and what is answered. */
struct step {
    const char *line, *holds, *answer;
    bool close; /* behind the answer */
};

static struct {
    int listener, fd;
    char api[32];
} server;

static int listen_at(const char *host)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof(a);
    inet_pton(AF_INET, host, &a.sin_addr);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server.fd = -1;
    if (bind(server.listener, (struct sockaddr *)&a, n) != 0 ||
        listen(server.listener, 8) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&a, &n) != 0)
        return -1;
    snprintf(server.api, sizeof(server.api), "%u", ntohs(a.sin_port));
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return listen_at("127.0.0.1");
}

static int tear_down(void **state)
{
    (void)state;
    close(server.listener);
    return 0;
}

/* The next request, on the connection that there is or a new one. */
static void receive_request(char *text, size_t room)
{
    size_t n = 0;
    if (server.fd < 0)
        server.fd = accept(server.listener, NULL, NULL);
    assert_true(server.fd >= 0);
    text[0] = '\0';
    while (strstr(text, "\r\n\r\n") == NULL) {
        ssize_t k = recv(server.fd, text + n, room - 1 - n, 0);
        assert_true(k > 0);
        n += (size_t)k;
        text[n] = '\0';
    }
}

static void serve(const struct step *s)
{
    char text[LAMBDA_REQUEST_MAX];
    receive_request(text, sizeof(text));
    if (strncmp(text, s->line, strlen(s->line)) != 0 ||
        strstr(text, s->holds) == NULL)
        fail_msg("not %s... %s, but %s", s->line, s->holds, text);
    assert_true(send(server.fd, s->answer, strlen(s->answer), MSG_NOSIGNAL) >=
                0);
    if (s->close) {
        close(server.fd);
        server.fd = -1;
    }
}

static pid_t start(const char *host, const char *identifier, int fd)
{
    char api[64];
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    alarm(60); /* whatever becomes of the test */
    snprintf(api, sizeof(api), "%s:%s", host, server.api);
    setenv("AWS_LAMBDA_RUNTIME_API", api, 1);
    _exit(idle_run("/opt/extensions/name", identifier, fd));
}

/* Plays the steps and sees to it that the extension leaves then. */
static void play(pid_t pid, const struct step *steps)
{
    int status;
    for (; steps->line != NULL; steps++)
        serve(steps);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    if (server.fd >= 0)
        close(server.fd);
    server.fd = -1;
}

static void lives(void **state)
{
    (void)state;
    play(start("127.0.0.1", NULL, -1),
         (const struct step[]){
             {REGISTER_LINE, "Lambda-Extension-Name: name\r\n", REGISTERED, 0},
             {NEXT_LINE, "Lambda-Extension-Identifier: id-1\r\n", INVOKE, 0},
             {NEXT_LINE, "", INVOKE, 0},
             {NEXT_LINE, "", SHUTDOWN, 0},
             {0}});
}

static void of_a_host_by_name(void **state)
{
    (void)state;
    play(start("localhost", NULL, -1),
         (const struct step[]){{REGISTER_LINE, "", REGISTERED, 0},
                               {NEXT_LINE, "", SHUTDOWN, 0},
                               {0}});
}

static void of_another_address(void **state)
{
    tear_down(state);
    assert_int_equal(listen_at("127.0.0.2"), 0);
    play(start("127.0.0.2", NULL, -1),
         (const struct step[]){
             {REGISTER_LINE, "Host: 127.0.0.2:", REGISTERED, 0},
             {NEXT_LINE, "", SHUTDOWN, 0},
             {0}});
}

/* Managed instances give no INVOKE events; and what is refused for another
 * reason is asked for again as it was. */
static void registers_for_less(void **state)
{
    (void)state;
    play(start("127.0.0.1", NULL, -1),
         (const struct step[]){{REGISTER_LINE, "INVOKE", REFUSED, 0},
                               {REGISTER_LINE, "[\"SHUTDOWN\"]", REFUSED, 0},
                               {REGISTER_LINE, "INVOKE", BROKEN, 0},
                               {REGISTER_LINE, "INVOKE", REFUSED, 0},
                               {REGISTER_LINE, "[\"SHUTDOWN\"]", REGISTERED, 0},
                               {NEXT_LINE, "", SHUTDOWN, 0},
                               {0}});
}

static void asks_again(void **state)
{
    (void)state;
    play(start("127.0.0.1", "id-2", -1),
         (const struct step[]){
             {NEXT_LINE, "Lambda-Extension-Identifier: id-2\r\n", REFUSED, 0},
             {NEXT_LINE, "", BROKEN, 0},
             {NEXT_LINE, "", "", 1},
             {NEXT_LINE, "", "HTTP/1.1 200 OK\r\nContent-Le", 1},
             {NEXT_LINE, "", "SSH-2.0-OpenSSH\r\n\r\n", 1},
             {NEXT_LINE, "", INVOKE, 1},
             {NEXT_LINE, "", SHUTDOWN, 0},
             {0}});
}

/* The answer to the broken program's registration. */
static void takes_over_a_connection(void **state)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)strtoul(server.api, NULL, 10))};
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    server.fd = accept(server.listener, NULL, NULL);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    pid_t pid = start("127.0.0.1", NULL, fd);
    close(fd);
    assert_true(send(server.fd, REGISTERED, strlen(REGISTERED), 0) > 0);
    play(pid, (const struct step[]){
                  {NEXT_LINE, "Identifier: id-1\r\n", SHUTDOWN, 0}, {0}});
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lives),
        TEST(of_a_host_by_name),
        TEST(of_another_address),
        TEST(registers_for_less),
        TEST(asks_again),
        TEST(takes_over_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
