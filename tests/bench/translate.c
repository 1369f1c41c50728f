/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding and translating alone, without sockets, batches or upload:
 * translate pb|json SPANS ROUNDS. Prints the CPU time per span as JSON.
 */
#include <sys/resource.h>

#include "otlp_body.h"
#include "xr/otlp.h"
#include "xr/translate.h"

#define ARENA_MAX ((size_t)64 << 20)

static struct translator *translator;
static size_t document_bytes;

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static bool on_span(void *arg, const struct span *span)
{
    struct segment documents[TRANSLATE_DOCUMENTS_MAX];
    unsigned *made = arg;
    struct err err;
    int n = translate_span(translator, span, documents, &err);
    for (int i = 0; i < n; i++)
        document_bytes += documents[i].document.n;
    *made += (unsigned)n;
    return true;
}

/* One request, as the relay does it; gives the documents made. */
static unsigned translate_request(struct body *b)
{
    struct slice bytes = {(const char *)b->bytes, b->n};
    struct arena arena;
    struct err err;
    unsigned made = 0;
    arena_init(&arena, ARENA_MAX);
    translator_begin_request(translator);
    struct otlp_decoder *d =
        otlp_decoder_new(b->json ? OTLP_JSON : OTLP_PROTOBUF, bytes, &arena);
    while (otlp_decode(d, 500, on_span, &made, &err) > 0)
        ;
    otlp_decoder_free(d);
    arena_fini(&arena);
    return made;
}

int main(int argc, char **argv)
{
    struct translate_options o = {.limit = SEGMENT_MAX_BYTES};
    if (argc != 4)
        return 2;
    struct body *b = body_new(strcmp(argv[1], "json") == 0,
                              (unsigned)strtoul(argv[2], NULL, 10));
    long rounds = strtol(argv[3], NULL, 10);
    translator = translator_new(&o);
    body_number(b, b->bytes, 1);
    if (translate_request(b) != b->spans) /* warms up, too */
        return 1;
    document_bytes = 0;
    double start = cpu_us();
    for (long i = 0; i < rounds; i++)
        translate_request(b);
    double spans = (double)rounds * b->spans;
    printf("{\"cpu_us\":%.3f,\"body_bytes\":%.0f,\"document_bytes\":%.0f}\n",
           (cpu_us() - start) / spans, (double)b->n / b->spans,
           (double)document_bytes / spans);
    return 0;
}
