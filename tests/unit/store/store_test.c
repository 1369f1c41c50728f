/* SPDX-License-Identifier: Apache-2.0 */
/* The store through its face: documents byte for byte, order of reading,
 * conditions, limits, damage, two users of a file, retention. */
#include "store/store.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../folder.h"
#include "xr/clock.h"

static struct loop *loop;
static struct store *store;
static struct err err;
static char dir[FOLDER_MAX], path[128];
static struct store_tally tally;
static unsigned n_changes;

/* What a query brought. */
static struct buf seen;
static unsigned n_seen;
static uint64_t counted;
static bool finished, well;

/* --- helpers ----------------------------------------------------------- */

/* Rows out of a document such as "e5 d3 f1 sNAME aKEY=VALUE". */
static bool index_rows(void *arg, const struct store_trace *t, struct arena *a,
                       struct store_row *out)
{
    (void)arg;
    struct store_service *svc = arena_alloc(a, sizeof(*svc));
    struct store_annotation *ann = arena_alloc(a, sizeof(*ann));
    char *text = arena_dup(a, t->bodies[t->n - 1]);
    out->summary = SLICE("summary");
    for (char *save, *w = strtok_r(text, " ", &save); w;
         w = strtok_r(NULL, " ", &save)) {
        if (*w == 'e')
            out->epoch = strtol(w + 1, NULL, 10);
        if (*w == 'd')
            out->duration = strtod(w + 1, NULL);
        if (*w == 'f')
            out->flags = (unsigned)strtoul(w + 1, NULL, 10);
        if (*w == 's') {
            *svc = (struct store_service){.name = slice_str(w + 1)};
            out->services = svc;
            out->n_services = 1;
        }
        if (*w == 'a') {
            char *eq = strchr(w, '=');
            *ann = (struct store_annotation){
                .key = slice_of(w + 1, (size_t)(eq - w - 1)),
                .text = slice_str(eq + 1)};
            out->annotations = ann;
            out->n_annotations = 1;
        }
    }
    return true;
}

static void on_tally(void *arg, const struct store_tally *t)
{
    (void)arg;
    tally.kept += t->kept;
    tally.refused += t->refused;
    tally.lost += t->lost;
}

static void on_change(void *arg, const struct store_change *c, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < n; i++)
        assert_true(slice_is(c[i].summary, "summary"));
    n_changes += (unsigned)n;
}

static struct buf kept;

static void on_kept(void *arg, enum store_kind kind, struct slice name,
                    struct slice body)
{
    (void)arg;
    if (kind != STORE_META)
        buf_printf(&kept, "%d:%.*s=%.*s;", kind, SLICE_ARG(name),
                   SLICE_ARG(body));
}

static struct store_options options;

static struct store *open_path(const char *at)
{
    options.path = at;
    /* The documents of these tests came in 1970. */
    options.max_age_s = 4ll * INT32_MAX;
    options.index = index_rows;
    options.on_tally = on_tally;
    options.on_change = on_change;
    options.on_kept = on_kept;
    buf_clear(&kept);
    tally = (struct store_tally){0};
    n_changes = 0;
    err.text[0] = '\0';
    return store_open(loop, &options, &err);
}

static void reopen(const char *at)
{
    store_close(store);
    store = open_path(at);
    if (!store)
        fail_msg("%s", err.text);
}

static void finish(void *arg, bool good)
{
    (void)arg;
    finished = true;
    well = good;
    loop_stop(loop);
}

static void out_of_time(void *arg)
{
    (void)arg;
    fail_msg("nothing came back");
}

static void wait_finished(void)
{
    struct timer *t = timer_new(loop, out_of_time, NULL);
    timer_start(t, 20000);
    while (!finished)
        loop_run(loop);
    timer_free(t);
}

static struct store_document document(unsigned trace, unsigned id,
                                      const char *body)
{
    struct store_document d = {.name = SLICE("n"),
                               .body = slice_str(body),
                               .start = 1,
                               .end = 2,
                               .received = 100 + trace};
    d.trace_id[STORE_TRACE_ID - 1] = (uint8_t)trace;
    d.trace_id[STORE_TRACE_ID - 2] = (uint8_t)(trace >> 8);
    d.id[STORE_ID - 1] = (uint8_t)id;
    d.id[STORE_ID - 2] = (uint8_t)(id >> 8);
    return d;
}

static void put(unsigned trace, unsigned id, const char *body)
{
    struct store_document d = document(trace, id, body);
    assert_true(store_put(store, &d));
}

static bool flush(void)
{
    finished = false;
    store_flush(store, finish, NULL);
    wait_finished();
    return well;
}

