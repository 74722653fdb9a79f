#!/usr/bin/env bats
#
# What Docker, the driver and the toolkit are known to say, and what the installer makes of it.

load world

# explained KEY CODE TEXT ENDS ADVICE: a command says the text; the installer ends with that code, shows
# what was said, advises, and leaves nothing
explained() {
    answers "$1" "$2" "$3"
    installer --config "$CONFIG"
    ends_with "$4"
    says "$3"
    says "$5"
    nothing_left
    did_not "docker run -d|sudo"
}

@test "no Docker" {
    without docker
    installer --config "$CONFIG"
    ends_with 6
    says "Docker is not installed"
    says "sudo apt-get install docker.io"
}

@test "Docker does not run" {
    explained version 1 "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" \
        6 "sudo systemctl start docker"
}

DENIED="permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"

@test "no permission for Docker, and nobody says yes to sudo" {
    explained version 1 "$DENIED" 6 "Whoever is in that group is as mighty as root"
    says "usermod -aG docker"
    says_not "chmod"
}

@test "no permission for Docker, and no sudo" {
    without sudo
    explained version 1 "$DENIED" 6 "join the group docker"
}

@test "no permission for Docker, and sudo for it after a yes" {
    answers version 1 "$DENIED"
    types y
    installer --config "$CONFIG"
    ends_with 0
    says "Use sudo for Docker? [y/N]"
    says "Running: sudo -v"
    did "^sudo docker run -d"
    says "sudo docker logs -f pictor-worker"
    did "docker run -d .*--user 1000:1000"
}

@test "Docker Desktop does not run" {
    explained version 1 "error during connect: open //./pipe/docker_engine: The system cannot find the file specified." \
        6 "Docker Desktop is not running"
}

@test "Docker's command is newer than its engine" {
    explained version 1 "Error response from daemon: client version 1.51 is too new. Maximum supported API version is 1.43" \
        6 "engine is older than its command"
}

@test "Docker's command is older than its engine" {
    explained version 1 "Error response from daemon: client version 1.38 is too old. Minimum supported API version is 1.44" \
        6 "command is older than its engine"
}

@test "Docker is too old" {
    echo 19.03.15 >"$STUB/engine/version"
    installer --config "$CONFIG"
    ends_with 6
    says "Docker 19.03.15 is too old"
}

@test "Docker's engine is on another machine" {
    echo tcp://192.0.2.9:2375 >"$STUB/engine/host"
    installer --config "$CONFIG"
    ends_with 6
    says "on another machine (tcp://192.0.2.9:2375)"
    DOCKER_HOST=ssh://elsewhere installer --config "$CONFIG"
    ends_with 6
}

@test "no driver, on a machine with a GPU" {
    without nvidia-smi
    installer --config "$CONFIG"
    ends_with 7
    says "sudo ubuntu-drivers install"
    says "--cpu"
    changed_nothing
}

@test "no driver, on Debian" {
    without nvidia-smi
    echo 'ID=debian' >"$PICTOR_ROOT/etc/os-release"
    installer --config "$CONFIG"
    ends_with 7
    says "apt-get install nvidia-driver"
}

@test "no driver, and no GPU" {
    without nvidia-smi
    rm -r "$PICTOR_ROOT/sys"
    installer --config "$CONFIG"
    ends_with 7
    says "seems to have no NVIDIA GPU"
}

@test "no driver, in WSL" {
    without nvidia-smi
    echo 'Linux version 5.15.0-microsoft-standard-WSL2' >"$PICTOR_ROOT/proc/version"
    installer --config "$CONFIG"
    ends_with 7
    says "the driver belongs into Windows"
}

@test "the driver was upgraded while in use" {
    explained nvidia-smi 18 "Failed to initialize NVML: Driver/library version mismatch" 7 "reboot this machine"
}

@test "the driver is not loaded" {
    explained nvidia-smi 9 "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." \
        7 "Secure Boot"
}

@test "the driver finds no GPU" {
    explained nvidia-smi 6 "No devices were found" 7 "The driver finds no GPU"
}

@test "the driver is too old" {
    echo "NVIDIA GeForce GTX 1080, 470.256.02, 8192" >"$STUB/engine/gpus"
    installer --config "$CONFIG"
    ends_with 7
    says "470.256.02 is too old: 520.06 is needed"
    changed_nothing
}

