/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a hostile VMM says to the client, and what a person types: nothing points outside of the
 * packet, and each key is passed on, held back, or part of the way out. */
#include "tests/fuzz/input.h"
#include "tools/escape.h"
#include "tools/message.h"

static void read_one(const uint8_t *data, size_t size)
{
    const struct message message = message_read(data, size);

    if (message.kind == CONSOLE_OUTPUT)
        MUST(message.data == data + 1 && message.size == size - 1);
    else
        MUST(message.size == 0 && !message.data);
    MUST(message.kind == 0 || message.kind == (char)data[0]);
    MUST(message.lost == 0 || message.kind == CONSOLE_LOST);
}

static void type_all(struct input *input)
{
    struct escape escape = {0};
    uint64_t now = 1000;
    size_t typed = 0, passed = 0;
    bool leave = false;

    while (input->size > 0 && !leave) {
        char keys[32], kept[32 + ESCAPE_TIMES];
        size_t n = input_8(input) % (sizeof(keys) + 1);

        now += input_16(input);
        input_take(input, keys, n);
        typed += n;
        if (n > 8)
            passed += escape_expire(&escape, now);
        size_t m = escape_filter(&escape, now, keys, n, kept, &leave);
        MUST(m <= n + ESCAPE_TIMES);
        passed += m;
        MUST(escape.held < ESCAPE_TIMES);
        MUST(leave || passed + escape.held == typed);
        MUST(passed <= typed);
        int timeout = escape_timeout(&escape, now);
        MUST(escape.held > 0 ? timeout >= 0 && timeout <= ESCAPE_MS : timeout == -1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    read_one(data, size);
    type_all(&input);
    return 0;
}
