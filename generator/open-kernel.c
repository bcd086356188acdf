// SPDX-License-Identifier: LGPL-2.1-or-later
/* volt-open's part for managed kernels. */
#include "generator/open-kernel.h"

#include "generator/fdstore.h"
#include "generator/helper-log.h"
#include "generator/managed-kernel.h"
#include "generator/nic.h"
#include "generator/vm-environment.h"

#include <string.h>
#include <syslog.h>

int kernel_request_parse_verify(const char *text, struct kernel_request *ret)
{
    if (strcmp(text, "auto") && strcmp(text, "always"))
        return -EINVAL;
    ret->always = !strcmp(text, "always");
    return 0;
}

/* The kernel's name, or NULL where none is managed. */
static const char *find_name(const struct open_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (files[i].managed && !strcmp(files[i].name, "kernel"))
            return files[i].path;
    return NULL;
}

const char *kernel_request_check(const struct open_file *files, size_t n,
                                 const struct kernel_request *request)
{
    const char *name = find_name(files, n);

    for (size_t i = 0; i < n; i++)
        if (files[i].managed && (!name || strcmp(files[i].path, name)))
            return "--managed=initrd=KERNEL goes together with --managed=kernel of the same KERNEL";
    if (request->uuid && !uuid_is_valid(request->uuid))
        return "--uuid= is not followed by a UUID";
    if (request->always && !name)
        return "--verify=always goes together with --managed=kernel=KERNEL";
    return NULL;
}

static int take(const struct open_file *files, size_t n, const struct managed_kernel *kernel,
                int *fds, char **ret_why)
{
    for (size_t i = 0; i < n; i++) {
        enum kernel_file file = strcmp(files[i].name, "kernel") ? KERNEL_INITRD : KERNEL_VMLINUX;
        int fd;

        if (!files[i].managed)
            continue;
        fd = managed_kernel_take(kernel, file, ret_why);
        if (fd == -ENOENT && file == KERNEL_INITRD)
            continue;
        if (fd < 0)
            return fd;
        fds[i] = fd;
    }
    return 0;
}

static int tell(const struct managed_kernel *kernel, const char *cmdline, const char *uuid)
{
    int r = uuid ? managed_kernel_tell(kernel, cmdline, VM_RUN_DIR, uuid) : 0;

    return r < 0 ? helper_fail(r, "kernel: cannot write %s/%s/environment: %s", VM_RUN_DIR, uuid,
                               strerror(-r))
                 : 0;
}

int open_kernel(const struct open_file *files, size_t n, const struct kernel_request *request,
                int *fds)
{
    _cleanup_(managed_kernel_done) struct managed_kernel kernel = {.dir.fd = -EBADF};
    _cleanup_free_ char *why = NULL, *cmdline = NULL;
    const char *name = find_name(files, n);
    char description[512];
    int r;

    if (!name)
        return 0;
    r = managed_kernel_open("", name, request->always, &kernel, &why);
    if (r >= 0)
        r = take(files, n, &kernel, fds, &why);
    if (r >= 0)
        r = managed_kernel_cmdline(&kernel, &cmdline, &why);
    if (r < 0)
        return helper_fail(r, "%s", why ?: strerror(-r));
    managed_kernel_describe(&kernel, description, sizeof(description));
    helper_log(kernel.has_manifest ? LOG_INFO : LOG_NOTICE, "%s", description);
    return fdstore_available() ? tell(&kernel, cmdline, request->uuid) : 0;
}