@test "a small and an old GPU are warned about" {
    printf '%s\n' "NVIDIA GeForce GTX 970, 550.54.14, 3500" "NVIDIA GeForce RTX 4090, 550.54.14, 24564" \
        >"$STUB/engine/gpus"
    printf '%s\n' 5.2 8.9 >"$STUB/engine/compute"
    installer --config "$CONFIG"
    ends_with 0
    says "[WARN] NVIDIA GeForce GTX 970 has only 3500 MiB"
    says "[WARN] A GPU of compute capability 5.2"
    says "RTX 4090"
}

SELECT='docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]]'

@test "the toolkit is missing" {
    explained gpu 125 "$SELECT" 8 "The NVIDIA Container Toolkit is missing, not registered with Docker, or Docker was not restarted"
    says "Run install-nvidia-container-toolkit.sh now? [y/N]"
}

@test "the toolkit is missing, and installed after a yes" {
    answers gpu 125 "$SELECT"
    echo "runc " >"$STUB/engine/runtimes"
    installer --config "$CONFIG" --yes
    ends_with 0
    did "^apt-get -qq update|apt-get -qq install -y nvidia-container-toolkit"
    did "nvidia-ctk runtime configure --runtime=docker"
    did "systemctl restart docker"
    runs sha256:one
}

@test "no device driver, where Docker comes from a snap" {
    echo /var/snap/docker/common/var-lib-docker >"$STUB/engine/root"
    explained gpu 125 "$SELECT" 8 "snap remove docker"
}

@test "no device driver, where Docker is rootless" {
    echo '[name=rootless]' >"$STUB/engine/security"
    explained gpu 125 "$SELECT" 8 "Run install-nvidia-container-toolkit.sh as this user"
}

@test "a container finds no driver" {
    explained gpu 125 "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file" \
        7 "The NVIDIA driver is missing"
}

@test "a container finds a driver that does not fit" {
    explained gpu 125 "nvidia-container-cli: initialization error: nvml error: driver/library version mismatch" \
        7 "reboot"
}

@test "a container lost its GPUs" {
    explained gpu 1 "Failed to initialize NVML: Unknown Error" 8 "Make it anew"
}

@test "a rootless container may not use cgroups" {
    explained gpu 125 "nvidia-container-cli: mount error: failed to add device rules: bpf_prog_query(BPF_CGROUP_DEVICE) failed: operation not permitted" \
        8 "nvidia-ctk config --set nvidia-container-cli.no-cgroups --in-place"
}

@test "WSL has no adapter" {
    explained gpu 125 "nvidia-container-cli: initialization error: WSL environment detected but no adapters were found" \
        7 "wsl --update"
}

@test "the devices of CDI are not there" {
    explained gpu 125 "failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=all" \
        8 "nvidia-ctk cdi generate"
}

@test "a container sees no GPU, and nothing known is said" {
    explained gpu 1 "something never seen" 8 "A container does not see the GPUs"
}

@test "there is no such image" {
    explained pull 1 "Error response from daemon: pull access denied for pictor/worker, repository does not exist or may require 'docker login'" \
        9 "There is no such image"
}

@test "the registry cannot be reached" {
    explained pull 1 'Error response from daemon: Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host' \
        9 "The registry cannot be reached"
}

@test "the registry gives no more" {
    explained pull 1 "toomanyrequests: You have reached your pull rate limit." 9 "docker login"
}

@test "the image is for another processor" {
    explained pull 1 "no matching manifest for linux/riscv64 in the manifest list entries" 9 "this machine's processor"
}

@test "the disk is full while pulling" {
    explained pull 1 "failed to register layer: write /usr/bin/x: no space left on device" 13 "The disk is full"
}

@test "the check names everything that is wrong, and changes nothing" {
    without nvidia-smi
    echo 2 >"$STUB/engine/free_gib"
    : >"$HOME/empty.json"
    installer --check --config "$HOME/empty.json"
    ends_with 3
    says "is empty"
    says "Only 2 GiB are free"
    says "There is no NVIDIA driver"
    changed_nothing
}

@test "the check of a good machine says so, and changes nothing" {
    installer --check --config "$CONFIG"
    ends_with 0
    says "200 GiB are free"
    says "RTX 4090"
    says "This machine can be a worker"
    changed_nothing
}

@test "the check with the image at hand asks the coordinator and looks into a container" {
    echo sha256:one >"$STUB/images/pictor_worker_0.1.0"
    installer --check --config "$CONFIG"
    ends_with 0
    says "Containers see 1 GPU(s)"
    did " verify"
    answers verify 4
    installer --check --config "$CONFIG"
    ends_with 4
    did_not "docker (pull|run -d)"
}
