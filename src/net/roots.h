/* SPDX-License-Identifier: Apache-2.0 */
/* The Amazon roots, compiled in at build time by packaging/roots: trusted
 * where no bundle of certificates is found, as in an empty image. */
#ifndef XR_NET_ROOTS_H
#define XR_NET_ROOTS_H

#include <stddef.h>

extern const char roots_pem[];
extern const size_t roots_pem_bytes;

#endif
