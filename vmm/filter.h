/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System call filters: what a thread may ask of the kernel once it is locked down. They were
 * compiled while Volt was built (filter-compile.c) from the tables that filter-table.h lists;
 * vmm/filters.h, made with them, declares one for each kind of thread.
 */
#pragma once

#include <linux/filter.h>
#include <stdio.h>

struct filter {
    const char *name; /* the kind of thread: "vcpu", "disk" … */
    const char *what; /* that it does */
    const char *text; /* its rules for people, one a line */
    unsigned n_calls, n_rules;
    unsigned short length;
    const struct sock_filter *program;
};

/* All of them; ends with NULL. */
extern const struct filter *const filters[];

/* The name of system call NUMBER, or NULL where there is none by that number. */
const char *filter_call_name(long number);

/* Writes all tables to FILE. */
void filter_show(FILE *file);
