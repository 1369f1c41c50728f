/* SPDX-License-Identifier: Apache-2.0 */
/* To be preloaded: ports take a while to open, so that whoever does something
 * else before is seen to. */
#include <dlfcn.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *to, socklen_t n)
{
    int (*real)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT,
                                                                "bind");
    poll(NULL, 0, 100);
    return real(fd, to, n);
}
