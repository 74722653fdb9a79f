#!/usr/bin/env bash
#
# Installs a Pictor worker on Ubuntu or Debian: asks for the worker's config, looks whether this machine
# can do the work, and starts the worker in a container. Says what it changes, and undoes it when
# something fails. `install-worker.sh --help` lists everything.
#
# Exit codes
#     0  done, or nothing to change
#     1  something unexpected
#     2  the command line is wrong
#     3  the config: missing, a directory, unreadable, not JSON, not a worker config, another version
#     4  the coordinator refuses the worker's token
#     5  the coordinator cannot be reached
#     6  Docker is missing or cannot be used
#     7  the NVIDIA driver: missing, not loaded, too old
#     8  the NVIDIA Container Toolkit
#     9  the image: cannot be pulled, is no worker, or is too old for the coordinator
#    10  a container of that name was not made by this installer
#    11  the worker was started but is not connected
#    12  the probe render failed
#    13  the disk is full
#    14  the update failed, and the worker of before runs again
#   130  interrupted
set -euo pipefail

VERSION="0.1.0"
DEFAULT_IMAGE="pictor/worker:0.1.0"
DEFAULT_NAME="pictor-worker"

# Everything that is read or written outside of the home directory lies under it: tests have their own.
ROOT="${PICTOR_ROOT:-}"

CONFIG_VERSION=1
# A config has some hundred bytes. Whoever names a scene by mistake gets an answer at once.
CONFIG_BYTES_MAX=65536
CONFIG_IN_CONTAINER=/run/pictor/worker-config.json
DATA_IN_CONTAINER=/var/lib/pictor
# The user of the image; a worker that root installs runs as it.
IMAGE_USER=10001
# Changes when containers are made in another way, so that a newer installer replaces them.
LAYOUT=1

# A long frame on a slow GPU; Docker kills after that.
DRAIN_SECONDS=600
CONNECT_SECONDS=60
VERIFY_SECONDS=120
DISK_NEEDED_GIB=5
DISK_WANTED_GIB=50
# What the network asks of a worker's GPU.
DRIVER_NEEDED=520.06
COMPUTE_WANTED=6.1
GPU_MEMORY_WANTED_MIB=4096

ACTION=install
CONFIG="${PICTOR_WORKER_CONFIG:-}"
IMAGE="${PICTOR_WORKER_IMAGE:-}"
NAME="${PICTOR_WORKER_NAME:-$DEFAULT_NAME}"
MEMORY="${PICTOR_WORKER_MEMORY:-auto}"
CPU=0
YES=0
DRY_RUN=0
RENDER=1
PURGE=0

# What was found out about the config.
CONFIG_SOURCE=""
CONFIG_HASH=""
WORKER_NAME=""
COORDINATOR=""
ALLOW_CPU=""
# What was found out about Docker.
DOCKER=(docker)
ENGINE_ROOT="" ENGINE_SECURITY="" ENGINE_LOGGING=""
# The container that is there: absent, foreign, or running, exited, restarting and Docker's other words.
FOUND=absent
FOUND_IMAGE="" FOUND_REF="" FOUND_HASH="" FOUND_OPTIONS="" FOUND_CONFIG=""
# What the container is made of.
MODE="" NETWORK="" RUN_AS="" OPTIONS="" CONFIG_COPY=""
IMAGE_ID="" IMAGE_BEFORE=""

WORK=""
# The command in the background that has ended.
WAITED_FOR=""
OUTPUT=""
# What to undo when something fails, the last first.
UNDO=()
SET_ASIDE=0
WAS_RUNNING=0
DRAINING=0
REMOVED=0
ASKING=0
PROBLEM=0

main() {
    parse_arguments "$@"
    # A signal may come while the output of a command is caught; the way out speaks to the person.
    exec 8>&2
    trap finish EXIT
    trap 'exit 130' INT TERM HUP
    HOME="${HOME:-$(home_of "$(id -un)")}"
    WORK="$(mktemp -d "${TMPDIR:-/tmp}/pictor-install.XXXXXX")"
    case "$ACTION" in
    install) install_worker ;;
    update) update_worker ;;
    check) check_machine ;;
    status) show_status ;;
    uninstall) uninstall_worker ;;
    esac
}

# ---------------------------------------------------------------------------------- the command line

usage() {
    cat <<END
Installs a Pictor worker on this machine, in a container.

Usage: install-worker.sh [--config PATH] [options]

Without --config it asks for the full path of the worker config that the coordinator gave you.

What to do
  (nothing)           install the worker, or bring it to the given config and options
  --check             only look whether this machine can be a worker; with --config at the config too
  --status            say how the worker does
  --update            fetch the image again; when it changed, let the worker finish its frame and replace
                      it; when the new one does not connect, the one of before runs again
  --uninstall         let the worker finish its frame, remove its container and its config
  --purge             with --uninstall: its scenes and its image too
  --version, --help

Options
  --config PATH       the worker config                        (PICTOR_WORKER_CONFIG)
  --name NAME         name of the container, $DEFAULT_NAME     (PICTOR_WORKER_NAME)
  --image IMAGE       image to run, $DEFAULT_IMAGE       (PICTOR_WORKER_IMAGE)
  --cpu               render on the CPU, without a GPU
  --no-render         do not render a probe picture at the end
  --yes               answer every question with yes
  --dry-run           say what would be done, and change nothing

Environment
  PICTOR_WORKER_MEMORY  most memory of the container, such as 12g; nine tenths of the machine's when unset
  XDG_CONFIG_HOME       the config is kept in pictor/NAME.json there (~/.config); in /etc/pictor for root
  DOCKER_HOST           the engine, which has to be on this machine
  PICTOR_ROOT           put before /etc, /proc and /sys; for tests

Exit codes
  0 done, or nothing to change         8 the NVIDIA Container Toolkit
  1 something unexpected               9 the image
  2 the command line is wrong         10 a container of that name was not made by this installer
  3 the config                        11 the worker is not connected
  4 the coordinator refuses the token 12 the probe render failed
  5 the coordinator cannot be reached 13 the disk is full
  6 Docker                            14 the update failed, the worker of before runs again
  7 the NVIDIA driver                130 interrupted
END
}

parse_arguments() {
    local actions=()
    while (($# > 0)); do
        case "$1" in
        --config | --name | --image)
            (($# > 1)) || die 2 "$1 needs a value."
            set_value "$1" "$2"
            shift
            ;;
        --config=* | --name=* | --image=*) set_value "${1%%=*}" "${1#*=}" ;;
        --check | --status | --update | --uninstall) actions+=("${1#--}") ;;
        --cpu) CPU=1 ;;
        --yes | -y) YES=1 ;;
        --dry-run) DRY_RUN=1 ;;
        --no-render) RENDER=0 ;;
        --purge) PURGE=1 ;;
        --version | -V)
            printf 'install-worker.sh %s\n' "$VERSION"
            exit 0
            ;;
        --help | -h)
            usage
            exit 0
            ;;
        *) die 2 "$1 is not known here." "install-worker.sh --help lists what is." ;;
        esac
        shift
    done
    ((${#actions[@]} <= 1)) || die 2 "Only one of --check, --status, --update, --uninstall at a time."
    ACTION="${actions[0]:-install}"
    if ((PURGE)) && [[ "$ACTION" != uninstall ]]; then
        die 2 "--purge belongs to --uninstall."
    fi
    [[ "$NAME" =~ ^[a-zA-Z0-9][a-zA-Z0-9_.-]+$ ]] ||
        die 2 "The name $NAME is not one for a container: letters, digits, '.', '_' and '-', two or more."
    [[ "$MEMORY" =~ ^(auto|[0-9]+[bkmgBKMG]?)$ ]] ||
        die 2 "PICTOR_WORKER_MEMORY=$MEMORY is no amount of memory, such as 12g."
}

set_value() {
    [[ -n "$2" ]] || die 2 "$1 needs a value."
    case "$1" in
    --config) CONFIG="$2" ;;
    --name) NAME="$2" ;;
    --image) IMAGE="$2" ;;
    esac
}

