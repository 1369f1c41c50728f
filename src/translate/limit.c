/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size limit of a document: nothing is dropped for its size. A document
 * that is too large is written again with the largest metadata values cut,
 * then stack frames from the outermost, then the statement and messages, then
 * all else; of each kind no more than needed, unless looking for that takes
 * too long. Knows no block.
 */
#include "parts.h"

enum {
    STEPS = 20, /* of 0.7, from the limit to TEXT_LEAST and less */
    TEXT_LEAST = 64,
    FRAMES_MOST = 1024,
    LIST_MOST = 4096,
    LIST_LEAST = 8,
    BYTES_A_UNIT = 16, /* of work, written */
    SEARCH_WORK_MAX = 200000,
};

typedef void (*stage_fn)(struct translator *t, unsigned step);

static bool try_cuts(struct translator *t, limit_write_fn write);
static bool run_stage(struct translator *t, limit_write_fn write, stage_fn set);
static unsigned frames_step(const struct translator *t, size_t each);
static void cut_metadata(struct translator *t, unsigned step);
static void cut_frames(struct translator *t, unsigned step);
static void cut_texts(struct translator *t, unsigned step);
static void cut_all(struct translator *t, unsigned step);
static size_t scaled(size_t most, unsigned step, size_t least);

bool limit_fit(struct translator *t, limit_write_fn write)
{
    static const stage_fn stages[] = {
        cut_metadata,
        cut_frames,
        cut_texts,
        cut_all,
    };

    cuts_none(&t->cuts);
    if (try_cuts(t, write))
        return true;
    if (t->options.limit == 0)
        return false;
    t->cuts.on = true;
    t->cuts.statement_max = t->options.limit;
    t->cuts.message_max = t->options.limit;
    t->cuts.text_max = t->options.limit;
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        if (run_stage(t, write, stages[i]))
            return true;
    }
    return false;
}

void cuts_none(struct cuts *c)
{
    *c = (struct cuts){
        .value_max = SIZE_MAX,
        .frames_max = UINT32_MAX,
        .statement_max = SIZE_MAX,
        .message_max = SIZE_MAX,
        .text_max = SIZE_MAX,
        .list_max = UINT32_MAX,
    };
}

bool limit_passed(struct translator *t, size_t more)
{
    size_t limit = t->options.limit;

    if (limit && (more > limit || t->documents.n - t->start > limit - more))
        t->documents.failed = true;
    return t->documents.failed;
}

/* Writes the document in place of a former one. */
static bool try_cuts(struct translator *t, limit_write_fn write)
{
    t->documents.n = t->start;
    t->documents.failed = false;
    memset(&t->cuts.made, 0, sizeof(t->cuts.made));
    write(t);
    limit_spend(t, (t->documents.n - t->start) / BYTES_A_UNIT);
    return !t->documents.failed && !limit_passed(t, 0);
}

/* Finds the mildest step that fits; each next stage keeps the last. A hostile
 * span whose writing is slow gets a harsher one. */
static bool run_stage(struct translator *t, limit_write_fn write, stage_fn set)
{
    unsigned low = 0, high = STEPS; /* low does not fit */
    /* The document before was given up at the limit. */
    size_t each = t->options.limit / (t->exception.frames_all + 1);

    set(t, high);
    bool good = try_cuts(t, write), is_near = set == cut_frames;
    if (!good)
        return false;
    unsigned mid = is_near ? frames_step(t, each) : STEPS / 2;
    while (high - low > 1 && t->cuts.work < SEARCH_WORK_MAX) {
        set(t, mid);
        good = try_cuts(t, write);
        if (good)
            high = mid;
        else
            low = mid;
        mid = is_near && good ? high - 1 : (low + high) / 2;
    }
    set(t, high);
    return good || try_cuts(t, write);
}

/* Where to begin with frames of so many bytes each: reading stacks again costs
 * most of what the search may cost. The document was just written with the
 * fewest. */
static unsigned frames_step(const struct translator *t, size_t each)
{
    size_t room = t->options.limit - (t->documents.n - t->start);
    size_t most =
        room / each / (t->exception.written ? t->exception.written : 1);
    unsigned step = 1;

    while (step < STEPS - 1 && scaled(FRAMES_MOST, step, 1) > most)
        step++;
    return step;
}

static void cut_metadata(struct translator *t, unsigned step)
{
    t->cuts.value_max = scaled(t->options.limit, step, TEXT_LEAST);
}

static void cut_frames(struct translator *t, unsigned step)
{
    t->cuts.frames_max = (uint32_t)scaled(FRAMES_MOST, step, 1);
}

static void cut_texts(struct translator *t, unsigned step)
{
    t->cuts.statement_max = scaled(t->options.limit, step, TEXT_LEAST);
    t->cuts.message_max = t->cuts.statement_max;
}

static void cut_all(struct translator *t, unsigned step)
{
    t->cuts.text_max = scaled(t->options.limit, step, TEXT_LEAST);
    t->cuts.list_max = (uint32_t)scaled(LIST_MOST, step, LIST_LEAST);
}

static size_t scaled(size_t most, unsigned step, size_t least)
{
    while (step-- > 0)
        most = most / 10 * 7 + most % 10 * 7 / 10;
    return most > least ? most : least;
}
