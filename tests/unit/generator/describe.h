/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* INI text in, a VM's description and its problems as text out: for the tests of this folder. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "generator/config.h"

#define UUID_A "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define UUID_B "7ba7b810-9dad-11d1-80b4-00c04fd430c8"

/* The least that a VM needs. */
#define VM_A "[vm]\nuuid=" UUID_A "\nkernel=k\n"
#define VM_B "[vm]\nuuid=" UUID_B "\nkernel=k\n"

/* The zones that VMs may name: none, unless a test adds one. */
static struct zones described_zones = {.root = "/nonexistent"};

/* The VM that the file /etc/volt/vms/LABEL with TEXT, and with a drop-in where DROP_IN is not NULL,
 * describes. */
static inline struct vm_config *describe(const char *label, const char *text, size_t size,
                                         const char *drop_in)
{
    struct vm_config *config = NULL;
    const struct source *source;
    char path[512];

    (void)snprintf(path, sizeof(path), "/etc/volt/vms/%s", label);
    assert_int_equal(vm_config_new(path, label, &config), 0);
    assert_int_equal(vm_config_read(config, vm_config_source(config), text, size), 0);
    if (drop_in) {
        assert_int_equal(vm_config_add_source(config, "/etc/volt/vms/web.ini.d/10.conf",
                                              "web.ini.d/10.conf", &source),
                         0);
        assert_int_equal(vm_config_read(config, source, drop_in, strlen(drop_in)), 0);
    }
    assert_int_equal(vm_config_finish(config, &described_zones), 0);
    return config;
}

static inline struct vm_config *describe_text(const char *text)
{
    return describe("web.ini", text, strlen(text), NULL);
}

/* The problems, one a line. The caller frees it. */
static inline char *problems_text(const struct problems *problems)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    for (size_t i = 0; i < problems->count; i++) {
        problem_write(&problems->items[i], false, f);
        (void)fputc('\n', f);
    }
    assert_int_equal(fclose(f), 0);
    return text;
}

static inline void assert_problems(const struct vm_config *config, const char *expected)
{
    _cleanup_free_ char *text = problems_text(&config->problems);

    assert_string_equal(text, expected);
}
