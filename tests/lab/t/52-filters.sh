# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A VMM that tries what its filter forbids, as a service: what people see of it.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=5c5c5c5c-0000-4000-8000-000000000052

test_a_forbidden_call_ends_the_unit_and_is_named() {
    local vmm=/usr/lib/volt/volt-vmm word kind
    modprobe -a vhost_net vhost_vsock
    mount --bind /lab/guest/tests/guest/volt-vmm-forbidden $vmm
    vm_ini web $uuid "${bare_guest[@]}" readiness=vmm
    vm_nic web eth0 vhost=yes
    echo '[vsock]' >>/etc/volt/vms/web.ini
    for kind in vcpu net-vhost vsock; do
        mkdir -p "/run/systemd/system/$(unit $uuid).d"
        printf '[Service]\nEnvironment="VOLT_TRY=%s 257 -100"\n' "$kind" >"/run/systemd/system/$(unit $uuid).d/try.conf"
        systemctl daemon-reload
        systemctl start "$(unit $uuid)" || true # it may end before systemd looks
        wait_for 30 vm_is $uuid failed
        assert_equal signal "$(vm_property $uuid Result)" "result ($kind)"
        word="tried the system call openat (number 257; 0xffffff9c, 0x0, 0x0, 0x0), which the filter '$kind' forbids; the VM is ended"
        [[ $(vm_property $uuid StatusText) == "The thread '"*"' $word" ]] || fail "status: $(vm_property $uuid StatusText)"
        [[ $(systemctl status "$(unit $uuid)") == *Status:*"$word"* ]] || fail 'systemctl status does not say it'
        journalctl --output=cat -u "$(unit $uuid)" | grep -qF "$word" || fail 'the journal does not say it'
        # Nobody starts again by itself what was taken over.
        assert_equal 0 "$(vm_property $uuid NRestarts)" 'restarts'
        systemctl reset-failed "$(unit $uuid)"
    done
    umount $vmm
    rm -r "/run/systemd/system/$(unit $uuid).d"
    systemctl daemon-reload
    vm_start $uuid
    assert vm_is $uuid active
    vm_stop $uuid
}
