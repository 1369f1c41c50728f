/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between loop and worker; knows nothing of what the jobs are. */
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "job.h"

void queue_init(struct queue *q, size_t max, bool watched)
{
    pthread_condattr_t attr;
    *q = (struct queue){.max = max, .wake = {-1, -1}};
    if (watched && pipe2(q->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        q->wake[0] = q->wake[1] = -1;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, &attr);
    pthread_condattr_destroy(&attr);
}

void queue_fini(struct queue *q)
{
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->filled);
    if (q->wake[0] >= 0) {
        close(q->wake[0]);
        close(q->wake[1]);
    }
}

bool queue_put(struct queue *q, struct job *j)
{
    pthread_mutex_lock(&q->lock);
    bool room = q->n < q->max;
    if (room) {
        j->next = NULL;
        *(q->last ? &q->last->next : &q->first) = j;
        q->last = j;
        q->n++;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    if (room)
        queue_wake(q);
    return room;
}

/* A full pipe is signal enough. */
void queue_wake(struct queue *q)
{
    if (q->wake[1] >= 0 && write(q->wake[1], "", 1) < 0)
        return;
}

struct job *queue_take(struct queue *q, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&q->lock);
    while (!q->first && wait_ms > 0)
        if (pthread_cond_timedwait(&q->filled, &q->lock, &until) == ETIMEDOUT)
            break;
    struct job *j = q->first;
    if (j) {
        q->first = j->next;
        if (!q->first)
            q->last = NULL;
        q->n--;
    }
    pthread_mutex_unlock(&q->lock);
    return j;
}

int queue_fd(const struct queue *q)
{
    return q->wake[0];
}

void queue_clear_wake(struct queue *q)
{
    char bytes[64];
    while (read(q->wake[0], bytes, sizeof(bytes)) > 0)
        ;
}
