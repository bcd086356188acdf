// SPDX-License-Identifier: LGPL-2.1-or-later
/* The text of the files that tell systemd-networkd about a VM's interface. */
#include "generator/network-text.h"

#include "generator/filter-text.h"

static void write_header(FILE *f, const char *uuid, const struct nic *nic)
{
    fprintf(f,
            "# Interface %s of volt-vm@%s.service. volt-net writes this file when the VM starts\n"
            "# and removes it when the VM stops: changes here are lost.\n",
            nic->id, uuid);
}

void network_text_netdev(FILE *f, const char *uuid, const struct nic *nic)
{
    write_header(f, uuid, nic);
    fprintf(f,
            "[NetDev]\n"
            "Name=%s\n"
            "Kind=tap\n"
            "\n"
            "[Tap]\n"
            "VNetHeader=yes\n"
            "PacketInfo=no\n"
            "MultiQueue=%s\n",
            nic->tap, nic->queues > 1 ? "yes" : "no");
}

void network_text_network(FILE *f, const char *uuid, const struct nic *nic, enum network_port port)
{
    write_header(f, uuid, nic);
    fprintf(f,
            "[Match]\n"
            "Name=%s\n"
            "\n"
            "[Link]\n",
            nic->tap);
    if (nic->mtu > 0)
        fprintf(f, "MTUBytes=%u\n", nic->mtu);
    fputs("RequiredForOnline=no\n"
          "\n"
          "[Network]\n",
          f);
    if (nic->bridge[0] && port == NETWORK_PORT_NETWORKD)
        fprintf(f, "Bridge=%s\n", nic->bridge);
    else if (nic->bridge[0])
        fprintf(f,
                "# networkd does not make %s: volt-net adds the port, networkd leaves it there.\n"
                "KeepMaster=yes\n",
                nic->bridge);
    fputs("LinkLocalAddressing=no\n"
          "IPv6AcceptRA=no\n"
          "LLDP=no\n",
          f);
    if (nic->isolated)
        fputs("\n[Bridge]\nIsolated=yes\n", f);
    /* What goes to the guest; volt-net sees to what comes from it. */
    if (nic->rate > 0)
        fprintf(f,
                "\n[TokenBucketFilter]\n"
                "Rate=%uM\n"
                "BurstBytes=%u\n"
                "LatencySec=%ums\n",
                nic->rate, filter_burst(nic->rate), FILTER_LATENCY_MS);
}
