# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What a VMM has once its guest runs: what it was given, and no way to more.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=5c5c5c5c-0000-4000-8000-000000000051
images=/var/lib/volt/images

# vm_of_everything : one device of each kind, the network by vhost, disks by both engines.
vm_of_everything() {
    truncate --size=8M "$images"/{ring,waits}.raw
    modprobe -a vhost_net vhost_vsock
    vm_ini web "$uuid" "${bare_guest[@]}" readiness=vmm
    vm_nic web eth0 vhost=yes
    printf '%s\n' '[disk ring]' "path = $images/ring.raw" 'engine = io_uring' \
        '[disk waits]' "path = $images/waits.raw" 'engine = sync' 'readonly = yes' \
        '[vsock]' '[console]' '[balloon]' '[credentials]' 'secret = word' >>/etc/volt/vms/web.ini
    assert vm_start "$uuid"
    pid=$(vm_pid "$uuid")
}

# check_threads : /proc/PID/task/*/status
check_threads() {
    local task status field count=0
    for task in "/proc/$pid/task"/*; do
        status=$(<"$task/status")
        for field in Seccomp:$'\t'2 NoNewPrivs:$'\t'1 Cap{Inh,Prm,Eff,Bnd,Amb}:$'\t'0000000000000000 Groups:$'\t'; do
            [[ $status == *$'\n'"$field"* ]] || fail "no $field in $task: $status"
        done
        [[ $status =~ Uid:$'\t'([0-9]+)$'\t'([0-9]+)$'\t'([0-9]+)$'\t'([0-9]+) ]] || fail "no Uid in $task"
        ((BASH_REMATCH[1] > 0 && BASH_REMATCH[2] > 0 && BASH_REMATCH[3] > 0 && BASH_REMATCH[4] > 0)) ||
            fail "root's is $task"
        count=$((count + 1))
    done
    # main, a vCPU, two disks, network, console, vsock, balloon, rng
    ((count >= 9)) || fail "only $count threads were looked at"
}

# check_namespaces : its own, and in that of mounts nothing of the host's but programs.
check_namespaces() {
    local kind found
    for kind in user net ipc mnt uts; do
        [[ $(readlink "/proc/$pid/ns/$kind") != "$(readlink "/proc/1/ns/$kind")" ]] || fail "the host's $kind namespace"
    done
    assert_equal 'dev etc lib lib64 proc root run sys tmp usr var' \
        "$(find "/proc/$pid/root/" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs)" 'root directory'
    found=$(cd "/proc/$pid/root" && find etc root run tmp var ! -type d)
    assert_equal "run/credentials/$(unit "$uuid")/secret run/systemd/journal/stdout run/systemd/notify" \
        "$(sort <<<"$found" | xargs)" 'files'
    # Nobody of its user can trace it, nor read its memory.
    assert_equal 0 "$(stat --format=%u "/proc/$pid/mem")" 'owner of its memory (dumpable)'
    grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits" || fail 'core files are possible'
}

# explain FD : what it is
explain() {
    local target line type
    target=$(readlink "/proc/$pid/fd/$1")
    case $target in
    socket:*)
        target=${target#socket:[} target=${target%]}
        line=$(awk -v inode="$target" '$7 == inode { print $4, $5, $6, $8; exit }' "/proc/$pid/net/unix" /proc/1/net/unix)
        read -r flags type state path <<<"$line"
        case $type-$flags-$state in
        0005-00010000-*) echo "listens, messages ${path/#\/proc\/self\/fd\/[0-9]\//\/run\/volt\/vm\/$uuid\/}" ;; # made in an open directory
        0001-*-03) echo 'stream' ;;
        0002-*) echo 'datagrams' ;;
        *) echo "socket of another kind: $line" ;;
        esac
        ;;
    anon_inode:* | /memfd:*) echo "${target%% *}" ;;
    *)
        type=$(stat --dereference --format='%F' "/proc/$pid/fd/$1")
        case $type in
        'character special file') echo "device $(stat --dereference --format='0x%t 0x%T' "/proc/$pid/fd/$1" | xargs printf '%d:%d')" ;;
        *)
            line=$(find -L "$images" "/run/volt/vm/$uuid" -samefile "/proc/$pid/fd/$1" 2>/dev/null)
            echo "$type ${line:-$target} $(awk '/^flags:/ { print substr($2, length($2)) }' "/proc/$pid/fdinfo/$1")"
            ;;
        esac
        ;;
    esac
}

# Each descriptor, how often at most, and why.
declare -A given=(
    ['device 1:3']=1                          # /dev/null is standard input
    ['stream']=3                              # standard output and error, and the guest's console: journald
    ['datagrams']=1                           # word to systemd
    ["listens, messages /run/volt/vm/$uuid/control"]=1 # volt-reload
    ["listens, messages /run/volt/console/$uuid"]=1 # volt-console
    ['device 10:200']=1                       # the TAP
    ['device 10:238']=1                       # vhost-net
    ['device 10:241']=1                       # vhost-vsock
    ["regular file $images/ring.raw 2"]=1     # to read and write
    ["regular file $images/waits.raw 0"]=1    # to read
    ["regular file /run/volt/vm/$uuid/balloon 1"]=1 # the figures of its memory
    ['anon_inode:kvm-vm']=1
    ['anon_inode:kvm-vcpu:0']=1
    ['anon_inode:[io_uring]']=1               # one disk's, sealed to it
    ['anon_inode:[signalfd]']=1
    ['anon_inode:[eventpoll]']=8              # one for each thread but the vCPU's
    ['anon_inode:[timerfd]']=16
    ['anon_inode:[eventfd]']=96
)

test_a_vm_has_what_it_was_given_and_no_more() { # limit 200 s
    local fd what wrong=''
    local -A found=()
    vm_of_everything
    check_threads
    check_namespaces
    for fd in "/proc/$pid/fd"/*; do
        what=$(explain "${fd##*/}")
        found[$what]=$((${found[$what]-0} + 1))
    done
    for what in "${!found[@]}"; do
        ((found[$what] <= ${given[$what]-0})) || wrong+="${found[$what]} x $what; "
    done
    for what in "${!given[@]}"; do
        [[ -n ${found[$what]-} ]] || wrong+="missing: $what; "
    done
    assert_equal '' "$wrong" 'descriptors beside what was given'
    # No descriptor beside, but for those who connect.
    (($(awk '/^Max open files/ { print $5 }' "/proc/$pid/limits") < $(find "/proc/$pid/fd" -mindepth 1 | wc -l) + 20)) ||
        fail 'room for many more descriptors'
    # What this systemd does not know would be said at each reload.
    assert_equal '' "$(journalctl --quiet --boot --output=cat _PID=1 | grep -E 'volt.*(Unknown|[Ff]ailed to parse)')" 'complaints'
    vm_stop "$uuid"
    nothing_left "$uuid"
}
