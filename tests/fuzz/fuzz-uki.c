/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a unified kernel image. */
#include "tests/fuzz/kernel-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 2);

    MUST(copy);
    memcpy(copy, "MZ", 2);
    if (size > 0)
        memcpy(copy + 2, data, size);
    kernel_file_import(copy, size + 2);
    free(copy);
    return 0;
}
