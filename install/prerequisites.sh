#!/usr/bin/env bash
#
# Sees to what Pictor needs of this machine: Rust, a C compiler, Python 3.11 and the libraries that
# Blender loads. Installs missing Debian and Ubuntu packages as root or with a sudo that asks for
# nothing; otherwise says what to run. Does nothing, and needs no network, when nothing is missing.
# Packages given as arguments are installed too, as far as this system has them.
set -euo pipefail

WANTED_TOO=("$@")

mapfile -t BLENDER_LIBRARIES < <(grep -v '^#' "$(dirname "${BASH_SOURCE[0]}")/blender-libraries.txt")

# Blender 4.2 to 5.0 are built for this Python and no other.
PYTHON=3.11

main() {
    check_rust
    if on_debian; then
        install_missing
    else
        advise_elsewhere
    fi
    check_python
}

say() {
    printf '%s\n' "$*" >&2
}

check_rust() {
    if command -v cargo >/dev/null || [[ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]]; then
        return
    fi
    say "Rust is missing. Install it as https://rustup.rs describes, then run this again."
    exit 1
}

on_debian() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null
}

install_missing() {
    local missing
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]} == 0)) && has_python && all_installed "${WANTED_TOO[@]}"; then
        return
    fi
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
    if ((EUID != 0)); then
        may_sudo || give_up "${missing[@]}"
        apt=(sudo -n "${apt[@]}")
    fi
    # An old list of packages names files that are gone by now, a fresh container has none.
    "${apt[@]}" update >&2
    mapfile -t -O "${#missing[@]}" missing < <(python_packages && wanted_packages)
    if ((${#missing[@]} > 0)); then
        say "Installing ${missing[*]}"
        "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2
    fi
}

may_sudo() {
    command -v sudo >/dev/null && sudo -n true 2>/dev/null
}

# Says what is to be installed, and ends.
give_up() {
    local wanted=("$@")
    mapfile -t -O $# wanted < <(python_packages && wanted_packages)
    if ((${#wanted[@]} > 0)); then
        say "Some packages are missing. Run this, then try again:"
        say "    sudo apt-get update && sudo apt-get install -y ${wanted[*]}"
        exit 1
    fi
    check_python
}

missing_packages() {
    local package
    for package in "${BLENDER_LIBRARIES[@]}"; do
        is_installed "$package" || echo "$package"
    done
    # The bundled SQLite and Zstandard are C.
    command -v cc >/dev/null || printf '%s\n' gcc libc6-dev
}

# Debian 12 and Ubuntu 22.04 have them; later releases have a later Python only.
python_packages() {
    if ! has_python && apt_knows "python$PYTHON-venv"; then
        printf '%s\n' "python$PYTHON" "python$PYTHON-venv"
    fi
}

wanted_packages() {
    local package
    for package in "${WANTED_TOO[@]}"; do
        if ! is_installed "$package" && apt_knows "$package"; then
            echo "$package"
        fi
    done
}

all_installed() {
    local package
    for package in "$@"; do
        is_installed "$package" || return 1
    done
}

# Node comes in many ways, and Debian's npm does not go with every one of them; Chromium too, and Ubuntu's package of
# it is none.
is_installed() {
    case "$1" in
        chromium) [[ -x /usr/bin/chromium || -x /usr/bin/google-chrome ]] && return ;;
        nodejs) command -v node >/dev/null && return ;;
        npm) command -v npm >/dev/null && return ;;
    esac
    [[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null)" == ii* ]]
}

# A Python of the right version that can make virtual environments, whatever it is called.
has_python() {
    local name
    for name in "python$PYTHON" python3 python; do
        if "$name" -c "import ensurepip, sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$PYTHON')" \
            >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

apt_knows() {
    [[ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]]
}

advise_elsewhere() {
    if ! command -v cc >/dev/null; then
        say "A C compiler is missing (cc). Install one, then run this again."
        exit 1
    fi
    say "This is neither Debian nor Ubuntu: make sure that you have the libraries that Debian calls"
    say "    ${BLENDER_LIBRARIES[*]}"
}

check_python() {
    if has_python; then
        return
    fi
    say "Python $PYTHON with venv is missing, and this system has no package of it."
    say "Any installation works whose python$PYTHON is in PATH, such as that of pyenv or uv:"
    say "    uv python install $PYTHON"
    exit 1
}

main
