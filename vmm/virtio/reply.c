/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of text, and the differences between two values of an option. */
#include "vmm/virtio/reply.h"

#include <stdarg.h>
#include <string.h>

/* What a word of an option says; "readonly" alone has no value. */
struct word {
    const char *key, *value;
    size_t key_length, value_length;
};

void reply_add(char *reply, size_t size, const char *format, ...)
{
    size_t length = strlen(reply);
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(reply + length, size - length, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n + 1 < size - length)
        strcpy(reply + length + (size_t)n, "\n");
    else
        reply[length] = '\0';
}

/* The word at *REST, which moves on. False at the end. */
static bool next_word(const char **rest, struct word *ret)
{
    const char *text = *rest;

    if (!text)
        return false;
    size_t length = strcspn(text, ",");
    const char *equals = memchr(text, '=', length);
    size_t key_length = equals ? (size_t)(equals - text) : length;

    *ret = (struct word){
        .key = text,
        .key_length = key_length,
        .value = equals ? equals + 1 : "yes",
        .value_length = equals ? length - key_length - 1 : strlen("yes"),
    };
    *rest = text[length] == ',' ? text + length + 1 : NULL;
    return true;
}

static bool same(const char *a, size_t a_length, const char *b, size_t b_length)
{
    return a_length == b_length && memcmp(a, b, a_length) == 0;
}

static bool find_word(const char *argument, const struct word *key, struct word *ret)
{
    const char *rest = argument;

    while (next_word(&rest, ret))
        if (same(ret->key, ret->key_length, key->key, key->key_length))
            return true;
    return false;
}

static bool is_live(const struct word *word, const char *const *live)
{
    for (; live && *live; live++)
        if (same(word->key, word->key_length, *live, strlen(*live)))
            return true;
    return false;
}

static void add_change(char *reply, size_t size, const struct word *old, const struct word *new)
{
    const struct word *either = old ? old : new;

    reply_add(reply, size, "%.*s: %.*s → %.*s" REPLY_AT_NEXT_START, (int)either->key_length,
              either->key, old ? (int)old->value_length : (int)strlen("-"), old ? old->value : "-",
              new ? (int)new->value_length : (int)strlen("-"), new ? new->value : "-");
}

unsigned reply_add_deferred(char *reply, size_t size, const char *old_argument,
                            const char *new_argument, const char *const *live)
{
    const char *rest = old_argument;
    struct word word, other;
    unsigned told = 0;

    while (next_word(&rest, &word)) {
        bool found = find_word(new_argument, &word, &other);

        if (is_live(&word, live) ||
            (found && same(word.value, word.value_length, other.value, other.value_length)))
            continue;
        add_change(reply, size, &word, found ? &other : NULL);
        told++;
    }
    rest = new_argument;
    while (next_word(&rest, &word)) {
        if (is_live(&word, live) || find_word(old_argument, &word, &other))
            continue;
        add_change(reply, size, NULL, &word);
        told++;
    }
    return told;
}
