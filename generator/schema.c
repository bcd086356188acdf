/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vocabulary of the INI file: one row per key. */
#include "generator/schema.h"

#include <string.h>

#include "generator/suggest.h"

#define VM(field)      .section = SECTION_VM, .place = offsetof(struct vm_section, field)
#define NETWORK(field) .section = SECTION_NETWORK, .place = offsetof(struct network_section, field)
#define CONSOLE(field) .section = SECTION_CONSOLE, .place = offsetof(struct console_section, field)
#define BALLOON(field) .section = SECTION_BALLOON, .place = offsetof(struct balloon_section, field)
#define VSOCK(field)   .section = SECTION_VSOCK, .place = offsetof(struct vsock_section, field)
#define DISK(field)    .section = SECTION_DISK, .place = offsetof(struct disk_section, field)

const struct section_type section_types[SECTION_KINDS] = {
    [SECTION_VM] = {.name = "vm",
                    .size = sizeof(struct vm_section),
                    .help = "The machine. Every file has this section once."},
    [SECTION_NETWORK] = {.name = "network",
                         .takes_id = true,
                         .size = sizeof(struct network_section),
                         .help = "A network interface of the guest, and the TAP on the host that "
                                 "it is wired to. At most 8."},
    [SECTION_DISK] = {.name = "disk",
                      .takes_id = true,
                      .size = sizeof(struct disk_section),
                      .help = "A disk of the guest, which has them as vda, vdb and so on in this "
                              "order; their serial numbers are the ids. That called root becomes "
                              "the root file system, unless cmdline has a root= of its own. At "
                              "most 16."},
    [SECTION_VSOCK] = {.name = "vsock",
                       .size = sizeof(struct vsock_section),
                       .help = "Sockets between guest and host, AF_VSOCK, without a network: see "
                               "vsock(7). The host's kernel needs the module vhost_vsock."},
    [SECTION_CREDENTIALS] =
        {.name = "credentials",
         .size = sizeof(struct credentials_section),
         .take = credentials_take,
         .help = "Credentials for the guest, whose systemd has them as its own: see "
                 "systemd.system-credentials(7) there for names that it knows. At most 255."},
    [SECTION_CONSOLE] =
        {.name = "console",
         .size = sizeof(struct console_section),
         .help = "A console for people: hvc0 in the guest, with a login prompt where the guest has "
                 "systemd, and volt-console(1) to attach to it. It becomes the guest's "
                 "/dev/console; what the kernel says still goes to the journal, too. The section "
                 "may be empty."},
    [SECTION_BALLOON] = {.name = "balloon",
                         .size = sizeof(struct balloon_section),
                         .help = "A balloon: with this section, even an empty one, memory that the "
                                 "guest frees goes back to the host, and systemctl status shows "
                                 "what it has free. /run/volt/vm/UUID/balloon has more figures."},
};

