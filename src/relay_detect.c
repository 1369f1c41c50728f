/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the options and from what is known of our own place to the translator:
 * at start, when something was found out, and on SIGHUP.
 */
#include "relay.h"
#include "xr/log.h"

#define LINE_MAX_BYTES (4u << 10)

static void make_detect(struct relay *r);
static void on_found(void *arg);
static void use(struct relay *r);
static struct attributes attributes_of(const struct facts *f,
                                       struct attribute items[FACTS_MAX]);
static void tell(const struct relay *r);

void relay_detect_start(struct relay *r)
{
    make_detect(r);
    if (r->detect == NULL)
        return;
    use(r);
    tell(r);
}

void relay_detect_place(struct relay *r)
{
    if (r->detect != NULL)
        detect_add_place(r->detect, &r->place);
    else
        use(r);
}

void relay_detect_reload(struct relay *r)
{
    if (r->detect != NULL && !r->options->detect) {
        detect_free(r->detect);
        r->detect = NULL;
    } else if (r->detect == NULL) {
        make_detect(r);
        relay_detect_place(r);
    }
    use(r);
}

static void make_detect(struct relay *r)
{
    bool ask = !r->local && !r->options->local_mode;
    if (r->options->detect)
        r->detect = detect_new(r->loop, r->client, ask, on_found, r);
}

static void on_found(void *arg)
{
    struct relay *r = arg;
    use(r);
    tell(r);
}

static void use(struct relay *r)
{
    struct attribute stated[FACTS_MAX], found[FACTS_MAX];
    struct translate_options t = {.limit = SEGMENT_MAX_BYTES};
    if (r->detect != NULL) {
        t.defaults = attributes_of(detect_stated(r->detect), stated);
        t.place = attributes_of(detect_found(r->detect), found);
    }
    if (!translator_use_options(r->translator, r->options, &t))
        log_error("Out of memory: translation goes on with the former options");
    else if (r->place.account_id[0] != '\0')
        translator_learn(r->translator, SLICE("cloud.account.id"),
                         slice_str(r->place.account_id));
}

static struct attributes attributes_of(const struct facts *f,
                                       struct attribute items[FACTS_MAX])
{
    for (size_t i = 0; i < f->n; i++)
        items[i] = (struct attribute){
            .key = f->items[i].name,
            .value = {.kind = VALUE_STRING, .text = f->items[i].value},
        };
    return (struct attributes){items, (uint32_t)f->n};
}

/* What the operator stated is told by name only. A Lambda function pays for
 * each line, and knows where it is. */
static void tell(const struct relay *r)
{
    const struct facts *found = detect_found(r->detect);
    const struct facts *stated = detect_stated(r->detect);
    struct buf line;
    if (found->n + stated->n == 0 || r->is_lambda)
        return;
    buf_init(&line, LINE_MAX_BYTES);
    for (size_t i = 0; i < found->n; i++)
        buf_printf(&line, " %.*s=%.*s", SLICE_ARG(found->items[i].name),
                   SLICE_ARG(found->items[i].value));
    for (size_t i = 0; i < stated->n; i++)
        buf_printf(&line, " %.*s", SLICE_ARG(stated->items[i].name));
    log_info("OTLP spans that do not tell get:%s", buf_cstr(&line));
    buf_fini(&line);
}
