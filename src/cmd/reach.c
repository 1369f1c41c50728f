/* SPDX-License-Identifier: Apache-2.0 */
/* From the address that a relay listens on to the one it is asked at; see
 * reach.h. */
#include "reach.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "xr/address.h"

bool reach_url(const char *address, const char *path, char *url, size_t size,
               struct err *err)
{
    struct address a;
    char text[ADDRESS_TEXT_MAX];
    if (address_parse(address, SOCK_STREAM, &a, err) != 0)
        return false;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.sa;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a.sa;
    if (a.sa.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)) {
        in_port_t port = v6->sin6_port; /* dual-stack: 127.0.0.1 reaches it */
        *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    }
    if (a.sa.ss_family == AF_INET && v4->sin_addr.s_addr == INADDR_ANY)
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address_format((struct sockaddr *)&a.sa, text);
    snprintf(url, size, "http://%s%s", text, path);
    return true;
}