const struct setting schema[] = {
    {VM(uuid), .key = "uuid", .parse = parse_uuid,
     .value = "a UUID such as 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
     .otherwise = "the file's name without .ini, which must be a UUID then",
     .help = "Who the machine is: the instance in volt-vm@UUID.service. Make one with uuidgen(1)."},
    {VM(name), .key = "name", .parse = parse_name,
     .value = "a name of at most 63 letters, digits, '.', '_' and '-', a letter or digit first",
     .otherwise = "the file's name without .ini",
     .help = "What people call it: volt-NAME.target starts and stops it."},
    {VM(vcpus), .key = "vcpus", .parse = parse_number, .rule = {.min = 1, .max = 254},
     .initial = "1", .help = "The number of virtual CPUs."},
    {VM(memory_mib), .key = "memory_mib", .parse = parse_number,
     .rule = {.min = 32, .max = 1048576}, .initial = "512", .help = "The guest's memory in MiB."},
    {VM(memory_max), .key = "memory_max", .parse = parse_bytes,
     .value = "a size such as 600M or 2G (K, M, G, T), or infinity",
     .otherwise = "memory_mib, one 64th of it, and 64 MiB",
     .help = "MemoryMax= of the service: the guest's memory and what the VMM itself needs."},
    {VM(cpu_quota), .key = "cpu_quota", .parse = parse_percent, .rule = {.min = 1, .max = 100000},
     .otherwise = "no limit",
     .help = "CPUQuota= of the service, as a share of one CPU: 150% is one and a half CPUs."},
    {VM(cpu_weight), .key = "cpu_weight", .parse = parse_number, .rule = {.min = 1, .max = 10000},
     .otherwise = "systemd's, 100",
     .help = "CPUWeight= of the service: its share of the CPUs where others want them, too."},
    {VM(cpus), .key = "cpus", .parse = parse_cpus, .value = "a list of CPUs such as 0-3,8",
     .otherwise = "all CPUs",
     .help = "AllowedCPUs= of the service: the CPUs of the host on which the VM may run."},
    {VM(io_weight), .key = "io_weight", .parse = parse_number, .rule = {.min = 1, .max = 10000},
     .otherwise = "systemd's, 100",
     .help = "IOWeight= of the service: its share of what the host's disks do, where the disk's "
             "scheduler is one that knows of weights."},
    {VM(kernel), .key = "kernel", .parse = parse_kernel,
     .value = "the name of a managed kernel or an absolute path", .initial = "default",
     .help = "The kernel to boot: one of those that volt-kernel(8) manages, which are "
             "in " VOLT_KERNEL_DIR "/NAME or " VOLT_VENDOR_KERNEL_DIR "/NAME; default is what "
             "`volt-kernel default` shows. Or the path of an ELF vmlinux or a bzImage."},
    {VM(initrd), .key = "initrd", .parse = parse_initrd, .value = "an absolute path, or none",
     .otherwise = "the managed kernel's, where it has one", .help = "The initial RAM disk."},
    {VM(verify), .key = "verify", .parse = parse_choice, .rule = {.words = "auto always"},
     .initial = "auto",
     .help = "How a managed kernel is held against its manifest before each start: by fs-verity, "
             "or else by size and time of the last change, and by reading it all only where these "
             "differ; or always by reading it all."},
    {VM(cmdline), .key = "cmdline", .parse = parse_cmdline, .value = "at most 1792 bytes of text",
     .otherwise = "nothing is added",
     .help = "Added to the kernel's command line: behind what the VMM needs and what a managed "
             "kernel brings along, so that it wins."},
    {VM(readiness), .key = "readiness", .parse = parse_choice, .rule = {.words = "none vmm guest"},
     .otherwise =
         "guest with a [vsock], and a guest that has said nothing at all by the time limit "
         "counts as started then; vmm without",
     .help = "When the VM counts as started: at once; when its machine is built and runs; or when "
             "the guest says so, as systemd does from 254 on by itself once its default target "
             "is up. guest needs a [vsock]."},
    {VM(ready_timeout_sec), .key = "ready_timeout_sec", .parse = parse_number,
     .rule = {.min = 1, .max = 86400}, .initial = "120",
     .help = "How many seconds the guest may take until it says that it is ready; after that it "
             "is ended, and the start has failed."},
    {VM(stop_timeout_sec), .key = "stop_timeout_sec", .parse = parse_number,
     .rule = {.min = 1, .max = 3600}, .initial = "30",
     .help = "How many seconds the guest may take to shut down once its power button is pressed; "
             "after that it is ended."},
    {VM(autostart), .key = "autostart", .parse = parse_boolean, .value = "yes or no",
     .initial = "no",
     .help = "Whether volt.target starts the VM. `systemctl enable volt.target`, once, starts that "
             "target when the host boots."},
    {VM(rng), .key = "rng", .parse = parse_boolean, .value = "yes or no", .initial = "yes",
     .help = "Whether the guest has the host's random numbers (/dev/hwrng), for its own to be good "
             "from the first second on."},
    {VM(hugepages), .key = "hugepages", .parse = parse_choice, .rule = {.words = "thp no yes"},
     .initial = "thp",
     .help = "Whether the guest's memory is of huge pages of 2 MiB, which make it quicker: with "
             "thp, of such as the kernel finds while the guest runs, unless "
             "/sys/kernel/mm/transparent_hugepage/enabled is never; with yes, of those that are "
             "reserved on the host (sysctl vm.nr_hugepages; they do not count for memory_max). "
             "With no it is of small pages alone, of which a guest that does little has fewer."},
    {VM(require_landlock), .key = "require_landlock", .parse = parse_boolean, .value = "yes or no",
     .initial = "no",
     .help =
         "Whether the VM is not to start on a kernel without Landlock, which keeps the VMM from "
         "all files and networks a second time. Without, a notice says that it is missing."},

    {NETWORK(mode), .key = "mode", .parse = parse_choice, .rule = {.words = "networkd direct"},
     .initial = "networkd",
     .help = "Who makes the TAP: systemd-networkd, or volt-net itself; a missing bridge is "
             "networkd's to make either way."},
    {NETWORK(tap), .key = "tap", .parse = parse_ifname,
     .value = "an interface name of at most 15 letters, digits, '.', '_' and '-'",
     .otherwise = "tap- and the UUID's first 8 digits; -1, -2, ... at its end for further ones",
     .help = "The TAP's name on the host."},
    {NETWORK(bridge), .key = "bridge", .parse = parse_ifname,
     .value = "an interface name of at most 15 letters, digits, '.', '_' and '-'",
     .otherwise = "none", .help = "The bridge on the host that the TAP joins, such as br0."},
    {NETWORK(zone_name), .key = "zone", .parse = parse_name,
     .value = "a name of at most 63 letters, digits, '.', '_' and '-', a letter or digit first",
     .otherwise = "none",
     .help = "The zone that the interface is in, such as default, in place of a bridge: it has the "
             "bridge, the network's addresses and the gateway. See volt.zone(5)."},
    {NETWORK(mac), .key = "mac", .parse = parse_mac,
     .value = "a unicast MAC address such as 52:54:00:12:34:56",
     .otherwise = "derived from the UUID and the section's id; it stays the same",
     .help = "The MAC address that the guest sees."},
    {NETWORK(ipv4), .key = "ipv4", .parse = parse_ipv4,
     .value = "an IPv4 address with its prefix, such as 10.42.0.10/24, or auto",
     .otherwise = "none that Volt knows of",
     .help = "The guest's address. It is one VM's on each bridge, and one of those that the zone "
             "reserves. auto takes the first free one of the zone when the VM starts, and the same "
             "again later."},
    {NETWORK(address), .key = "address", .parse = parse_choice,
     .rule = {.words = "none dhcp cmdline"},
     .otherwise = "dhcp with ipv4 and a bridge; cmdline in a zone without DHCP; none without ipv4",
     .help =
         "How the guest learns its address: from networkd's DHCP server on the bridge, which is "
         "told of it; by ip= on the kernel's command line, with gateway and name servers; or "
         "not from Volt."},
    {NETWORK(mtu), .key = "mtu", .parse = parse_number, .rule = {.min = 68, .max = 65521},
     .otherwise = "the kernel's, 1500", .help = "The MTU of the TAP, which the guest is told."},
    {NETWORK(vhost), .key = "vhost", .parse = parse_boolean, .value = "yes or no", .initial = "yes",
     .help = "Whether the host's kernel moves the packets. Where it cannot, the VMM does, "
             "and the journal says why."},
    {NETWORK(multiqueue), .key = "multiqueue", .parse = parse_number, .rule = {.min = 1, .max = 8},
     .initial = "1",
     .help = "The number of queue pairs, at best that of the virtual CPUs: each pair has a thread "
             "of its own on the host."},
    {NETWORK(isolated), .key = "isolated", .parse = parse_boolean, .value = "yes or no",
     .initial = "no",
     .help = "Whether the guest is kept from the bridge's other isolated ports. It still reaches "
             "the host and what is not isolated."},
    {NETWORK(antispoof), .key = "antispoof", .parse = parse_boolean, .value = "yes or no",
     .initial = "no",
     .help = "Whether the TAP takes from the guest only what comes from its own MAC address and, "
             "with ipv4, its own IPv4 address. The VMM moves the packets then, and the guest sends "
             "without offloads, which costs speed. A firewall that flushes all of nftables' rules "
             "takes these along until the VM is started again."},
    {NETWORK(rate_mbit), .key = "rate_mbit", .parse = parse_number,
     .rule = {.min = 1, .max = 100000}, .otherwise = "no limit",
     .help = "The most that the interface carries each way, in Mbit/s."},

    {BALLOON(size_mib), .key = "size_mib", .parse = parse_number,
     .rule = {.min = 0, .max = 1048576}, .initial = "0",
     .help =
         "How much of its memory the guest gives up, in MiB. `systemctl reload` changes it while "
         "the guest runs."},
    {BALLOON(deflate_on_oom), .key = "deflate_on_oom", .parse = parse_boolean, .value = "yes or no",
     .initial = "yes",
     .help = "Whether a guest that is out of memory takes some of it back before it kills a "
             "process."},
    {BALLOON(free_page_reporting), .key = "free_page_reporting", .parse = parse_boolean,
     .value = "yes or no", .initial = "yes",
     .help = "Whether the guest reports blocks of free memory, which go back to the host until it "
             "uses them again."},
    {BALLOON(statistics_sec), .key = "statistics_sec", .parse = parse_number,
     .rule = {.min = 0, .max = 3600}, .initial = "10",
     .help = "How often the guest is asked for its figures, in seconds; 0: never."},

    {DISK(path), .key = "path", .parse = parse_path, .value = "an absolute path",
     .otherwise = "an error: every disk needs one",
     .help = "The raw image or block device. One VM may write to it, or several may read it."},
    {DISK(readonly), .key = "readonly", .parse = parse_boolean, .value = "yes or no",
     .initial = "no", .help = "Whether the guest may not write to it."},
    {DISK(cache), .key = "cache", .parse = parse_choice, .rule = {.words = "writeback none"},
     .initial = "writeback",
     .help = "Whether reads and writes go by way of the host's page cache, or past it (O_DIRECT). "
             "What the guest flushes is on the disk either way."},
    {DISK(engine), .key = "engine", .parse = parse_choice, .rule = {.words = "auto io_uring sync"},
     .initial = "auto",
     .help = "Who does the reading and writing: the host's kernel, many requests at a time, or a "
             "thread of the VMM, one after the other. auto is io_uring where the host allows it, "
             "else sync, and the journal says why."},
    {DISK(iops), .key = "iops", .parse = parse_number, .rule = {.min = 1, .max = 10000000},
     .otherwise = "no limit", .help = "The most requests a second, reads, writes and all others."},
    {DISK(mbps), .key = "mbps", .parse = parse_number, .rule = {.min = 1, .max = 100000},
     .otherwise = "no limit",
     .help = "The most that is read and written a second, in millions of bytes."},
    {DISK(queues), .key = "queues", .parse = parse_number, .rule = {.min = 1, .max = 8},
     .initial = "1",
     .help = "The number of queues, at best that of the virtual CPUs: each queue has a thread of "
             "its own on the host."},

    {CONSOLE(group), .key = "group", .parse = parse_name,
     .value = "a name of at most 63 letters, digits, '.', '_' and '-', a letter or digit first",
     .otherwise = "root alone",
     .help = "The group whose members may attach, beside root. Whoever may attach may look on, "
             "type, and read the last of what was there before."},

    {VSOCK(cid), .key = "cid", .parse = parse_cid, .rule = {.min = 3, .max = 4294967294},
     .value = "auto or a whole number from 3 to 4294967294", .initial = "auto",
     .help = "The guest's address, which no other guest of the host has; the host's is 2. auto is "
             "derived from the UUID and stays the same, but where it is taken when the VM starts."},

    {.section = SECTION_CREDENTIALS,
     .key = "NAME",
     .value = "text, or a file's absolute path behind '@'",
     .otherwise = "none",
     .help = "The credential called NAME, as SetCredential= or LoadCredential= of the service. A "
             "text that stands here can be read by everyone on the host: what is a secret belongs "
             "in a file that root alone may read, @/PATH. A name is a file name of at most 255 "
             "printable ASCII characters without blanks, ':', '=' and backslashes."},
};