# ---------------------------------------------------------------------------------- what can be done

install_worker() {
    choose_config
    look_at_docker
    take_lock
    settle_interrupted
    look_at_container
    refuse_foreign
    choose_options
    choose_config_copy
    : "${IMAGE:=$DEFAULT_IMAGE}"
    IMAGE_ID="$(image_id "$IMAGE")"
    if is_unchanged; then
        UNDO=()
        info "No change: the worker $NAME runs with this image, config and options, and is connected."
        return
    fi
    check_driver
    check_disk
    provide_image
    verify_config
    check_toolkit
    put_in_place
    summary
}

update_worker() {
    [[ -z "$CONFIG" ]] || choose_config
    look_at_docker
    take_lock
    settle_interrupted
    look_at_container
    refuse_foreign
    [[ "$FOUND" != absent ]] ||
        die 11 "There is no worker $NAME to update." "Install it: install-worker.sh --config PATH --name $NAME"
    if [[ -n "$CONFIG" ]]; then
        choose_options
    else
        keep_options
    fi
    choose_config_copy
    [[ -n "$IMAGE" ]] || choose_image_of_update
    check_disk
    provide_image
    if is_unchanged; then
        UNDO=()
        info "No change: the worker $NAME runs with this image, config and options, and is connected."
        return
    fi
    verify_config
    check_toolkit
    put_in_place
    summary
}

# Goes on after a failure, so that one run names everything; ends with the code of the first.
check_machine() {
    if [[ -n "$CONFIG" ]] && attempt choose_config; then
        choose_config 2>/dev/null
    fi
    look_at_docker
    look_at_container
    : "${IMAGE:=$DEFAULT_IMAGE}"
    [[ "$FOUND" != foreign ]] || attempt refuse_foreign || true
    attempt check_disk || true
    IMAGE_ID="$(image_id "$IMAGE")"
    choose_options
    attempt check_driver || true
    if [[ -n "$IMAGE_ID" ]]; then
        info "Image $IMAGE is here."
        [[ -z "$CONFIG_SOURCE" ]] || attempt verify_config || true
        attempt check_toolkit || true
    else
        warn "The image $IMAGE is not here yet: config and GPU can be checked inside of it only later."
    fi
    if ((PROBLEM)); then
        exit "$PROBLEM"
    fi
    info "This machine can be a worker."
}

# Runs a check, which may end the program, in a process of its own.
attempt() {
    local code=0
    ("$@") || code=$?
    if ((code != 0 && PROBLEM == 0)); then
        PROBLEM=$code
    fi
    return "$code"
}

show_status() {
    look_at_docker
    look_at_container
    refuse_foreign
    if [[ "$FOUND" == absent ]]; then
        printf 'Worker     %s is not installed\n' "$NAME"
        exit 11
    fi
    local state health exit_code restarts oom
    IFS='|' read -r state health exit_code restarts oom < <(docker container inspect --format \
        '{{.State.Status}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}|{{.State.ExitCode}}|{{.RestartCount}}|{{.State.OOMKilled}}' \
        "$NAME")
    printf 'Worker     %s\n' "$NAME"
    printf 'Container  %s%s, restarted %s times\n' "$state" "${health:+, $health}" "$restarts"
    printf 'Image      %s\n' "$FOUND_REF"
    printf 'Config     %s\n' "$FOUND_CONFIG"
    if [[ "$state" != running || "$restarts" != 0 ]]; then
        printf 'Last exit  %s: %s\n' "$exit_code" "$(explain_exit "$exit_code" "$oom")"
    fi
    if [[ "$state" == running ]] && capture docker exec "$NAME" pictor-worker health --connected; then
        printf 'Connected  yes%s\n' "${OUTPUT:+: $OUTPUT}"
        return
    fi
    printf 'Connected  no%s\n' "${OUTPUT:+: $OUTPUT}"
    printf 'Its log    %s logs --tail 50 %s\n' "${DOCKER[*]}" "$NAME"
    exit 11
}

# What `pictor-worker run` says by its exit code, and what Docker does.
explain_exit() {
    local code="$1" oom="${2:-false}"
    if [[ "$oom" == true ]]; then
        printf 'it needed more memory than it may have (PICTOR_WORKER_MEMORY)'
        return
    fi
    case "$code" in
    0) printf 'it ended as it was told to' ;;
    1) printf 'a fault of this machine or of the worker; its log says which' ;;
    2) printf 'the image does not know its command line; update it' ;;
    3) printf 'its config is wrong' ;;
    4) printf 'the coordinator refuses its token; download the config again' ;;
    5) printf 'it is too old for its coordinator; run install-worker.sh --update' ;;
    6) printf 'there is nothing to render with: no GPU (--cpu renders without), or no Blender' ;;
    7) printf 'something is missing on this machine; its log says what' ;;
    8) printf 'the GPU was lost; run install-worker.sh --config PATH again to make the container anew' ;;
    125 | 126 | 127) printf 'Docker could not start it' ;;
    137) printf 'it was killed, by Docker after its time to stop or for want of memory' ;;
    143) printf 'it was stopped in the middle of a frame' ;;
    *) printf 'no code of the worker' ;;
    esac
}

uninstall_worker() {
    look_at_docker
    take_lock
    look_at_container
    refuse_foreign
    choose_config_copy
    local image="${FOUND_REF:-${IMAGE:-$DEFAULT_IMAGE}}"
    if [[ "$FOUND" != absent ]]; then
        drain "$NAME"
        remove_container "$NAME"
    fi
    if [[ "$(owner_of "$NAME-before-update")" == ours ]]; then
        remove_container "$NAME-before-update"
    fi
    remove_config "${FOUND_CONFIG:-$CONFIG_COPY}"
    ((!PURGE)) || purge "$image"
    if ((!REMOVED)); then
        info "No change: there is no worker $NAME."
    elif ((!DRY_RUN)); then
        info "The worker $NAME is removed. Retire it at its coordinator too, if it will not come back."
    fi
}

remove_container() {
    change docker rm -f "$1" >/dev/null
    REMOVED=1
}

remove_config() {
    local file
    for file in "$1" "$1.before-update" "$1.new"; do
        if [[ -e "$file" ]]; then
            change rm -f -- "$file" || warn "$file could not be removed; it holds the worker's token."
            REMOVED=1
        fi
    done
    ((DRY_RUN)) || rmdir -- "$(dirname -- "$1")" 2>/dev/null || true
}

purge() {
    local image="$1"
    if docker volume inspect "$NAME-cache" >/dev/null 2>&1; then
        change docker volume rm "$NAME-cache" >/dev/null
        REMOVED=1
    fi
    if [[ -n "$(image_id "$image")" ]]; then
        change docker image rm "$image" >/dev/null || warn "The image $image is still used, and stays."
        REMOVED=1
    fi
}

# ---------------------------------------------------------------------------------- the config

choose_config() {
    local reason
    if [[ -n "$CONFIG" ]]; then
        CONFIG_SOURCE="$(clean_path "$CONFIG")"
        reason="$(config_fault "$CONFIG_SOURCE")" || die 3 "$reason"
    else
        ask_for_config
    fi
    read_config
    info "Config $CONFIG_SOURCE: worker $WORKER_NAME of $COORDINATOR"
    if [[ -n "$(find "$CONFIG_SOURCE" -perm /077 2>/dev/null)" ]]; then
        warn "Others can read the token in it: chmod 600 $(quoted "$CONFIG_SOURCE")"
    fi
}

# Sets CONFIG_SOURCE. Three chances, then the end; the end of the input is the end too.
ask_for_config() {
    local line reason chance
    for chance in 3 2 1; do
        read_line "Enter the full path of the worker config: " || die 3 "No config was named."
        CONFIG_SOURCE="$(clean_path "$line")"
        if reason="$(config_fault "$CONFIG_SOURCE")"; then
            return
        fi
        ((chance == 1)) || warn "$reason Try again."
    done
    die 3 "$reason"
}

