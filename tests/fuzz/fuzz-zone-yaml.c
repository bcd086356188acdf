/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a zone's YAML file: no crash, no long wait, and what passes is a network. */
#include "tests/fuzz/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return zone_fuzz(data, size, zone_read_yaml);
}
