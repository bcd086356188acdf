/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line that `systemctl status` shows (sd_notify's STATUS=), composed from what several parts
 * have to say. */
#pragma once

#include "vmm/cleanup.h"

/* In this order in the line. */
enum status_part {
    STATUS_STATE,   /* "Running"; "Power button pressed; …" */
    STATUS_REMARKS, /* what the devices are not as was asked for */
    STATUS_BOOT,    /* when the guest's init ran */
    STATUS_BALLOON,
    STATUS_GUEST, /* the guest's own STATUS= */
    STATUS_PARTS,
};

enum {
    STATUS_PART_SIZE = 256,
    STATUS_SIZE = 1024,
};

struct status {
    char parts[STATUS_PARTS][STATUS_PART_SIZE];
};

/*
 * Sets PART as of printf; empty: it has nothing to say. Bytes that are no text (control characters,
 * what is not UTF-8) become '?', because a part may be a guest's. Returns whether it changed.
 */
bool status_set(struct status *status, enum status_part part, const char *format, ...)
    _printf_(3, 4);

/* The parts that say something, with "; " between them. */
void status_compose(const struct status *status, char *ret, size_t size);
