#!/usr/bin/env bash
#
# Installs the NVIDIA Container Toolkit on Ubuntu or Debian by NVIDIA's own steps, registers it with
# Docker, and looks whether a container sees the GPUs. Shows every privileged command before it runs.
# Never installs a driver. `install-nvidia-container-toolkit.sh --help` lists everything.
#
# Exit codes, the same as those of install-worker.sh
#     0  done, or nothing to change
#     1  something unexpected
#     2  the command line is wrong
#     6  Docker cannot be used, or comes from a snap
#     7  the NVIDIA driver is missing or does not work
#     8  the toolkit: another system, a list that conflicts, a step that failed, no GPU in a container
#   130  interrupted
set -euo pipefail

VERSION="0.1.0"

# Everything that is read or written lies under it: tests have their own.
ROOT="${PICTOR_ROOT:-}"

REPOSITORY=https://nvidia.github.io/libnvidia-container
KEYRING=/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg
LIST=/etc/apt/sources.list.d/nvidia-container-toolkit.list
PACKAGE=nvidia-container-toolkit
# What NVIDIA's own instructions verify with; the worker's image when it is here.
TEST_IMAGE=ubuntu:24.04
WORKER_IMAGE="${PICTOR_WORKER_IMAGE:-pictor/worker:0.1.0}"

CHECK=0
DRY_RUN=0
YES=0

WORK=""
OUTPUT=""
CHANGED=0
DOCKER_THERE=0
ROOTLESS=0
SECURITY="" RUNTIMES="" ENGINE_ROOT=""

main() {
    parse_arguments "$@"
    trap finish EXIT
    trap 'exit 130' INT TERM HUP
    WORK="$(mktemp -d "${TMPDIR:-/tmp}/pictor-toolkit.XXXXXX")"
    check_system
    check_driver
    look_at_docker
    check_conflicts
    if ((CHECK)); then
        report
        return
    fi
    ask_first
    add_repository
    install_package
    register
    verify
    if ((CHANGED)); then
        info "Done: Docker's containers can use the GPUs."
    elif ((!DRY_RUN)); then
        info "No change: the NVIDIA Container Toolkit is installed and registered."
    fi
}

usage() {
    cat <<END
Installs the NVIDIA Container Toolkit on Ubuntu or Debian, so that containers can use the GPUs.

Usage: install-nvidia-container-toolkit.sh [options]

  --check     only say what is there
  --dry-run   say what would be done, and change nothing
  --yes       do not ask
  --version, --help

It adds NVIDIA's package list and its key, installs $PACKAGE, registers it with Docker, and
restarts Docker: running containers stop or restart. It never installs a driver.

  PICTOR_WORKER_IMAGE  image to verify with when it is here ($WORKER_IMAGE), else $TEST_IMAGE
  PICTOR_ROOT          put before /etc, /usr, /proc; for tests

Exit codes: 0 done or nothing to change, 1 unexpected, 2 command line, 6 Docker, 7 NVIDIA driver,
8 toolkit, 130 interrupted
END
}

parse_arguments() {
    local argument
    for argument in "$@"; do
        case "$argument" in
        --check) CHECK=1 ;;
        --dry-run) DRY_RUN=1 ;;
        --yes | -y) YES=1 ;;
        --version | -V)
            printf 'install-nvidia-container-toolkit.sh %s\n' "$VERSION"
            exit 0
            ;;
        --help | -h)
            usage
            exit 0
            ;;
        *) die 2 "$argument is not known here." "install-nvidia-container-toolkit.sh --help lists what is." ;;
        esac
    done
}

# ---------------------------------------------------------------------------------- what is there

check_system() {
    local ids
    ids="$(sed -n 's/^ID\(_LIKE\)\?=//p' "$ROOT/etc/os-release" 2>/dev/null | tr -d '"' | paste -s -d ' ')" || true
    if [[ ! " $ids " =~ \ (debian|ubuntu)\  ]] || [[ -z "$(type -P apt-get)" ]]; then
        die 8 "This is neither Ubuntu nor Debian (${ids:-unknown})." \
            "NVIDIA describes other systems: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html"
    fi
}

