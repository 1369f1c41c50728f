/* SPDX-License-Identifier: Apache-2.0 */
/* base/hash.c: published vectors, and against OpenSSL's own forms. */
#include "base/hash.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <openssl/hmac.h>

static const char *hex(const uint8_t *p, size_t n)
{
    static char out[200];

    hex_encode(p, n, out);
    return out;
}

/* FIPS 180-4 examples. */
static const char abc_sum[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char empty_sum[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void hashes_known_texts(void **state)
{
    uint8_t sum[SHA256_BYTES];

    (void)state;
    sha256_once(SLICE("abc"), sum);
    assert_string_equal(hex(sum, sizeof(sum)), abc_sum);
    sha256_once(slice_of(NULL, 0), sum);
    assert_string_equal(hex(sum, sizeof(sum)), empty_sum);
}

static void hashes_in_pieces_and_again(void **state)
{
    struct sha256 *h = sha256_new();
    uint8_t sum[SHA256_BYTES];

    (void)state;
    for (int i = 0; i < 2; i++) {
        sha256_update(h, SLICE("a"));
        sha256_once(SLICE("in between"), sum); /* has a context of its own */
        sha256_update(h, slice_of(NULL, 0));
        sha256_update(h, SLICE("bc"));
        sha256_final(h, sum);
        assert_string_equal(hex(sum, sizeof(sum)), abc_sum);
        sha256_reset(h);
    }
    sha256_update(h, SLICE("given up"));
    sha256_reset(h);
    sha256_final(h, sum);
    assert_string_equal(hex(sum, sizeof(sum)), empty_sum);
    sha256_free(h);
    sha256_free(NULL);
}

static void hmac_agrees_with_openssl(void **state)
{
    uint8_t key[200], text[300], want[SHA256_BYTES], got[SHA256_BYTES];

    (void)state;
    random_bytes(key, sizeof(key));
    random_bytes(text, sizeof(text));
    for (size_t n = 0; n <= sizeof(key); n++) {
        unsigned len = sizeof(want);
        HMAC(EVP_sha256(), key, (int)n, text, n, want, &len);
        hmac_sha256(slice_of(key, n), slice_of(text, n), got);
        assert_memory_equal(got, want, sizeof(want));
    }
}

static void hex_reads_what_it_writes(void **state)
{
    uint8_t in[5] = {0, 1, 0x7f, 0xab, 0xff}, out[5];

    (void)state;
    assert_string_equal(hex(in, 5), "00017fabff");
    assert_true(hex_decode(SLICE("00017fABfF"), out, 5));
    assert_memory_equal(in, out, 5);
    assert_true(hex_decode(SLICE(""), out, 0));
    assert_false(hex_decode(SLICE("00017fabf"), out, 5));
    assert_false(hex_decode(SLICE("00017fabff0"), out, 5));
    assert_false(hex_decode(SLICE("00017fabfg"), out, 5));
    assert_false(hex_decode(SLICE("0x017fabff"), out, 5));
    assert_false(hex_decode(SLICE("@0"), out, 1));
}

/* RFC 4648 §10, then all lengths against OpenSSL. */
static void base64_both_ways(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    uint8_t bytes[200], back[204];
    char text[300];
    unsigned char want[300];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = base64_encode(slice_str(rows[i][0]), text);
        assert_int_equal(n, strlen(rows[i][1]));
        assert_memory_equal(text, rows[i][1], n);
    }
    random_bytes(bytes, sizeof(bytes));
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        size_t len = base64_encode(slice_of(bytes, n), text);
        assert_int_equal(len, base64_encoded_len(n));
        assert_int_equal(len, EVP_EncodeBlock(want, bytes, (int)n));
        assert_memory_equal(text, want, len);
        assert_int_equal(base64_decode(slice_of(text, len), back), n);
        assert_memory_equal(back, bytes, n);
    }
}

static void base64_refuses_the_rest(void **state)
{
    static const char *const bad[] = {
        "Z",        "Zg",      "Zg=",      "Zm9",          "====", "Z===",
        "Zg==Zg==", "Zm9vZg=", "Zm9v\n",   "Zm9v\r\n\r\n", "Zm 9", "Z=m9",
        "=Zm9",     "Zm-_",    "Zm9v!AAA", "Zm8=AAAA",     "Zg=A", "\xC3\xA9Zg",
    };
    uint8_t out[16];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (base64_decode(slice_str(bad[i]), out) != -1)
            fail_msg("taken as base64: %s", bad[i]);
    }
    assert_int_equal(base64_decode(SLICE("Zm\09"), out), -1);
    assert_int_equal(base64_decode(SLICE("Zh=="), out), 1);
    assert_int_equal(out[0], 'f');
}

static void random_fills_all(void **state)
{
    uint8_t a[1000] = {0}, b[1000] = {0};
    size_t same = 0;

    (void)state;
    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    for (size_t i = 0; i < sizeof(a); i++)
        same += a[i] == b[i];
    assert_true(same < 100); /* 4 are to be expected */
    random_bytes(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_known_texts),
        cmocka_unit_test(hashes_in_pieces_and_again),
        cmocka_unit_test(hmac_agrees_with_openssl),
        cmocka_unit_test(hex_reads_what_it_writes),
        cmocka_unit_test(base64_both_ways),
        cmocka_unit_test(base64_refuses_the_rest),
        cmocka_unit_test(random_fills_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
