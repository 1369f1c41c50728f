/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets that libcurl holds, a handful, in a list: so that idle ones can
 * be found, for which libcurl has no call. It tests a kept connection before
 * it uses it, finds those shut here dead, and connects anew.
 */
#include "client_parts.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "xr/log.h"

struct client_socket *client_socket_find(struct client_socket *list, int fd)
{
    while (list && list->fd != fd)
        list = list->next;
    return list;
}

struct client_socket *client_socket_add(struct client_socket **list, int fd)
{
    struct client_socket *s = client_must(calloc(1, sizeof(*s)));
    s->fd = fd;
    s->next = *list;
    *list = s;
    return s;
}

void client_socket_drop(struct client_socket **list, struct client_socket *s)
{
    while (*list != s)
        list = &(*list)->next;
    *list = s->next;
    watch_free(s->watch);
    free(s);
}

void client_sockets_shut_idle(struct client_socket *list)
{
    for (; list; list = list->next) {
        if (list->opened && !list->busy)
            shutdown(list->fd, SHUT_RDWR);
    }
}

void *client_must(void *p)
{
    if (!p)
        log_fatal("out of memory in the HTTP client");
    return p;
}