# Sets line. A terminal gets completion of file names.
read_line() {
    local code=0
    line=""
    # bash ends a read at once only for a signal that has no trap.
    ASKING=1
    trap - INT TERM HUP
    if [[ -t 0 ]]; then
        read -r -e -p "$1" line || code=$?
    else
        printf '%s\n' "$1" >&2
        read -r line || [[ -n "$line" ]] || code=$?
    fi
    trap 'exit 130' INT TERM HUP
    ASKING=0
    return "$code"
}

# What people paste: blanks, a carriage return, quotes of a file manager, file://, ~, a relative path.
clean_path() {
    local path
    path="$(trim "$1")"
    case "$path" in
    \"*\" | \'*\') path="$(trim "${path:1:${#path}-2}")" ;;
    esac
    if [[ "$path" == file://* ]]; then
        path="${path#file://}"
        path="$(percent_decode "${path#localhost}")"
    fi
    path="$(expand_home "$path")"
    if [[ -n "$path" && "$path" != /* ]] && ! is_windows_path "$path"; then
        path="$PWD/$path"
    fi
    # Terminals escape what is dropped on them.
    if [[ ! -e "$path" && "$path" == *\\* && -e "$(unescape "$path")" ]]; then
        path="$(unescape "$path")"
    fi
    printf '%s' "$path"
}

trim() {
    local text="${1//$'\r'/}"
    text="${text#"${text%%[![:space:]]*}"}"
    printf '%s' "${text%"${text##*[![:space:]]}"}"
}

percent_decode() {
    local rest="$1" decoded="" byte
    while [[ "$rest" =~ ^([^%]*)%([0-9a-fA-F][0-9a-fA-F])(.*)$ ]]; do
        printf -v byte '%b' "\\x${BASH_REMATCH[2]}"
        decoded+="${BASH_REMATCH[1]}$byte"
        rest="${BASH_REMATCH[3]}"
    done
    printf '%s' "$decoded$rest"
}

# sudo changes ~; who typed it meant their own.
expand_home() {
    local path="$1" home
    if [[ "$path" =~ ^~(/.*)?$ ]]; then
        home="$HOME"
        if [[ -n "${SUDO_USER:-}" && ! -e "$home${path:1}" ]]; then
            home="$(home_of "$SUDO_USER")"
        fi
        path="$home${path:1}"
    elif [[ "$path" =~ ^~([a-z_][a-z0-9_-]*)(/.*)?$ ]]; then
        home="$(home_of "${BASH_REMATCH[1]}")"
        [[ -z "$home" ]] || path="$home${BASH_REMATCH[2]}"
    fi
    printf '%s' "$path"
}

home_of() {
    getent passwd "$1" | cut -d : -f 6 || true
}

is_windows_path() {
    [[ "$1" =~ ^[A-Za-z]:[\\/] ]]
}

unescape() {
    local text="$1" plain="" character escaped=0 index
    for ((index = 0; index < ${#text}; index++)); do
        character="${text:index:1}"
        if [[ "$character" == \\ ]] && ((!escaped)); then
            escaped=1
            continue
        fi
        plain+="$character"
        escaped=0
    done
    printf '%s' "$plain"
}

# Fails with the reason on standard output.
config_fault() {
    local path="$1"
    if [[ -z "$path" ]]; then
        printf 'Nothing was entered.'
    elif is_windows_path "$path"; then
        printf '%s is a path of Windows. Here that file is /mnt/%s.' "$path" "$(below_mnt "$path")"
    elif [[ -d "$path" ]]; then
        printf '%s is a directory, not a worker config.%s' "$path" "$(configs_in "$path")"
    elif [[ ! -e "$path" ]]; then
        missing_fault "$path"
    elif [[ ! -f "$path" ]]; then
        printf '%s is not a file.' "$path"
    elif [[ ! -r "$path" ]]; then
        printf 'There is no permission to read %s. It belongs to %s.' "$path" "$(stat -c %U -- "$path")"
    elif [[ ! -s "$path" ]]; then
        printf '%s is empty. Download the config again.' "$path"
    elif (($(stat -L -c %s -- "$path") > CONFIG_BYTES_MAX)); then
        printf '%s is too long for a worker config.' "$path"
    else
        content_fault "$path"
        return
    fi
    return 1
}

below_mnt() {
    local path="${1//\\//}"
    printf '%s%s' "${path:0:1}" "${path:2}" | sed 's/^./\L&/'
}

configs_in() {
    local found
    found="$(find "$1" -maxdepth 1 -type f -name '*.json' 2>/dev/null | LC_ALL=C sort | head -n 3 | paste -s -d ' ')"
    [[ -z "$found" ]] || printf ' In it: %s' "$found"
}

# A directory that may not be entered looks as if it were empty.
missing_fault() {
    local parent
    parent="$(dirname -- "$1")"
    while [[ ! -e "$parent" && "$parent" != / ]]; do
        parent="$(dirname -- "$parent")"
    done
    if [[ -d "$parent" && ! -x "$parent" ]]; then
        printf 'There is no permission to look into %s.' "$parent"
    elif [[ "$parent" != "$(dirname -- "$1")" ]]; then
        printf 'There is no file %s: %s has nothing of that name.' "$1" "$parent"
    else
        printf 'There is no file %s.%s' "$1" "$(configs_in "$parent")"
    fi
}

content_fault() {
    local path="$1" facts word rest
    facts="$(config_facts "$path")"
    read -r word rest <<<"$facts"
    case "$word" in
    ok) return 0 ;;
    not-json) printf '%s is not JSON: %s.' "$path" "$rest" ;;
    version)
        printf '%s is of version %s, and this installer knows version %s. Take the installer of your coordinator.' \
            "$path" "$rest" "$CONFIG_VERSION"
        ;;
    *) printf '%s is not a worker config: %s.' "$path" "$rest" ;;
    esac
    return 1
}

# Sets WORKER_NAME, COORDINATOR, ALLOW_CPU and CONFIG_HASH.
read_config() {
    local facts
    mapfile -t facts < <(config_facts "$CONFIG_SOURCE")
    COORDINATOR="${facts[1]:-}"
    WORKER_NAME="${facts[2]:-}"
    ALLOW_CPU="${facts[3]:-}"
    CONFIG_HASH="$(sha256sum <"$CONFIG_SOURCE" | cut -d ' ' -f 1)"
}

# Reads the JSON and answers "ok", the coordinator, the name and options.allow_cpu, each on its line, or
# what is wrong in one. It is awk, not the shell, so that `bash -x` cannot print the token; a bare
# Ubuntu has neither jq nor Python.
config_facts() {
    LC_ALL=C awk -v known="$CONFIG_VERSION" '
        function fail(why) {
            if (!failed) {
                failed = 1
                print why
            }
            return ""
        }
        function take(pattern) {
            if (!match(text, pattern)) return 0
            taken = substr(text, 1, RLENGTH)
            text = substr(text, RLENGTH + 1)
            return 1
        }
        function blanks() { take("^[ \t\r\n]+") }
        function bad(expected) {
            return fail("not-json " expected " is missing " (text == "" ? "at its end" : "before " shown(text)))
        }
        # Never shows what stands between quotes: it may be the token.
        function shown(rest) {
            return substr(rest, 1, 1) == "\"" ? "a string" : "\"" substr(rest, 1, 1) "\""
        }
        function string() {
            if (!take("^\"([^\"\\\\\001-\037]|\\\\[\"\\\\/bfnrtu])*\"")) return bad("a string")
            return substr(taken, 2, length(taken) - 2)
        }
        function value(path, depth) {
            blanks()
            if (depth > 32) return fail("not-json it is nested too deeply")
            if (text ~ /^\{/) { kind[path] = "object"; object(path, depth) }
            else if (text ~ /^\[/) { kind[path] = "array"; array(path, depth) }
            else if (text ~ /^"/) { kind[path] = "string"; held[path] = string() }
            else if (take("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?")) { kind[path] = "number"; held[path] = taken }
            else if (take("^(true|false|null)")) { kind[path] = taken; held[path] = taken }
            else bad("a value")
            blanks()
        }
        function object(path, depth,    name) {
            take("^\\{")
            blanks()
            if (take("^\\}")) return
            do {
                blanks()
                name = string()
                blanks()
                if (!failed && !take("^:")) bad("\":\"")
                if (failed) return
                value(path == "" ? "." name : path "." name, depth + 1)
            } while (!failed && take("^,"))
            if (!failed && !take("^\\}")) bad("\"}\"")
        }
        function array(path, depth,    n) {
            take("^\\[")
            blanks()
            if (take("^\\]")) return
            do value(path "[" n++ "]", depth + 1); while (!failed && take("^,"))
            if (!failed && !take("^\\]")) bad("\"]\"")
        }
        function need(name, wanted) {
            if (!(("." name) in kind)) fail("not-ours " name " is missing")
            else if (kind["." name] != wanted) fail("not-ours " name " is not a " wanted)
            else if (wanted == "string" && held["." name] == "") fail("not-ours " name " is empty")
        }
        { text = text $0 "\n" }
        END {
            if (text ~ /^\357\273\277/) { fail("not-json it begins with a byte order mark; save it as UTF-8 without one"); exit }
            if (text ~ /^(\377\376|\376\377)/) { fail("not-json it is UTF-16; save it as UTF-8"); exit }
            value("", 0)
            if (!failed && text != "") bad("the end")
            if (failed) exit
            if (kind[""] != "object") { fail("not-ours it is not a JSON object"); exit }
            need("version", "number")
            if (!failed && held[".version"] != known) fail("version " held[".version"])
            need("coordinator", "string")
            need("worker_id", "string")
            need("token", "string")
            need("name", "string")
            if (!failed && ((".options") in kind) && kind[".options"] != "object") fail("not-ours options is not an object")
            url = held[".coordinator"]
            gsub(/\\\//, "/", url)
            if (url !~ /^https?:\/\/[^\/]/) fail("not-ours the address of its coordinator does not begin with http:// or https://")
            if (url ~ /@/) fail("not-ours the address of its coordinator must not hold a user or a password")
            if (failed) exit
            print "ok"
            print url
            print held[".name"]
            print held[".options.allow_cpu"]
        }' <"$1"
}

# Where the config is kept, for the container to read.
choose_config_copy() {
    if [[ -z "$CONFIG_SOURCE" && -n "$FOUND_CONFIG" ]]; then
        CONFIG_COPY="$FOUND_CONFIG"
    elif is_snap; then
        # Docker of a snap sees its own directory and what is not hidden in the home directory.
        if is_root; then
            CONFIG_COPY="$ROOT/var/snap/docker/common/pictor/$NAME.json"
        else
            CONFIG_COPY="$HOME/pictor/$NAME.json"
        fi
    elif is_root; then
        CONFIG_COPY="$ROOT/etc/pictor/$NAME.json"
    else
        CONFIG_COPY="${XDG_CONFIG_HOME:-$HOME/.config}/pictor/$NAME.json"
    fi
}

# Copies the config: private before it has content, whole before it has its name.
copy_config() {
    [[ -n "$CONFIG_SOURCE" ]] || return 0
    # The owner may have edited the copy itself.
    if [[ "$CONFIG_SOURCE" -ef "$CONFIG_COPY" ]]; then
        return
    fi
    if ((DRY_RUN)); then
        info "Would copy the config to $CONFIG_COPY, for its owner alone."
        return
    fi
    local directory new="$CONFIG_COPY.new"
    directory="$(dirname -- "$CONFIG_COPY")"
    [[ -d "$directory" ]] || undo_later "remove_directory"
    (umask 077 && mkdir -p -- "$directory") || die 1 "The directory $directory cannot be made."
    rm -f -- "$CONFIG_COPY.before-update"
    if [[ -e "$CONFIG_COPY" ]]; then
        cp -p -- "$CONFIG_COPY" "$CONFIG_COPY.before-update"
    fi
    undo_later "restore_config"
    rm -f -- "$new"
    (umask 077 && : >"$new") || die 1 "$new cannot be written."
    if is_root && [[ "$RUN_AS" != 0:0 ]]; then
        chown -- "$RUN_AS" "$new"
    fi
    cat -- "$CONFIG_SOURCE" >"$new" || die 13 "The config cannot be written to $new."
    mv -f -- "$new" "$CONFIG_COPY"
}

# shellcheck disable=SC2317  # finish calls it.
restore_config() {
    rm -f -- "$CONFIG_COPY.new"
    if [[ -e "$CONFIG_COPY.before-update" ]]; then
        mv -f -- "$CONFIG_COPY.before-update" "$CONFIG_COPY"
    else
        rm -f -- "$CONFIG_COPY"
    fi
}

# shellcheck disable=SC2317  # finish calls it.
remove_directory() {
    rmdir -- "$(dirname -- "$CONFIG_COPY")" 2>/dev/null || true
}

# The image's own program asks the coordinator, before anything is changed.
verify_config() {
    local source="${CONFIG_SOURCE:-$CONFIG_COPY}" code=0
    if ((DRY_RUN)) && [[ "$ACTION" != check ]]; then
        info "Would ask the coordinator whether it knows this config."
        return
    fi
    local command=(run --rm --user "$(reader_of "$source")" --cap-drop ALL --read-only
        --security-opt no-new-privileges)
    if [[ "$NETWORK" == host ]]; then
        command+=(--network host)
    fi
    command+=(--mount "$(bind_mount "$source")" "$IMAGE" verify)
    capture timeout --foreground "$VERIFY_SECONDS" "${DOCKER[@]}" "${command[@]}" || code=$?
    [[ -z "$OUTPUT" ]] || printf '%s\n' "$OUTPUT" >&2
    case "$code" in
    0) ;;
    3) die 3 "The worker finds the config wrong." ;;
    4) die 4 "The coordinator${COORDINATOR:+ at $COORDINATOR} refuses the token." \
        "Download the config again there, or create the worker anew." ;;
    5) die 9 "The worker in $IMAGE is too old for its coordinator." \
        "Take a newer image with --image, or the installer that your coordinator offers." ;;
    9 | 124) die 5 "The coordinator${COORDINATOR:+ at $COORDINATOR} cannot be reached from a container." \
        "Is the address right, does the coordinator run, does a firewall stop Docker's network?" ;;
    2 | 126 | 127) die 9 "$IMAGE is no Pictor worker, or one that is too old for this installer." ;;
    *) fail_with_output 1 "The config could not be verified (exit code $code)." ;;
    esac
}

# Whom the container has to be to read a file: its owner, or else who runs this, with the file's group.
reader_of() {
    local owner
    owner="$(stat -L -c %u:%g -- "$1" 2>/dev/null)" || owner="$RUN_AS"
    if is_rootless; then
        printf '0:0'
    elif is_root || [[ "${owner%%:*}" == "$(id -u)" ]] || [[ ! -r "$1" ]]; then
        printf '%s' "$owner"
    else
        printf '%s:%s' "$(id -u)" "${owner##*:}"
    fi
}

# Docker reads mounts as comma-separated values; a path may hold commas and quotes.
bind_mount() {
    local source="source=$1"
    if [[ "$source" == *[,\"]* ]]; then
        source="\"${source//\"/\"\"}\""
    fi
    printf 'type=bind,%s,target=%s,readonly' "$source" "$CONFIG_IN_CONTAINER"
}

# ---------------------------------------------------------------------------------- Docker

docker() {
    command "${DOCKER[@]}" "$@"
}

look_at_docker() {
    if [[ -z "$(type -P docker)" ]]; then
        die 6 "Docker is not installed." "Install it, then run this again: sudo apt-get install docker.io" \
            "or the newer one of Docker itself: https://docs.docker.com/engine/install/"
    fi
    local host version
    host="${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true)}"
    case "$host" in
    "" | unix://* | npipe://* | fd://*) ;;
    *) die 6 "Docker's engine is on another machine ($host)." "Run this installer there." ;;
    esac
    if ! capture docker version --format '{{.Server.Version}}'; then
        use_sudo_for_docker || fail_with_output 6 "Docker cannot be used."
    fi
    version="${OUTPUT##*$'\n'}"
    at_least "$version" 20.10 ||
        die 6 "Docker $version is too old: 20.10 is needed." "Update it: sudo apt-get install docker.io"
    IFS='|' read -r ENGINE_ROOT ENGINE_LOGGING ENGINE_SECURITY < <(
        docker info --format '{{.DockerRootDir}}|{{.LoggingDriver}}|{{.SecurityOptions}}' 2>/dev/null
    ) || true
    info "Docker $version$(is_rootless && printf ', rootless')$(is_snap && printf ', from a snap')"
}

# Only where this user may not speak to the engine, and only after asking.
use_sudo_for_docker() {
    [[ "${OUTPUT,,}" == *"permission denied"* && -z "${DOCKER_HOST:-}" ]] || return 1
    if is_root || ! command -v sudo >/dev/null; then
        return 1
    fi
    ask "You may not use Docker without sudo. Use sudo for Docker?" || return 1
    info "Running: sudo -v; and every docker command as: sudo docker"
    sudo -v || return 1
    DOCKER=(sudo docker)
    capture docker version --format '{{.Server.Version}}'
}

is_root() {
    [[ "$(id -u)" == 0 ]]
}

is_rootless() {
    [[ "$ENGINE_SECURITY" == *name=rootless* ]]
}

is_snap() {
    [[ "$ENGINE_ROOT" == /var/snap/* ]]
}

# Two runs at once would take each other's containers for leftovers. A directory can be locked without
# leaving a file; the lock goes with this process.
take_lock() {
    local directory="$HOME"
    ! is_root || directory="$ROOT/etc"
    ((!DRY_RUN)) && command -v flock >/dev/null && [[ -r "$directory" ]] || return 0
    exec 9<"$directory"
    flock -n 9 || die 1 "Another installer of Pictor is at work. Wait until it is done."
}

# Sets FOUND…. A foreign container has only its state. Docker may warn before it answers, of its own
# configuration under sudo for instance, so the answer is the last line.
look_at_container() {
    FOUND=absent FOUND_IMAGE="" FOUND_REF="" FOUND_HASH="" FOUND_OPTIONS="" FOUND_CONFIG=""
    local name label status
    capture docker container inspect --format "$(container_template)" "$NAME" || {
        [[ "${OUTPUT,,}" == *"no such container"* ]] || fail_with_output 6 "Docker does not tell about $NAME."
        return 0
    }
    IFS='|' read -r name label status FOUND_IMAGE FOUND_REF FOUND_HASH FOUND_OPTIONS FOUND_CONFIG \
        <<<"${OUTPUT##*$'\n'}"
    # Docker takes the beginning of an id for a name.
    if [[ "$name" != "/$NAME" ]]; then
        FOUND=absent FOUND_REF="" FOUND_CONFIG=""
    elif [[ "$label" != worker ]]; then
        FOUND=foreign
    else
        FOUND="$status"
    fi
}

container_template() {
    local label='{{index .Config.Labels "network.pictor.%s"}}'
    # shellcheck disable=SC2059  # The template is the format.
    printf '{{.Name}}|'"$label"'|{{.State.Status}}|{{.Image}}|{{.Config.Image}}|'"$label|$label|" \
        installer config-hash options
    printf '{{range .Mounts}}{{if eq .Destination "%s"}}{{.Source}}{{end}}{{end}}' "$CONFIG_IN_CONTAINER"
}

# absent, ours or foreign
owner_of() {
    local found
    found="$(docker container inspect --format '{{.Name}}|{{index .Config.Labels "network.pictor.installer"}}' \
        "$1" 2>/dev/null)" || found=""
    case "$found" in
    "/$1|worker") printf 'ours' ;;
    "/$1|"*) printf 'foreign' ;;
    *) printf 'absent' ;;
    esac
}

refuse_foreign() {
    if [[ "$FOUND" == foreign ]]; then
        die 10 "There is a container $NAME that this installer did not make. It stays as it is." \
            "Choose another name with --name, or remove it yourself."
    fi
}

image_id() {
    docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || true
}

# An owner's own image stays; the image of an older installer gives way to that of this one.
choose_image_of_update() {
    case "$FOUND_REF" in
    "" | "${DEFAULT_IMAGE%:*}:"* | sha256:*) IMAGE="$DEFAULT_IMAGE" ;;
    *) IMAGE="$FOUND_REF" ;;
    esac
}

provide_image() {
    IMAGE_BEFORE="$(image_id "$IMAGE")"
    IMAGE_ID="$IMAGE_BEFORE"
    if [[ "$IMAGE" == *@sha256:* && -n "$IMAGE_ID" ]]; then
        info "Image $IMAGE is here."
        return
    fi
    info "Pulling $IMAGE"
    if ((DRY_RUN)); then
        change docker pull "$IMAGE"
        return
    fi
    undo_later "forget_image"
    if pull; then
        IMAGE_ID="$(image_id "$IMAGE")"
    elif [[ -n "$IMAGE_BEFORE" ]]; then
        warn "$IMAGE could not be pulled; the one on this machine is used."
    else
        fail_with_output 9 "The image $IMAGE could not be pulled."
    fi
}

# Shows Docker's progress, and keeps what it says last in case it fails.
pull() {
    local code=0
    patiently docker pull "$IMAGE" >&2 2>"$WORK/pull" || code=$?
    read_output "$WORK/pull"
    return "$code"
}

# shellcheck disable=SC2317  # finish calls it.
forget_image() {
    local now
    now="$(image_id "$IMAGE")"
    if [[ -z "$now" || "$now" == "$IMAGE_BEFORE" ]]; then
        return 0
    fi
    docker image rm "$IMAGE" >/dev/null 2>&1 || true
    if [[ -n "$IMAGE_BEFORE" ]]; then
        docker tag "$IMAGE_BEFORE" "$IMAGE" 2>/dev/null || true
    fi
}

check_disk() {
    local free_gib
    if [[ -z "$ENGINE_ROOT" || ! -e "$ROOT$ENGINE_ROOT" ]]; then
        warn "Docker's directory ${ENGINE_ROOT:-} cannot be seen: make sure that it has $DISK_WANTED_GIB GiB free."
        return
    fi
    free_gib="$(df -Pk -- "$ROOT$ENGINE_ROOT" | awk 'NR == 2 { print int($4 / 1048576) }')"
    if ((free_gib < DISK_NEEDED_GIB)); then
        die 13 "Only $free_gib GiB are free in $ENGINE_ROOT; $DISK_NEEDED_GIB GiB are needed." \
            "docker system df says what Docker's part of it is."
    elif ((free_gib < DISK_WANTED_GIB)); then
        warn "Only $free_gib GiB are free in $ENGINE_ROOT; $DISK_WANTED_GIB GiB are better for large scenes."
    else
        info "$free_gib GiB are free in $ENGINE_ROOT."
    fi
}

# ---------------------------------------------------------------------------------- the GPU

check_driver() {
    [[ "$MODE" == gpu ]] || return 0
    if ! command -v nvidia-smi >/dev/null; then
        die 7 "There is no NVIDIA driver (nvidia-smi is missing)." "$(driver_advice)" \
            "To render on the CPU: install-worker.sh --cpu"
    fi
    capture nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader,nounits ||
        fail_with_output 7 "The NVIDIA driver does not work."
    local gpu driver memory gpus=0
    while IFS=, read -r gpu driver memory; do
        driver="$(trim "$driver")"
        memory="$(trim "$memory")"
        [[ -n "$driver" ]] || continue
        gpus=$((gpus + 1))
        info "GPU $gpu, $memory MiB, driver $driver"
        at_least "$driver" "$DRIVER_NEEDED" ||
            die 7 "The NVIDIA driver $driver is too old: $DRIVER_NEEDED is needed." "$(driver_advice)"
        if [[ "$memory" =~ ^[0-9]+$ ]] && ((memory < GPU_MEMORY_WANTED_MIB)); then
            warn "$gpu has only $memory MiB of memory: most scenes need $GPU_MEMORY_WANTED_MIB."
        fi
    done <<<"$OUTPUT"
    check_compute_capability
    ((gpus > 0)) || die 7 "The NVIDIA driver finds no GPU." "To render on the CPU: install-worker.sh --cpu"
}

# A driver too old to tell is told apart by its version.
check_compute_capability() {
    local capability
    capture nvidia-smi --query-gpu=compute_cap --format=csv,noheader || return 0
    while read -r capability; do
        if [[ "$capability" =~ ^[0-9]+\.[0-9]+$ ]] && ! at_least "$capability" "$COMPUTE_WANTED"; then
            warn "A GPU of compute capability $capability may not render: $COMPUTE_WANTED is what Blender is tested with."
        fi
    done <<<"$OUTPUT"
}

# Only said, never done: a driver can leave a machine without a screen.
driver_advice() {
    if [[ "$(cat "$ROOT/proc/version" 2>/dev/null)" == *[Mm]icrosoft* ]]; then
        printf 'This is WSL: the driver belongs into Windows. Install it there, then run: wsl --shutdown'
    elif ! has_nvidia_hardware; then
        printf 'This machine seems to have no NVIDIA GPU.'
    elif grep -qs '^ID=ubuntu' "$ROOT/etc/os-release"; then
        printf 'Install it and reboot: sudo ubuntu-drivers install'
    else
        printf 'Install it and reboot: sudo apt-get install nvidia-driver (from non-free)'
    fi
}

has_nvidia_hardware() {
    grep -qs 0x10de "$ROOT"/sys/bus/pci/devices/*/vendor
}

# nvidia-smi on the machine proves nothing about containers.
check_toolkit() {
    [[ "$MODE" == gpu ]] || return 0
    if ((DRY_RUN)) && [[ "$ACTION" != check ]]; then
        info "Would look whether a container sees the GPUs: docker run --rm --gpus all …"
        return
    fi
    sees_gpus && return
    if recognise "$OUTPUT" && ((CODE == 8)) && [[ "$ACTION" != check ]] && offer_toolkit; then
        sees_gpus && return
    fi
    fail_with_output 8 "A container does not see the GPUs."
}

sees_gpus() {
    capture timeout --foreground "$VERIFY_SECONDS" "${DOCKER[@]}" run --rm --gpus all \
        --entrypoint nvidia-smi "$IMAGE" -L || return 1
    [[ "$OUTPUT" == *"GPU "* ]] || return 1
    info "Containers see $(grep -c '^GPU ' <<<"$OUTPUT") GPU(s)."
}

offer_toolkit() {
    local script
    script="$(dirname -- "${BASH_SOURCE[0]}")/install-nvidia-container-toolkit.sh"
    warn "$ADVICE"
    [[ -f "$script" ]] || return 1
    ask "Run install-nvidia-container-toolkit.sh now?" || return 1
    local command=(bash "$script")
    ((!YES)) || command+=(--yes)
    PICTOR_WORKER_IMAGE="$IMAGE" "${command[@]}" || die 8 "The NVIDIA Container Toolkit was not installed."
}

# ---------------------------------------------------------------------------------- the container

choose_options() {
    MODE=gpu
    if ((CPU)); then
        MODE=cpu
    elif [[ "$ALLOW_CPU" == true ]] && ! command -v nvidia-smi >/dev/null; then
        info "There is no NVIDIA driver, and the config allows to render on the CPU."
        MODE=cpu
    fi
    NETWORK=bridge
    if is_this_machine "$COORDINATOR"; then
        NETWORK=host
        ! is_rootless || warn "Rootless Docker hides this machine's own address from containers." \
            "If the coordinator cannot be reached, give it another address than $COORDINATOR."
    fi
    if is_rootless; then
        # There the container's root is the user who runs the engine.
        RUN_AS=0:0
    elif is_root; then
        RUN_AS="$IMAGE_USER:$IMAGE_USER"
    else
        RUN_AS="$(id -u):$(id -g)"
    fi
    OPTIONS="layout=$LAYOUT,mode=$MODE,memory=$MEMORY,network=$NETWORK,user=$RUN_AS"
}

# An update decides nothing anew but the image.
keep_options() {
    MODE="$(option mode "$FOUND_OPTIONS")"
    ((!CPU)) || MODE=cpu
    NETWORK="$(option network "$FOUND_OPTIONS")"
    RUN_AS="$(option user "$FOUND_OPTIONS")"
    [[ "$MEMORY" != auto ]] || MEMORY="$(option memory "$FOUND_OPTIONS")"
    CONFIG_HASH="$FOUND_HASH"
    OPTIONS="layout=$LAYOUT,mode=$MODE,memory=$MEMORY,network=$NETWORK,user=$RUN_AS"
}

# option KEY LIST: the value in a list such as mode=gpu,network=host
option() {
    local list=",$2,"
    [[ "$list" == *",$1="* ]] || return 0
    list="${list#*",$1="}"
    printf '%s' "${list%%,*}"
}

is_this_machine() {
    local host="${1#*://}"
    host="${host%%/*}"
    [[ "${host,,}" =~ ^(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?$ ]]
}

# A container that lost its GPUs looks unchanged from outside and is of no use: the coordinator's word counts.
is_unchanged() {
    [[ "$FOUND" == running && -n "$IMAGE_ID" && "$FOUND_IMAGE" == "$IMAGE_ID" ]] || return 1
    [[ "$FOUND_HASH" == "$CONFIG_HASH" && "$FOUND_OPTIONS" == "$OPTIONS" ]] || return 1
    if ! capture docker exec "$NAME" pictor-worker health --connected; then
        info "The worker $NAME is as it should be, and not connected: looking why, then making it anew."
        return 1
    fi
}

# Sets the old container aside, starts the new one, and lets the old one go once the new one works.
put_in_place() {
    if [[ "$FOUND" != absent ]]; then
        set_aside
    fi
    copy_config
    make_volume
    start_container
    if ((DRY_RUN)); then
        info "Nothing was changed."
        exit 0
    fi
    wait_until_connected
    render_probe
    keep_new
}

set_aside() {
    [[ "$FOUND" != running && "$FOUND" != restarting ]] || WAS_RUNNING=1
    undo_later "restore_old"
    drain "$NAME"
    change docker rename "$NAME" "$NAME-before-update"
    SET_ASIDE=1
}

drain() {
    info "Stopping $NAME. It finishes its frame first, for up to $((DRAIN_SECONDS / 60)) minutes."
    if ((DRY_RUN)); then
        change docker stop -t "$DRAIN_SECONDS" "$1"
        return
    fi
    DRAINING=1
    patiently docker stop -t "$DRAIN_SECONDS" "$1" >/dev/null || warn "$1 did not stop."
    DRAINING=0
}

# Whatever was reached: the old container may still have its name, or nobody has it.
# shellcheck disable=SC2317  # finish calls it.
restore_old() {
    if [[ "$(owner_of "$NAME-before-update")" == ours ]]; then
        docker rename "$NAME-before-update" "$NAME" >/dev/null || return 1
    fi
    if ((DRAINING)); then
        # It was told to stop and would do so after its frame; a second signal makes it hand back the frame.
        docker restart -t 10 "$NAME" >/dev/null || return 1
    elif ((WAS_RUNNING)); then
        docker start "$NAME" >/dev/null || return 1
    fi
    info "The worker of before is back."
}

make_volume() {
    local volume="$NAME-cache" fresh=0
    docker volume inspect "$volume" >/dev/null 2>&1 || fresh=1
    if ((fresh)); then
        undo_later "remove_volume"
        change docker volume create --label network.pictor.installer=worker "$volume" >/dev/null
    fi
    if ((!fresh)) && [[ "$(option user "$FOUND_OPTIONS")" == "$RUN_AS" ]]; then
        return
    fi
    # The image gives its own user to a fresh volume; an earlier installation perhaps another one.
    change docker run --rm --user 0:0 --network none --read-only --cap-drop ALL --cap-add CHOWN \
        --cap-add DAC_OVERRIDE --security-opt no-new-privileges \
        --mount "type=volume,source=$volume,target=$DATA_IN_CONTAINER" \
        --entrypoint chown "$IMAGE" -R "$RUN_AS" "$DATA_IN_CONTAINER" >/dev/null ||
        die 9 "The worker's volume could not be prepared."
}

# shellcheck disable=SC2317  # finish calls it.
remove_volume() {
    docker volume rm "$NAME-cache" >/dev/null 2>&1 || true
}

start_container() {
    local command=(
        docker run -d --name "$NAME"
        --label network.pictor.installer=worker
        --label "network.pictor.config-hash=$CONFIG_HASH"
        --label "network.pictor.options=$OPTIONS"
        --restart unless-stopped --stop-timeout "$DRAIN_SECONDS"
        --read-only --tmpfs "/tmp:rw,nosuid,nodev,size=2g,mode=1777"
        --cap-drop ALL --security-opt no-new-privileges --pids-limit 1024
        --memory "$(memory_limit)" --init
    )
    case "$ENGINE_LOGGING" in
    json-file | local | "") ;;
    # Only these two know how to rotate.
    *) command+=(--log-driver json-file) ;;
    esac
    command+=(--log-opt max-size=10m --log-opt max-file=3 --user "$RUN_AS")
    [[ "$MODE" != gpu ]] || command+=(--gpus all)
    [[ "$NETWORK" != host ]] || command+=(--network host)
    # An engine that maps users could not read the config of this user.
    [[ "$ENGINE_SECURITY" != *name=userns* ]] || command+=(--userns host)
    command+=(
        --mount "$(bind_mount "$CONFIG_COPY")"
        --mount "type=volume,source=$NAME-cache,target=$DATA_IN_CONTAINER"
        "$IMAGE" run
    )
    [[ "$MODE" != cpu ]] || command+=(--allow-cpu)
    if ((DRY_RUN)); then
        change "${command[@]}"
        return
    fi
    info "Starting: $(quoted "${command[@]}")"
    undo_later "remove_new"
    capture "${command[@]}" || fail_with_output 1 "The container could not be started."
}

# shellcheck disable=SC2317  # finish calls it.
remove_new() {
    [[ "$(owner_of "$NAME")" != ours ]] || docker rm -f "$NAME" >/dev/null
}

memory_limit() {
    if [[ "$MEMORY" != auto ]]; then
        printf '%s' "$MEMORY"
    else
        awk '/^MemTotal:/ { printf "%dm", $2 * 0.9 / 1024 }' "$ROOT/proc/meminfo"
    fi
}

wait_until_connected() {
    info "Waiting until the coordinator says that the worker is connected."
    capture docker exec "$NAME" pictor-worker health --connected --wait "$CONNECT_SECONDS" && return
    local status exit_code oom
    IFS='|' read -r status exit_code oom < <(docker container inspect \
        --format '{{.State.Status}}|{{.State.ExitCode}}|{{.State.OOMKilled}}' "$NAME" 2>/dev/null || true)
    [[ -z "$OUTPUT" ]] || printf '%s\n' "$OUTPUT" >&2
    warn "The end of the worker's log:"
    docker logs --tail 15 "$NAME" >&2 2>&1 || true
    if [[ "${status:-}" == running ]]; then
        die 11 "The worker runs, but the coordinator does not see it after $CONNECT_SECONDS s."
    fi
    case "${exit_code:-}" in
    3 | 4) CODE="$exit_code" ;;
    5) CODE=9 ;;
    8) CODE=8 ;;
    *) CODE=11 ;;
    esac
    die "$CODE" "The worker ended (exit code ${exit_code:-unknown}): $(explain_exit "${exit_code:-}" "${oom:-false}")."
}

