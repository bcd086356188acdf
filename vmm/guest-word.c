/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's service manager says of itself: nothing in it is trusted to be anything. */
#include "vmm/guest-word.h"

#include <string.h>

/* One line, without its end. */
struct line {
    const char *text;
    size_t size;
};

/* What stands behind KEY, if LINE is that one. */
static bool value_of(struct line line, const char *key, struct line *ret)
{
    size_t length = strlen(key);

    if (line.size < length || memcmp(line.text, key, length) != 0)
        return false;
    *ret = (struct line){line.text + length, line.size - length};
    return true;
}

static bool is_word(struct line line, const char *word)
{
    return line.size == strlen(word) && memcmp(line.text, word, line.size) == 0;
}

static void take_status(struct line value, struct guest_word *word)
{
    size_t n = value.size < sizeof(word->status) ? value.size : sizeof(word->status) - 1;

    memcpy(word->status, value.text, n);
    word->status[n] = '\0'; /* a NUL before it ends it, too */
    word->has_status = true;
}

static void take_exit_status(struct line value, struct guest_word *word)
{
    unsigned number = 0;

    if (value.size < 1 || value.size > 3)
        return;
    for (size_t i = 0; i < value.size; i++) {
        if (value.text[i] < '0' || value.text[i] > '9')
            return;
        number = 10 * number + (unsigned)(value.text[i] - '0');
    }
    if (number > UINT8_MAX)
        return;
    word->exit_status = (uint8_t)number;
    word->has_exit = true;
}

static void take_shutdown(struct line value, struct guest_word *word)
{
    static const struct {
        const char *word;
        enum guest_shutdown shutdown;
    } words[] = {
        {"poweroff", GUEST_SHUTDOWN_POWEROFF}, {"exit", GUEST_SHUTDOWN_POWEROFF},
        {"reboot", GUEST_SHUTDOWN_REBOOT},     {"halt", GUEST_SHUTDOWN_HALT},
        {"kexec", GUEST_SHUTDOWN_KEXEC},
    };

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (is_word(value, words[i].word))
            word->shutdown = words[i].shutdown;
}

/* As systemd names units; whatever has another character is none. */
static void take_active(struct line value, struct guest_word *word)
{
    static const char more[] = ":-_.\\@";

    if (value.size < 1 || value.size >= sizeof(word->active))
        return;
    for (size_t i = 0; i < value.size; i++) {
        char c = value.text[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            !memchr(more, c, sizeof(more) - 1))
            return;
    }
    memcpy(word->active, value.text, value.size);
    word->active[value.size] = '\0';
}

static void take_line(struct line line, struct guest_word *word)
{
    struct line value;

    if (value_of(line, "READY=", &value))
        word->ready = word->ready || is_word(value, "1");
    else if (value_of(line, "STATUS=", &value))
        take_status(value, word);
    else if (value_of(line, "EXIT_STATUS=", &value))
        take_exit_status(value, word);
    else if (value_of(line, "X_SYSTEMD_SHUTDOWN=", &value))
        take_shutdown(value, word);
    else if (value_of(line, "X_SYSTEMD_UNIT_ACTIVE=", &value))
        take_active(value, word);
}

void guest_word_parse(const char *text, size_t size, struct guest_word *ret)
{
    *ret = (struct guest_word){0};
    for (unsigned lines = 0; size > 0 && lines < GUEST_WORD_LINES_MAX; lines++) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size, step = end ? length + 1 : length;

        take_line((struct line){text, length}, ret);
        text += step;
        size -= step;
    }
}

const char *guest_shutdown_text(enum guest_shutdown shutdown)
{
    static const char *const texts[GUEST_SHUTDOWNS] = {
        [GUEST_SHUTDOWN_NONE] = "goes on",
        [GUEST_SHUTDOWN_POWEROFF] = "powers off",
        [GUEST_SHUTDOWN_REBOOT] = "reboots",
        [GUEST_SHUTDOWN_HALT] = "halts",
        [GUEST_SHUTDOWN_KEXEC] = "reboots into another kernel",
    };

    return texts[shutdown];
}
