# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Completion of volt-kernel: commands, their options, and the names of kernels.

# The kernels that there are in DIRECTORY…, one a line.
_volt_kernel_names() {
    local directory path
    for directory; do
        for path in "$directory"/*/; do
            path=${path%/}
            [[ ! -d $path || ${path##*/} == default ]] || echo "${path##*/}"
        done
    done | sort -u
}

# The packages with a kernel's source that are installed and begin with WORD.
_volt_kernel_sources() {
    local path
    for path in /usr/src/linux-source-*.tar.xz; do
        path=${path##*/} path=${path%.tar.xz}
        [[ $path != "$1"* || $path == *'*' ]] || echo "$path"
    done
}

_volt_kernel() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' words=() n=0 i
    local -A options=(
        [add]='--initrd --cmdline --config --from-host --replace' [build]='--source --jobs --clean --twice --replace' [list]=--json [show]=--json [gc]=--unused
        [default]='' [verify]='' [remove]=''
    )
    # bash takes --initrd=FILE for three words.
    [[ $word != '=' ]] || word=''
    [[ $previous != '=' ]] || previous=${COMP_WORDS[COMP_CWORD - 2]}
    case $previous in
    --initrd | --config) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
    --source) mapfile -t COMPREPLY < <(compgen -f -- "$word"; _volt_kernel_sources "$word") && return ;;
    --root) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
    --cmdline | --jobs) return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} != -* && ${COMP_WORDS[i]} != '=' && ${COMP_WORDS[i - 1]} != '=' ]] || continue
        if [[ -z $command ]]; then command=${COMP_WORDS[i]}; else n=$((n + 1)); fi
    done
    if [[ $word == -* ]]; then
        read -ra words <<<"${options[${command:-list}]:-} --root --help --version"
    elif [[ -z $command ]]; then
        words=("${!options[@]}")
    elif [[ $command == add && $n -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word") && return
    elif [[ $command == verify || ($command =~ ^(show|default|remove|add|build)$ && $n -eq 0) ]]; then
        mapfile -t words < <(_volt_kernel_names /var/lib/volt/kernels /usr/lib/volt/kernels)
    fi
    mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$word")
}
complete -o filenames -F _volt_kernel volt-kernel
