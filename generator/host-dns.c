// SPDX-License-Identifier: LGPL-2.1-or-later
/* The DNS servers that this host asks: what a zone without servers of its own tells guests. */
#include "generator/host-dns.h"

#include <string.h>

const char *const host_dns_files[] = {
    "/run/systemd/resolve/resolv.conf",
    "/etc/resolv.conf",
    NULL,
};

unsigned host_dns_read(FILE *f, uint32_t *ret, unsigned max)
{
    char line[256], address[64];
    unsigned n = 0;

    while (n < max && fgets(line, sizeof(line), f))
        if (sscanf(line, " nameserver %63s", address) == 1 && ipv4_parse(address, &ret[n]) == 0 &&
            ret[n] != 0 && ret[n] >> 24 != 127)
            n++;
    return n;
}

unsigned host_dns_find(const char *const *files, uint32_t *ret, unsigned max)
{
    unsigned n = 0;

    for (; *files && n == 0; files++) {
        _cleanup_fclose_ FILE *f = fopen(*files, "re");

        if (f)
            n = host_dns_read(f, ret, max);
    }
    return n;
}

bool host_dns_is_networkds(const char *state_file)
{
    _cleanup_fclose_ FILE *f = fopen(state_file, "re");
    char line[1024];

    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, "DNS=", 4) && line[4] != '\n' && line[4] != '\0')
            return true;
    return false;
}
