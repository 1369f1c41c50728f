/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys, made here, as files. */
#ifndef XR_TESTS_IDENTITY_H
#define XR_TESTS_IDENTITY_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the four above first */
#include <cmocka.h>

struct identity {
    char cert[64], key[64];
};

/* Makes a self-signed certificate and its key as two PEM files in dir. */
static inline void identity_make(struct identity *id, const char *dir,
                                 const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);

    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_set_version(x, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);

    snprintf(id->cert, sizeof(id->cert), "%s/%s.crt", dir, name);
    snprintf(id->key, sizeof(id->key), "%s/%s.key", dir, name);
    FILE *f = fopen(id->cert, "w");
    assert_true(PEM_write_X509(f, x));
    fclose(f);
    f = fopen(id->key, "w");
    assert_true(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}

#endif
