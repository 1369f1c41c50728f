/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reason of a failure, in words for a person: what is wrong, where
 * (file:line, key, address, byte offset) and what to do. Passed in by the
 * caller; NULL where the caller does not care.
 */
#ifndef XR_ERR_H
#define XR_ERR_H

struct err {
    char text[512];
};

/* Sets the text, cut to fit; err may be NULL. Always returns -1, so that a
 * function can `return err_set(err, ...)`. */
int err_set(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
