/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the date of an HTTP answer, by way of the ISO reader. Pure. */
#include "xr/http_date.h"

#include <stdio.h>
#include <string.h>

#include "cred_parse.h"

#define FORM "Tue, 15 Nov 1994 08:12:31 GMT"

bool http_date_parse(struct slice s, int64_t *ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char iso[32];

    if (s.n != sizeof FORM - 1 || memcmp(s.p + 25, " GMT", 4) != 0)
        return false;
    for (int m = 0; m < 12; m++) {
        if (memcmp(months + 3 * m, s.p + 8, 3) != 0)
            continue;
        snprintf(iso, sizeof iso, "%.4s-%02d-%.2sT%.8sZ", s.p + 12, m + 1,
                 s.p + 5, s.p + 17);
        return cred_parse_time(slice_str(iso), ms);
    }
    return false;
}
