/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One span in, one or two segment documents out: reads the span's attributes
 * once, lets each rule family write its block, and makes the ids that a local
 * root's second document and exceptions need. Knows the order of a document
 * and its first fields; everything else is in the families' files.
 */
#include <stdlib.h>

#include "parts.h"

enum {
    DOCUMENTS_BYTES_MAX = 64 * 1024 * 1024, /* without a limit */
    KEPT_BYTES_MAX = 1024 * 1024,           /* of scratch between spans */
    TEXT_BYTES_MAX = 64 * 1024 * 1024,
    NS_OF_SECOND = 1000000000,
};

static int process(struct translator *t, const struct span **span);
static bool span_has_ids(const struct span *s);
static bool scan_read(struct translator *t, const struct span *s);
static bool is_name_space(struct translator *t, const struct attribute *a,
                          size_t *json_left);
static bool scan_grow(struct scan *s, uint32_t n);
static bool is_local_root(const struct translator *t);
static bool is_call(const struct span *s);
static bool write_documents(struct translator *t);
static bool write_role(struct translator *t, enum role role);
static void role_prepare(struct translator *t, struct made *m);
static void document_write(struct translator *t);
static void head_write(struct translator *t);
static void put_quoted(struct buf *b, struct slice key, struct slice text);
static void times_write(struct translator *t);
static bool take_in_progress(struct translator *t);
static void segment_fill(struct translator *t, const struct made *m,
                         struct segment *out);
static void counts_add(struct translate_counts *to,
                       const struct translate_counts *made);
static void shrink(struct buf *b);

struct translator *translator_new(const struct translate_options *o)
{
    struct translator *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    buf_init(&t->documents, DOCUMENTS_BYTES_MAX);
    buf_init(&t->url, TEXT_BYTES_MAX);
    buf_init(&t->connection, TEXT_BYTES_MAX);
    buf_init(&t->scratch, TEXT_BYTES_MAX);
    buf_init(&t->resource.text, TEXT_BYTES_MAX);
    keys_init(&t->keys);
    t->hash = sha256_new();
    if (!t->hash || !translator_set_options(t, o)) {
        translator_free(t);
        return NULL;
    }
    return t;
}

void translator_free(struct translator *t)
{
    if (!t)
        return;
    process_fini(&t->process);
    seen_fini(&t->indexed_names);
    seen_fini(&t->doubles);
    seen_fini(&t->listed);
    seen_fini(&t->annotated);
    free(t->scan.fate);
    free(t->scan.first);
    free(t->scan.hash);
    free(t->resource.all);
    free(t->resource.annotation_keys);
    free(t->resource.annotated);
    buf_fini(&t->documents);
    buf_fini(&t->url);
    buf_fini(&t->connection);
    buf_fini(&t->scratch);
    buf_fini(&t->resource.text);
    arena_fini(&t->memory);
    if (t->hash)
        sha256_free(t->hash);
    free(t);
}

void translator_begin_request(struct translator *t)
{
    resource_forget(t);
    process_forget(&t->process);
}

int translate_span(struct translator *t, const struct span *span,
                   struct segment out[TRANSLATE_DOCUMENTS_MAX], struct err *err)
{
    t->counts.spans++;
    if (!span_has_ids(span)) {
        t->counts.without_ids++;
        err_set(err, "span without a trace id or span id (all zero, absent "
                     "or of a wrong length)");
        return 0;
    }
    shrink(&t->documents);
    int left = process(t, &span);
    if (left <= 0) {
        t->counts.sampled_out += left == 0;
        err_set(err, "no memory for the steps of processors");
        return left == 0 ? TRANSLATE_LEFT_OUT : 0;
    }
    t->span = span;
    if (!resource_use(t, span->resource) || !scan_read(t, span)) {
        t->counts.too_large++;
        err_set(err, "no memory for a span of %u attributes",
                span->attributes.n);
        return 0;
    }
    if (!write_documents(t)) {
        t->counts.too_large++;
        err_set(err, "span cannot be made a document of at most %zu bytes",
                t->options.limit ? t->options.limit
                                 : (size_t)DOCUMENTS_BYTES_MAX);
        return 0;
    }
    /* The buffer moves while it grows, so the slices come last. */
    for (unsigned i = 0; i < t->n_made; i++)
        segment_fill(t, &t->made[i], &out[i]);
    t->counts.documents += t->n_made;
    return (int)t->n_made;
}

