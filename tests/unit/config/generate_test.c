/* SPDX-License-Identifier: Apache-2.0 */
/* config/generate.c: the committed files are what the rows say. */
#include "config/generate.c"

#include "load.h"

enum { FILE_MAX = 256 * 1024 };

static void assert_file_is(const char *path, struct buf *want)
{
    static char have[FILE_MAX];
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    size_t n = fread(have, 1, sizeof(have) - 1, f);
    have[n] = '\0';
    fclose(f);
    if (strcmp(have, buf_cstr(want)) != 0)
        fail_msg("%s is out of date: make generate", path);
}

static void committed_files_are_up_to_date(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, FILE_MAX);
    config_sample(&b);
    assert_file_is("conf/xray-relay.yaml", &b);
    buf_clear(&b);
    config_manual(&b);
    assert_file_is("docs/OPTIONS.md", &b);
    buf_fini(&b);
}

/* Everything in force: "#Key" becomes "Key", "## text" goes. */
static void uncomment(const struct buf *sample, char *out)
{
    for (size_t i = 0; i < sample->n; i++) {
        const char *line = sample->p + i;
        size_t n = 0;
        while (i + n < sample->n && line[n] != '\n')
            n++;
        bool key = line[0] == '#' && line[1] != '#' &&
                   (line[1] != ' ' || line[2] == ' ');
        if (line[0] != '#' || key) {
            memcpy(out, line + key, n + 1 - key);
            out += n + 1 - key;
        }
        i += n;
    }
    *out = '\0';
}

static void assert_same_options(const struct load *a, const struct load *b)
{
    struct buf left, right;

    buf_init(&left, FILE_MAX);
    buf_init(&right, FILE_MAX);
    for (size_t i = 0; i < option_rows_n; i++) {
        if (!option_rows[i].key)
            continue;
        config_show(a->config, (int)i, &left);
        config_show(b->config, (int)i, &right);
    }
    assert_string_equal(buf_cstr(&left), buf_cstr(&right));
    buf_fini(&left);
    buf_fini(&right);
}

static void the_sample_holds_the_defaults(void **state)
{
    static char text[FILE_MAX];
    struct load bare = {0}, commented = {0}, full = {.file = text};
    struct buf b;

    (void)state;
    buf_init(&b, FILE_MAX);
    config_sample(&b);
    uncomment(&b, text);
    load_run(&bare, "-o");
    load_run(&full, "-o -c c.yaml");
    assert_string_equal(full.err, "");
    assert_string_equal(full.warnings, "");
    assert_same_options(&bare, &full);
    commented.file = buf_cstr(&b);
    load_run(&commented, "-o -c c.yaml");
    assert_string_equal(commented.err, "");
    assert_same_options(&bare, &commented);
    buf_fini(&b);
    load_end(&bare);
    load_end(&full);
    load_end(&commented);
}

static void the_classic_file_holds_the_defaults(void **state)
{
    static char text[LOAD_TEXT_MAX];
    struct load bare = {0}, classic = {.file = text};

    (void)state;
    load_read("conf/cfg.yaml", text);
    load_run(&bare, "");
    load_run(&classic, "-c c.yaml");
    assert_string_equal(classic.err, "");
    assert_string_equal(classic.warnings, "");
    assert_same_options(&bare, &classic);
    load_end(&bare);
    load_end(&classic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_files_are_up_to_date),
        cmocka_unit_test(the_sample_holds_the_defaults),
        cmocka_unit_test(the_classic_file_holds_the_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