# CUDA can fail where nvidia-smi works: only a picture proves that the worker renders.
render_probe() {
    ((RENDER)) || return 0
    info "Rendering a probe picture."
    local command=(pictor-worker doctor --render)
    [[ "$MODE" != cpu ]] || command+=(--allow-cpu)
    patiently docker exec "$NAME" "${command[@]}" >&2 ||
        die 12 "The probe render failed." "--no-render installs without it."
}

# From here on the new one stays, whatever happens.
keep_new() {
    UNDO=()
    if ((SET_ASIDE)); then
        SET_ASIDE=0
        docker rm -f "$NAME-before-update" >/dev/null || warn "$NAME-before-update could not be removed."
    fi
    rm -f -- "$CONFIG_COPY.before-update"
    if [[ -n "$FOUND_CONFIG" && "$FOUND_CONFIG" != "$CONFIG_COPY" ]]; then
        rm -f -- "$FOUND_CONFIG" || warn "The old config $FOUND_CONFIG could not be removed."
    fi
    # The image of before takes gigabytes, and nobody can name it any more.
    if [[ -n "$FOUND_IMAGE" && "$FOUND_IMAGE" != "$IMAGE_ID" ]] &&
        [[ "$(docker image inspect --format '{{len .RepoTags}}' "$FOUND_IMAGE" 2>/dev/null)" == 0 ]]; then
        docker image rm "$FOUND_IMAGE" >/dev/null 2>&1 || true
    fi
}

