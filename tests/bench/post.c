/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit for sending: SHA-256 over a body of 50 documents and an HTTP POST
 * of it by libcurl on one connection: post URL DOCUMENT_BYTES ROUNDS. Prints
 * the CPU time per document of each as JSON.
 */
#include <curl/curl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define DOCUMENTS 50

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static size_t discard(char *p, size_t size, size_t n, void *arg)
{
    (void)p;
    (void)arg;
    return size * n;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    size_t bytes = (size_t)strtol(argv[2], NULL, 10) * DOCUMENTS;
    int rounds = (int)strtol(argv[3], NULL, 10);
    char *body = malloc(bytes);
    if (body == NULL)
        return 1;
    memset(body, 'x', bytes);
    double t0 = cpu_us();
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sum[32];
    for (int i = 0; i < rounds; i++) {
        EVP_DigestInit_ex2(ctx, md, NULL);
        EVP_DigestUpdate(ctx, body, bytes);
        EVP_DigestFinal_ex(ctx, sum, NULL);
    }
    double t1 = cpu_us();
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER,
                     curl_slist_append(NULL, "Expect:"));
    curl_easy_perform(curl);
    double t2 = cpu_us();
    for (int i = 0; i < rounds; i++)
        if (curl_easy_perform(curl) != CURLE_OK)
            return 1;
    double n = (double)rounds * DOCUMENTS;
    printf("{\"sha256_us\":%.3f,\"post_us\":%.3f}\n", (t1 - t0) / n,
           (cpu_us() - t2) / n);
    return 0;
}
