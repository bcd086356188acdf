/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines that configure the kernel which `volt-kernel build` makes. */
#include "tools/kernel/build-settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kernel/why.h"

enum { SETTINGS_MAX = 4096, LINE_MAX_SIZE = 512 };

#define PREFIX "CONFIG_"

void build_settings_done(struct build_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->items[i].line);
        free(settings->items[i].from);
    }
    free(settings->items);
    *settings = (struct build_settings){0};
}

/* The length of y, n, a number or a "string", at TEXT; 0: it is none. Modules are not built. */
static size_t value_size(const char *text)
{
    size_t n;

    if (text[0] == 'y' || text[0] == 'n')
        return 1;
    if (text[0] == '"') {
        n = 1 + strcspn(text + 1, "\"\\");
        return text[n] == '"' ? n + 1 : 0;
    }
    if (text[0] == '0' && text[1] == 'x')
        n = strspn(text + 2, "0123456789abcdefABCDEF");
    else
        return strspn(text, "0123456789");
    return n ? n + 2 : 0;
}

/* "since 6.2:" and "before 6.9:" at the beginning of a comment. */
static bool read_version(const char **text, const char *word, unsigned *ret)
{
    unsigned major, minor;
    int n = 0;

    if (strncmp(*text, word, strlen(word)) != 0)
        return false;
    if (sscanf(*text + strlen(word), " %3u.%3u:%n", &major, &minor, &n) != 2 || n == 0)
        return false;
    *ret = major << 16 | minor;
    *text += strlen(word) + (size_t)n;
    return true;
}

/* The comment behind a setting: only what it begins with means something. False: it is none. */
static bool read_comment(const char *text, struct build_setting *setting)
{
    text += strspn(text, " \t");
    if (*text == '\0')
        return true;
    if (*text != '#')
        return false;
    text += 1 + strspn(text + 1, " \t");
    if (read_version(&text, "since", &setting->since))
        text += strspn(text, " \t");
    (void)read_version(&text, "before", &setting->before);
    return true;
}

/* False: it is no setting. */
static bool read_line(const char *line, struct build_setting *ret, size_t *ret_size)
{
    size_t name = strlen(PREFIX), value;

    if (strncmp(line, PREFIX, name) != 0)
        return false;
    while (isalnum((unsigned char)line[name]) || line[name] == '_')
        name++;
    if (name == strlen(PREFIX) || line[name] != '=')
        return false;
    value = value_size(line + name + 1);
    if (value == 0 || !read_comment(line + name + 1 + value, ret))
        return false;
    ret->name_size = name;
    *ret_size = name + 1 + value;
    return true;
}

static int add(struct build_settings *settings, const struct build_setting *setting)
{
    struct build_setting *items =
        reallocarray(settings->items, settings->count + 1, sizeof(*items));

    if (!items)
        return -ENOMEM;
    settings->items = items;
    items[settings->count++] = *setting;
    return 0;
}

static int add_line(struct build_settings *settings, const char *name, unsigned number,
                    const char *line, char **ret_why)
{
    struct build_setting setting = {.before = UINT32_MAX};
    size_t size;

    if (line[0] == '\0' || line[0] == '#')
        return 0;
    if (!read_line(line, &setting, &size))
        return why(ret_why, -EINVAL,
                   "%s:%u: expected CONFIG_NAME= and y, n, a number or a \"string\", and then "
                   "nothing or a '#' with the reason; nothing is built as a module",
                   name, number);
    if (settings->count == SETTINGS_MAX)
        return why(ret_why, -E2BIG, "%s:%u: more than %d settings", name, number, SETTINGS_MAX);
    setting.line = strndup(line, size);
    if (asprintf(&setting.from, "%s:%u", name, number) < 0)
        setting.from = NULL;
    if (!setting.line || !setting.from || add(settings, &setting) < 0) {
        free(setting.line);
        free(setting.from);
        return why(ret_why, -ENOMEM, "no memory");
    }
    return 0;
}

int build_settings_parse(struct build_settings *settings, const char *name, const char *text,
                         char **ret_why)
{
    char line[LINE_MAX_SIZE];

    for (unsigned number = 1; *text; number++) {
        size_t size = strcspn(text, "\n");

        if (size >= sizeof(line))
            return why(ret_why, -EINVAL, "%s:%u: the line is longer than %d characters", name,
                       number, LINE_MAX_SIZE - 1);
        memcpy(line, text, size);
        line[size] = '\0';
        for (size_t i = 0; i < size; i++)
            if (line[i] != '\t' && iscntrl((unsigned char)line[i]))
                return why(ret_why, -EINVAL, "%s:%u: a control character", name, number);
        int r = add_line(settings, name, number, line, ret_why);
        if (r < 0)
            return r;
        text += size + (text[size] == '\n');
    }
    return 0;
}

static bool counts(const struct build_setting *setting, unsigned version)
{
    return version >= setting->since && version < setting->before;
}

/* Whether a later line, too, sets what ITEMS[I] sets. */
static bool is_overridden(const struct build_settings *settings, size_t i, unsigned version)
{
    const struct build_setting *setting = &settings->items[i];

    for (size_t k = i + 1; k < settings->count; k++)
        if (counts(&settings->items[k], version) &&
            settings->items[k].name_size == setting->name_size &&
            strncmp(settings->items[k].line, setting->line, setting->name_size) == 0)
            return true;
    return false;
}

char *build_settings_text(const struct build_settings *settings, unsigned version,
                          unsigned *ret_count)
{
    char *text = NULL;
    size_t size;
    unsigned count = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    for (size_t i = 0; i < settings->count; i++)
        if (counts(&settings->items[i], version) && !is_overridden(settings, i, version)) {
            (void)fprintf(f, "%s\n", settings->items[i].line);
            count++;
        }
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    *ret_count = count;
    return text;
}

/* What CONFIG has for the name: the value and its length; "n" for what it does not set. */
static const char *config_value(const char *config, const struct build_setting *setting,
                                size_t *ret_size)
{
    for (const char *line = config; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, setting->line, setting->name_size + 1) == 0) {
            *ret_size = strcspn(line + setting->name_size + 1, "\n");
            return line + setting->name_size + 1;
        }
    }
    *ret_size = 1;
    return "n";
}

int build_settings_check(const struct build_settings *settings, unsigned version,
                         const char *config, char **ret_missing)
{
    _cleanup_free_ char *text = NULL;
    size_t size, n_value;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < settings->count; i++) {
        const struct build_setting *setting = &settings->items[i];
        const char *wanted = setting->line + setting->name_size + 1, *value;

        if (!counts(setting, version) || is_overridden(settings, i, version))
            continue;
        value = config_value(config, setting, &n_value);
        if (n_value != strlen(wanted) || strncmp(value, wanted, n_value) != 0)
            (void)fprintf(f, "%s (%s), it is %.*s\n", setting->line, setting->from, (int)n_value,
                          value);
    }
    if (fclose(f) != 0)
        return -ENOMEM;
    *ret_missing = size ? TAKE_PTR(text) : NULL;
    return 0;
}
