/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rule families of translate/ share: the known attribute keys, the
 * scan of one span's attributes, what is kept of a resource, the cuts for the
 * size limit, and the writers of one block each. Private to this folder.
 */
#ifndef XR_TRANSLATE_PARTS_H
#define XR_TRANSLATE_PARTS_H

#include "xr/arena.h"
#include "xr/hash.h"
#include "xr/json_out.h"
#include "xr/translate.h"

/* --- keys.c: keys that a rule reads ------------------------------------- */

#define SPAN_KEYS(X)                                                           \
    X(HTTP_METHOD, "http.method")                                              \
    X(HTTP_REQUEST_METHOD, "http.request.method")                              \
    X(HTTP_USER_AGENT, "http.user_agent")                                      \
    X(USER_AGENT, "user_agent.original")                                       \
    X(HTTP_STATUS, "http.status_code")                                         \
    X(HTTP_RESPONSE_STATUS, "http.response.status_code")                       \
    X(HTTP_STATUS_TEXT, "http.status_text")                                    \
    X(HTTP_CLIENT_IP, "http.client_ip")                                        \
    X(CLIENT_ADDRESS, "client.address")                                        \
    X(NET_PEER_IP, "net.peer.ip")                                              \
    X(NETWORK_PEER_ADDRESS, "network.peer.address")                            \
    X(NETWORK_PEER_PORT, "network.peer.port")                                  \
    X(HTTP_URL, "http.url")                                                    \
    X(URL_FULL, "url.full")                                                    \
    X(HTTP_SCHEME, "http.scheme")                                              \
    X(URL_SCHEME, "url.scheme")                                                \
    X(HTTP_TARGET, "http.target")                                              \
    X(URL_PATH, "url.path")                                                    \
    X(URL_QUERY, "url.query")                                                  \
    X(HTTP_HOST, "http.host")                                                  \
    X(HTTP_SERVER_NAME, "http.server_name")                                    \
    X(NET_HOST_PORT, "net.host.port")                                          \
    X(NET_PEER_PORT, "net.peer.port")                                          \
    X(SERVER_PORT, "server.port")                                              \
    X(HOST_NAME, "host.name")                                                  \
    X(NET_HOST_NAME, "net.host.name")                                          \
    X(NET_PEER_NAME, "net.peer.name")                                          \
    X(SERVER_ADDRESS, "server.address")                                        \
    X(MESSAGE_TYPE, "message.type")                                            \
    X(MESSAGE_SIZE, "messaging.message_payload_size_bytes")                    \
    X(PEER_SERVICE, "peer.service")                                            \
    X(RPC_SYSTEM, "rpc.system")                                                \
    X(RPC_SYSTEM_NAME, "rpc.system.name")                                      \
    X(RPC_SERVICE, "rpc.service")                                              \
    X(RPC_METHOD, "rpc.method")                                                \
    X(DB_SYSTEM, "db.system")                                                  \
    X(DB_SYSTEM_NAME, "db.system.name")                                        \
    X(DB_NAME, "db.name")                                                      \
    X(DB_NAMESPACE, "db.namespace")                                            \
    X(DB_STATEMENT, "db.statement")                                            \
    X(DB_QUERY_TEXT, "db.query.text")                                          \
    X(DB_USER, "db.user")                                                      \
    X(USER_NAME, "user.name")                                                  \
    X(DB_CONNECTION_STRING, "db.connection_string")                            \
    X(ENDUSER_ID, "enduser.id")                                                \
    X(MESSAGING_URL, "messaging.url")                                          \
    X(AWS_SERVICE, "aws.service")                                              \
    X(AWS_OPERATION, "aws.operation")                                          \
    X(AWS_ACCOUNT_ID, "aws.account_id")                                        \
    X(AWS_REGION, "aws.region")                                                \
    X(AWS_REQUEST_ID, "aws.request_id")                                        \
    X(AWS_REQUEST_ID_CAMEL, "aws.requestId")                                   \
    X(AWS_QUEUE_URL, "aws.queue_url")                                          \
    X(AWS_QUEUE_URL_DOT, "aws.queue.url")                                      \
    X(AWS_TABLE_NAME, "aws.table_name")                                        \
    X(AWS_TABLE_NAME_DOT, "aws.table.name")                                    \
    X(AWS_TABLE_NAMES, "aws.dynamodb.table_names")                             \
    X(AWS_SPAN_KIND, "aws.span.kind")                                          \
    X(AWS_LOCAL_SERVICE, "aws.local.service")                                  \
    X(AWS_REMOTE_SERVICE, "aws.remote.service")                                \
    X(AWS_REMOTE_OPERATION, "aws.remote.operation")                            \
    X(REMOTE_TARGET, "remoteTarget")                                           \
    X(K8S_REMOTE_NAMESPACE, "K8s.RemoteNamespace")                             \
    X(XRAY_IN_PROGRESS, "aws.xray.inprogress")                                 \
    X(XRAY_ANNOTATIONS, "aws.xray.annotations")                                \
    X(OTEL_SCOPE_NAME, "otel.scope.name")                                      \
    X(OTEL_SCOPE_VERSION, "otel.scope.version")                                \
    X(OTEL_SPAN_NAME, "otel.span.name")                                        \
    X(OTEL_TRACE_STATE, "otel.trace_state")                                    \
    X(OTEL_STATUS, "otel.status_description")                                  \
    X(OTEL_DROPPED_ATTRIBUTES, "otel.dropped_attributes_count")                \
    X(OTEL_DROPPED_EVENTS, "otel.dropped_events_count")                        \
    X(OTEL_DROPPED_LINKS, "otel.dropped_links_count")

