/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compiles the tables of system calls to BPF while Volt is built:
 *
 *   filter-compile HEADER SOURCE [trace]
 *
 * With "trace", an allowed call is told to a tracer (see tests/guest/filter-uses.c), with its
 * rule's number in the list of all.
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "vmm/cleanup.h"
#include "vmm/filter-table.h"

enum {
    CALLS_MAX = 1024,
    NAMES_SIZE = 32768,
};

/* FIRST: of all rules' numbers, that of the table's first one; -1 where nobody wants to know. */
static int add_rules(scmp_filter_ctx filter, const struct filter_table *table, int first)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct filter_rule *rule = &table->rules[i];
        struct scmp_arg_cmp conditions[ELEMENTSOF(rule->conditions)];
        unsigned n = 0;

        for (; n < ELEMENTSOF(conditions) && rule->conditions[n].text; n++)
            conditions[n] = (struct scmp_arg_cmp){
                .arg = rule->conditions[n].argument,
                .op = SCMP_CMP_MASKED_EQ,
                .datum_a = rule->conditions[n].mask,
                .datum_b = rule->conditions[n].value,
            };
        int r = seccomp_rule_add_exact_array(
            filter, first < 0 ? SCMP_ACT_ALLOW : SCMP_ACT_TRACE((unsigned)first + (unsigned)i),
            rule->call, n, conditions);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A trap, by which forbidden-call.c tells of the call; also for those of other architectures. */
static int compile(const struct filter_table *table, int first, int fd)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter)
        return -ENOMEM;

    int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
    if (r == 0)
        r = add_rules(filter, table, first);
    if (r == 0)
        r = seccomp_export_bpf(filter, fd);
    seccomp_release(filter);
    return r;
}

static int print_program(FILE *out, const struct filter_table *table, int first)
{
    _cleanup_fclose_ FILE *program = tmpfile();
    struct sock_filter instruction;

    if (!program)
        return -errno;
    int r = compile(table, first, fileno(program));
    if (r < 0)
        return r;
    rewind(program);
    fprintf(out, "static const struct sock_filter program_%s[] = {\n", table->id);
    while (fread(&instruction, sizeof(instruction), 1, program) == 1)
        fprintf(out, "    {0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.jt,
                instruction.jf, instruction.k);
    fprintf(out, "};\n\n");
    return 0;
}

/* How many different calls the table has. */
static unsigned count_calls(const struct filter_table *table)
{
    unsigned n = 0;

    for (size_t i = 0; i < table->n; i++) {
        bool seen = false;

        for (size_t j = 0; j < i && !seen; j++)
            seen = table->rules[j].call == table->rules[i].call;
        n += !seen;
    }
    return n;
}

static int print_filter(FILE *out, const struct filter_table *table, int first)
{
    int r = print_program(out, table, first);
    if (r < 0)
        return r;
    fprintf(out,
            "const struct filter filter_%s = {\n"
            "    .name = \"%s\",\n    .what = \"%s\",\n"
            "    .n_calls = %u,\n    .n_rules = %zu,\n"
            "    .length = sizeof(program_%s) / sizeof(program_%s[0]),\n"
            "    .program = program_%s,\n    .text =\n",
            table->id, table->name, table->what, count_calls(table), table->n, table->id, table->id,
            table->id);
    for (size_t i = 0; i < table->n; i++) {
        const struct filter_rule *rule = &table->rules[i];

        fprintf(out, "        \"  %s", rule->name);
        for (size_t j = 0; j < ELEMENTSOF(rule->conditions) && rule->conditions[j].text; j++)
            fprintf(out, "%s%s", j == 0 ? " (" : ", ", rule->conditions[j].text);
        fprintf(out, "%s: %s\\n\"\n", rule->conditions[0].text ? ")" : "", rule->why);
    }
    fprintf(out, "        \"\",\n};\n\n");
    return 0;
}

/* One string and places in it: a table of pointers would have to be written to at each start. */
static int print_names(FILE *out)
{
    unsigned offsets[CALLS_MAX] = {0}, n = 0, length = 1;

    fprintf(out, "static const char names[] = \"\\0\"\n");
    for (int i = 0; i < CALLS_MAX; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);

        if (name) {
            offsets[i] = length;
            length += (unsigned)strlen(name) + 1;
            n = (unsigned)i + 1;
            fprintf(out, "    \"%s\\0\"\n", name);
        }
        free(name);
    }
    if (n == 0 || length > NAMES_SIZE)
        return -E2BIG;
    fprintf(out, "    \"\";\n\nstatic const unsigned short offsets[] = {\n");
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "    %u,\n", offsets[i]);
    fprintf(out, "};\n\n"
                 "const char *filter_call_name(long number)\n{\n"
                 "    if (number < 0 || number >= (long)(sizeof(offsets) / sizeof(offsets[0])) ||\n"
                 "        offsets[number] == 0)\n"
                 "        return NULL;\n"
                 "    return names + offsets[number];\n}\n");
    return 0;
}

static int print_source(FILE *out, bool trace)
{
    int rules = 0;

    fprintf(out, "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
                 "/* Made from vmm/filter-table.h; do not edit. */\n"
                 "#include \"vmm/filters.h\"\n\n");
    for (size_t i = 0; i < ELEMENTSOF(filter_tables); i++) {
        int r = print_filter(out, &filter_tables[i], trace ? rules : -1);
        if (r < 0)
            return r;
        rules += (int)filter_tables[i].n;
    }
    fprintf(out, "const struct filter *const filters[] = {\n");
    for (size_t i = 0; i < ELEMENTSOF(filter_tables); i++)
        fprintf(out, "    &filter_%s,\n", filter_tables[i].id);
    fprintf(out, "    NULL,\n};\n\n");
    return print_names(out);
}

static void print_header(FILE *out)
{
    fprintf(out, "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
                 "/* Made from vmm/filter-table.h; do not edit. */\n"
                 "#pragma once\n\n#include \"vmm/filter.h\"\n\n");
    for (size_t i = 0; i < ELEMENTSOF(filter_tables); i++)
        fprintf(out, "extern const struct filter filter_%s;\n", filter_tables[i].id);
}

int main(int argc, char **argv)
{
    _cleanup_fclose_ FILE *header = argc >= 3 ? fopen(argv[1], "we") : NULL;
    _cleanup_fclose_ FILE *source = argc >= 3 ? fopen(argv[2], "we") : NULL;

    if (!header || !source) {
        fprintf(stderr, "Usage: filter-compile HEADER SOURCE [trace]\n");
        return EXIT_FAILURE;
    }
    print_header(header);
    int r = print_source(source, argc > 3 && strcmp(argv[3], "trace") == 0);
    if (r < 0 || fflush(header) != 0 || fflush(source) != 0) {
        fprintf(stderr, "Cannot compile the system call filters: error %d\n", r);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
