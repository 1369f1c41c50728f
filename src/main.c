/* SPDX-License-Identifier: Apache-2.0 */
/* Options, configuration, mode, run. */
#include <stdio.h>

int main(void)
{
    puts("xray-relay " XR_VERSION);
    return 0;
}
