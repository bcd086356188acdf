/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets of the console's protocol. */
#include "tools/message.h"

struct message message_read(const uint8_t *data, size_t size)
{
    struct message message = {0};

    if (size == 0)
        return message;
    switch (data[0]) {
    case CONSOLE_HELLO:
    case CONSOLE_BUSY:
        message.kind = (char)data[0];
        break;
    case CONSOLE_OUTPUT:
        message.kind = CONSOLE_OUTPUT;
        message.data = data + 1;
        message.size = size - 1;
        break;
    case CONSOLE_LOST:
        if (size != 9)
            break;
        message.kind = CONSOLE_LOST;
        for (unsigned i = 8; i >= 1; i--)
            message.lost = message.lost << 8 | data[i];
        break;
    default:
        break;
    }
    return message;
}

void message_write_size(uint8_t ret[static CONSOLE_SIZE_MESSAGE], unsigned columns, unsigned rows)
{
    ret[0] = CONSOLE_SIZE;
    ret[1] = (uint8_t)columns;
    ret[2] = (uint8_t)(columns >> 8);
    ret[3] = (uint8_t)rows;
    ret[4] = (uint8_t)(rows >> 8);
}