static bool write_documents(struct translator *t)
{
    const struct span *s = t->span;

    t->aws_api =
        slice_is(value_text(t, span_value(t, KEY_RPC_SYSTEM)), "aws-api") ||
        slice_is(value_text(t, span_value(t, KEY_RPC_SYSTEM_NAME)), "aws-api");
    trace_id_text(s->trace_id, t->trace_id);
    buf_clear(&t->documents);
    t->n_made = 0;
    annotations_read_list(t);
    if (is_local_root(t) && s->kind != SPAN_SERVER && s->kind != SPAN_INTERNAL)
        return write_role(t, ROLE_SERVICE) && write_role(t, ROLE_DEPENDENCY);
    return write_role(t, ROLE_ONLY);
}

static int process(struct translator *t, const struct span **span)
{
    bool renewed = false;

    if (t->process.n_steps == 0)
        return 1;
    int rc = process_span(&t->process, *span, span, &renewed);
    if (renewed)
        resource_forget(t);
    return rc;
}

bool translator_alters(const struct translator *t)
{
    return t->process.n_steps > 0;
}

int translator_process(struct translator *t, const struct span *in,
                       const struct span **out)
{
    *out = in;
    return process(t, out);
}

const struct translate_counts *translator_counts(const struct translator *t)
{
    return &t->counts;
}

void made_id(struct translator *t, char role, uint32_t index, char out[17])
{
    static const uint8_t none[8];
    enum { WORK = 30 };
    uint8_t digest[SHA256_BYTES];
    unsigned char tail[5] = {
        (unsigned char)role,          (unsigned char)(index >> 24),
        (unsigned char)(index >> 16), (unsigned char)(index >> 8),
        (unsigned char)index,
    };

    limit_spend(t, WORK);
    sha256_reset(t->hash);
    sha256_update(t->hash, slice_of(t->span->trace_id, 16));
    sha256_update(t->hash, slice_of(t->span->span_id, 8));
    sha256_update(t->hash, slice_of(tail, sizeof(tail)));
    sha256_final(t->hash, digest);
    if (memcmp(digest, none, sizeof(none)) == 0)
        digest[7] = 1;
    hex_encode(digest, 8, out);
}

void trace_id_text(const uint8_t id[16], char out[36])
{
    char hex[33];

    hex_encode(id, 16, hex);
    memcpy(out, "1-", 2);
    memcpy(out + 2, hex, 8);
    out[10] = '-';
    memcpy(out + 11, hex + 8, 25); /* with the NUL */
}

void time_write(struct translator *t, uint64_t ns)
{
    char text[32];
    size_t n = sizeof(text);
    uint64_t fraction = ns % NS_OF_SECOND, seconds = ns / NS_OF_SECOND;

    for (int digit = 0; digit < 9; digit++, fraction /= 10) {
        if (n < sizeof(text) || fraction % 10)
            text[--n] = (char)('0' + fraction % 10);
    }
    if (n < sizeof(text))
        text[--n] = '.';
    do {
        text[--n] = (char)('0' + seconds % 10);
        seconds /= 10;
    } while (seconds);
    jw_raw(&t->jw, slice_of(text + n, sizeof(text) - n));
}

static bool span_has_ids(const struct span *s)
{
    static const uint8_t none[16];

    return memcmp(s->trace_id, none, 16) != 0 &&
           memcmp(s->span_id, none, 8) != 0;
}

/* The one pass over the attributes: finds those that rules read, and doubles,
 * of which the last stands. */
static bool scan_read(struct translator *t, const struct span *s)
{
    struct scan *scan = &t->scan;
    uint32_t n = s->attributes.n;
    size_t json_left = t->options.limit ? t->options.limit : SIZE_MAX;

    if ((n > scan->room && !scan_grow(scan, n)) || !seen_begin(&t->doubles, n))
        return false;
    scan->attributes = &s->attributes;
    scan->has_name_spaces = false;
    memset(scan->at, 0, sizeof(scan->at));
    if (n > 0)
        memset(scan->first, FATE_LEFT, n);
    for (uint32_t i = 0; i < n; i++) {
        struct slice key = s->attributes.items[i].key;
        uint64_t hash = key_hash(key);
        struct seen_entry *was;
        enum key k = keys_find(&t->keys, key, hash);
        scan->hash[i] = hash;
        if (k != KEY_NONE)
            scan->at[k] = i + 1;
        else if (is_name_space(t, &s->attributes.items[i], &json_left))
            scan->first[i] = FATE_SPACE;
        scan->has_name_spaces |= scan->first[i] == FATE_SPACE;
        if (!seen_add(&t->doubles, hash, i, &was) &&
            slice_eq(s->attributes.items[was->index].key, key)) {
            scan->first[was->index] = FATE_GONE;
            was->index = i;
        }
    }
    return true;
}

