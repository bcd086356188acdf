/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reader of unit files that knows systemd's syntax and what volt-generator may write, and nothing
 * else: whatever is beside that ends the test. See systemd.syntax(7), systemd.service(5). */
#pragma once

#include "tests/unit/generator/describe.h"

#include <ctype.h>

#define LONG_LINE_MAX (1024 * 1024) /* systemd's */

/* The words of one value, as systemd hands them on: whoever looks for a path or an argument. */
struct unit_words {
    char *items[512];
    size_t count;
};

static inline void unit_words_done(struct unit_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->items[i]);
    words->count = 0;
}

static inline bool unit_words_have(const struct unit_words *words, const char *text)
{
    for (size_t i = 0; i < words->count; i++)
        if (strstr(words->items[i], text))
            return true;
    return false;
}

/* What a section may have, and how often. */
struct unit_directive {
    const char *section, *key;
    unsigned max;
};

static const struct unit_directive unit_directives[] = {
    {"Unit", "Description", 1},
    {"Unit", "SourcePath", 1},
    {"Unit", "PartOf", 1},
    {"Unit", "RequiresMountsFor", 1},
    {"Unit", "Wants", 1},
    {"Unit", "After", 8},
    {"Unit", "Requires", 8},
    {"Unit", "Documentation", 1},
    {"Service", "MemoryMax", 1},
    {"Service", "TasksMax", 1},
    {"Service", "CPUQuota", 1},
    {"Service", "CPUWeight", 1},
    {"Service", "AllowedCPUs", 1},
    {"Service", "IOWeight", 1},
    {"Service", "TimeoutStartSec", 1},
    {"Service", "TimeoutStopSec", 1},
    {"Service", "Type", 1},
    {"Service", "NotifyAccess", 1},
    {"Service", "Restart", 1},
    {"Service", "DeviceAllow", 16},
    {"Service", "LoadCredential", 255},
    {"Service", "SetCredential", 255},
    {"Service", "Sockets", 1},
    {"Service", "Environment", 8},
    {"Service", "EnvironmentFile", 1},
    {"Service", "ExecStartPre", 2},
    {"Service", "ExecStart", 2},
    {"Service", "ExecStartPost", 1},
    {"Socket", "SocketMode", 1},
    {"Socket", "SocketGroup", 1},
};

static inline const struct unit_directive *unit_directive_find(const char *section, const char *key)
{
    for (size_t i = 0; i < ELEMENTSOF(unit_directives); i++)
        if (strcmp(unit_directives[i].section, section) == 0 &&
            strcmp(unit_directives[i].key, key) == 0)
            return &unit_directives[i];
    fail_msg("[%s] has a directive %s=", section, key);
    return NULL;
}

/* No specifier: none is written, so none may come from outside. */
static inline void check_percents(const char *value)
{
    for (const char *p = value; (p = strchr(p, '%')); p += 2)
        if (p[1] != '%')
            fail_msg("a specifier: %.60s", p);
}

/* The next byte of a C escape behind the backslash at *P. */
static inline char unescape(const char **p)
{
    char digits[3] = "";

    if ((*p)[1] == 'x') {
        assert_true(isxdigit((*p)[2]) && isxdigit((*p)[3]));
        memcpy(digits, *p + 2, 2);
        *p += 4;
        return (char)strtoul(digits, NULL, 16);
    }
    if (!strchr("\\\"'", (*p)[1]))
        fail_msg("an escape that nobody meant: %.40s", *p);
    *p += 2;
    return (*p)[-1];
}