static bool see(void *arg, const struct store_trace *t, int64_t epoch)
{
    (void)arg, (void)epoch;
    buf_printf(&seen, "%u[", t->id[STORE_TRACE_ID - 1]);
    for (size_t i = 0; i < t->n; i++)
        buf_printf(&seen, "%s%.*s", i ? "," : "", SLICE_ARG(t->bodies[i]));
    buf_printf(&seen, "]");
    n_seen++;
    return true;
}

static void seen_all(void *arg, uint64_t count, bool failed)
{
    counted = count;
    finish(arg, !failed);
}

static const char *query(struct store_query q)
{
    buf_clear(&seen);
    n_seen = 0;
    finished = false;
    q.each = see;
    q.done = seen_all;
    assert_true(store_query(store, &q));
    wait_finished();
    return buf_cstr(&seen);
}

static struct store_query all(void)
{
    return (struct store_query){.to = 1e12, .after_epoch = -1};
}

static void damage(const char *file)
{
    int fd = open(file, O_WRONLY);
    assert_true(fd >= 0);
    for (int i = 0; i < 64; i++)
        assert_int_equal(pwrite(fd, "this is no database", 19, i * 1024), 19);
    close(fd);
}

static bool keep(enum store_kind kind, struct slice name, struct slice body,
                 void (*done)(void *arg, bool kept))
{
    struct store_item item = {kind, name, body};
    return store_keep(store, &item, done, NULL);
}

/* --- tests ------------------------------------------------------------- */

static void documents_come_back_as_they_were(void **state)
{
    (void)state;
    reopen(":memory:");
    put(1, 1, "{ \"odd\" :\t1.50 }");
    put(2, 2, "two");
    put(1, 3, "three");
    assert_true(flush());
    assert_string_equal(query(all()), "2[two]1[{ \"odd\" :\t1.50 },three]");
    assert_int_equal(counted, 2);
    assert_int_equal(tally.kept, 3);
    assert_int_equal(n_changes, 2);
    assert_int_equal(store_pending(store), 0);
}

static void a_complete_document_stands(void **state)
{
    (void)state;
    reopen(":memory:");
    struct store_document open = document(1, 1, "open");
    open.in_progress = true;
    store_put(store, &open);
    put(1, 1, "done");
    store_put(store, &open);
    flush();
    assert_string_equal(query(all()), "1[done]");
    put(1, 1, "later");
    flush();
    assert_string_equal(query(all()), "1[later]");
}

static void a_timer_commits(void **state)
{
    (void)state;
    reopen(":memory:");
    put(1, 1, "x");
    int64_t until = clock_mono_ms() + 10000;
    while (*query(all()) == '\0' && clock_mono_ms() < until)
        ;
    assert_string_equal(buf_cstr(&seen), "1[x]");
}

static void the_newest_come_first(void **state)
{
    (void)state;
    reopen(":memory:");
    put(1, 1, "e20");
    put(2, 1, "e10");
    put(3, 1, "e20");
    flush();
    assert_string_equal(query(all()), "3[e20]1[e20]2[e10]");
    struct store_query q = all();
    q.from = 10;
    q.to = 20;
    assert_string_equal(query(q), "2[e10]");
    q = all();
    q.after_epoch = 20;
    q.after_id[STORE_TRACE_ID - 1] = 3;
    assert_string_equal(query(q), "1[e20]2[e10]");
    assert_int_equal(counted, 3);
    const uint8_t ids[2][STORE_TRACE_ID] = {{[STORE_TRACE_ID - 1] = 2},
                                            {[STORE_TRACE_ID - 1] = 9}};
    q = all();
    q.ids = ids;
    q.n_ids = 2;
    assert_string_equal(query(q), "2[e10]");
}

static void conditions_narrow(void **state)
{
    (void)state;
    reopen(":memory:");
    put(1, 1, "d1 f1 sshop acity=Ulm");
    put(2, 1, "d2 f2 sshop acity=Bonn");
    put(3, 1, "d3 f0 spay");
    flush();
    struct store_query q = all();
    struct store_condition c = {
        .kind = WHERE_FLAG, .flag = STORE_FAULT, .want = true};
    q.conditions = &c;
    q.n_conditions = 1;
    query(q);
    assert_int_equal(n_seen, 1);
    assert_int_equal(counted, 3);
    c.want = false;
    query(q);
    assert_int_equal(n_seen, 2);
    c = (struct store_condition){.kind = WHERE_DURATION, .low = 2, .high = 3};
    query(q);
    assert_int_equal(n_seen, 2);
    c = (struct store_condition){.kind = WHERE_SERVICE, .text = SLICE("shop")};
    query(q);
    assert_int_equal(n_seen, 2);
    c = (struct store_condition){
        .kind = WHERE_ANNOTATION,
        .annotation = {.key = SLICE("city"), .text = SLICE("Ulm")}};
    assert_string_equal(query(q), "1[d1 f1 sshop acity=Ulm]");
    put(1, 1, "d1 f0 sother");
    flush();
    assert_string_equal(query(q), "");
}

