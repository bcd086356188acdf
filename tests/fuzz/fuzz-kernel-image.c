/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as an ELF kernel or a bzImage; what comes out is held against what a guest needs. */
#include "tests/fuzz/kernel-file.h"
#include "tools/kernel/config-check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *missing = NULL, *config = strndup((const char *)data, size);

    kernel_file_import(data, size);
    MUST(config && kernel_config_check(config, size % 2, &missing) == 0);
    free(missing);
    free(config);
    return 0;
}
