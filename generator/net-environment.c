// SPDX-License-Identifier: LGPL-2.1-or-later
/* What volt-net tells volt-vmm's command line: /run/volt/vm/<uuid>/environment. */
#include "generator/net-environment.h"

#include "generator/run-dir.h"
#include "generator/run-file.h"

#include <fcntl.h>
#include <limits.h>

/* Documentation/admin-guide/nfs/nfsroot.rst in the kernel: what is not known stays empty. With one
 * NIC the device does, too: a guest that renames its interface keeps its address. */
static void write_ip_word(FILE *f, const struct nic *nic, size_t number, size_t n)
{
    uint32_t mask = nic->prefix > 0 ? UINT32_MAX << (32 - nic->prefix) : 0;
    char client[IPV4_TEXT_SIZE], gateway[IPV4_TEXT_SIZE], netmask[IPV4_TEXT_SIZE];

    fprintf(f, "ip=%s::%s:%s::", ipv4_text(nic->ipv4, client),
            nic->gateway ? ipv4_text(nic->gateway, gateway) : "", ipv4_text(mask, netmask));
    if (n > 1)
        fprintf(f, "eth%zu", number);
    fputs(":off", f);
    for (unsigned i = 0; i < 2; i++)
        fprintf(f, ":%s", i < nic->dns_count ? ipv4_text(nic->dns[i], client) : "");
}

bool net_environment_write(FILE *f, const struct nic *nics, size_t n)
{
    char mac[MAC_TEXT_SIZE];
    bool any = false, word = false;

    for (size_t i = 0; i < n; i++)
        if (nics[i].mac_is_derived) {
            fprintf(f, "VOLT_MAC_%zu=%s\n", i, mac_text(nics[i].mac, mac));
            any = true;
        }
    for (size_t i = 0; i < n; i++)
        if (nics[i].address == NIC_ADDRESS_CMDLINE) {
            fputs(word ? " " : "VOLT_IP=\"", f);
            write_ip_word(f, &nics[i], i, n);
            word = true;
        }
    if (word)
        fputs("\"\n", f);
    return any || word;
}

int net_environment_save(const char *dir, const char *uuid, const struct nic *nics, size_t n)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int dir_fd = -EBADF;
    char path[PATH_MAX];
    size_t size;
    bool any;
    FILE *f;

    if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, uuid) >= sizeof(path))
        return -ENAMETOOLONG;
    dir_fd = run_dir_open(path, true);
    if (dir_fd < 0)
        return dir_fd;
    f = open_memstream(&text, &size);
    if (!f)
        return -ENOMEM;
    any = net_environment_write(f, nics, n);
    if (fclose(f) != 0)
        return -ENOMEM;
    if (any)
        return run_file_write(dir_fd, "environment", text);
    return unlinkat(dir_fd, "environment", 0) < 0 && errno != ENOENT ? -errno : 0;
}