#define RESOURCE_KEYS(X)                                                       \
    X(SERVICE_NAME, "service.name")                                            \
    X(SERVICE_VERSION, "service.version")                                      \
    X(SERVICE_NAMESPACE, "service.namespace")                                  \
    X(SERVICE_INSTANCE, "service.instance.id")                                 \
    X(IMAGE_TAG, "container.image.tag")                                        \
    X(CONTAINER_NAME, "container.name")                                        \
    X(CONTAINER_ID, "container.id")                                            \
    X(CLOUD_PROVIDER, "cloud.provider")                                        \
    X(CLOUD_PLATFORM, "cloud.platform")                                        \
    X(CLOUD_ACCOUNT, "cloud.account.id")                                       \
    X(CLOUD_ZONE, "cloud.availability_zone")                                   \
    X(HOST_ID, "host.id")                                                      \
    X(HOST_TYPE, "host.type")                                                  \
    X(HOST_IMAGE, "host.image.id")                                             \
    X(CLUSTER_NAME, "k8s.cluster.name")                                        \
    X(POD_NAME, "k8s.pod.name")                                                \
    X(ECS_CONTAINER, "aws.ecs.container.arn")                                  \
    X(ECS_CLUSTER, "aws.ecs.cluster.arn")                                      \
    X(ECS_TASK, "aws.ecs.task.arn")                                            \
    X(ECS_FAMILY, "aws.ecs.task.family")                                       \
    X(ECS_LAUNCH_TYPE, "aws.ecs.launchtype")                                   \
    X(LOG_ARNS, "aws.log.group.arns")                                          \
    X(LOG_NAMES, "aws.log.group.names")                                        \
    X(SDK_NAME, "telemetry.sdk.name")                                          \
    X(SDK_LANGUAGE, "telemetry.sdk.language")                                  \
    X(SDK_VERSION, "telemetry.sdk.version")                                    \
    X(AUTO_VERSION, "telemetry.auto.version")                                  \
    X(DISTRO_VERSION, "telemetry.distro.version")

enum key {
#define X(name, text) KEY_##name,
    SPAN_KEYS(X) RESOURCE_KEYS(X)
#undef X
        KEY_END,
    KEY_NONE = KEY_END,
};

enum { KEY_TABLE_SLOTS = 512 };

/* Before the name of a metadata namespace. */
#define METADATA_PREFIX "aws.xray.metadata."

struct key_table {
    uint64_t hash[KEY_END];
    uint8_t slot[KEY_TABLE_SLOTS]; /* key + 1, 0: free */
};

void keys_init(struct key_table *k);
uint64_t key_hash(struct slice key);
/* KEY_NONE if no rule reads the key. */
enum key keys_find(const struct key_table *k, struct slice key, uint64_t hash);