# A driver is the owner's decision: it can leave a machine without a screen.
check_driver() {
    if [[ -z "$(type -P nvidia-smi)" ]]; then
        die 7 "The NVIDIA driver is missing (there is no nvidia-smi)." "$(driver_advice)"
    fi
    if ! capture nvidia-smi -L; then
        error "The NVIDIA driver does not work."
        show_output
        case "${OUTPUT,,}" in
        *"driver/library version mismatch"*) info "The driver was upgraded while it was in use: reboot this machine." ;;
        *"wsl environment detected"* | *"no adapters were found"*)
            info "WSL sees no GPU. Update the NVIDIA driver of Windows, then run: wsl --update; wsl --shutdown"
            ;;
        *"libnvidia-ml.so"*) info "$(driver_advice)" ;;
        *) info "Reboot. If that does not help, Secure Boot may refuse the driver, or it was not built for this kernel." ;;
        esac
        exit 7
    fi
    info "Driver: $(grep -c '^GPU ' <<<"$OUTPUT" || true) GPU(s)"
}

driver_advice() {
    if [[ "$(cat "$ROOT/proc/version" 2>/dev/null)" == *[Mm]icrosoft* ]]; then
        printf 'This is WSL: the driver belongs into Windows. Install it there, then run: wsl --shutdown'
    elif grep -qs '^ID=ubuntu' "$ROOT/etc/os-release"; then
        printf 'Install it and reboot, then run this again: sudo ubuntu-drivers install'
    else
        printf 'Install it and reboot, then run this again: sudo apt-get install nvidia-driver (from non-free)'
    fi
}

