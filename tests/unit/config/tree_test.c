/* SPDX-License-Identifier: Apache-2.0 */
/* config/tree.c */
#include "config/tree.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "xr/buf.h"

struct fixture {
    struct arena arena;
    struct tree_node *root;
    struct err err;
};

static int parse(struct fixture *f, const char *text)
{
    arena_reset(&f->arena);
    return tree_parse(&f->arena, slice_str(text), &f->root, &f->err);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    arena_init(&f->arena, 16 << 20);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_fini(&f->arena);
    free(f);
    return 0;
}

static const char *text_of(const struct tree_node *map, const char *key)
{
    const struct tree_node *n = tree_get(map, key);

    return n && n->kind == TREE_SCALAR ? n->text : "(none)";
}

static void reads_maps_lists_and_lines(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "a: 1\nb:\n  c: [x, 'y']\n  # d\n  e: \"z\"\n"),
                     0);
    assert_string_equal(text_of(f->root, "a"), "1");
    const struct tree_node *b = tree_get(f->root, "b");
    const struct tree_node *c = tree_get(b, "c");
    assert_int_equal(b->line, 3);
    assert_int_equal(c->kind, TREE_LIST);
    assert_string_equal(c->first->next->node->text, "y");
    assert_false(c->first->next->node->plain);
    assert_int_equal(tree_get(b, "e")->line, 5);
    assert_null(tree_get(b, "nope"));
    assert_null(tree_get(c, "x"));
    assert_null(tree_get(NULL, "x"));
}

static void reads_json_and_only_the_first_document(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "{\"Version\":2,\n\"R\":\"x\"}"), 0);
    assert_string_equal(text_of(f->root, "R"), "x");
    assert_int_equal(parse(f, "a: 1\n---\n]broken"), 0);
    assert_string_equal(text_of(f->root, "a"), "1");
    assert_int_equal(parse(f, "# nothing\n"), 0);
    assert_null(f->root);
}

static void last_of_a_repeated_key_wins(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "a: 1\nb: 2\na: 3\n"), 0);
    assert_string_equal(text_of(f->root, "a"), "3");
    assert_int_equal(f->root->first->earlier_line, 1);
    assert_int_equal(f->root->first->line, 3);
}

static void merges_weaker_than_own_keys(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse(f, "b: &b {x: 1, y: 2}\n"
                              "m:\n  <<: *b\n  x: 9\n"),
                     0);
    const struct tree_node *m = tree_get(f->root, "m");
    assert_string_equal(text_of(m, "x"), "9");
    assert_string_equal(text_of(m, "y"), "2");
    assert_int_equal(m->first->earlier_line, 0);
}

static void types_follow_yaml_1_1(void **state)
{
    struct fixture *f = *state;
    int64_t n;
    bool b;

    assert_int_equal(
        parse(f, "[2, 2.0, 0x10, 1e3, -7, 1_000, 2.5, .inf, '2', ~, yes, Off, "
                 "'yes', !!str 5, !!int '6', tRUE]"),
        0);
    static const int64_t numbers[] = {2, 2, 16, 1000, -7, 1000};
    const struct tree_item *i = f->root->first;
    for (size_t k = 0; k < 6; k++, i = i->next) {
        assert_true(tree_int(i->node, &n));
        assert_int_equal(n, numbers[k]);
        assert_false(tree_bool(i->node, &b));
    }
    for (size_t k = 0; k < 3; k++, i = i->next)
        assert_false(tree_int(i->node, &n));
    assert_true(tree_is_null(i->node));
    i = i->next;
    assert_true(tree_bool(i->node, &b) && b);
    i = i->next;
    assert_true(tree_bool(i->node, &b) && !b);
    i = i->next;
    assert_false(tree_bool(i->node, &b));
    i = i->next;
    assert_false(tree_int(i->node, &n));
    i = i->next;
    assert_true(tree_int(i->node, &n) && n == 6);
    i = i->next;
    assert_false(tree_bool(i->node, &b));
}

static void refuses_with_a_line(void **state)
{
    static const char *const rows[][2] = {
        {"a: 1\n\tb: 2\n", "2: not valid YAML"},
        {"a: [1\nb: 2\n", "2: not valid YAML"},
        {"a: 1\nb: *nope\n", "2: no anchor &nope"},
        {"a: &x\n  b: *x\n", "2: *x contains itself"},
        {"? [a]\n: 1\n", "1: a key must be a word"},
        {"a: \"x\\0y\"\n", "1: a NUL byte"},
        {"a:\n  <<: 5\n", "2: << needs a map"},
        {"a:\n  <<: [5]\n", "2: << needs maps"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(parse(f, rows[i][0]), -1);
        if (strncmp(f->err.text, rows[i][1], strlen(rows[i][1])) != 0)
            fail_msg("%s gives %s", rows[i][0], f->err.text);
    }
}

static void has_ceilings(void **state)
{
    struct fixture *f = *state;
    struct buf b;

    buf_init(&b, 4 << 20);
    for (int i = 0; i < TREE_DEPTH_MAX + 1; i++)
        buf_byte(&b, '[');
    assert_int_equal(parse(f, buf_cstr(&b)), -1);
    assert_non_null(strstr(f->err.text, "nested deeper"));

    buf_clear(&b);
    for (int i = 0; i < TREE_NODES_MAX; i++)
        buf_str(&b, "- 1\n");
    assert_int_equal(parse(f, buf_cstr(&b)), -1);
    assert_non_null(strstr(f->err.text, "more than"));

    buf_clear(&b);
    while (b.n <= TREE_BYTES_MAX)
        buf_str(&b, "# a comment of some length\n");
    assert_int_equal(parse(f, buf_cstr(&b)), -1);
    assert_non_null(strstr(f->err.text, "larger than"));
    buf_fini(&b);
}

/* Ten maps that each merge the one before ten times. */
static void merging_cannot_run_away(void **state)
{
    struct fixture *f = *state;
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_str(&b, "m0: &m0 {k: 1}\n");
    for (int i = 1; i < 10; i++) {
        buf_printf(&b, "m%d: &m%d\n  k%d: 1\n  <<: [", i, i, i);
        for (int k = 0; k < 500; k++)
            buf_printf(&b, "%s*m%d", k ? ", " : "", i - 1);
        buf_str(&b, "]\n");
    }
    assert_int_equal(parse(f, buf_cstr(&b)), -1);
    assert_non_null(strstr(f->err.text, "more than"));
    buf_fini(&b);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(reads_maps_lists_and_lines),
        CASE(reads_json_and_only_the_first_document),
        CASE(last_of_a_repeated_key_wins),
        CASE(merges_weaker_than_own_keys),
        CASE(types_follow_yaml_1_1),
        CASE(refuses_with_a_line),
        CASE(has_ceilings),
        CASE(merging_cannot_run_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