/* A set of keys that is emptied in no time; used to find doubles. */
struct seen_entry {
    uint64_t hash;
    uint32_t turn;  /* in the set if it is the set's own */
    uint32_t index; /* the caller's */
};
struct seen {
    struct seen_entry *entries;
    uint32_t mask, turn;
};
/* Empties it and makes room for n. False without memory. */
bool seen_begin(struct seen *s, size_t n);
void seen_fini(struct seen *s);
/* The entry of that hash, NULL if there is none. */
struct seen_entry *seen_find(const struct seen *s, uint64_t hash);
/* Adds the hash; an entry that is there already is given back in *was. */
bool seen_add(struct seen *s, uint64_t hash, uint32_t index,
              struct seen_entry **was);

/* --- one span's attributes ----------------------------------------------- */

enum fate {
    FATE_LEFT,  /* no block has it: annotation or metadata */
    FATE_SPACE, /* the same, and it is a namespace of the metadata */
    FATE_TAKEN, /* a block of the document carries it */
    FATE_BACK,  /* a rule read it, yet no field carries it: metadata */
    FATE_GONE,  /* a later attribute has the same key; or not for this
                   document */
};

struct scan {
    const struct attributes *attributes;
    uint8_t *fate;  /* of each attribute, for the document being written */
    uint8_t *first; /* where fates begin: LEFT, SPACE, or GONE for doubles */
    uint64_t *hash;
    uint32_t room;
    bool has_name_spaces; /* one has FATE_SPACE */
    uint32_t at[KEY_END]; /* index + 1 of the attribute, 0: absent */
};

/* --- what is kept of a resource ------------------------------------------ */

enum language {
    LANGUAGE_OTHER,
    LANGUAGE_JAVA, /* and PHP, whose SDK writes Java's form */
    LANGUAGE_PYTHON,
    LANGUAGE_JAVASCRIPT,
    LANGUAGE_DOTNET,
    LANGUAGE_GO,
    LANGUAGE_RUBY,
    LANGUAGE_RUST,
    LANGUAGE_CPP,
};

struct piece {
    size_t at, n; /* in resource_view.text */
};

struct resource_view {
    const struct resource *of;    /* NULL: nothing kept */
    const struct attribute **all; /* its own, then defaults it has not */
    bool *annotated;              /* of each, whether an annotation has it */
    uint32_t n_all, room;
    const struct value *known[KEY_END];
    struct slice service_name, account_id, origin;
    enum language language;
    bool other_cloud; /* a cloud that is not AWS */
    /* Members of the blocks, written once. Not kept if they are so large that
     * documents with them have to be cut. */
    struct buf text;
    bool is_kept;
    struct piece aws, service, annotations, metadata;
    uint64_t *annotation_keys; /* hashes of the cleaned keys */
    uint32_t n_annotations;
};

/* --- the size limit ------------------------------------------------------- */

struct cuts {
    bool on;
    size_t value_max;     /* bytes of a metadata value */
    uint32_t frames_max;  /* of an exception */
    size_t statement_max; /* sql.sanitized_query */
    size_t message_max;
    size_t text_max;   /* any other text */
    uint32_t list_max; /* entries of annotations, metadata, links … */
    /* What this writing of the document cut. */
    struct translate_counts made;
    uint64_t work; /* of all writings, see limit_spend */
};

/* --- one document --------------------------------------------------------- */

enum role {
    ROLE_ONLY,
    ROLE_DEPENDENCY, /* of the two documents of a local root */
    ROLE_SERVICE,
};

struct http_facts {
    bool is_http, forwarded, has_status;
    int64_t status, length;
    struct slice method, user_agent, client_ip;
    struct slice url; /* in translator.url or borrowed */
};

struct exception_state {
    uint32_t index;   /* of the exception, for its id */
    uint32_t written; /* exceptions begun */
    uint32_t frames, frames_cut;
    uint32_t frames_all; /* written, of all exceptions */
    bool remote, in_stack, is_open, from_events;
    size_t stack_left; /* bytes of stack texts that are still read */
};

/* Where a document of the present span is, and its ids. */
struct made {
    size_t start, n, name_at, name_n;
    char id[17], parent[17]; /* parent: empty if there is none */
    bool is_subsegment;
};

/* process.c: steps on views of our own. */
struct process {
    struct process_step *steps;
    size_t n_steps;
    bool on_spans, on_resources;
    struct attribute *span_items, *resource_items;
    size_t span_room, resource_room;
    struct span span;
    struct resource resource;
    const struct resource *of; /* what the resource was made of; NULL: none */
};