# An earlier run was killed between setting the old container aside and letting it go.
settle_interrupted() {
    local old="$NAME-before-update"
    if [[ "$(owner_of "$old")" != ours ]]; then
        return
    fi
    if ((DRY_RUN)); then
        info "An earlier update was interrupted. Would finish it or undo it first."
        return
    fi
    look_at_container
    refuse_foreign
    choose_config_copy
    if [[ "$FOUND" == running ]] &&
        capture docker exec "$NAME" pictor-worker health --connected --wait "$CONNECT_SECONDS"; then
        info "An earlier update was interrupted, and its worker is connected: finishing it."
        docker rm -f "$old" >/dev/null
        rm -f -- "$CONFIG_COPY.before-update"
        return
    fi
    info "An earlier update was interrupted: bringing the worker of before back first."
    [[ "$FOUND" == absent ]] || docker rm -f "$NAME" >/dev/null
    if [[ -e "$CONFIG_COPY.before-update" ]]; then
        mv -f -- "$CONFIG_COPY.before-update" "$CONFIG_COPY"
    fi
    WAS_RUNNING=1
    restore_old || warn "The worker of before does not start."
    WAS_RUNNING=0
}

summary() {
    local me="${BASH_SOURCE[0]}" named=""
    [[ "$NAME" == "$DEFAULT_NAME" ]] || named=" --name $NAME"
    cat >&2 <<END
[INFO] The worker $NAME runs and is connected. It starts again with this machine.
         how it does     $me --status$named
         its log         ${DOCKER[*]} logs -f $NAME
         pause, go on    ${DOCKER[*]} stop $NAME; ${DOCKER[*]} start $NAME
         a newer image   $me --update$named
         remove it       $me --uninstall$named
       Its config is kept in $CONFIG_COPY
END
}

