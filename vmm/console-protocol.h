/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What passes over the console's socket: SOCK_SEQPACKET, so that a packet is a message. Its first
 * byte says what the others are; a message that is not known is passed over. The one header that
 * vmm/ and tools/ share.
 */
#pragma once

enum {
    CONSOLE_PROTOCOL_VERSION = 1,
    CONSOLE_DATA_MAX = 4096,
    CONSOLE_MESSAGE_MAX = CONSOLE_DATA_MAX + 1,
};

/* From the VMM. */
enum {
    CONSOLE_HELLO = 'h',  /* the first message; a byte: the version */
    CONSOLE_BUSY = 'b',   /* in its place: as many clients as there can be */
    CONSOLE_OUTPUT = 'o', /* up to CONSOLE_DATA_MAX bytes of the guest's */
    CONSOLE_LOST = 'l',   /* eight bytes, the lowest first: so many bytes were not read in time */
};

/* To the VMM. */
enum {
    CONSOLE_INPUT = 'i', /* up to CONSOLE_DATA_MAX bytes for the guest */
    CONSOLE_SIZE = 's',  /* columns and rows of the terminal, two bytes each, the lower first */
    CONSOLE_SIZE_MESSAGE = 5,
};
