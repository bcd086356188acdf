/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a unit says of credentials: systemd gives them to the VMM, which passes them on. */
#include "generator/unit-credential.h"

#include <string.h>

#include "generator/unit-escape.h"

/* The part before the first ':', in which systemd expands specifiers. */
static void write_name(FILE *f, const char *name)
{
    for (const char *p = name; *p; p++) {
        if (*p == '%')
            (void)fputc(*p, f);
        (void)fputc(*p, f);
    }
    (void)fputc(':', f);
}

/* systemd expands C escapes, whether or not a version of it expands specifiers before. */
static void write_text(FILE *f, const char *text)
{
    const char *end = text + strlen(text);

    for (const char *p = text; p < end;) {
        size_t length = printable_length(p, end);

        if (length == 0 || strchr("\\%\t", *p) || (p == text && *p == ':'))
            (void)fprintf(f, "\\x%02x", (unsigned char)*p);
        else
            (void)fwrite(p, 1, length, f);
        p += length > 0 ? length : 1;
    }
}

void unit_write_credentials(FILE *f, const struct vm_config *config)
{
    if (config->credentials.count > 0)
        (void)fputs("\n# Credentials: the VMM passes on to the guest all that it gets\n", f);
    for (size_t i = 0; i < config->credentials.count; i++) {
        const struct credential *credential = &config->credentials.items[i];

        (void)fputs(credential->is_path ? "LoadCredential=" : "SetCredential=", f);
        write_name(f, credential->name);
        if (credential->is_path)
            unit_escape(f, credential->value, UNIT_VALUE);
        else
            write_text(f, credential->value);
        (void)fputc('\n', f);
    }
}

void unit_write_credential_mounts(FILE *f, const struct vm_config *config)
{
    for (size_t i = 0; i < config->credentials.count; i++) {
        if (!config->credentials.items[i].is_path)
            continue;
        (void)fputc(' ', f);
        unit_escape(f, config->credentials.items[i].value, UNIT_WORD);
    }
}