/* aws.xray.metadata.NAME with the text of a JSON object is the namespace
 * NAME, unless all attributes are to be annotations. More of such text than a
 * document holds is not read: the rest are texts, to be cut as others are. */
static bool is_name_space(struct translator *t, const struct attribute *a,
                          size_t *json_left)
{
    if (t->options.index_all || a->value.kind != VALUE_STRING ||
        !slice_starts(a->key, METADATA_PREFIX) ||
        a->key.n == sizeof(METADATA_PREFIX) - 1 || a->value.text.n > *json_left)
        return false;
    *json_left -= a->value.text.n;
    return json_text_is_object(a->value.text);
}

static bool scan_grow(struct scan *s, uint32_t n)
{
    uint32_t room = n < 64 ? 64 : n * 2;
    uint8_t *fate = realloc(s->fate, room);

    if (fate)
        s->fate = fate;
    uint8_t *first = realloc(s->first, room);
    if (first)
        s->first = first;
    uint64_t *hash = reallocarray(s->hash, room, sizeof(*hash));
    if (hash)
        s->hash = hash;
    if (!fate || !first || !hash)
        return false;
    s->room = room;
    return true;
}

static bool is_local_root(const struct translator *t)
{
    const struct value *v = span_value(t, KEY_AWS_SPAN_KIND);

    return v && v->kind == VALUE_STRING && slice_is(v->text, "LOCAL_ROOT");
}

/* A span that another one waits for within its service, not a segment. */
static bool is_call(const struct span *s)
{
    static const uint8_t none[8];

    return s->kind != SPAN_SERVER && s->kind != SPAN_CONSUMER &&
           memcmp(s->parent_id, none, sizeof(none)) != 0;
}

static bool write_role(struct translator *t, enum role role)
{
    struct made *m = &t->made[t->n_made];

    t->role = role;
    role_prepare(t, m);
    name_make(t);
    if (role == ROLE_ONLY && is_local_root(t))
        t->name_space = NULL;
    m->start = t->start = t->documents.n;
    m->name_at = m->start + sizeof("{\"name\":\"") - 1;
    m->name_n = t->name_bytes;
    if (!limit_fit(t, document_write))
        return false;
    m->n = t->documents.n - m->start;
    counts_add(&t->counts, &t->cuts.made);
    t->n_made++;
    return true;
}

/* Ids and whether it is a subsegment. */
static void role_prepare(struct translator *t, struct made *m)
{
    static const uint8_t none[8];
    const struct span *s = t->span;

    hex_encode(s->span_id, 8, m->id);
    hex_encode(s->parent_id, 8, m->parent);
    if (memcmp(s->parent_id, none, sizeof(none)) == 0)
        m->parent[0] = '\0';
    m->is_subsegment = is_call(s) && !is_local_root(t);
    t->stores_resource = !is_call(s);
    if (t->role == ROLE_SERVICE) {
        made_id(t, ID_SERVICE, 0, m->id);
        m->is_subsegment = false;
    } else if (t->role == ROLE_DEPENDENCY) {
        made_id(t, ID_SERVICE, 0, m->parent);
        m->is_subsegment = true;
    }
}

