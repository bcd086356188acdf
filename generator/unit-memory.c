/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Huge pages, the entropy source and the balloon as arguments. */
#include "generator/unit-memory.h"

#include "generator/unit-escape.h"

/* Where its owner, root, reads the balloon's figures. */
#define FIGURES "balloon-statistics"

static bool has_balloon(const struct vm_config *config)
{
    return config->balloon.section.origin.source != NULL;
}

void unit_write_memory_files(FILE *f, const struct vm_config *config)
{
    if (has_balloon(config))
        unit_write_argument(f, "--create=" FIGURES "=/run/volt/vm/%s/balloon", config->vm.uuid);
}

static const char *yes_no(bool value)
{
    return value ? "yes" : "no";
}

void unit_write_memory(FILE *f, const struct vm_config *config)
{
    const struct balloon_section *balloon = &config->balloon;

    if (config->vm.hugepages != HUGEPAGES_THP)
        unit_write_argument(f, "--hugepages=%s", yes_no(config->vm.hugepages == HUGEPAGES_YES));
    if (config->vm.rng)
        unit_write_argument(f, "--rng=rng");
    if (has_balloon(config))
        unit_write_argument(f,
                            "--balloon=balloon,size=%u,deflate-on-oom=%s,reporting=%s,"
                            "statistics=%u,file=fd:" FIGURES,
                            balloon->size_mib, yes_no(balloon->deflate_on_oom),
                            yes_no(balloon->free_page_reporting), balloon->statistics_sec);
}
