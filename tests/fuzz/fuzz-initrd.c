/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as an initrd. */
#include "tests/fuzz/kernel-file.h"
#include "tools/kernel/initrd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *version = size % 2 ? "6.1.0-9-test" : NULL;
    char *missing = NULL, *why = NULL;

    int r = initrd_has_modules(kernel_file(data, size), "file", "virtio\nvirtio_pci\nvirtio_blk",
                               version, &missing, &why);
    MUST((r < 0) == (why != NULL) && (r == 0 || !missing));
    free(missing);
    free(why);
    return 0;
}