struct translator {
    struct translate_options options; /* copied into memory */
    struct process process;
    struct arena memory;
    struct seen indexed_names; /* names without wildcard */
    bool has_globs;
    struct key_table keys;
    struct translate_counts counts;
    struct buf documents; /* the documents given out last */
    size_t start;         /* of the one being written */
    struct jw jw;
    struct buf url, connection, scratch;
    struct sha256 *hash;
    struct scan scan;
    struct seen doubles, listed, annotated;
    struct resource_view resource;
    struct cuts cuts;
    char numbers[16][32]; /* scalars printed as text, in a ring */
    unsigned next_number;
    /* Of the document being written. */
    const struct span *span;
    enum role role;
    bool stores_resource, aws_api;
    bool has_list; /* aws.xray.annotations names keys */
    bool has_sql, name_is_span_name;
    const char *name_space;
    char name[201 * 4];
    size_t name_bytes;
    struct made made[TRANSLATE_DOCUMENTS_MAX];
    unsigned n_made; /* whole ones */
    char trace_id[36];
    struct http_facts http;
    struct exception_state exception;
    uint32_t n_annotations;
};

/* process.c */
/* Steps' texts are borrowed. False without memory. */
bool process_init(struct process *p, const struct process_step *steps,
                  size_t n);
void process_fini(struct process *p);
/* Resources may lie elsewhere from now on. */
void process_forget(struct process *p);
/* *out: the span as the steps leave it, good until the next call. 0: a step
 * wants none of it; -1: no memory. *renewed: a resource at the same address is
 * another one now. */
int process_span(struct process *p, const struct span *in,
                 const struct span **out, bool *renewed);

/* translate.c */
/* Letters of the roles of made-up ids. */
enum { ID_EXCEPTION = 'E', ID_SERVICE = 'S' };
/* First 8 bytes of SHA-256 over trace id, span id, role and index. */
void made_id(struct translator *t, char role, uint32_t index, char out[17]);
/* 1-XXXXXXXX-XXXXXXXXXXXXXXXXXXXXXXXX */
void trace_id_text(const uint8_t id[16], char out[36]);
/* Epoch seconds with all digits that the nanoseconds give. */
void time_write(struct translator *t, uint64_t ns);

/* value.c */
/* NULL if the span has no such attribute. */
static inline const struct value *span_value(const struct translator *t,
                                             enum key k)
{
    uint32_t at = t->scan.at[k];

    return at ? &t->scan.attributes->items[at - 1].value : NULL;
}
static inline void span_fate(struct translator *t, enum key k, enum fate fate)
{
    uint32_t at = t->scan.at[k];

    if (at)
        t->scan.fate[at - 1] = (uint8_t)fate;
}
bool value_is_scalar(const struct value *v);
/* Text of a scalar that is no text; empty for others. */
struct slice value_print(struct translator *t, const struct value *v);
/* Text of a scalar, numbers printed; empty for NULL and others. Good for the
 * next 15 calls. Most spans have few of the attributes that rules ask for. */
static inline struct slice value_text(struct translator *t,
                                      const struct value *v)
{
    if (!v)
        return SLICE("");
    return v->kind == VALUE_STRING ? v->text : value_print(t, v);
}
/* A number, or a text that is one; false otherwise. */
bool value_int(const struct value *v, int64_t *out);
/* Text of the attribute under its new or else its old key. Both leave the
 * attributes, but an unused one of another value goes back. */
struct slice span_pick(struct translator *t, enum key new_key,
                       enum key old_key);
/* The same of one key. */
struct slice span_take(struct translator *t, enum key k);
/* Where the writer stands, to go back there. */
struct place {
    size_t n;
    uint8_t comma;
};
struct place place_now(const struct translator *t);
void place_return(struct translator *t, struct place p);
void value_write(struct translator *t, const struct value *v);
/* Key and value, cut to cuts.value_max and counted as metadata. */
void member_write(struct translator *t, struct slice key,
                  const struct value *v);
/* Writes a member if the text is not empty, cut to cuts.text_max. */
void put_text(struct translator *t, struct slice key, struct slice text);
/* Writes a text of at most max bytes, with a mark if it was cut (true). */
bool put_cut(struct translator *t, struct slice text, size_t max);
void put_key(struct translator *t, struct slice key);
/* A key that is a name of ours: plain text, nothing to escape. */
void put_name(struct translator *t, struct slice name);

/* names.c */
void name_make(struct translator *t);
/* Copies at most 200 characters that X-Ray allows; returns the bytes. out has
 * room for 800. */
