#!/usr/bin/env bash
#
# Checks every shell file of the repository with shellcheck and runs the installers' tests with bats.
# Installs what is missing for that. Arguments are bats files to run instead of all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

main() {
    # Wine runs the Windows script, mingw builds what that script calls.
    install/prerequisites.sh shellcheck bats wine wine64 gcc-mingw-w64-x86-64-win32
    check_shell
    local tests=("$@")
    ((${#tests[@]} > 0)) || mapfile -t tests < <(ls install/tests/*.bats)
    # What is ignored here, as under nohup, no test could send.
    env --default-signal=HUP,INT,QUIT bats --timing "${tests[@]}"
}

check_shell() {
    local files tests
    mapfile -t files < <(shell_files)
    mapfile -t tests < <(git ls-files --cached --others --exclude-standard '*.bats')
    shellcheck "${files[@]}"
    # bats sets and reads variables that nobody is seen to use; texts hold ~ on purpose.
    shellcheck --shell=bats --severity=warning --exclude=SC2034,SC2088,SC2115,SC2154 "${tests[@]}"
    printf 'shellcheck: %d files are clean\n' "$((${#files[@]} + ${#tests[@]}))"
}

# By name, or by the first line: git hooks, .ci/run and stubs have no ending.
shell_files() {
    local file first
    while IFS= read -r -d '' file; do
        [[ -f "$file" && ! -L "$file" && "$file" != *.bats ]] || continue
        if [[ "$file" == *.sh || "$file" == *.bash ]]; then
            printf '%s\n' "$file"
            continue
        fi
        IFS= read -r first <"$file" 2>/dev/null || continue
        if [[ "$first" =~ ^'#!'.*(/|[[:space:]])(ba)?sh$ ]]; then
            printf '%s\n' "$file"
        fi
    done < <(git ls-files -z --cached --others --exclude-standard)
}

main "$@"