static const char *with_text(struct slice text)
{
    struct store_condition c = {.kind = WHERE_TEXT, .text = text};
    struct store_query q = all();
    q.conditions = &c;
    q.n_conditions = 1;
    return query(q);
}

static void texts_are_found_by_the_index(void **state)
{
    (void)state;
    char file[160];
    snprintf(file, sizeof(file), "%s/text.db", dir);
    reopen(file);
    put(1, 1, "{\"name\":\"bank.example\"}");
    put(2, 1, "{\"name\":\"shop\"}");
    flush();
    /* without the index: no hint is taken */
    with_text(SLICE("bank"));
    assert_int_equal(n_seen, 2);
    options.index_text = true;
    reopen(file);
    assert_string_equal(with_text(SLICE("ANK.ex")),
                        "1[{\"name\":\"bank.example\"}]");
    assert_string_equal(with_text(SLICE("\"shop\"")), "2[{\"name\":\"shop\"}]");
    assert_string_equal(with_text(SLICE("bank OR shop")), "");
    with_text(SLICE("ba"));
    assert_int_equal(n_seen, 2);
    with_text(SLICE("b\xc3\xa4nk"));
    assert_int_equal(n_seen, 2);
    put(2, 1, "{\"name\":\"other\"}"); /* in place of the former */
    put(3, 1, "{\"name\":\"third\"}");
    assert_true(flush());
    assert_string_equal(with_text(SLICE("shop")), "");
    assert_string_equal(with_text(SLICE("other")), "2[{\"name\":\"other\"}]");
    uint8_t id[1][STORE_TRACE_ID] = {{0}};
    id[0][STORE_TRACE_ID - 1] = 3;
    finished = false;
    assert_true(store_delete(store, id, 1, finish, NULL));
    wait_finished();
    assert_true(well);
    assert_string_equal(with_text(SLICE("third")), "");
    options.index_text = false;
    reopen(file);
    with_text(SLICE("other"));
    assert_int_equal(n_seen, 2);
}

static void a_trace_has_limits(void **state)
{
    (void)state;
    reopen(":memory:");
    for (unsigned i = 0; i <= STORE_TRACE_DOCUMENTS_MAX; i++) {
        put(1, i, "x");
        if (i % 2000 == 0)
            flush();
    }
    flush();
    assert_int_equal(tally.kept, STORE_TRACE_DOCUMENTS_MAX);
    assert_int_equal(tally.refused, 1);
}

static void a_file_keeps(void **state)
{
    (void)state;
    struct stat st;
    reopen(path);
    put(1, 1, "x");
    finished = false;
    assert_true(keep(STORE_RULES, SLICE("r"), SLICE("{}"), finish));
    wait_finished();
    keep(STORE_GROUPS, SLICE("g"), SLICE("1"), NULL);
    keep(STORE_GROUPS, SLICE("g"), SLICE("2"), NULL);
    keep(STORE_GROUPS, SLICE("h"), SLICE("3"), NULL);
    store_forget(store, STORE_GROUPS, SLICE("h"), NULL, NULL);
    reopen(path);
    assert_string_equal(buf_cstr(&kept), "0:g=2;1:r={};");
    assert_string_equal(query(all()), "1[x]");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    path[strlen(path)] = '/';
}

static void a_second_user_is_turned_away(void **state)
{
    (void)state;
    reopen(path);
    assert_null(open_path(path));
    char want[64];
    snprintf(want, sizeof(want), "in use by process %ld", (long)getpid());
    assert_non_null(strstr(err.text, want));
}

static void a_reader_changes_nothing(void **state)
{
    (void)state;
    char file[160];
    snprintf(file, sizeof(file), "%s/read.db", dir);
    reopen(file);
    put(1, 1, "x");
    flush();
    struct store *writer = store;
    options.read_only = true;
    store = open_path(file);
    assert_non_null(store);
    assert_string_equal(query(all()), "1[x]");
    finished = false;
    assert_true(keep(STORE_GROUPS, SLICE("g"), SLICE("{}"), finish));
    wait_finished();
    assert_false(well);
    put(2, 1, "y");
    assert_false(flush());
    assert_string_equal(query(all()), "1[x]");
    store_close(store);
    store = writer;
    assert_null(open_path("/tmp/none/at/all.db"));
    assert_true(err.text[0] != '\0');
    options.read_only = false;
    put(3, 1, "z");
    assert_true(flush());
    assert_string_equal(query(all()), "3[z]1[x]");
}

