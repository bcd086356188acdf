# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For what measures how VMs are started, in the lab: figures, and what CPU time was spent where. Whoever reads this
# has $results, a directory, and $part, the first word of each figure.

# figure NAME VARIANT UNIT VALUE
# shellcheck disable=SC2154 # set by whoever reads this
figure() { printf '%s\t%s\t%s\t%s\t%s\n' "$part" "$1" "$2" "$3" "$4" >>"$results/raw"; }

# figures_as_json : those of this run, a line for each name and variant, with its values in their order.
figures_as_json() {
    awk -F '\t' '
        { key = $1 FS $2 FS $3 FS $4 }
        !(key in values) { keys[++n] = key }
        { values[key] = values[key] (key in values && values[key] != "" ? "," : "") $5 }
        END {
            for (i = 1; i <= n; i++) {
                split(keys[i], field, FS)
                printf "{\"part\":\"%s\",\"name\":\"%s\",\"variant\":\"%s\",\"unit\":\"%s\",\"values\":[%s]}\n",
                    field[1], field[2], field[3], field[4], values[keys[i]]
            }
        }' "$results/raw"
}

# difference LEFT RIGHT FACTOR : (RIGHT - LEFT) * FACTOR
difference() { awk "BEGIN { printf \"%.3f\", (${2:-0} - ${1:-0}) * $3 }"; }

# Whose CPU time is told apart, in groups.
declare -A cpu_groups=(
    [systemd]=init.scope
    [networkd]=system.slice/systemd-networkd.service
    [journald]=system.slice/systemd-journald.service
    [udevd]=system.slice/systemd-udevd.service
    [dbus]=system.slice/dbus.service
    [machined]=system.slice/systemd-machined.service
    [vms]=volt.slice
)
cpu_names=(systemd networkd journald udevd dbus machined vms)

# group_usec GROUP : the CPU time that was spent in it until now; 0 where there is no such group.
group_usec() {
    local key value
    while read -r key value; do
        [[ $key == usage_usec ]] && { echo "$value" && return; }
    done 2>/dev/null <"/sys/fs/cgroup/$1/cpu.stat"
    echo 0
}

# all_usec : the CPU time that was spent by all processes but this script's; none is in the root group, and what is
# there is the kernel's own.
all_usec() {
    echo $(($(group_usec init.scope) + $(group_usec system.slice) + $(group_usec volt.slice) - $(group_usec "$own_group")))
}
own_group=$(sed -n 's/^0:://p' /proc/self/cgroup)

# cpu_now ARRAY : what was spent by all of them until now, into that array.
cpu_now() {
    # shellcheck disable=SC2178 # by its name
    local -n into=$1
    local name
    for name in "${!cpu_groups[@]}"; do
        into["$name"]=$(group_usec "${cpu_groups[$name]}")
    done
    into[all]=$(all_usec)
    # Where the kernel says so: the tasks of all CPUs, but for the idle ones.
    into[tasks]=$(awk '/^cpu[0-9]/ { sum += $8 } END { printf "%d", sum / 1000 }' /proc/schedstat 2>/dev/null)
    into[own]=$(group_usec "$own_group")
}

# cpu_figures BEFORE AFTER VARIANT PER [PREFIX] : one for each group, in ms divided by PER; `all` is without what this
# script has spent itself.
cpu_figures() {
    local -n before=$1 after=$2
    local name
    for name in "${cpu_names[@]}" all; do
        figure "${5:-}cpu $name" "$3" ms "$(difference "${before[$name]}" "${after[$name]}" "1e-3 / $4")"
    done
    [[ -z ${after[tasks]} ]] || figure "${5:-}cpu kernel" "$3" ms \
        "$(difference $((before[tasks] - before[all] - before[own])) $((after[tasks] - after[all] - after[own])) "1e-3 / $4")"
}

# settle : until hardly anything is done any more beside this, at most half a minute.
settle() {
    local i last now
    last=$(all_usec)
    for ((i = 0; i < 30; i++)); do
        sleep 1
        now=$(all_usec)
        ((now - last > 100000)) || return 0
        last=$now
    done
    echo "# not quiet: $((now - last)) us within a second"
}