# ---------------------------------------------------------------------------------- errors explained

# Sets CODE and ADVICE for what Docker, the driver and the toolkit are known to say.
recognise() {
    CODE=1 ADVICE=""
    case "${1,,}" in
    *"could not select device driver"* | *"unknown or invalid runtime name: nvidia"*)
        CODE=8 ADVICE="$(toolkit_advice)"
        ;;
    *"bpf_prog_query(bpf_cgroup_device) failed"*)
        CODE=8
        ADVICE="Rootless Docker must leave cgroups alone: sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups --in-place"
        ;;
    *"unresolvable cdi devices"*)
        CODE=8
        ADVICE="Docker knows no such device yet: sudo nvidia-ctk cdi generate --output=/var/run/cdi/nvidia.yaml"
        ;;
    *"conflicting values set for option signed-by"*)
        CODE=8
        ADVICE="An older list of the same packages stands in the way: grep -l libnvidia-container /etc/apt/sources.list.d/* and remove it."
        ;;
    *"wsl environment detected but no adapters were found"*)
        CODE=7
        ADVICE="WSL sees no GPU. Update the NVIDIA driver of Windows, then run: wsl --update; wsl --shutdown"
        ;;
    *"driver/library version mismatch"*)
        CODE=7 ADVICE="The NVIDIA driver was upgraded while it was in use: reboot this machine."
        ;;
    *"failed to initialize nvml: unknown error"*)
        CODE=8
        ADVICE="The container lost its GPUs, as happens when systemd reloads. Make it anew: install-worker.sh --config PATH"
        ;;
    *"libnvidia-ml.so"*)
        CODE=7 ADVICE="The NVIDIA driver is missing. $(driver_advice)"
        ;;
    *"couldn't communicate with the nvidia driver"*)
        CODE=7
        ADVICE="The driver is installed but not loaded: reboot. If that does not help, Secure Boot may refuse it, or it was not built for this kernel."
        ;;
    *"unsatisfied condition: cuda"* | *"unsatisfied condition: driver"*)
        CODE=7 ADVICE="The NVIDIA driver is too old for the image. $(driver_advice)"
        ;;
    *"no devices were found"* | *"no devices found"*)
        CODE=7 ADVICE="The driver finds no GPU. $(driver_advice)"
        ;;
    *"permission denied while trying to connect"* | *"dial unix"*"permission denied"*)
        CODE=6
        ADVICE="Run this with sudo, or join the group docker (sudo usermod -aG docker \$USER, then sign in again). Whoever is in that group is as mighty as root."
        ;;
    *"docker_engine"*"cannot find the file"* | *"dockerdesktop"*"cannot find the file"*)
        CODE=6 ADVICE="Docker Desktop is not running: start it, and wait until it says that it runs."
        ;;
    *"cannot connect to the docker daemon"* | *"is the docker daemon running"*)
        CODE=6 ADVICE="Docker is installed and does not run: sudo systemctl start docker"
        ;;
    *"client version"*"is too new"* | *"client is newer than server"*)
        CODE=6 ADVICE="Docker's engine is older than its command: update the engine, or set DOCKER_API_VERSION to what it knows."
        ;;
    *"client version"*"is too old"*)
        CODE=6 ADVICE="Docker's command is older than its engine: update the package of the command (docker-cli or docker-ce-cli)."
        ;;
    *"no space left on device"*)
        CODE=13 ADVICE="The disk is full. docker system df says what Docker's part of it is."
        ;;
    *"pull access denied"* | *"manifest unknown"* | *"repository does not exist"* | *"not found: manifest"*)
        CODE=9 ADVICE="There is no such image. Is the name right? --image names another."
        ;;
    *"no matching manifest"* | *"exec format error"*)
        CODE=9 ADVICE="The image is not made for this machine's processor ($(uname -m))."
        ;;
    *"toomanyrequests"*)
        CODE=9 ADVICE="The registry gives no more for now: wait, or sign in with docker login."
        ;;
    *"no such host"* | *"i/o timeout"* | *"connection refused"* | *"tls handshake timeout"*)
        CODE=9 ADVICE="The registry cannot be reached: look at the network, DNS and the proxy of Docker."
        ;;
    *) return 1 ;;
    esac
}

