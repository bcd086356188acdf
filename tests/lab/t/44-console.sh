# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A console for people: a terminal in the guest, for as long as the VM runs.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=44444444-0000-4000-8000-000000000044
service=$(unit "$uuid")
socket=volt-console@$uuid.socket
work=/run/volt-test-console

# vm : web.ini with a shell on hvc0.
vm() {
    vm_ini web "$uuid" cmdline=volt.hvc
    printf '\n[console]\ngroup = adm\n' >>/etc/volt/vms/web.ini
    rm -rf "$work"
    mkdir "$work"
}

# type_in TEXT : a line for the guest's shell, from a script.
type_in() { printf '%s\n' "$1" | volt-console web; }

# watch NAME : another who looks on; $NAME is its process.
watch() {
    volt-console --watch web >"$work/$1" 2>"$work/$1.messages" </dev/null &
    printf -v "$1" %d $!
}

# attach : a person at a terminal of 33 by 77 types what comes to descriptor 5.
attach() {
    rm -f "$work/keys"
    mkfifo "$work/keys"
    script --quiet --flush --return --command \
        "stty rows 33 cols 77; tty >$work/tty; exec volt-console web" "$work/screen" \
        <"$work/keys" >/dev/null 2>&1 &
    person=$!
    exec 5>"$work/keys"
    wait_for 20 grep 'Connected to web. Press ^] three times' "$work/screen"
}

# hvc0_is_faster : by ten times and more, of what the guest said.
hvc0_is_faster() {
    vm_console "$uuid" | awk '$1 == "WRITTEN" { hvc = 10000000 / ($3 - $2 + 0.01) } $1 == "SERIAL" { serial = 20000 / ($3 - $2 + 0.01) }
        END { printf "\n# figures: hvc0 takes %.0f bytes a second, ttyS0 %.0f\n", hvc, serial; exit !(hvc > 10 * serial) }'
}

ended() { ! kill -0 "$1"; }

# asked COMMAND REGEX : typed by the person, until it is answered so on the screen.
asked() {
    answered() {
        printf '%s\r' "$1" >&5
        sleep 1
        grep -qE -- "$2" "$work/screen"
    }
    wait_for 30 answered "$@"
}

# nobody_home : the VM is down, and an attempt to attach leaves it so.
nobody_home() {
    wait_for 20 unit_is "$socket" inactive
    assert vm_is "$uuid" inactive
    [[ ! -e /run/volt/console/$uuid ]] || fail 'the socket is still there'
    assert_fails volt-console web 2>"$work/error"
    assert_match 'web does not run' "$(<"$work/error")"
    assert vm_is "$uuid" inactive
}

test_people_at_a_console() { # limit 300 s
    local first
    vm
    systemctl daemon-reload
    nobody_home
    assert_fails systemctl start "$socket"
    assert vm_start "$uuid"
    wait_ready "$uuid"
    assert_equal adm:660 "$(stat --format=%G:%a "/run/volt/console/$uuid")" 'who may attach'
    assert_fails setpriv --reuid=65534 --regid=65534 --clear-groups volt-console web 2>"$work/error"
    assert_match 'only root, and the group' "$(<"$work/error")"

    # Nobody looks on. (Without lines: the guest's tty layer sends each line's end alone.)
    type_in "read a b </proc/uptime; head -c 10000000 /dev/zero | tr '\\0' x; read b c </proc/uptime; echo WRITTEN \$a \$b >/dev/ttyS0"
    wait_console "$uuid" '^WRITTEN [0-9.]+ [0-9.]+' 120
    # The serial port is there for the kernel's words, and slow: each byte of it is an exit.
    type_in "read a b </proc/uptime; head -c 20000 /dev/zero | tr '\\0' x | fold -w 99 >/dev/ttyS0; read b c </proc/uptime; { echo; echo SERIAL \$a \$b; } >/dev/ttyS0"
    wait_console "$uuid" '^SERIAL [0-9.]+ [0-9.]+' 120
    assert hvc0_is_faster

    # A person, and two who look on.
    watch one
    watch two
    attach
    asked 'stty size' '^33 77'
    stty -F "$(<"$work/tty")" rows 40 cols 100
    asked 'stty size' '^40 100'
    # shellcheck disable=SC2016
    asked 'echo seen-$((40 + 2))' '^seen-42'
    wait_for 20 grep seen-42 "$work/one"
    wait_for 20 grep seen-42 "$work/two"
    printf '\035\035\035' >&5
    wait_for 10 ended "$person"
    assert grep -q 'Disconnected from web, which runs on' "$work/screen"
    assert vm_is "$uuid" active

    # A restart, the guest's own reboot and its power-off, while somebody looks on.
    # shellcheck disable=SC2154
    assert systemctl restart "$service"
    wait_for 10 ended "$one"
    assert_match 'web has ended' "$(<"$work/one.messages")"
    wait_ready "$uuid"
    first=$(vm_pid "$uuid")
    watch one
    type_in 'reboot -f'
    wait_for 30 ended "$one"
    rebooted() { local pid; pid=$(vm_pid "$uuid"); [[ $pid != 0 && $pid != "$first" ]]; }
    wait_for 30 rebooted
    wait_ready "$uuid"
    watch one
    type_in 'poweroff -f'
    wait_for 30 ended "$one"
    wait_for 30 vm_is "$uuid" inactive
    nobody_home
    nothing_left "$uuid"
}

test_a_console_goes_with_the_vm() {
    vm
    assert vm_start "$uuid"
    watch one
    watch two
    wait_ready "$uuid"
    assert vm_stop "$uuid"
    nobody_home
    # shellcheck disable=SC2154
    wait_for 10 ended "$two"
    sleep 1
    nobody_home
    nothing_left "$uuid"

    # Taken away from a VM that runs.
    assert vm_start "$uuid"
    sed -i '/^\[console\]/,$d' /etc/volt/vms/web.ini
    systemctl daemon-reload
    assert systemctl restart "$service"
    assert_fails volt-console web 2>"$work/error"
    assert_match 'web has no \[console\] section' "$(<"$work/error")"
    assert vm_is "$uuid" active
}
