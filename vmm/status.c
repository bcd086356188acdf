/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of the status line. */
#include "vmm/status.h"

#include <stdarg.h>
#include <string.h>

/* The length of the UTF-8 character at TEXT, or 0 where there is none to be shown. */
static size_t character_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80                       ? 1
                    : text[0] >= 0xc2 && text[0] <= 0xdf ? 2
                    : text[0] >= 0xe0 && text[0] <= 0xef ? 3
                    : text[0] >= 0xf0 && text[0] <= 0xf4 ? 4
                                                         : 0;

    if (length == 1)
        return text[0] >= 0x20 && text[0] != 0x7f;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    /* Forms that are too long, surrogates, what is beyond Unicode, and the C1 controls. */
    if ((text[0] == 0xc2 && text[1] < 0xa0) || (text[0] == 0xe0 && text[1] < 0xa0) ||
        (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf0 && text[1] < 0x90) ||
        (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

static void make_text(char *text)
{
    unsigned char *p = (unsigned char *)text;

    while (*p) {
        size_t length = character_length(p);

        if (length == 0)
            *p = '?';
        p += length > 0 ? length : 1;
    }
}

bool status_set(struct status *status, enum status_part part, const char *format, ...)
{
    char text[STATUS_PART_SIZE];
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (n < 0)
        text[0] = '\0';
    make_text(text);
    if (strcmp(status->parts[part], text) == 0)
        return false;
    strcpy(status->parts[part], text);
    return true;
}

void status_compose(const struct status *status, char *ret, size_t size)
{
    size_t length = 0;

    ret[0] = '\0';
    for (unsigned i = 0; i < STATUS_PARTS; i++) {
        if (!status->parts[i][0])
            continue;
        int n =
            snprintf(ret + length, size - length, "%s%s", length > 0 ? "; " : "", status->parts[i]);
        if (n < 0 || (size_t)n >= size - length) {
            ret[length] = '\0'; /* not by halves */
            return;
        }
        length += (size_t)n;
    }
}
