/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compiles the system call tables to BPF while Volt is built, and prints them as a C header. */
#include <linux/filter.h>

#include "vmm/cleanup.h"
#include "vmm/filter-table.h"

static int compile(const struct filter_rule *rules, size_t n, int fd)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return -ENOMEM;

    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct scmp_arg_cmp argument = {
            .arg = (unsigned)rules[i].argument,
            .op = SCMP_CMP_EQ,
            .datum_a = rules[i].value,
        };

        if (rules[i].argument < 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, rules[i].call, 0);
        else
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, rules[i].call, 1, argument);
    }
    if (r == 0)
        r = seccomp_export_bpf(filter, fd);
    seccomp_release(filter);
    return r;
}

static int print_filter(const char *name, const struct filter_rule *rules, size_t n)
{
    _cleanup_fclose_ FILE *program = tmpfile();
    struct sock_filter instruction;

    if (!program)
        return -errno;
    int r = compile(rules, n, fileno(program));
    if (r < 0)
        return r;
    rewind(program);
    printf("static const struct sock_filter filter_%s[] = {\n", name);
    while (fread(&instruction, sizeof(instruction), 1, program) == 1)
        printf("    {0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.jt, instruction.jf,
               instruction.k);
    printf("};\n\n");
    return 0;
}

int main(void)
{
    printf("/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
           "/* Made from vmm/filter-table.h; do not edit. */\n"
           "#pragma once\n\n#include <linux/filter.h>\n\n");
    int r = print_filter("vcpu", filter_table_vcpu, ELEMENTSOF(filter_table_vcpu));
    if (r >= 0)
        r = print_filter("device", filter_table_device, ELEMENTSOF(filter_table_device));
    if (r >= 0)
        r = print_filter("main", filter_table_main, ELEMENTSOF(filter_table_main));
    if (r < 0 || fflush(stdout) != 0) {
        fprintf(stderr, "Cannot compile the system call filters: error %d\n", r);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
