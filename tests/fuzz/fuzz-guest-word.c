/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest says of itself, and what of it becomes a line for systemd. */
#include "tests/fuzz/input.h"
#include "vmm/guest-word.h"
#include "vmm/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct status status;
    char line[STATUS_SIZE], *text = malloc(size > 0 ? size : 1); /* of just this size */
    struct guest_word word;

    MUST(text);
    if (size > 0)
        memcpy(text, data, size);
    memset(&word, 0x5a, sizeof(word));
    guest_word_parse(text, size, &word);
    free(text);
    MUST(word.shutdown < GUEST_SHUTDOWNS && guest_shutdown_text(word.shutdown));
    MUST(memchr(word.status, '\0', sizeof(word.status)));
    MUST(memchr(word.active, '\0', sizeof(word.active)));
    MUST(word.has_status || word.status[0] == '\0');
    MUST(word.has_exit || word.exit_status == 0);
    for (const char *p = word.active; *p; p++)
        MUST(*p > ' ' && *p < 0x7f && *p != '"' && *p != '/');
    (void)status_set(&status, STATUS_GUEST, "guest: %s", word.status);
    status_compose(&status, line, sizeof(line));
    for (const char *p = line; *p; p++)
        MUST((unsigned char)*p >= ' ' && *p != 0x7f);
    return 0;
}
