/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of devices. To remove a device, delete its file and its row. */
#include "vmm/devices/device-table.h"

#include "vmm/devices/balloon.h"
#include "vmm/devices/console-device.h"
#include "vmm/devices/disk.h"
#include "vmm/devices/net.h"
#include "vmm/devices/rng.h"
#include "vmm/devices/vsock.h"

const struct device_kind device_kinds[] = {
    {
        .option = "net",
        .help = "ID,tap=fd:PREFIX|NAME[,mac=MAC][,mtu=N][,queues=N][,offloads=no][,vhost=fd:PREFIX|"
                "PATH]\t"
                "network interface",
        .create = net_create,
    },
    {
        .option = "disk",
        .help = "ID,file=fd:NAME|PATH[,readonly][,cache=writeback|none][,queues=N]"
                "[,engine=auto|io_uring|sync][,iops=N][,mbps=N]\t"
                "disk: a raw image or a block device",
        .create = disk_create,
    },
    {
        .option = "rng",
        .help = "ID\tthe host's random numbers",
        .create = rng_create,
    },
    {
        .option = "vsock",
        .help = "cid=N,vhost=fd:NAME|PATH\t"
                "sockets between guest and host, by vhost-vsock",
        .create = vsock_create,
    },
    {
        .option = "balloon",
        .help = "ID[,size=MIB][,deflate-on-oom=no][,reporting=no][,statistics=SECONDS]"
                "[,file=fd:NAME|PATH]\t"
                "memory that the guest gives back",
        .create = balloon_create,
    },
    {
        .option = "console",
        .help = "ID[,listen=fd:NAME|PATH]\tconsole hvc0, and the socket at which people attach",
        .create = console_create,
    },
    {0},
};