/* What rules take is marked while they write: metadata comes last. */
static void document_write(struct translator *t)
{
    const struct resource_view *r = &t->resource;

    if (t->scan.attributes->n > 0)
        memcpy(t->scan.fate, t->scan.first, t->scan.attributes->n);
    if (t->role == ROLE_SERVICE) {
        span_fate(t, KEY_AWS_REMOTE_SERVICE, FATE_GONE);
        span_fate(t, KEY_AWS_REMOTE_OPERATION, FATE_GONE);
        span_fate(t, KEY_REMOTE_TARGET, FATE_GONE);
        span_fate(t, KEY_K8S_REMOTE_NAMESPACE, FATE_GONE);
    }
    if (t->has_list)
        span_fate(t, KEY_XRAY_ANNOTATIONS, FATE_TAKEN);
    http_read(t);
    head_write(t);
    times_write(t);
    faults_write(t);
    put_text(t, SLICE("user"), span_take(t, KEY_ENDUSER_ID));
    http_write(t);
    cause_write(t);
    aws_write(t);
    put_text(t, SLICE("origin"), r->origin);
    if (!r->is_kept || t->cuts.on)
        service_write(t);
    else if (r->service.n > 0)
        jw_raw(&t->jw, resource_piece(r, r->service));
    sql_write(t);
    links_write(t);
    annotations_write(t);
    metadata_write(t);
    jw_object_end(&t->jw);
}

/* Texts that need no escape, each document has them. */
static void head_write(struct translator *t)
{
    const struct made *m = &t->made[t->n_made];
    struct buf *b = &t->documents;

    jw_init(&t->jw, b);
    jw_object(&t->jw);
    put_quoted(b, SLICE("\"name\":\""), slice_of(t->name, t->name_bytes));
    put_quoted(b, SLICE(",\"id\":\""), slice_of(m->id, 16));
    put_quoted(b, SLICE(",\"trace_id\":\""), slice_of(t->trace_id, 35));
    if (m->parent[0])
        put_quoted(b, SLICE(",\"parent_id\":\""), slice_of(m->parent, 16));
    if (m->is_subsegment)
        put_quoted(b, SLICE(",\"type\":\""), SLICE("subsegment"));
    if (t->name_space)
        put_quoted(b, SLICE(",\"namespace\":\""), slice_str(t->name_space));
    t->jw.comma[t->jw.depth] = 1;
}

static void put_quoted(struct buf *b, struct slice key, struct slice text)
{
    char *to = buf_reserve(b, key.n + text.n + 1);

    if (!to)
        return;
    memcpy(to, key.p, key.n);
    memcpy(to + key.n, text.p, text.n);
    to[key.n + text.n] = '"';
    b->n += key.n + text.n + 1;
}

/* A span without an end is in progress; one without a start began when it
 * ended, for all that is known. */
static void times_write(struct translator *t)
{
    const struct span *s = t->span;
    bool running = take_in_progress(t);

    put_name(t, SLICE("start_time"));
    time_write(t, s->start_ns ? s->start_ns : s->end_ns);
    if (running) {
        put_name(t, SLICE("in_progress"));
        jw_bool(&t->jw, true);
    } else {
        put_name(t, SLICE("end_time"));
        time_write(t, s->end_ns);
    }
}

static bool take_in_progress(struct translator *t)
{
    const struct value *v = span_value(t, KEY_XRAY_IN_PROGRESS);
    bool is_flag = v && v->kind == VALUE_BOOL;

    if (is_flag)
        span_fate(t, KEY_XRAY_IN_PROGRESS, FATE_TAKEN);
    return t->span->end_ns == 0 || (is_flag && v->b);
}

static void segment_fill(struct translator *t, const struct made *m,
                         struct segment *out)
{
    const struct span *s = t->span;
    const char *p = t->documents.p;

    *out = (struct segment){
        .document = slice_of(p + m->start, m->n),
        .trace_id = slice_of(t->trace_id, 35),
        .id = slice_of(m->id, 16),
        .parent_id = slice_str(m->parent),
        .name = slice_of(p + m->name_at, m->name_n),
        .start_time = (double)(s->start_ns ? s->start_ns : s->end_ns) / 1e9,
        .in_progress = take_in_progress(t),
        .subsegment = m->is_subsegment,
    };
    if (!out->in_progress)
        out->end_time = (double)s->end_ns / 1e9;
}

static void counts_add(struct translate_counts *to,
                       const struct translate_counts *made)
{
    to->cut_metadata += made->cut_metadata;
    to->cut_frames += made->cut_frames;
    to->cut_statements += made->cut_statements;
    to->cut_messages += made->cut_messages;
    to->cut_others += made->cut_others;
    to->over_annotated += made->over_annotated;
}

/* One very large span shall not hold its memory for ever. */
static void shrink(struct buf *b)
{
    size_t max = b->max;

    if (b->cap <= KEPT_BYTES_MAX)
        return;
    buf_fini(b);
    buf_init(b, max);
}
