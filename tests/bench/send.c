/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paced sender of segment documents: send PORT RATE SECONDS BYTES FIRST_ID.
 * Each datagram is the header line and a document of about BYTES with an id
 * and a trace id of its own. RATE 0: as fast as the socket takes them. Prints
 * what was sent as JSON.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BURST 32
#define DATAGRAM_MAX 65507
#define HEADER "{\"format\": \"json\", \"version\": 1}\n"
#define ID_DIGITS 16

struct slot {
    char bytes[DATAGRAM_MAX + 1];
};

static size_t id_at, trace_at;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t put(char *at, const char *text)
{
    memcpy(at, text, strlen(text));
    return strlen(text);
}

/* Fills a slot with the document that all share; returns its length. */
static size_t make_document(char *at, size_t bytes)
{
    static const char head[] = HEADER "{\"id\":\"";
    static const char middle[] =
        "\",\"name\":\"bench\",\"start_time\":1700000000.123,\"end_time\":"
        "1700000000.456,\"http\":{\"request\":{\"method\":\"GET\",\"url\":"
        "\"http://bench.example/items/42?page=3\"},\"response\":{\"status\":"
        "200,\"content_length\":1234}},\"annotations\":{\"customer\":\"c-17\","
        "\"cached\":false},\"trace_id\":\"1-6553f100-00000000";
    static const char tail[] = "\",\"metadata\":{\"default\":{\"note\":\"";
    size_t n = 0, end = bytes + sizeof(HEADER) - 1;
    n += put(at + n, head);
    id_at = n;
    n += ID_DIGITS;
    n += put(at + n, middle);
    trace_at = n;
    n += ID_DIGITS;
    n += put(at + n, tail);
    while (n + 4 < end && n + 4 < DATAGRAM_MAX) {
        at[n] = (char)('a' + n % 26);
        n++;
    }
    return n + put(at + n, "\"}}}");
}

static void set_id(char *document, unsigned long long id)
{
    char text[ID_DIGITS + 1];
    snprintf(text, sizeof(text), "%016llx", id);
    memcpy(document + id_at, text, ID_DIGITS);
    memcpy(document + trace_at, text, ID_DIGITS);
}

/* Waits until the next burst is due. */
static void pace(double start, double rate, long long sent)
{
    double due = start + (double)sent / rate, wait = due - now_s();
    if (rate <= 0 || wait <= 0)
        return;
    struct timespec t = {(time_t)wait,
                         (long)((wait - (double)(time_t)wait) * 1e9)};
    nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
    static struct slot slots[BURST];
    static struct mmsghdr headers[BURST];
    static struct iovec parts[BURST];
    if (argc != 6)
        return 2;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)strtol(argv[1], NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    double rate = strtod(argv[2], NULL), seconds = strtod(argv[3], NULL);
    size_t bytes = (size_t)strtol(argv[4], NULL, 10);
    unsigned long long id = strtoull(argv[5], NULL, 10);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        return 1;
    for (int i = 0; i < BURST; i++) {
        parts[i] = (struct iovec){slots[i].bytes,
                                  make_document(slots[i].bytes, bytes)};
        headers[i].msg_hdr.msg_iov = &parts[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    long long sent = 0, errors = 0;
    double start = now_s();
    int burst = rate > 0 && rate < 20000 ? 4 : BURST;
    while (now_s() - start < seconds) {
        for (int i = 0; i < burst; i++)
            set_id(slots[i].bytes, id + (unsigned long long)(sent + i));
        int n = sendmmsg(fd, headers, (unsigned)burst, 0);
        if (n > 0)
            sent += n;
        else
            errors++;
        pace(start, rate, sent);
    }
    printf("{\"sent\":%lld,\"errors\":%lld,\"seconds\":%.3f}\n", sent, errors,
           now_s() - start);
    return 0;
}
