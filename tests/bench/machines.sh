# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For what measures VMs: machines of any VMM on one bridge, each with a shell that is reached over it. Whoever
# reads this has $results, a directory.

bridge=bench0
network=10.43.0
control=7 # the guest's shell

declare -A pid=() address=() queues=() tap=() # by the machine's name
vms=()                                        # those that answer

# shellcheck disable=SC2154 # set by whoever reads this
note() { printf '# %s\n' "$*" | tee -a "$results/notes"; }

mac() { printf '52:54:00:43:00:%02x' "${address[$1]##*.}"; }

make_bridge() {
    ip link show "$bridge" >/dev/null 2>&1 && ip link delete "$bridge"
    ip link add "$bridge" type bridge && ip link set "$bridge" mtu 9000 up &&
        ip address add "$network.1/24" dev "$bridge"
    sysctl -q net.ipv6.conf."$bridge".disable_ipv6=1
}

# make_tap VM : alike for all, but that several queues must be asked for.
make_tap() {
    local name=${tap[$1]} flags=()
    ((queues[$1] == 1)) || flags=(multi_queue)
    ! ip link show "$name" >/dev/null 2>&1 || ip link delete "$name"
    ip tuntap add dev "$name" mode tap "${flags[@]}"
    sysctl -q net.ipv6.conf."$name".disable_ipv6=1
    ip link set "$name" mtu 9000 master "$bridge" up
}

# run_machine VM COMMAND… : in the background.
run_machine() {
    local name=$1
    shift
    printf '%q ' "$@" >"$results/$name.command"
    "$@" >"$results/$name.log" 2>&1 </dev/null &
    pid[$name]=$!
    disown # nothing is said when it is killed
}

# guest_do VM COMMAND
guest_do() { echo "$2" | timeout 20 busybox nc -w 5 "${address[$1]}" "$control" 2>/dev/null; }

# answers VM : its guest serves all that is measured.
answers() {
    local i
    for ((i = 0; i < 120; i++)); do
        kill -0 "${pid[$1]}" 2>/dev/null || return 1
        [[ $(guest_do "$1" 'echo here') == here ]] && return 0
        sleep 0.5
    done
    return 1
}

# keep_answering VM… : those that serve what is measured become $vms.
keep_answering() {
    local name
    for name; do
        if answers "$name"; then
            vms+=("$name")
        else
            note "$name does not run: $(tail --lines=1 "$results/$name.log" | tr -d '\r')"
            kill -KILL "${pid[$name]}" 2>/dev/null
        fi
    done
    note "measured: ${vms[*]}"
}

stop_all() {
    local name
    for name in "${vms[@]}"; do
        kill -KILL "${pid[$name]}"
    done
    sleep 1
    for name in "${!tap[@]}"; do
        ip link delete "${tap[$name]}"
    done
    ip link delete "$bridge"
}
