#!/usr/bin/env bats
#
# install-nvidia-container-toolkit.sh: the official steps, and where it stops.

load world

LIST=etc/apt/sources.list.d/nvidia-container-toolkit.list
KEYRING=usr/share/keyrings/nvidia-container-toolkit-keyring.gpg

# Docker does not know the runtime yet.
bare() {
    echo "runc " >"$STUB/engine/runtimes"
}

ready() {
    touch "$STUB/engine/toolkit"
}

@test "it follows the official steps, and verifies with a container" {
    bare
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    toolkit --yes
    ends_with 0
    says "A container sees 1 GPU(s)"
    local order
    # sudo logs the command too.
    order="$(grep -v '^sudo' "$STUB/log" | grep -oE '^curl.*(gpgkey|list)|^gpg|^apt-get -qq (update|install.*)|^nvidia-ctk.*|^systemctl.*|gpus all' |
        sed 's/^curl.*\//curl /; s/ $//' | paste -s -d ';')"
    [[ "$order" == "curl gpgkey;gpg;curl nvidia-container-toolkit.list;apt-get -qq update;apt-get -qq install -y nvidia-container-toolkit;nvidia-ctk runtime configure --runtime=docker;systemctl restart docker;gpus all" ]]
    grep -qF "deb [signed-by=/$KEYRING] https://nvidia.github.io/libnvidia-container/stable/deb/" "$PICTOR_ROOT/$LIST"
    [[ "$(stat -c %a "$PICTOR_ROOT/$KEYRING")" == 644 ]]
}

@test "privileged commands are shown before they run, and run by sudo" {
    bare
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    toolkit --yes
    ends_with 0
    says "[INFO] Running: sudo apt-get -qq update"
    says "[INFO] Running: sudo systemctl restart docker"
    [[ "$(grep -c '^apt-get' "$STUB/log")" == "$(grep -cE '^sudo (env DEBIAN_FRONTEND=noninteractive )?apt-get' "$STUB/log")" ]]
}

@test "root needs no sudo" {
    bare
    echo 0 >"$STUB/engine/uid"
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    toolkit --yes
    ends_with 0
    did_not "^sudo"
}

@test "run again, nothing changes" {
    ready
    echo sha256:one >"$STUB/images/pictor_worker_0.1.0"
    toolkit
    ends_with 0
    says "No change"
    did "docker run --rm --gpus all --entrypoint nvidia-smi pictor/worker:0.1.0 -L"
    did_not "^(apt-get|systemctl|nvidia-ctk|curl|gpg|sudo)"
}

@test "without a yes nothing is installed" {
    bare
    toolkit
    ends_with 8
    says "Running containers are interrupted. [y/N]"
    says "Nothing was installed"
    changed_nothing
}

@test "a typed yes is enough" {
    bare
    types yes
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    toolkit
    ends_with 0
    did "nvidia-ctk runtime configure"
}

@test "a dry run shows the steps and changes nothing" {
    bare
    toolkit --dry-run
    ends_with 0
    says "[DRY RUN] sudo apt-get -qq update"
    says "[DRY RUN] sudo nvidia-ctk runtime configure --runtime=docker"
    says "gpg --yes --dearmor -o /$KEYRING"
    changed_nothing
    [[ ! -e "$PICTOR_ROOT/$LIST" ]]
}

@test "the check says what is there and changes nothing" {
    bare
    toolkit --check
    ends_with 8
    says "nvidia-container-toolkit is not installed"
    says "does not know the NVIDIA runtime"
    changed_nothing
    ready
    rm "$STUB/engine/runtimes"
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    toolkit --check
    ends_with 0
    says "A container sees 1 GPU(s)"
}

@test "no driver is ever installed" {
    without nvidia-smi
    bare
    toolkit --yes
    ends_with 7
    says "sudo ubuntu-drivers install"
    changed_nothing
}

@test "a driver that was upgraded wants a reboot" {
    answers nvidia-smi 18 "Failed to initialize NVML: Driver/library version mismatch"
    toolkit --yes
    ends_with 7
    says "reboot"
    changed_nothing
}

@test "a rootless engine gets its own configuration, and cgroups are left alone" {
    bare
    echo '[name=rootless]' >"$STUB/engine/security"
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    toolkit --yes
    ends_with 0
    did "^nvidia-ctk runtime configure --runtime=docker --config=$HOME/.config/docker/daemon.json"
    did "^sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups --in-place"
    did "^systemctl --user restart docker"
    did_not "sudo systemctl"
}

