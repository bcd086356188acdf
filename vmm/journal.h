/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream of its own to the journal, for what the guest says. */
#pragma once

#include "vmm/cleanup.h"

/*
 * Opens a stream whose lines get IDENTIFIER and priority "info", whatever they begin with: neither
 * can a guest choose the priority of a line, nor does its unfinished line run into a message of
 * ours. Returns a non-blocking descriptor or -errno.
 */
int journal_open_stream(const char *identifier);
