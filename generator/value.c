/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that stand in an INI file: numbers, words, names. Addresses and paths have their own
 * files. */
#include "generator/value.h"

#include <ctype.h>
#include <string.h>

static bool is_plain_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Whether TEXT has 1 to MAX characters, letters, digits and those of MORE, the first no sign. */
static bool is_identifier(const char *text, size_t max, const char *more)
{
    size_t length = strlen(text);

    if (length < 1 || length > max || !is_plain_alnum(*text))
        return false;
    for (const char *p = text; *p; p++)
        if (!is_plain_alnum(*p) && !strchr(more, *p))
            return false;
    return true;
}

bool id_is_valid(const char *text)
{
    size_t length = strlen(text);

    return length >= 1 && length <= ID_LENGTH_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

int parse_uuid(const char *text, _unused_ const struct value_rule *rule, void *place,
               const char **ret_reason)
{
    char uuid[UUID_LENGTH + 1] = "";

    if (strlen(text) != UUID_LENGTH)
        return -EINVAL;
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return -EINVAL;
        uuid[i] = (char)tolower((unsigned char)text[i]);
    }
    if (strspn(uuid, "0-") == UUID_LENGTH) {
        *ret_reason = "it is the nil UUID";
        return -EINVAL;
    }
    memcpy(place, uuid, sizeof(uuid));
    return 0;
}

int parse_name(const char *text, _unused_ const struct value_rule *rule, void *place,
               _unused_ const char **ret_reason)
{
    if (!is_identifier(text, NAME_LENGTH_MAX, "._-"))
        return -EINVAL;
    memcpy(place, text, strlen(text) + 1);
    return 0;
}

int parse_ifname(const char *text, _unused_ const struct value_rule *rule, void *place,
                 const char **ret_reason)
{
    if (strlen(text) > IFNAME_LENGTH_MAX) {
        *ret_reason = "it is too long";
        return -EINVAL;
    }
    if (!is_identifier(text, IFNAME_LENGTH_MAX, "._-"))
        return -EINVAL;
    if (strspn(text, "0123456789") == strlen(text)) {
        *ret_reason = "digits alone are an interface's index";
        return -EINVAL;
    }
    if (strcmp(text, "all") == 0 || strcmp(text, "default") == 0 || strcmp(text, "lo") == 0) {
        *ret_reason = "the kernel uses this name itself";
        return -EINVAL;
    }
    memcpy(place, text, strlen(text) + 1);
    return 0;
}

/* The decimal number that is the first LENGTH characters of TEXT; more than 18 digits are none. */
static int read_decimal(const char *text, size_t length, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (length < 1 || length > 18 || strspn(text, "0123456789") < length)
        return -EINVAL;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    *ret_number = number;
    return 0;
}

static int read_in_range(const char *text, size_t length, const struct value_rule *rule,
                         void *place, const char **ret_reason)
{
    uint64_t number;

    if (read_decimal(text, length, &number) < 0)
        return -EINVAL;
    if (number < rule->min || number > rule->max) {
        *ret_reason = number < rule->min ? "it is too small" : "it is too large";
        return -EINVAL;
    }
    *(unsigned *)place = (unsigned)number;
    return 0;
}

int parse_number(const char *text, const struct value_rule *rule, void *place,
                 const char **ret_reason)
{
    return read_in_range(text, strlen(text), rule, place, ret_reason);
}

int parse_percent(const char *text, const struct value_rule *rule, void *place,
                  const char **ret_reason)
{
    size_t length = strlen(text);

    if (text[length - 1] != '%') {
        *ret_reason = "there is no '%' at its end";
        return -EINVAL;
    }
    return read_in_range(text, length - 1, rule, place, ret_reason);
}

int parse_cid(const char *text, const struct value_rule *rule, void *place, const char **ret_reason)
{
    if (strcmp(text, "auto") != 0)
        return parse_number(text, rule, place, ret_reason);
    *(unsigned *)place = 0;
    return 0;
}

int parse_bytes(const char *text, _unused_ const struct value_rule *rule, void *place,
                const char **ret_reason)
{
    static const char units[] = "KMGT";
    size_t digits = strspn(text, "0123456789");
    uint64_t number;
    unsigned shift = 0;

    if (strcmp(text, "infinity") == 0) {
        *(uint64_t *)place = MEMORY_INFINITY;
        return 0;
    }
    if (read_decimal(text, digits, &number) < 0)
        return -EINVAL;
    if (text[digits] != '\0') {
        const char *unit = strchr(units, text[digits]);

        if (!unit || text[digits + 1] != '\0')
            return -EINVAL;
        shift = 10 * (unsigned)(unit - units + 1);
    }
    if (number == 0 || number > (uint64_t)INT64_MAX >> shift) {
        *ret_reason = number == 0 ? "it is too small" : "it is too large";
        return -EINVAL;
    }
    *(uint64_t *)place = number << shift;
    return 0;
}

int parse_boolean(const char *text, _unused_ const struct value_rule *rule, void *place,
                  _unused_ const char **ret_reason)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

    for (size_t i = 0; i < ELEMENTSOF(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *(bool *)place = i % 2 == 1;
            return 0;
        }
    }
    return -EINVAL;
}

int parse_choice(const char *text, const struct value_rule *rule, void *place,
                 _unused_ const char **ret_reason)
{
    size_t length = strlen(text);
    unsigned index = 0;

    for (const char *word = rule->words; *word; index++) {
        size_t n = strcspn(word, " ");

        if (n == length && memcmp(word, text, n) == 0) {
            *(unsigned *)place = index;
            return 0;
        }
        word += n;
        word += strspn(word, " ");
    }
    return -EINVAL;
}
