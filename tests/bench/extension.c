/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays Lambda's Extensions API for one extension and measures its start:
 * extension COUNT SETTLE_MS PROGRAM. Each time: from exec to the registration
 * (wall and CPU), to the first next, resident memory SETTLE_MS after that, then
 * SHUTDOWN. Prints medians, and of times the tenth part too, which is less of
 * a busy machine's; one line of JSON. One thread, one loop over poll:
 * it answers within microseconds, so that what is measured is the extension.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 4
#define COUNT_MAX 1000
#define LIMIT_MS 10000

struct start {
    double register_ms, register_cpu_ms, next_ms, cpu_ms, rss_mib;
};

static struct {
    int fd[CONNECTIONS]; /* the first listens */
    int n, waits;        /* waits: who asked for the next event */
    pid_t pid;
    double begun_ms;
    struct start got;
} run;

static int listen_api(void);
static bool measure(char **argv, int settle_ms, struct start *out);
static void serve(double until_ms);
static void answer(int fd);
static void reply(int fd, const char *headers, const char *body);
static double now_ms(clockid_t clock);
static double rss_mib(pid_t pid);
static double percentile(const struct start *starts, int n, size_t field,
                         int tenths);

int main(int argc, char **argv)
{
    static struct start all[COUNT_MAX];
    int count = argc > 3 ? (int)strtol(argv[1], NULL, 10) : 0;
    if (count < 1 || count > COUNT_MAX || (run.fd[0] = listen_api()) < 0) {
        fprintf(stderr, "usage: extension COUNT SETTLE_MS PROGRAM\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < count; i++)
        if (!measure(argv + 3, (int)strtol(argv[2], NULL, 10), &all[i])) {
            fprintf(stderr, "extension: %s did not ask for next\n", argv[3]);
            return 1;
        }
#define AT(field, tenths)                                                      \
    percentile(all, count, offsetof(struct start, field), tenths)
    printf("{\"starts\": %d, \"register_ms\": %.2f, \"register_cpu_ms\": %.2f, "
           "\"next_ms\": %.2f, \"cpu_ms\": %.2f, \"rss_mib\": %.2f, "
           "\"tenth_register_ms\": %.2f, \"tenth_register_cpu_ms\": %.2f, "
           "\"tenth_next_ms\": %.2f}\n",
           count, AT(register_ms, 5), AT(register_cpu_ms, 5), AT(next_ms, 5),
           AT(cpu_ms, 5), AT(rss_mib, 5), AT(register_ms, 1),
           AT(register_cpu_ms, 1), AT(next_ms, 1));
    return 0;
}

static int listen_api(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    char text[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
        listen(fd, 16) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return -1;
    snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(a.sin_port));
    setenv("AWS_LAMBDA_RUNTIME_API", text, 1);
    setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand", 1);
    setenv("AWS_LAMBDA_FUNCTION_NAME", "f", 1);
    setenv("AWS_REGION", "us-east-1", 1);
    return fd;
}

static bool measure(char **argv, int settle_ms, struct start *out)
{
    struct rusage usage;
    int status;
    memset(&run.got, 0, sizeof(run.got));
    run.n = 1;
    run.waits = -1;
    run.begun_ms = now_ms(CLOCK_MONOTONIC);
    run.pid = vfork();
    if (run.pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    double limit = run.begun_ms + LIMIT_MS;
    while (run.waits < 0 && now_ms(CLOCK_MONOTONIC) < limit)
        serve(limit);
    bool came = run.waits >= 0;
    serve(now_ms(CLOCK_MONOTONIC) + settle_ms);
    run.got.rss_mib = rss_mib(run.pid);
    if (came)
        reply(run.waits, "",
              "{\"eventType\":\"SHUTDOWN\",\"shutdownReason\":\"spindown\"}");
    else
        kill(run.pid, SIGKILL);
    wait4(run.pid, &status, 0, &usage);
    run.got.cpu_ms =
        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
        (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    for (int i = 1; i < run.n; i++)
        close(run.fd[i]);
    *out = run.got;
    return came && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Until then, or until the extension waits for its first event. */
static void serve(double until_ms)
{
    bool waited = run.waits >= 0;
    struct pollfd p[CONNECTIONS];
    for (;;) {
        double left = until_ms - now_ms(CLOCK_MONOTONIC);
        if (left <= 0 || (run.waits >= 0 && !waited))
            return;
        for (int i = 0; i < run.n; i++)
            p[i] = (struct pollfd){.fd = run.fd[i], .events = POLLIN};
        if (poll(p, (nfds_t)run.n, (int)left + 1) <= 0)
            continue;
        for (int i = run.n - 1; i > 0; i--)
            if (p[i].revents != 0)
                answer(p[i].fd);
        if (p[0].revents != 0 && run.n < CONNECTIONS)
            run.fd[run.n++] = accept4(run.fd[0], NULL, NULL, SOCK_CLOEXEC);
    }
}

/* Requests are short and come in one piece on loopback; one that does not is
 * no start to measure. */
static void answer(int fd)
{
    char text[8192];
    clockid_t cpu;
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
    double at = now_ms(CLOCK_MONOTONIC) - run.begun_ms;
    if (n <= 0)
        return;
    text[n] = '\0';
    if (strstr(text, "/extension/register ") != NULL) {
        run.got.register_ms = at;
        if (clock_getcpuclockid(run.pid, &cpu) == 0)
            run.got.register_cpu_ms = now_ms(cpu);
        reply(fd, "Lambda-Extension-Identifier: 6a7b\r\n",
              "{\"functionName\":\"f\",\"accountId\":\"123456789012\"}\n");
    } else if (strstr(text, "/event/next ") != NULL) {
        run.got.next_ms = at;
        run.waits = fd;
    } else {
        reply(fd, "", "\"OK\"");
    }
}

static void reply(int fd, const char *headers, const char *body)
{
    char text[1024];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 200 OK\r\n%sContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     headers, strlen(body), body);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        perror("extension: send");
}

static double now_ms(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double rss_mib(pid_t pid)
{
    char path[64], line[256];
    double kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtod(line + 6, NULL);
    if (f != NULL)
        fclose(f);
    return kib / 1024;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct start *starts, int n, size_t field,
                         int tenths)
{
    static double values[COUNT_MAX];
    for (int i = 0; i < n; i++)
        values[i] = *(const double *)((const char *)&starts[i] + field);
    qsort(values, (size_t)n, sizeof(*values), compare);
    return values[n * tenths / 10];
}