toolkit_advice() {
    if is_snap; then
        printf 'Docker comes from a snap, where the NVIDIA Container Toolkit of apt has no effect. %s' \
            "Replace it: sudo snap remove docker; sudo apt-get install docker.io"
    elif is_rootless; then
        printf 'The rootless engine does not know the NVIDIA Container Toolkit. %s' \
            "Run install-nvidia-container-toolkit.sh as this user."
    else
        printf 'The NVIDIA Container Toolkit is missing, not registered with Docker, or Docker was not restarted since. %s' \
            "Run install-nvidia-container-toolkit.sh"
    fi
}

# fail_with_output CODE TEXT: ends with what failed, what the tool said, and what to do.
fail_with_output() {
    local code="$1" said
    said="$(tail -n 6 <<<"$OUTPUT")"
    if recognise "$OUTPUT"; then
        code="$CODE"
    fi
    error "$2"
    [[ -z "$said" ]] || printf '%s\n' "$said" | sed 's/^/        /' >&2
    [[ -z "$ADVICE" ]] || info "$ADVICE"
    exit "$code"
}

# ---------------------------------------------------------------------------------- small words

info() {
    printf '[INFO] %s\n' "$*" >&2
}

warn() {
    printf '[WARN] %s\n' "$*" >&2
}