# Docker may come later: then the toolkit is installed, and registered by running this again.
look_at_docker() {
    if [[ -z "$(type -P docker)" ]]; then
        warn "Docker is not installed. The toolkit is registered with it when this runs again after that."
        return
    fi
    if ! capture docker_info; then
        error "Docker cannot be used."
        show_output
        case "${OUTPUT,,}" in
        *"permission denied"*)
            info "Run this with sudo, or join the group docker (sudo usermod -aG docker \$USER, then sign in again). Whoever is in that group is as mighty as root."
            ;;
        *"cannot connect"* | *"is the docker daemon running"*) info "Start it: sudo systemctl start docker" ;;
        esac
        exit 6
    fi
    IFS='|' read -r ENGINE_ROOT SECURITY RUNTIMES <<<"${OUTPUT##*$'\n'}"
    DOCKER_THERE=1
    if [[ "$ENGINE_ROOT" == /var/snap/* ]]; then
        die 6 "Docker comes from a snap, where the toolkit of apt has no effect." \
            "Replace it, then run this again: sudo snap remove docker; sudo apt-get install docker.io"
    fi
    if [[ "$SECURITY" == *name=rootless* ]]; then
        ROOTLESS=1
        info "Docker is rootless: its own configuration is changed, and the toolkit told to leave cgroups alone."
        ! is_root || die 6 "The rootless engine belongs to an ordinary user." "Run this as that user, without sudo."
    fi
}

# `docker info` of old versions succeeds without an engine; `docker version` never does.
# shellcheck disable=SC2317  # capture calls it.
docker_info() {
    docker version --format '{{.Server.Version}}' >/dev/null &&
        docker info --format '{{.DockerRootDir}}|{{.SecurityOptions}}|{{range $name, $runtime := .Runtimes}}{{$name}} {{end}}' \
            2>/dev/null
}

# apt refuses everything while two lists name one repository with different keys.
check_conflicts() {
    local file conflicts=()
    for file in "$ROOT"/etc/apt/sources.list "$ROOT"/etc/apt/sources.list.d/*.list "$ROOT"/etc/apt/sources.list.d/*.sources; do
        if [[ "$file" != "$ROOT$LIST" && -f "$file" ]] && is_conflict "$file"; then
            conflicts+=("$file")
        fi
    done
    if ((${#conflicts[@]} > 0)); then
        error "Older lists name the same packages with another key (Signed-By): ${conflicts[*]}"
        for file in "${conflicts[@]}"; do
            info "Put it aside, then run this again: sudo mv $file $file.disabled"
        done
        exit 8
    fi
}

is_conflict() {
    grep -v '^[[:space:]]*#' "$1" | grep -E 'nvidia\.github\.io/(libnvidia-container|nvidia-docker|nvidia-container-runtime)' |
        grep -qvF "$KEYRING" && ! { [[ "$1" == *.sources ]] && grep -qF "$KEYRING" "$1"; }
}

is_installed() {
    [[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$PACKAGE" 2>/dev/null)" == ii* ]]
}

is_registered() {
    [[ " $RUNTIMES " == *" nvidia "* ]] && { ((!ROOTLESS)) || leaves_cgroups_alone; }
}

leaves_cgroups_alone() {
    grep -qsE '^[[:space:]]*no-cgroups[[:space:]]*=[[:space:]]*true' "$ROOT/etc/nvidia-container-runtime/config.toml"
}

report() {
    local code=0
    if is_installed; then
        info "Package: installed"
    else
        warn "Package: $PACKAGE is not installed"
        code=8
    fi
    if ((!DOCKER_THERE)); then
        exit 6
    elif is_registered; then
        info "Docker: knows the NVIDIA runtime"
    else
        warn "Docker: does not know the NVIDIA runtime"
        code=8
    fi
    if ((code)); then
        info "Run this without --check to install it."
        exit "$code"
    fi
    verify
}

# ---------------------------------------------------------------------------------- what is done

ask_first() {
    local line=""
    if ((YES || DRY_RUN)) || { is_installed && is_registered; }; then
        return
    fi
    printf '%s\n' "Install the NVIDIA Container Toolkit and restart Docker? Running containers are interrupted. [y/N] " >&2
    read -r line || true
    [[ "${line,,}" =~ ^(y|yes)$ ]] || die 8 "Nothing was installed."
}

add_repository() {
    if is_installed; then
        return
    fi
    local missing=()
    [[ -n "$(type -P curl)" ]] || missing+=(curl ca-certificates)
    [[ -n "$(type -P gpg)" ]] || missing+=(gnupg)
    if ((${#missing[@]} > 0)); then
        apt_install "${missing[@]}"
    fi
    info "Fetching NVIDIA's key and package list"
    if ((DRY_RUN)); then
        shown "curl -fsSL $REPOSITORY/gpgkey | gpg --yes --dearmor -o $KEYRING"
        shown "curl -fsSL $REPOSITORY/stable/deb/nvidia-container-toolkit.list, with signed-by added, to $LIST"
        return
    fi
    fetch "$REPOSITORY/gpgkey" "$WORK/key"
    gpg --yes --batch --dearmor -o "$WORK/keyring" "$WORK/key" || die 8 "NVIDIA's key is no key."
    fetch "$REPOSITORY/stable/deb/nvidia-container-toolkit.list" "$WORK/fetched"
    grep -q '^deb https://' "$WORK/fetched" || die 8 "What came from $REPOSITORY is no package list."
    sed "s#^deb https://#deb [signed-by=$KEYRING] https://#" "$WORK/fetched" >"$WORK/list"
    privileged install -D -m 0644 "$WORK/keyring" "$ROOT$KEYRING"
    privileged install -D -m 0644 "$WORK/list" "$ROOT$LIST"
}

# fetch URL FILE
fetch() {
    curl -fsSL --retry 3 --proto '=https' -o "$2" "$1" || die 8 "$1 could not be fetched." \
        "Look at the network, and at the proxy (https_proxy)."
}

install_package() {
    if is_installed; then
        info "$PACKAGE is installed."
        return
    fi
    apt_install "$PACKAGE"
}

apt_install() {
    privileged apt-get -qq update
    privileged env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "$@"
}

register() {
    if ((!DOCKER_THERE)); then
        return
    elif is_registered; then
        info "Docker knows the NVIDIA runtime."
        return
    fi
    if ((ROOTLESS)); then
        run nvidia-ctk runtime configure --runtime=docker "--config=$HOME/.config/docker/daemon.json"
        privileged nvidia-ctk config --set nvidia-container-cli.no-cgroups --in-place
        run systemctl --user restart docker
    else
        privileged nvidia-ctk runtime configure --runtime=docker
        privileged systemctl restart docker
    fi
}

# What counts is what a container sees.
verify() {
    if ((!DOCKER_THERE)); then
        return
    fi
    local image="$TEST_IMAGE"
    ! docker image inspect "$WORKER_IMAGE" >/dev/null 2>&1 || image="$WORKER_IMAGE"
    if ((DRY_RUN)); then
        shown "docker run --rm --gpus all --entrypoint nvidia-smi $image -L"
        return
    fi
    if capture docker run --rm --gpus all --entrypoint nvidia-smi "$image" -L && [[ "$OUTPUT" == *"GPU "* ]]; then
        info "A container sees $(grep -c '^GPU ' <<<"$OUTPUT") GPU(s)."
        return
    fi
    error "A container does not see the GPUs."
    show_output
    local code=8
    case "${OUTPUT,,}" in
    *"could not select device driver"*) info "Docker has not read its configuration: sudo systemctl restart docker" ;;
    *"unresolvable cdi devices"*)
        info "Docker knows no such device yet: sudo nvidia-ctk cdi generate --output=/var/run/cdi/nvidia.yaml"
        ;;
    *"bpf_prog_query(bpf_cgroup_device) failed"*)
        info "Rootless Docker must leave cgroups alone: sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups --in-place"
        ;;
    *"failed to initialize nvml: unknown error"*) info "Docker lost the GPUs: sudo systemctl restart docker" ;;
    *"driver/library version mismatch"*)
        info "The driver was upgraded while it was in use: reboot this machine."
        code=7
        ;;
    *"libnvidia-ml.so"*)
        info "$(driver_advice)"
        code=7
        ;;
    *"wsl environment detected"*)
        info "WSL sees no GPU. Update the NVIDIA driver of Windows, then run: wsl --update; wsl --shutdown"
        code=7
        ;;
    esac
    exit "$code"
}

# ---------------------------------------------------------------------------------- small words

is_root() {
    [[ "$(id -u)" == 0 ]]
}

# Shows a command that needs root, then runs it as root.
privileged() {
    is_root || set -- sudo "$@"
    run "$@"
}

# Shows a command that changes something, then runs it.
run() {
    if ((DRY_RUN)); then
        shown "$*"
        return
    fi
    info "Running: $*"
    CHANGED=1
    capture "$@" || {
        error "That failed."
        show_output
        if [[ "${OUTPUT,,}" == *"conflicting values set for option signed-by"* ]]; then
            info "An older list names the same packages: grep -l libnvidia-container /etc/apt/sources.list.d/* and put it aside."
        fi
        exit 8
    }
}

shown() {
    printf '[DRY RUN] %s\n' "$*" >&2
}

# Keeps what a command says in OUTPUT.
capture() {
    local code=0
    "$@" >"$WORK/output" 2>&1 || code=$?
    OUTPUT="$(<"$WORK/output")"
    return "$code"
}

show_output() {
    [[ -z "$OUTPUT" ]] || tail -n 6 <<<"$OUTPUT" | sed 's/^/        /' >&2
}

info() {
    printf '[INFO] %s\n' "$*" >&2
}

warn() {
    printf '[WARN] %s\n' "$*" >&2
}

error() {
    printf '[ERROR] %s\n' "$*" >&2
}

# die CODE TEXT [ADVICE]
die() {
    error "$2"
    [[ -z "${3:-}" ]] || info "$3"
    exit "$1"
}

# shellcheck disable=SC2317  # The trap calls it.
finish() {
    local code=$?
    [[ -z "$WORK" ]] || rm -rf -- "$WORK"
    exit "$code"
}

{ main "$@"; exit $?; }
