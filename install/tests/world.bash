# A machine to install on, for one test: stubs of every command that changes something, a root and a
# home directory of its own. Whatever a test does, its installers may not print the token, hand it to a
# command, or leave a temporary file.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # The tests use what is set here, bats sets output and status.

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
INSTALLER="$HERE/../install-worker.sh"
TOOLKIT="$HERE/../install-nvidia-container-toolkit.sh"
TOKEN=pwt_d41d8cd98f00b204e9800998ecf8427e
IMAGE=pictor/worker:0.1.0
CHANGING='docker (pull|run|stop|start|restart|rename|rm|tag|volume create|volume rm|image rm) |^(apt-get|systemctl|nvidia-ctk|curl|gpg|chown|sudo) '

# What the installers may use besides the stubs. Nothing else is in PATH: this machine's own Docker and
# driver must not be met.
TOOLS=(
    awk basename bash cat cp cut dirname env find flock getent grep head install ln mkdir mktemp mv
    paste rm rmdir sed sha256sum sleep sort stat tail timeout touch tr uname wc
)

setup() {
    # Without a place of its own a test would put its stubs where this machine's programs are.
    T="$(mktemp -d "${TMPDIR:-/tmp}/pictor-bats.XXXXXX")" && [[ -d "$T" ]] || exit 1
    export STUB="$T/stub" PICTOR_ROOT="$T/root" HOME="$T/home" TMPDIR="$T/tmp"
    unset XDG_CONFIG_HOME DOCKER_HOST SUDO_USER PICTOR_WORKER_CONFIG PICTOR_WORKER_IMAGE \
        PICTOR_WORKER_NAME PICTOR_WORKER_MEMORY
    mkdir -p "$STUB"/{answers,containers,engine,images,registry,volumes} "$HOME" "$TMPDIR" "$T/bin" \
        "$PICTOR_ROOT"/{etc/apt/sources.list.d,proc,var/lib/docker,sys/bus/pci/devices/0000:01:00.0}
    : >"$STUB/log"
    : >"$T/stdin"
    : >"$T/printed"
    echo 'ID=ubuntu' >"$PICTOR_ROOT/etc/os-release"
    echo 'Linux version 6.8.0' >"$PICTOR_ROOT/proc/version"
    echo 'MemTotal:       32768000 kB' >"$PICTOR_ROOT/proc/meminfo"
    echo 0x10de >"$PICTOR_ROOT/sys/bus/pci/devices/0000:01:00.0/vendor"
    echo 1000 >"$STUB/engine/uid"
    offer_image sha256:one
    make_path
    CONFIG="$HOME/worker-config.json"
    write_config "$CONFIG"
}

teardown() {
    ! grep -rF "$TOKEN" "$STUB/log" "$STUB/containers" "$T/printed" || {
        echo "The token got out."
        return 1
    }
    [[ -z "$(ls -A "$TMPDIR")" ]] || {
        echo "Left behind: $(ls -A "$TMPDIR")"
        return 1
    }
    rm -rf -- "$T"
}

make_path() {
    local tool
    for tool in "${TOOLS[@]}"; do
        ln -s "$(type -P "$tool")" "$T/bin/$tool"
    done
    # A shim of pyenv or the like needs a path of its own.
    ln -s "$(python3 -c 'import sys; print(sys.executable)')" "$T/bin/python3"
    ln -sf "$HERE"/stubs/* "$T/bin/"
    rm "$T/bin/generic"
    ON_MACHINE=(env "PATH=$T/bin")
}

write_config() {
    mkdir -p -- "$(dirname -- "$1")"
    cat >"$1" <<END
{
  "version": 1,
  "coordinator": "${2:-https://render.example.org}",
  "worker_id": "wrk_01j9z8y7x6w5v4t3s2r1q0p9n8",
  "token": "$TOKEN",
  "name": "attic",
  "options": { "slots": 1, "allow_cpu": ${3:-false} }
}
END
    chmod 600 -- "$1"
}

# The image that a pull gives
offer_image() {
    printf '%s\n' "$1" >"$STUB/registry/pictor_worker_0.1.0"
}

without() {
    rm "$T/bin/$1"
}

# answers KEY CODE TEXT: what a stub says from now on
answers() {
    printf '%s\n%s\n' "$2" "${3:-}" >"$STUB/answers/$1"
}

# What is typed at the prompts
types() {
    printf '%s\n' "$@" >"$T/stdin"
}

installer() {
    run "${ON_MACHINE[@]}" "$INSTALLER" "$@" <"$T/stdin"
    printf '%s\n' "$output" | tee -a "$T/printed"
}

toolkit() {
    run "${ON_MACHINE[@]}" "$TOOLKIT" "$@" <"$T/stdin"
    printf '%s\n' "$output" | tee -a "$T/printed"
}

# An installed worker, with a fresh log
installed() {
    installer --config "$CONFIG" "$@"
    ends_with 0
    forget_log
}

forget_log() {
    : >"$STUB/log"
}

ends_with() {
    [[ "$status" == "$1" ]] || {
        echo "ended with $status instead of $1"
        return 1
    }
}

says() {
    [[ "$output" == *"$1"* ]] || {
        echo "does not say: $1"
        return 1
    }
}

says_not() {
    [[ "$output" != *"$1"* ]] || {
        echo "says: $1"
        return 1
    }
}

did() {
    grep -qE -- "$1" "$STUB/log" || {
        echo "did not: $1"
        cat "$STUB/log"
        return 1
    }
}

did_not() {
    ! grep -E -- "$1" "$STUB/log"
}

changed_nothing() {
    did_not "$CHANGING"
    [[ ! -e "$HOME/.config" && ! -e "$PICTOR_ROOT/etc/pictor" ]]
}

runs() {
    [[ "$(cat "$STUB/containers/${2:-pictor-worker}/status")" == running ]] &&
        [[ "$(cat "$STUB/containers/${2:-pictor-worker}/image")" == "$1" ]]
}

no_image() {
    ! grep -rx -- "$1" "$STUB/images"
}

# Nothing of an installation is there.
nothing_left() {
    [[ -z "$(ls -A "$STUB/containers")" && -z "$(ls -A "$STUB/volumes")" && -z "$(ls -A "$STUB/images")" ]] &&
        [[ -z "$(find "$HOME" "$PICTOR_ROOT/etc" -mindepth 1 -name '*pictor*' -print -quit)" ]]
}

# Starts an installer that will hang in a stub, waits until it does; sets PID.
start_and_hang() {
    local key="$1" until=$((SECONDS + 20))
    shift
    touch "$STUB/answers/$key.hangs"
    # A shell without job control lets what it starts in the background ignore Ctrl-C.
    "${ON_MACHINE[@]}" python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$INSTALLER" "$@" <"$T/stdin" >>"$T/printed" 2>&1 3>&- &
    PID=$!
    while [[ ! -s "$STUB/answers/$key.hangs" ]]; do
        ((SECONDS < until)) || return 1
        sleep 0.02
    done
    HUNG="$(<"$STUB/answers/$key.hangs")"
    rm "$STUB/answers/$key.hangs"
}
