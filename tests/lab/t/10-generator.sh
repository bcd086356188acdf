# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What systemd makes of the generated units. The programs are stand-ins that show their arguments, so
# that it is about the units alone.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=5c5c5c5c-0000-4000-8000-000000000010
service=$(unit "$uuid")
run=/run/volt-lab-stand-in

# stand_in : volt-vmm and volt-open print each argument in <>; the VMM then ends as $run/end says.
stand_in() {
    mkdir -p "$run" "/run/systemd/system/$service.d"
    cat >"$run/volt-vmm" <<'EOF'
#!/usr/bin/bash
printf 'vmm <%s>\n' "$@"
systemd-notify --ready
trap 'exit 0' TERM
while sleep 0.2; do
    [[ ! -e /run/volt-lab-stand-in/end ]] || exit "$(</run/volt-lab-stand-in/end)"
done
EOF
    cat >"$run/volt-open" <<'EOF'
#!/usr/bin/bash
printf 'open <%s>\n' "$@"
EOF
    chmod +x "$run"/volt-*
    mount --bind "$run/volt-vmm" /usr/lib/volt/volt-vmm
    mount --bind "$run/volt-open" /usr/lib/volt/volt-open
    # A shell needs more than the sandbox has, and its children notify.
    printf '%s\n' '[Service]' NotifyAccess=all SystemCallFilter= DynamicUser=no PrivateUsers=no \
        MemoryDenyWriteExecute=no WatchdogSec=0 BindReadOnlyPaths="$run" >"/run/systemd/system/$service.d/90-lab.conf"
    trap 'systemctl stop "$service" || :
          umount --lazy /usr/lib/volt/volt-vmm /usr/lib/volt/volt-open
          rm -rf "$run" "/run/systemd/system/$service.d"' EXIT
}

# end STATUS : the VMM ends so, once.
end() {
    local pid
    pid=$(vm_pid "$uuid")
    echo "$1" >"$run/end"
    wait_for 10 test ! -e "/proc/$pid"
    rm "$run/end"
}

test_text_of_the_file_reaches_the_programs_as_it_is() {
    stand_in
    cat >/etc/volt/vms/web.ini <<EOF
[vm]
uuid = $uuid
kernel = /boot/a b/%n/\$HOME/"q"/it's/c:\d
initrd = /boot/é;x
cmdline = x='a "b" c' %i %% \$HOME \${HOME} \$\$ \n \ # no comment; nor this \\
EOF
    assert vm_start "$uuid"
    wait_console "$uuid" '^vmm <--stop-timeout=30>$' 10
    # shellcheck disable=SC2016 # as it is
    for line in 'open <--read-only=kernel=/boot/a b/%n/$HOME/"q"/it'\''s/c:\d>' \
        'open <--read-only=initrd=/boot/é;x>' \
        'vmm <--cmdline=x='\''a "b" c'\'' %i %% $HOME ${HOME} $$ \n \ # no comment; nor this \>'; do
        vm_console "$uuid" | grep -qxF -- "$line" || fail "no line '$line' in: $(vm_console "$uuid")"
    done
}

# Were the target bound to the service, its stop would take the restart away.
test_a_vm_started_by_name_is_restarted_like_any_other() {
    stand_in
    printf '[vm]\nuuid = %s\nkernel = debian-12\n' "$uuid" >/etc/volt/vms/web.ini
    systemctl daemon-reload
    assert systemctl start volt-web.target
    end 133
    wait_for 10 vm_is "$uuid" active
    end 101
    wait_for 10 vm_is "$uuid" active
    assert_equal 2 "$(vm_property "$uuid" NRestarts)" restarts
}

test_a_name_starts_again_what_powered_itself_off() {
    stand_in
    printf '[vm]\nuuid = %s\nkernel = debian-12\n' "$uuid" >/etc/volt/vms/web.ini
    systemctl daemon-reload
    assert systemctl start volt-web.target
    end 0
    wait_for 10 vm_is "$uuid" inactive
    assert systemctl start volt-web.target
    assert vm_is "$uuid" active
    assert systemctl restart volt-web.target
    assert vm_is "$uuid" active
    assert systemctl stop volt-web.target
    wait_for 10 vm_is "$uuid" inactive
}

test_a_file_without_a_uuid_is_heard_of_by_name() {
    printf '[vm]\nuuid = 5c5c\nkernel = debian-12\n' >/etc/volt/vms/web.ini
    systemctl daemon-reload
    assert_fails systemctl start volt-web.target
    assert_match 'web.ini:2: uuid must be a UUID .*, not .5c5c.' "$(systemctl status volt-web.service)"
    assert_match 'volt-generator: web.ini:2: uuid must be' "$(dmesg)"
}

test_two_files_with_one_uuid_name_each_other() {
    printf '[vm]\nuuid = %s\nkernel = debian-12\n' "$uuid" |
        tee /etc/volt/vms/web.ini >/etc/volt/vms/copy.ini
    systemctl daemon-reload
    assert_fails systemctl start "$service"
    assert_match "copy.ini:2: uuid $uuid is also that of web.ini:2" "$(systemctl status "$service")"
}