const size_t schema_count = ELEMENTSOF(schema);
_Static_assert(ELEMENTSOF(schema) <= SETTINGS_MAX, "struct section has no room for every row");

const struct setting *schema_find(enum section_kind kind, const char *key)
{
    for (size_t i = 0; i < schema_count; i++)
        if (schema[i].section == kind && strcmp(schema[i].key, key) == 0)
            return &schema[i];
    return NULL;
}

const char *schema_suggest_key(enum section_kind kind, const char *key)
{
    const char *best = NULL;
    size_t best_rank = SIZE_MAX;

    for (size_t i = 0; i < schema_count; i++) {
        size_t rank = schema[i].section == kind ? suggest_rank(key, schema[i].key) : 0;

        if (rank > 0 && rank < best_rank) {
            best = schema[i].key;
            best_rank = rank;
        }
    }
    return best;
}

const char *schema_suggest_section(const char *name)
{
    const char *best = NULL;
    size_t best_rank = SIZE_MAX;

    for (size_t i = 0; i < SECTION_KINDS; i++) {
        size_t rank = suggest_rank(name, section_types[i].name);

        if (rank > 0 && rank < best_rank) {
            best = section_types[i].name;
            best_rank = rank;
        }
    }
    return best;
}

int schema_set_defaults(struct section *section)
{
    for (size_t i = 0; i < schema_count; i++) {
        const struct setting *row = &schema[i];
        const char *reason = NULL;
        int r;

        if (row->section != section->kind || !row->initial)
            continue;
        r = row->parse(row->initial, &row->rule, setting_place(row, section), &reason);
        if (r < 0)
            return r;
    }
    return 0;
}
