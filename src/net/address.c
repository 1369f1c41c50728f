/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening addresses by the rules of Go's net.Listen, which the daemon's
 * users know: a wildcard of either family is the dual-stack wildcard where
 * IPv6 exists, a name is taken by its first IPv4 address, a service name
 * stands for its port. Errors begin as the daemon's do and then say the mend.
 */
#include "xr/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xr/slice.h"

#define HOST_MAX 256

static int split(const char *text, struct slice *host, struct slice *port,
                 struct err *err);
static int port_number(struct slice port, int socktype, uint16_t *out,
                       struct err *err);
static int host_address(const char *host, int socktype, struct address *out,
                        struct err *err);
static void widen(struct address *a);
static bool is_wildcard(const struct address *a);
static bool have_dual_stack(void);
static void set_port(struct address *a, uint16_t port);
static int bind_error(const struct address *a, int socktype, const char *call,
                      struct err *err);

int address_parse(const char *text, int socktype, struct address *out,
                  struct err *err)
{
    struct slice host = {0}, port = {0};
    uint16_t number = 0;
    *out = (struct address){0};
    if (split(text, &host, &port, err) < 0)
        return -1;
    char name[HOST_MAX];
    if (host.n >= sizeof(name))
        return err_set(err, "address %.40s...: the host name is too long",
                       text);
    memcpy(name, host.p, host.n);
    name[host.n] = '\0';
    if (port_number(port, socktype, &number, err) < 0 ||
        host_address(name, socktype, out, err) < 0)
        return -1;
    if (is_wildcard(out))
        widen(out);
    set_port(out, number);
    return 0;
}

void address_format(const struct sockaddr *sa, char out[ADDRESS_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(in->sin_port));
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)sa;
        inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(in->sin6_port));
    } else {
        snprintf(out, ADDRESS_TEXT_MAX, "(no internet address)");
    }
}

int address_bind(const struct address *a, int socktype, struct err *err)
{
    int type = socktype | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(a->sa.ss_family, type, 0);
    if (fd < 0)
        return bind_error(a, socktype, "socket", err);
    int on = 1, v6_only = !a->dual_stack;
    if (a->sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
    if (socktype == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const char *failed = NULL;
    if (bind(fd, (const struct sockaddr *)&a->sa, a->len) < 0)
        failed = "bind";
    else if (socktype == SOCK_STREAM && listen(fd, SOMAXCONN) < 0)
        failed = "listen";
    if (failed) {
        bind_error(a, socktype, failed, err);
        close(fd);
        return -1;
    }
    return fd;
}

/* Cuts `host:port` and `[host]:port` at the right colon. */
static int split(const char *text, struct slice *host, struct slice *port,
                 struct err *err)
{
    const char *colon = strrchr(text, ':');
    const char *bracket = strchr(text, ']');
    const char *why = NULL;
    if (!colon || (bracket && colon < bracket))
        why = "missing port in address";
    else if (text[0] == '[' && !bracket)
        why = "missing ']' in address";
    else if (text[0] == '[' && bracket + 1 != colon)
        why = "unexpected text behind ']' in address";
    else if (text[0] != '[' && memchr(text, ':', (size_t)(colon - text)))
        why = "too many colons in address (write IPv6 as [::1]:2000)";
    else if (text[0] != '[' && (bracket || strchr(text, '[')))
        why = "unexpected bracket in address";
    if (why)
        return err_set(err,
                       "address %.200s: %s; give host:port, such as "
                       "127.0.0.1:2000",
                       text, why);
    if (text[0] == '[')
        *host = slice_of(text + 1, (size_t)(bracket - text - 1));
    else
        *host = slice_of(text, (size_t)(colon - text));
    *port = slice_str(colon + 1);
    return 0;
}

static int port_number(struct slice port, int socktype, uint16_t *out,
                       struct err *err)
{
    char name[64];
    if (port.n >= sizeof(name))
        return err_set(err, "address %.40s...: invalid port", port.p);
    memcpy(name, port.p, port.n);
    name[port.n] = '\0';
    const char *digits = name[0] == '+' ? name + 1 : name;
    if (strspn(digits, "0123456789") == strlen(digits)) {
        unsigned long n = strtoul(digits, NULL, 10);
        if (n > UINT16_MAX)
            return err_set(err,
                           "address %s: invalid port; the largest is "
                           "65535",
                           name);
        *out = (uint16_t)n;
        return 0;
    }
    const char *protocol = socktype == SOCK_DGRAM ? "udp" : "tcp";
    struct servent *s = getservbyname(name, protocol);
    /* The same port counts for the twin where only one is listed. */
    if (!s && name[0] != '-')
        s = getservbyname(name, socktype == SOCK_DGRAM ? "tcp" : "udp");
    if (s)
        *out = ntohs((uint16_t)s->s_port);
    else if (strcasecmp(name, "domain") == 0)
        *out = 53; /* known without /etc/services, as in Go */
    else
        return err_set(err,
                       "address %s: invalid port: unknown %s service "
                       "name; give a number from 0 to 65535",
                       name, protocol);
    return 0;
}

static int host_address(const char *host, int socktype, struct address *out,
                        struct err *err)
{
    struct addrinfo hints = {.ai_socktype = socktype,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list, *best;
    int rc = getaddrinfo(host[0] ? host : NULL, "0", &hints, &list);
    if (rc != 0)
        return err_set(err,
                       "lookup %s: %s; check the name, or give an "
                       "address of this machine",
                       host,
                       rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    for (best = list; best && best->ai_family != AF_INET;)
        best = best->ai_next;
    if (!best)
        best = list;
    memcpy(&out->sa, best->ai_addr, best->ai_addrlen);
    out->len = best->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

static bool is_wildcard(const struct address *a)
{
    const struct sockaddr_in *v4 = (const void *)&a->sa;
    const struct sockaddr_in6 *v6 = (const void *)&a->sa;
    if (a->sa.ss_family == AF_INET)
        return v4->sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

/* Makes a wildcard take both families, where the machine can. */
static void widen(struct address *a)
{
    a->dual_stack = have_dual_stack();
    if (!a->dual_stack)
        return;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    memset(&a->sa, 0, sizeof(a->sa));
    memcpy(&a->sa, &any, sizeof(any));
    a->len = sizeof(any);
}

static bool have_dual_stack(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int off = 0;
    bool ok =
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0 &&
        bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;
    close(fd);
    return ok;
}

static void set_port(struct address *a, uint16_t port)
{
    if (a->sa.ss_family == AF_INET)
        ((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
}

static int bind_error(const struct address *a, int socktype, const char *call,
                      struct err *err)
{
    int code = errno;
    const char *mend = "";
    char where[ADDRESS_TEXT_MAX];
    if (code == EADDRINUSE)
        mend = "; another program holds it (ss -lnp shows which)";
    else if (code == EADDRNOTAVAIL)
        mend = "; it is no address of this machine";
    else if (code == EACCES)
        mend = "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    char reason[128];
    snprintf(reason, sizeof(reason), "%s", strerror(code));
    reason[0] = (char)tolower((unsigned char)reason[0]);
    address_format((const struct sockaddr *)&a->sa, where);
    return err_set(err, "listen %s %s: %s: %s%s",
                   socktype == SOCK_DGRAM ? "udp" : "tcp", where, call, reason,
                   mend);
}
