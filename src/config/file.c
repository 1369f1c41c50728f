/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the configuration file, reads it whole and hands its tree to the
 * mapper of its format. Named by -c or XRAY_RELAY_CONFIG it must be there;
 * else the daemon's two places are searched and the first file wins. Knows no
 * key.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "tree.h"

enum {
    TREE_MEMORY_MAX = 16 * 1024 * 1024,
    READ_STEP = 64 * 1024,
};

static void read_and_apply(struct config *c, int fd);
static int open_file(struct config *c);
static int open_named(struct config *c, const char *path);
static int open_searched(struct config *c);
static int read_all(int fd, struct buf *text, struct err *err);

void file_apply(struct config *c)
{
    int fd = open_file(c);

    if (fd >= 0)
        read_and_apply(c, fd);
}

void file_apply_path(struct config *c, const char *path, bool must_be)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    c->file = config_text(c, "%s", path);
    if (fd >= 0)
        read_and_apply(c, fd);
    else if (must_be || errno != ENOENT)
        config_fault(c, "cannot open config file %s: %s", path,
                     strerror(errno));
}

void file_apply_text(struct config *c, const char *name, struct slice text)
{
    struct arena arena;
    struct tree_node *root;
    struct err err;

    c->file = config_text(c, "%s", name);
    arena_init(&arena, TREE_MEMORY_MAX);
    if (tree_parse(&arena, text, &root, &err) != 0)
        config_fault(c, "%s:%s", c->file, err.text);
    else if (root && collector_is(root))
        collector_apply(c, root);
    else
        cfg_apply(c, root);
    arena_fini(&arena);
}

static void read_and_apply(struct config *c, int fd)
{
    struct buf text;
    struct err err;

    buf_init(&text, TREE_BYTES_MAX + READ_STEP);
    if (read_all(fd, &text, &err) != 0)
        config_fault(c, "cannot read config file %s: %s", c->file, err.text);
    else
        file_apply_text(c, c->file, buf_slice(&text));
    close(fd);
    buf_fini(&text);
}

static int open_file(struct config *c)
{
    const char *named = c->args.config_file;

    if (!named || !*named)
        named = env_get(c, "XRAY_RELAY_CONFIG");
    return named ? open_named(c, named) : open_searched(c);
}

static int open_named(struct config *c, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    c->file = config_text(c, "%s", path);
    c->file_named = true;
    if (fd < 0)
        config_fault(c, "cannot open config file %s: %s", path,
                     strerror(errno));
    return fd;
}

static int open_searched(struct config *c)
{
    static const char *const places[] = {"/etc/amazon/xray/cfg.yaml",
                                         "cfg.yaml"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        int fd = open(places[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
            continue;
        c->file = places[i];
        if (fd < 0)
            config_fault(c, "cannot open config file %s: %s", places[i],
                         strerror(errno));
        return fd;
    }
    return -1;
}

static int read_all(int fd, struct buf *text, struct err *err)
{
    while (text->n <= TREE_BYTES_MAX) {
        char *p = buf_reserve(text, READ_STEP);
        ssize_t n = p ? read(fd, p, READ_STEP) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, "%s", strerror(errno));
        if (n == 0)
            return 0;
        text->n += (size_t)n;
    }
    return err_set(err, "larger than %d bytes", TREE_BYTES_MAX);
}
