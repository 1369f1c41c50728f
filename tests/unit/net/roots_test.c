/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates compiled in are the five Amazon roots, readable and not
 * about to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "net/roots.h"

#define ROOTS 5

static void all_are_valid_authorities(void **state)
{
    BIO *in = BIO_new_mem_buf(roots_pem, (int)roots_pem_bytes);
    X509 *c;
    int n = 0;
    (void)state;
    assert_int_equal(strlen(roots_pem), roots_pem_bytes);
    while ((c = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        assert_int_equal(X509_check_ca(c), 1);
        assert_int_equal(X509_cmp_time(X509_get0_notAfter(c), NULL), 1);
        X509_free(c);
        n++;
    }
    assert_int_equal(n, ROOTS);
    BIO_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_valid_authorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