/* Copies the word at *P, which ends at a blank outside of quotes. EXEC: '$' counts. */
static inline char *read_word(const char **p, bool exec)
{
    char *word = calloc(1, strlen(*p) + 1), quote = '\0', *to = word;

    assert_non_null(word);
    while (**p != '\0' && (quote != '\0' || **p != ' ')) {
        if (quote == '\0' && (**p == '"' || **p == '\'')) {
            quote = *(*p)++;
        } else if (quote != '\0' && **p == quote) {
            quote = '\0';
            (*p)++;
        } else if (**p == '\\') {
            *to++ = unescape(p);
        } else if (**p == '%' || (exec && **p == '$' && (*p)[1] == '$')) {
            *to++ = **p;
            *p += 2;
        } else if (exec && **p == '$') {
            size_t n = strspn(*p, "${ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

            if ((strncmp(*p, "${VOLT_", 7) != 0 && strncmp(*p, "${MAINPID", 9) != 0) ||
                (*p)[n] != '}')
                fail_msg("a variable: %.40s", *p);
            *p += n + 1;
        } else {
            *to++ = *(*p)++;
        }
    }
    if (quote != '\0')
        fail_msg("a quote is open at the end of a line");
    return word;
}

static inline void split_words(const char *value, bool exec, struct unit_words *words)
{
    for (const char *p = value + strspn(value, " "); *p; p += strspn(p, " ")) {
        const char *start = p;

        assert_true(words->count < ELEMENTSOF(words->items));
        words->items[words->count] = read_word(&p, exec);
        if (exec && p == start + 1 && *start == ';')
            fail_msg("a second command: %s", value);
        words->count++;
    }
}

/* A command line: one of ours, and behind it options alone; volt-open's refusal has one text. */
static inline void check_command(const char *value, struct unit_words *all)
{
    static const char *const programs[] = {
        "+" VOLT_LIBEXECDIR "/volt-net up",
        "+" VOLT_LIBEXECDIR "/volt-open",
        "+-" VOLT_LIBEXECDIR "/volt-machine register",
        VOLT_LIBEXECDIR "/volt-vmm",
        "+" VOLT_LIBEXECDIR "/volt-open refuse",
    };
    struct unit_words words = {.count = 0};
    size_t best = 0, length = 0;

    if (*value == '\0') /* takes the template's away */
        return;
    for (size_t i = 0; i < ELEMENTSOF(programs); i++)
        if (strncmp(value, programs[i], strlen(programs[i])) == 0 &&
            value[strlen(programs[i])] == ' ' && strlen(programs[i]) > length) {
            length = strlen(programs[i]);
            best = i;
        }
    if (length == 0)
        fail_msg("a command line: %s", value);
    split_words(value + length, true, &words);
    if (best == ELEMENTSOF(programs) - 1)
        assert_int_equal(words.count, 1);
    for (size_t i = 0; i < words.count && best < ELEMENTSOF(programs) - 1; i++)
        if (strncmp(words.items[i], "--", 2) != 0)
            fail_msg("an argument: %s", words.items[i]);
    for (size_t i = 0; i < words.count; i++) {
        assert_true(all->count < ELEMENTSOF(all->items));
        all->items[all->count++] = words.items[i];
    }
}

/* One logical line. SECTION changes with it. */
static inline void check_line(char *line, char section[static 16], unsigned *seen,
                              struct unit_words *words)
{
    size_t length = strlen(line);

    if (line[0] == '[') {
        if (strcmp(line, "[Unit]") != 0 && strcmp(line, "[Service]") != 0 &&
            strcmp(line, "[Socket]") != 0)
            fail_msg("a section: %s", line);
        (void)snprintf(section, 16, "%.*s", (int)(length - 2), line + 1);
        return;
    }
    char *value = strchr(line, '=');
    if (section[0] == '\0' || !value)
        fail_msg("a line outside of sections, or no assignment: %.80s", line);
    *value++ = '\0';

    const struct unit_directive *directive = unit_directive_find(section, line);
    if (++seen[directive - unit_directives] > directive->max)
        fail_msg("%s= stands there %u times", line, directive->max + 1);
    if (strcmp(line, "CPUQuota") != 0) /* a number and a sign */
        check_percents(value);
    if (strncmp(line, "Exec", 4) == 0)
        check_command(value, words);
    else if (strcmp(line, "RequiresMountsFor") == 0 || strcmp(line, "DeviceAllow") == 0)
        split_words(value, false, words);
}

static inline bool is_continued(const char *line, size_t length)
{
    bool escaped = false;

    for (size_t i = 0; i < length; i++)
        escaped = line[i] == '\\' && !escaped;
    return escaped;
}

/* Reads a unit file as systemd does. Adds the words of command lines and lists of paths. */
static inline void check_unit(const char *text, size_t size, struct unit_words *words)
{
    unsigned seen[ELEMENTSOF(unit_directives)] = {0};
    _cleanup_free_ char *line = calloc(1, size + 1);
    char section[16] = "";
    size_t length = 0;

    assert_non_null(line);
    assert_int_equal(strlen(text), size); /* no NUL */
    for (const char *p = text, *end = text + size, *next; p < end; p = next + 1) {
        next = memchr(p, '\n', (size_t)(end - p));
        assert_non_null(next);
        for (const char *c = p; c < next;) {
            size_t n = printable_length(c, next);

            if (n == 0 || *c == '\t')
                fail_msg("the byte \\x%02x is in a unit", (unsigned char)*c);
            c += n;
        }
        const char *first = p + strspn(p, " ");
        if (first < next && (*first == '#' || *first == ';')) {
            assert_int_equal(length, 0); /* ours stand by themselves */
            continue;
        }
        bool more = is_continued(p, (size_t)(next - p));
        memcpy(line + length, p, (size_t)(next - p) - (more ? 1 : 0));
        length += (size_t)(next - p) - (more ? 1 : 0);
        line[length] = '\0';
        assert_true(length < LONG_LINE_MAX);
        if (more)
            continue;
        if (length > 0)
            check_line(line, section, seen, words);
        length = 0;
    }
    assert_int_equal(length, 0);
}

/* A unit file's name is one of ours, right below the directory of units. */
static inline void check_unit_name(const char *name)
{
    const char *slash = strchr(name, '/'), *base = slash ? slash + 1 : name;
    const char *dot = strrchr(base, '.');

    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-/") !=
            strlen(name) ||
        strncmp(name, "volt", 4) != 0 || strchr(base, '/') || strstr(name, "/..") ||
        strlen(name) > 255)
        fail_msg("a file called %s", name);
    assert_non_null(dot);
    if (!slash)
        assert_true(strcmp(dot, ".target") == 0 || strcmp(dot, ".service") == 0);
    else if (strncmp(name, "volt.target.wants/", slash + 1 - name) == 0)
        assert_string_equal(dot, ".service");
    else
        assert_string_equal(base, "50-volt.conf");
}
