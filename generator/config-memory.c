/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The description of a VM: what its memory cannot be at once. */
#include "generator/schema.h"

static struct origin origin_of(const struct section *section, const char *key)
{
    struct origin origin = section->set[schema_find(section->kind, key) - schema];

    return origin.source ? origin : section->origin;
}

void vm_config_check_memory(struct vm_config *config)
{
    struct balloon_section *balloon = &config->balloon;
    bool reserved = config->vm.hugepages == HUGEPAGES_YES;

    if (reserved && config->vm.memory_mib % 2 != 0)
        problems_add(&config->problems, origin_of(&config->vm.section, "memory_mib"),
                     "memory_mib = %u is no whole number of huge pages of 2 MiB; write %u",
                     config->vm.memory_mib, config->vm.memory_mib + 1);
    if (!balloon->section.origin.source)
        return;
    if (reserved)
        problems_add(&config->problems, origin_of(&config->vm.section, "hugepages"),
                     "hugepages = yes reserves the guest's memory, and [balloon] gives memory "
                     "back; write hugepages = thp, or remove [balloon]");
    if (balloon->size_mib >= config->vm.memory_mib)
        problems_add(&config->problems, origin_of(&balloon->section, "size_mib"),
                     "size_mib leaves nothing of the guest's memory, memory_mib = %u; lower it",
                     config->vm.memory_mib);
}
