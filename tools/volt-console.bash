# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Completion of volt-console: options, and the names of VMs.
_volt_console() {
    local file name names=()
    if [[ ${COMP_WORDS[COMP_CWORD]} == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--watch --socket= --help --version' -- "${COMP_WORDS[COMP_CWORD]}")
        return
    fi
    for file in /run/systemd/generator/volt-*.target; do
        name=${file##*/volt-}
        [[ -e $file ]] && names+=("${name%.target}")
    done
    mapfile -t COMPREPLY < <(compgen -W "${names[*]}" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -F _volt_console volt-console
