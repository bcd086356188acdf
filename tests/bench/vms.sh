# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# For what measures the generator: many VMs, the same each time.

# write_vms ROOT COUNT NETWORK : INI files of so many VMs, and of the zone "default", below ROOT/etc/volt. NETWORK is
# a line for their first interface.
write_vms() {
    mkdir -p "$1/etc/volt/vms" "$1/etc/volt/zones"
    printf '[zone]\nbridge = br0\nsubnet = 10.0.0.0/8\ngateway = 10.0.0.1\n' >"$1/etc/volt/zones/default.ini"
    i=0
    while [ "$i" -lt "$2" ]; do
        cat >"$1/etc/volt/vms/vm$i.ini" <<EOF
[vm]
uuid = $(printf '%08x-9dad-41d1-80b4-00c04fd430c8' "$i")
vcpus = 2
memory_mib = 512
kernel = debian-12
initrd = /var/lib/volt/images/web.cpio  ; optional
cmdline = root=/dev/vda ro
autostart = yes

[network eth0]
$3
ipv4 = 10.1.$((i / 250)).$((i % 250 + 1))/8

[network eth1]
mtu = 9000
EOF
        i=$((i + 1))
    done
}