error() {
    printf '[ERROR] %s\n' "$*" >&2
}

# die CODE TEXT [ADVICE…]
die() {
    local code="$1"
    error "$2"
    shift 2
    local advice
    for advice in "$@"; do
        info "$advice"
    done
    exit "$code"
}

# Nobody there to answer means no.
ask() {
    local line
    ((YES)) && return
    read_line "$1 [y/N] " || return 1
    [[ "${line,,}" =~ ^(y|yes)$ ]]
}

# Runs a command that changes something, or only shows it.
change() {
    if ((DRY_RUN)); then
        printf '[DRY RUN] %s\n' "$(quoted "$@")" >&2
    else
        "$@"
    fi
}

quoted() {
    [[ "$1" != docker ]] || set -- "${DOCKER[@]}" "${@:2}"
    local word line=""
    for word in "$@"; do
        if [[ "$word" =~ ^[a-zA-Z0-9_./:=,@%+-]+$ ]]; then
            line+=" $word"
        else
            line+=" $(printf '%q' "$word")"
        fi
    done
    printf '%s' "${line:1}"
}

# Runs a command such that a signal to this script is heard at once and not after it. Nothing on the way to
# `wait` may be a $(…): a Ctrl-C that comes while bash waits for a substitution which ends by itself is lost,
# for bash takes it for one that the substitution has dealt with, and runs no trap. The way out finds the
# command by $!, which is there before any trap can run.
patiently() {
    local code=0
    [[ "$1" != docker ]] || set -- "${DOCKER[@]}" "${@:2}"
    # The program itself and not the function of that name: it has to get the signal.
    (exec "$@") &
    wait "$!" || code=$?
    WAITED_FOR=$!
    return "$code"
}

# Keeps what a command says in OUTPUT.
capture() {
    local code=0
    patiently "$@" >"$WORK/output" 2>&1 || code=$?
    read_output "$WORK/output"
    return "$code"
}

# Sets OUTPUT, without the line ends at its end, as $(<FILE) would.
read_output() {
    IFS= read -r -d '' OUTPUT <"$1" || true
    OUTPUT="${OUTPUT%"${OUTPUT##*[!$'\n']}"}"
}

# at_least VERSION WANTED
at_least() {
    [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]
}

undo_later() {
    UNDO+=("$1")
}

# The way out of every run: nothing stays half done. In what it calls a bare `return` would answer the exit
# code of the run, as bash has it for traps.
# shellcheck disable=SC2317  # The trap calls it.
finish() {
    local code=$? index
    trap '' INT TERM HUP
    trap - EXIT
    set +e
    exec 2>&8
    if [[ "${!:-}" != "$WAITED_FOR" ]]; then
        kill -TERM "$!" 2>/dev/null && wait "$!" 2>/dev/null
    fi
    local aside=$SET_ASIDE undone=1
    ((!ASKING)) || code=130
    if ((code > 14 && code != 130)); then
        error "Something unexpected failed (exit code $code)."
        code=1
    fi
    if ((code != 0 && ${#UNDO[@]} > 0)); then
        ((code != 130)) || warn "Interrupted."
        info "Undoing what was done."
        for ((index = ${#UNDO[@]} - 1; index >= 0; index--)); do
            "${UNDO[index]}" || undone=0
        done
        ((undone)) || error "Not everything could be undone. Run this again, or look at: ${DOCKER[*]} ps -a"
        if ((aside && undone && code != 130)) && [[ "$ACTION" == update ]]; then
            error "The update failed (code $code)."
            code=14
        fi
    fi
    [[ -z "$WORK" ]] || rm -rf -- "$WORK"
    exit "$code"
}

{ main "$@"; exit $?; }