@test "Docker from a snap is refused, with what to do" {
    echo /var/snap/docker/common/var-lib-docker >"$STUB/engine/root"
    toolkit --yes
    ends_with 6
    says "sudo snap remove docker"
    changed_nothing
}

@test "Docker that cannot be used is explained" {
    answers version 1 "permission denied while trying to connect to the Docker daemon socket"
    toolkit --yes
    ends_with 6
    says "as mighty as root"
    answers version 1 "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."
    toolkit --yes
    ends_with 6
    says "sudo systemctl start docker"
    changed_nothing
}

@test "old lists with another key are named, and nothing is done" {
    bare
    local old="$PICTOR_ROOT/etc/apt/sources.list.d/nvidia-docker.list"
    echo 'deb [signed-by=/usr/share/keyrings/nvidia-docker.gpg] https://nvidia.github.io/nvidia-docker/ubuntu22.04/$(ARCH) /' >"$old"
    toolkit --yes
    ends_with 8
    says "sudo mv $old $old.disabled"
    changed_nothing
    mv "$old" "$old.disabled"
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    toolkit --yes
    ends_with 0
}

@test "a list of the same key, or one that is commented out, is no conflict" {
    bare
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    echo "deb [signed-by=/$KEYRING] https://nvidia.github.io/libnvidia-container/stable/deb/amd64 /" \
        >"$PICTOR_ROOT/etc/apt/sources.list.d/same.list"
    echo "# deb https://nvidia.github.io/nvidia-docker/ubuntu22.04/amd64 /" \
        >"$PICTOR_ROOT/etc/apt/sources.list.d/off.list"
    toolkit --yes
    ends_with 0
}

@test "what apt says of a conflict is explained" {
    bare
    answers apt-get 100 "E: Conflicting values set for option Signed-By regarding source https://nvidia.github.io/"
    toolkit --yes
    ends_with 8
    says "Conflicting values set"
    says "grep -l libnvidia-container"
}

@test "what cannot be fetched stops it before anything is changed" {
    bare
    answers curl 22 "curl: (22) The requested URL returned error: 403"
    toolkit --yes
    ends_with 8
    says "could not be fetched"
    did_not "^(apt-get|systemctl|nvidia-ctk|sudo)"
}

@test "another system is sent to NVIDIA's own page" {
    echo 'ID=fedora' >"$PICTOR_ROOT/etc/os-release"
    toolkit --yes
    ends_with 8
    says "docs.nvidia.com"
    printf 'ID=linuxmint\nID_LIKE="ubuntu debian"\n' >"$PICTOR_ROOT/etc/os-release"
    toolkit --dry-run
    ends_with 0
}

@test "a container that still sees no GPU is explained" {
    ready
    echo sha256:one >"$STUB/images/ubuntu_24.04"
    local -A advice=(
        ['could not select device driver "" with capabilities: [[gpu]]']="8 systemctl restart docker"
        ["unresolvable CDI devices nvidia.com/gpu=all"]="8 nvidia-ctk cdi generate"
        ["bpf_prog_query(BPF_CGROUP_DEVICE) failed"]="8 no-cgroups"
        ["Failed to initialize NVML: Unknown Error"]="8 lost the GPUs"
        ["nvml error: driver/library version mismatch"]="7 reboot"
        ["load library failed: libnvidia-ml.so.1"]="7 ubuntu-drivers"
        ["WSL environment detected but no adapters were found"]="7 wsl --update"
    )
    local text
    for text in "${!advice[@]}"; do
        answers gpu 125 "$text"
        toolkit
        ends_with "${advice[$text]%% *}"
        says "$text"
        says "${advice[$text]#* }"
    done
}

@test "without Docker the toolkit is installed, and Docker left for later" {
    without docker
    toolkit --yes
    ends_with 0
    did "apt-get -qq install -y nvidia-container-toolkit"
    did_not "nvidia-ctk|systemctl"
}

@test "a wrong command line ends with 2, --help and --version with 0" {
    toolkit --wrong
    ends_with 2
    toolkit --help
    ends_with 0
    says "--dry-run"
    toolkit --version
    [[ "$output" == "install-nvidia-container-toolkit.sh 0.1.0" ]]
}

@test "a toolkit script that was cut off does nothing" {
    local bytes size
    size="$(stat -c %s "$TOOLKIT")"
    for ((bytes = 1000; bytes < size - 1; bytes += bytes < size - 30 ? 1777 : 1)); do
        head -c "$bytes" "$TOOLKIT" >"$T/cut.sh"
        run "${ON_MACHINE[@]}" bash "$T/cut.sh" --yes </dev/null
        [[ ! -s "$STUB/log" && "$output" != *"[INFO]"* ]]
    done
}