size_t name_clean(struct slice text, char *out);
/* Decodes a character; 0 if it is not valid UTF-8. */
size_t utf8_decode(const char *p, size_t n, uint32_t *c);

/* http.c */
void http_read(struct translator *t);
void http_write(struct translator *t);
/* error, fault and throttle, by HTTP status and else the span's */
void faults_write(struct translator *t);

/* cause.c */
void cause_write(struct translator *t);
/* Whether the event is in the cause block. */
bool cause_has_event(struct translator *t, const struct span_event *e);
/* Called by the stack readers: a frame of the present exception, the exception
 * that caused it, and one that stands beside it in a group. False: enough,
 * stop reading. */
bool stack_frame(struct translator *t, struct slice path, int64_t line,
                 struct slice label);
bool stack_caused_by(struct translator *t, struct slice type,
                     struct slice message);
bool stack_beside(struct translator *t, struct slice type,
                  struct slice message);

/* stack.c */
void stack_read(struct translator *t, enum language l, struct slice text);
/* Takes a line off *rest, without its end; false at the end. */
bool stack_line(struct slice *rest, struct slice *line);
/* The last line of *rest, likewise. */
bool stack_line_up(struct slice *rest, struct slice *line);
struct slice slice_trim(struct slice s);
struct slice slice_from(struct slice s, size_t at);
/* Offset of a text, s.n if it does not occur. */
size_t slice_find(struct slice s, struct slice what);
size_t slice_find_byte(struct slice s, char c);
size_t slice_find_last(struct slice s, struct slice what);
/* Digits and nothing else; 0 otherwise. */
int64_t slice_number(struct slice s);

/* stack_LANGUAGE.c */
void stack_java(struct translator *t, struct slice text);
void stack_python(struct translator *t, struct slice text);
void stack_javascript(struct translator *t, struct slice text);
void stack_dotnet(struct translator *t, struct slice text);
void stack_go(struct translator *t, struct slice text);
void stack_ruby(struct translator *t, struct slice text);
void stack_rust(struct translator *t, struct slice text);
void stack_cpp(struct translator *t, struct slice text);

/* resource.c */
/* Reads the resource unless it is the one kept. False without memory. */
bool resource_use(struct translator *t, const struct resource *r);
void resource_forget(struct translator *t);
/* Forgets which attributes the document before had as annotations. */
void resource_annotate_none(struct resource_view *r);
void service_write(struct translator *t);
struct slice resource_text(const struct resource_view *r, enum key k);
static inline struct slice resource_piece(const struct resource_view *r,
                                          struct piece p)
{
    return slice_of(r->text.p + p.at, p.n);
}

/* aws.c */
void aws_write(struct translator *t);
/* Members that come from the resource alone. */
void aws_resource_write(struct translator *t);

/* origin.c */
struct slice origin_of(const struct resource_view *r);

/* sql.c */
void sql_write(struct translator *t);

/* links.c */
void links_write(struct translator *t);
bool link_is_valid(const struct span_link *l);

/* annotations.c */
/* Reads the names in aws.xray.annotations, once a span. */
void annotations_read_list(struct translator *t);
void annotations_write(struct translator *t);
/* Members of otel.resource.* that are annotations, then those that are not. */
void resource_members_write(struct translator *t, bool annotations);

/* metadata.c */
void metadata_write(struct translator *t);

/* json_text.c */
/* Writes members of a JSON object given as text as a namespace, or merges them
 * into the present object. False if the text is no JSON object. */
bool json_text_is_object(struct slice text);
void json_text_write(struct translator *t, struct slice text);
/* *written: members so far, of which there are at most cuts.list_max. */
void json_text_merge(struct translator *t, struct slice text,
                     uint32_t *written);

/* limit.c */
typedef void (*limit_write_fn)(struct translator *t);
/* Has the document written, again with more and more cuts until it fits.
 * False if it does not. */
bool limit_fit(struct translator *t, limit_write_fn write);
void cuts_none(struct cuts *c);
/* Counts work that the size of the document does not tell of, in units of
 * about 10 ns; after too much the mildest cut is not looked for any more. */
static inline void limit_spend(struct translator *t, uint64_t units)
{
    t->cuts.work += units;
}
/* Whether the document is over the limit already; stops the writing then. */
bool limit_passed(struct translator *t, size_t more);

#endif