static void damage_begins_a_new_file(void **state)
{
    (void)state;
    reopen(path);
    put(1, 1, "x");
    flush();
    store_close(store);
    store = NULL;
    damage(path);
    reopen(path);
    assert_string_equal(query(all()), "");
    assert_non_null(strstr(store_health(store).damaged, ".bad-"));
    assert_int_equal(access(store_health(store).damaged, F_OK), 0);
    put(2, 1, "y");
    assert_true(flush());
    assert_string_equal(query(all()), "2[y]");
}

static void a_newer_schema_is_refused(void **state)
{
    (void)state;
    enum db_result r;
    reopen(path);
    store_close(store);
    store = NULL;
    struct db *db = db_open(path, false, &r, &err);
    db_exec(db, "PRAGMA user_version=99");
    db_close(db);
    assert_null(open_path(path));
    assert_non_null(strstr(err.text, "newer version"));
    db = db_open(path, false, &r, &err);
    db_exec(db, "PRAGMA user_version=1");
    db_close(db);
}

static void views_are_there(void **state)
{
    (void)state;
    enum db_result r;
    reopen(path);
    put(7, 1, "hello d3");
    flush();
    store_close(store);
    store = NULL;
    struct db *db = db_open(path, false, &r, &err);
    assert_int_equal(db_number(db,
                               "SELECT count(*) FROM v_traces WHERE trace_id ="
                               " '1-00000000-000000000000000000000007'"
                               " AND duration = 3 AND documents = 1"),
                     1);
    assert_int_equal(db_number(db, "SELECT count(*) FROM v_documents WHERE"
                                   " document = 'hello d3' AND id ="
                                   " '0000000000000001'"),
                     1);
    db_close(db);
}

static void deletes_and_pins(void **state)
{
    (void)state;
    reopen(":memory:");
    for (unsigned i = 1; i <= 4; i++)
        put(i, 1, "x");
    flush();
    uint8_t id[1][STORE_TRACE_ID] = {{[STORE_TRACE_ID - 1] = 2}};
    finished = false;
    store_delete(store, id, 1, finish, NULL);
    wait_finished();
    assert_string_equal(query(all()), "4[x]3[x]1[x]");
    id[0][STORE_TRACE_ID - 1] = 3;
    store_pin(store, id[0], true, NULL, NULL);
    finished = false;
    store_delete(store, NULL, 0, finish, NULL);
    wait_finished();
    assert_string_equal(query(all()), "3[x]");
}

/* Opens a file that is larger than allowed; the oldest received go, in lots
 * of 200. */
static void the_oldest_give_way(void **state)
{
    (void)state;
    static char big[8192];
    memset(big, 'x', sizeof(big) - 1);
    reopen(path);
    store_delete(store, NULL, 0, NULL, NULL);
    for (unsigned i = 0; i < 900; i++)
        put(i, 1, big);
    flush();
    options.max_bytes = 4u << 20;
    reopen(path);
    int64_t until = clock_mono_ms() + 60000;
    while (store_health(store).traces > 400 && clock_mono_ms() < until)
        query(all());
    query(all());
    options.max_bytes = 0;
    assert_true(n_seen >= 200 && n_seen <= 400);
    assert_int_equal(strncmp(buf_cstr(&seen), "131[xxx", 7), 0); /* 899 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_come_back_as_they_were),
        cmocka_unit_test(a_complete_document_stands),
        cmocka_unit_test(a_timer_commits),
        cmocka_unit_test(the_newest_come_first),
        cmocka_unit_test(conditions_narrow),
        cmocka_unit_test(texts_are_found_by_the_index),
        cmocka_unit_test(a_trace_has_limits),
        cmocka_unit_test(a_file_keeps),
        cmocka_unit_test(a_second_user_is_turned_away),
        cmocka_unit_test(a_reader_changes_nothing),
        cmocka_unit_test(damage_begins_a_new_file),
        cmocka_unit_test(a_newer_schema_is_refused),
        cmocka_unit_test(views_are_there),
        cmocka_unit_test(deletes_and_pins),
        cmocka_unit_test(the_oldest_give_way),
    };
    folder_make(dir);
    snprintf(path, sizeof(path), "%s/sub/traces.db", dir);
    buf_init(&seen, 1u << 24);
    buf_init(&kept, 4096);
    loop = loop_new(&err);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    store_close(store);
    loop_free(loop);
    buf_fini(&seen);
    buf_fini(&kept);
    return folder_remove(dir) == 0 ? failed : 1;
}
