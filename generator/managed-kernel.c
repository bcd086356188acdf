// SPDX-License-Identifier: LGPL-2.1-or-later
/* A managed kernel for a VM that starts. */
#include "generator/managed-kernel.h"

#include "generator/kernel-verify.h"
#include "generator/vm-environment.h"

#include <string.h>

enum { SHOWN_DIGITS = 16 };

int managed_kernel_open(const char *root, const char *name, bool always, struct managed_kernel *ret,
                        char **ret_why)
{
    int r;

    *ret = (struct managed_kernel){.dir.fd = -EBADF, .always = always};
    r = kernel_store_open(root, name, &ret->dir, ret_why);
    if (r < 0)
        return r;
    r = kernel_dir_manifest(&ret->dir, &ret->manifest, ret_why);
    if (r < 0)
        return r;
    ret->has_manifest = r > 0;
    if (always && !ret->has_manifest) {
        if (asprintf(ret_why,
                     "kernel %s has no manifest, which verify = always asks for: "
                     "`volt-kernel add --replace %s %s/%s/vmlinux` makes one",
                     ret->dir.name, ret->dir.name, kernel_layers[ret->dir.layer],
                     ret->dir.name) < 0)
            *ret_why = NULL;
        return -ENODATA;
    }
    return 0;
}

void managed_kernel_done(struct managed_kernel *kernel)
{
    kernel_dir_done(&kernel->dir);
}

static int explain(int r, const struct managed_kernel *kernel, enum kernel_file file,
                   const char *detail, char **ret_why)
{
    const char *name = kernel->dir.name, *what = kernel_file_names[file];
    int n;

    if (r == -EBADMSG)
        n = asprintf(ret_why,
                     "kernel %s: %s is not what the manifest says (%s): `volt-kernel verify %s` "
                     "tells more, `volt-kernel add --replace %s …` puts it right",
                     name, what, detail, name, name);
    else
        n = asprintf(ret_why, "kernel %s: cannot use %s/%s/%s: %s", name,
                     kernel_layers[kernel->dir.layer], name, what,
                     r == -EINVAL  ? "it is no regular file"
                     : r == -ELOOP ? "it is a link, which volt-kernel makes none of"
                                   : strerror(-r));
    if (n < 0)
        *ret_why = NULL;
    return r == -ENOENT ? -ENODATA : r;
}

/* -ENOENT, without a sentence, where the kernel is not said to have it. */
static int open_verified(const struct managed_kernel *kernel, enum kernel_file file, char **ret_why)
{
    const struct kernel_file_entry *entry = &kernel->manifest.files[file];
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *detail = NULL;
    const char *how;
    int r;

    if (kernel->has_manifest && !entry->there)
        return -ENOENT;
    fd = kernel_dir_open_file(&kernel->dir, kernel_file_names[file], kernel->has_manifest);
    if (fd == -ENOENT && !kernel->has_manifest && file != KERNEL_VMLINUX)
        return -ENOENT;
    if (fd < 0)
        return explain(fd, kernel, file, NULL, ret_why);
    if (!kernel->has_manifest)
        return TAKE_FD(fd);
    r = kernel_verify(fd, entry, kernel->always, &how, &detail);
    return r < 0 ? explain(r, kernel, file, detail ?: "", ret_why) : TAKE_FD(fd);
}

int managed_kernel_take(const struct managed_kernel *kernel, enum kernel_file file, char **ret_why)
{
    return open_verified(kernel, file, ret_why);
}

static bool is_one_line(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

int managed_kernel_cmdline(const struct managed_kernel *kernel, char **ret, char **ret_why)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int fd = open_verified(kernel, KERNEL_CMDLINE, ret_why);
    size_t size = 0;
    int r = fd;

    if (r >= 0)
        r = kernel_dir_read(&kernel->dir, kernel_file_names[KERNEL_CMDLINE], kernel->has_manifest,
                            MANAGED_CMDLINE_MAX, &text, &size);
    else if (r == -ENOENT)
        text = strdup("");
    else
        return r;
    if (!text && (r >= 0 || r == -ENOENT))
        return -ENOMEM;
    if (!text)
        return explain(r, kernel, KERNEL_CMDLINE, NULL, ret_why);
    if (size > 0 && text[size - 1] == '\n')
        text[--size] = '\0';
    if (strlen(text) != size || !is_one_line(text)) {
        if (asprintf(ret_why, "kernel %s: its cmdline is not one line of printable characters",
                     kernel->dir.name) < 0)
            *ret_why = NULL;
        return -EINVAL;
    }
    *ret = TAKE_PTR(text);
    return 0;
}

void managed_kernel_describe(const struct managed_kernel *kernel, char *ret, size_t size)
{
    const struct kernel_file_entry *vmlinux = &kernel->manifest.files[KERNEL_VMLINUX];
    char digest[SHA256_TEXT_SIZE];

    if (!kernel->has_manifest) {
        (void)snprintf(ret, size,
                       "Kernel %s: made by hand, without a manifest; nothing is known of it and "
                       "nothing verified",
                       kernel->dir.name);
        return;
    }
    sha256_format(vmlinux->sha256, digest);
    (void)snprintf(ret, size, "Kernel %s: %s, sha256 %.*s…", kernel->dir.name,
                   kernel->manifest.version, SHOWN_DIGITS, digest);
}

/* In quotes, as EnvironmentFile= reads it; see systemd.exec(5). */
static char *quote(const char *text)
{
    char *quoted = NULL;
    size_t size;
    FILE *f = open_memstream(&quoted, &size);

    if (!f)
        return NULL;
    (void)fputc('"', f);
    for (; *text; text++) {
        if (strchr("\"\\$`", *text))
            (void)fputc('\\', f);
        (void)fputc(*text, f);
    }
    (void)fputc('"', f);
    if (fclose(f) == 0)
        return quoted;
    free(quoted);
    return NULL;
}

int managed_kernel_tell(const struct managed_kernel *kernel, const char *cmdline, const char *dir,
                        const char *uuid)
{
    _cleanup_free_ char *quoted = quote(cmdline);
    /* What has a manifest is replaced and never written to; who made the rest by hand may do both.
     * And of what is mapped, pages are read again that were not looked at. */
    bool map = kernel->has_manifest && !kernel->always;
    const struct vm_variable variables[] = {
        {"VOLT_KERNEL_CMDLINE", quoted},
        {"VOLT_KERNEL", kernel->dir.name},
        {"VOLT_KERNEL_MAP", map ? "yes" : "no"},
    };

    return quoted ? vm_environment_set(dir, uuid, variables, ELEMENTSOF(variables)) : -ENOMEM;
}
