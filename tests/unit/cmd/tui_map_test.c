/* SPDX-License-Identifier: Apache-2.0 */
/* The service map: a tree of who calls whom, also where they call in circles;
 * numbers, and what stays chosen. */
#include "cmd/tui_map.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "paper.h"

#define NODE(name, more) "{\"name\":\"" name "\",\"type\":\"T\"" more "}"
#define EDGE(from, to) "{\"from\":" #from ",\"to\":" #to ",\"total\":3}"
#define GRAPH(nodes, edges)                                                    \
    "{\"traces\":4,\"complete\":true,\"nodes\":[" nodes "],\"edges\":[" edges  \
    "]}"

static struct tui_map map;

static int set_up(void **state)
{
    (void)state;
    map_init(&map);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    map_fini(&map);
    return 0;
}

/* "a0 b1 c2^": name, depth, whether it stands elsewhere. */
static const char *tree(void)
{
    static char text[256];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < map.n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s%u%s",
                              i == 0 ? "" : " ",
                              SLICE_ARG(map.nodes[map.rows[i].node].name),
                              map.rows[i].depth, map.rows[i].again ? "^" : "");
    return text;
}

static void who_is_called_stands_below_the_caller(void **state)
{
    (void)state;
    map_take(&map,
             SLICE(GRAPH(NODE("c", "") "," NODE("b", "") "," NODE("a", ""),
                         EDGE(2, 1) "," EDGE(1, 0) "," EDGE(2, 0))));
    assert_string_equal(tree(), "a0 b1 c2 c1^");
    assert_true(map.complete);
}

static void circles_end(void **state)
{
    (void)state;
    map_take(&map,
             SLICE(GRAPH(NODE("a", "") "," NODE("b", "") "," NODE("s", ""),
                         EDGE(0, 1) "," EDGE(1, 0) "," EDGE(2, 2))));
    assert_string_equal(tree(), "s0 s1^ a0 b1 a2^");
}

static void edges_to_nowhere_are_left_out(void **state)
{
    (void)state;
    map_take(&map, SLICE(GRAPH(NODE("a", ""), EDGE(0, 1) "," EDGE(-1, 0))));
    assert_string_equal(tree(), "a0");
    map_take(&map, SLICE("{"));
    assert_string_equal(tree(), "");
    assert_null(map_chosen(&map));
}

static void the_chosen_node_stays_so(void **state)
{
    (void)state;
    map_take(&map, SLICE(GRAPH(NODE("a", "") "," NODE("b", ""), EDGE(0, 1))));
    map.at.chosen = 1;
    map_take(&map,
             SLICE(GRAPH(NODE("a", "") "," NODE("x", "") "," NODE("b", ""),
                         EDGE(0, 1) "," EDGE(0, 2))));
    assert_true(slice_is(map_chosen(&map)->name, "b"));
    map_take(&map, SLICE(GRAPH(NODE("z", ""), "")));
    assert_true(slice_is(map_chosen(&map)->name, "z"));
}

static void numbers_stand_in_columns(void **state)
{
    (void)state;
    struct canvas c = {0};
    map_take(&map,
             SLICE(GRAPH(NODE("a", ",\"total\":9,\"fault\":2,\"error\":1,"
                                   "\"throttle\":0,\"p50\":0.25,\"p90\":null"),
                         "")));
    assert_true(canvas_begin(&c, 80, 2));
    struct pen p = pen_at(&c, (struct area){0, 0, 80, 2}, 0);
    map_draw_head(&p);
    assert_string_equal(paper_row(&c, 0),
                        "node                            requests  faults  "
                        "errors thrott.     p50     p90");
    p = pen_at(&c, (struct area){0, 0, 80, 2}, 1);
    map_draw_row(&map, 0, &p);
    assert_string_equal(paper_row(&c, 1),
                        "a T                                    9       2  "
                        "     1       0   250ms");
    canvas_fini(&c);
}

static void details_name_both_ends(void **state)
{
    (void)state;
    struct tui_detail d;
    char text[1024];
    size_t n = 0;
    detail_init(&d);
    map_take(&map, SLICE(GRAPH(NODE("a", "") "," NODE("b", ",\"cause\":{"
                                                           "\"text\":\"no\"}"),
                               EDGE(0, 1))));
    map.at.chosen = 1;
    detail_begin(&d, 80);
    map_detail(&map, &d);
    for (size_t i = 0; i < d.n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s\n",
                              SLICE_ARG(d.lines[i].text));
    assert_string_equal(text, "node: b\ntype: T\n\nmost frequent fault\nno\n\n"
                              "is called by\na\n3 calls, 0 faults, 0 errors, "
                              "0 throttled\n");
    detail_fini(&d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_called_stands_below_the_caller),
        TEST(circles_end),
        TEST(edges_to_nowhere_are_left_out),
        TEST(the_chosen_node_stays_so),
        TEST(numbers_stand_in_columns),
        TEST(details_name_both_ends),
    };
    text_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
