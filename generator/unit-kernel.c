/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's kernel, initrd and command line as text for systemd. */
#include "generator/unit-kernel.h"

#include <string.h>

#include "generator/unit-console.h"
#include "generator/unit-disk.h"
#include "generator/unit-escape.h"
#include "generator/unit-nic.h"

/* The initrd that the VM's file names: a path, or NULL. */
static const char *own_initrd(const struct vm_config *config)
{
    return config->vm.initrd && config->vm.initrd[0] == '/' ? config->vm.initrd : NULL;
}

/* Whether the VM takes the initrd of its managed kernel, if that has one. */
static bool takes_managed_initrd(const struct vm_config *config)
{
    return unit_has_managed_kernel(config) && !config->vm.initrd;
}

void unit_write_kernel_mounts(FILE *f, const struct vm_config *config)
{
    if (!unit_has_managed_kernel(config)) {
        unit_escape(f, config->vm.kernel, UNIT_WORD);
    } else {
        (void)fputs(VOLT_KERNEL_DIR, f);
        if (strcmp(config->vm.kernel, "default") != 0) /* which is a link, and may be anywhere */
            (void)fprintf(f, "/%s", config->vm.kernel);
    }
    if (own_initrd(config)) {
        (void)fputc(' ', f);
        unit_escape(f, own_initrd(config), UNIT_WORD);
    }
}

void unit_write_kernel_files(FILE *f, const struct vm_config *config)
{
    const char *kernel = config->vm.kernel;

    if (unit_has_managed_kernel(config)) {
        unit_write_argument(f, "--uuid=%s", config->vm.uuid);
        unit_write_argument(f, "--managed=kernel=%s", kernel);
        if (takes_managed_initrd(config))
            unit_write_argument(f, "--managed=initrd=%s", kernel);
        if (config->vm.verify == VERIFY_ALWAYS)
            unit_write_argument(f, "--verify=always");
    } else {
        unit_write_argument(f, "--read-only=kernel=%s", kernel);
    }
    if (own_initrd(config))
        unit_write_argument(f, "--read-only=initrd=%s", own_initrd(config));
}

static void write_cmdline(FILE *f, const struct vm_config *config)
{
    const char *own = config->vm.cmdline ? config->vm.cmdline : "";
    const char *console = unit_has_console(config) ? UNIT_CONSOLE_WORDS : "";
    const char *before = unit_has_managed_kernel(config) ? UNIT_KERNEL_CMDLINE : NULL;
    const char *after = unit_has_cmdline_address(config) ? "VOLT_IP" : NULL;
    char root[UNIT_ROOT_SIZE], words[UNIT_ROOT_SIZE + sizeof(UNIT_CONSOLE_WORDS)];

    unit_format_root(config, root);
    (void)snprintf(words, sizeof(words), "%s%s%s", console, *console && *root ? " " : "", root);
    /* What comes later wins: the kernel's words, ours, the VM's own. */
    bool any = *words || *own;
    if (any || before || after)
        unit_write_argument_between(f, "--cmdline=", before, after, "%s%s%s%s%s",
                                    before && (any || after) ? " " : "", words,
                                    *words && *own ? " " : "", own, after && any ? " " : "");
}

void unit_write_kernel(FILE *f, const struct vm_config *config)
{
    unit_write_argument(f, "--kernel=fd:kernel");
    if (unit_has_managed_kernel(config))
        unit_write_argument_between(f, "--map-kernel=", UNIT_KERNEL_MAP, NULL, "%s", "");
    if (own_initrd(config))
        unit_write_argument(f, "--initrd=fd:initrd");
    else if (takes_managed_initrd(config))
        unit_write_argument(f, "--try-initrd=fd:initrd");
    write_cmdline(f, config);
}
