/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded queue between loop and worker: a list of jobs under a lock. The
 * worker sleeps on it; the loop watches its wake-up descriptor.
 */
#ifndef XR_STORE_QUEUE_H
#define XR_STORE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct job *first, *last;
    size_t n, max;
    int wake[2]; /* a pipe; -1 if nobody watches */
};

/* max: jobs. watched: with a descriptor (queue_fd is -1 if there is none). */
void queue_init(struct queue *q, size_t max, bool watched);
void queue_fini(struct queue *q);
/* False when the queue is full. */
bool queue_put(struct queue *q, struct job *j);
/* The oldest job, NULL if none came within so many milliseconds. */
struct job *queue_take(struct queue *q, int64_t wait_ms);
/* Readable when there may be jobs. */
int queue_fd(const struct queue *q);
/* Makes it readable without a job. */
void queue_wake(struct queue *q);
/* Takes the signal away; then take until NULL. */
void queue_clear_wake(struct queue *q);

#endif
