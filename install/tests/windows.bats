#!/usr/bin/env bats
#
# run-install-worker.bat under Wine, with a docker.exe that writes down what it is asked and answers what a
# test wants. Needs wine, wine64, gcc-mingw-w64-x86-64-win32 and bats (Debian 12); no display.
#
# What Wine cannot prove, and a person on Windows has to look at once per release:
#   - elevation (UAC), Explorer's double click (its command line is imitated here) and Docker Desktop itself
#   - icacls and certutil: Wine's icacls does nothing; certutil is replaced by one of ours
#   - code pages: what a console gives to SET /P; here the input is Windows-1252
#   - a path with percent signs: Wine's cmd expands a variable's value once more, Windows' does not. A test
#     below sees to it that no path goes through CALL, the one place where Windows would do so too.

setup_file() {
    if [[ -z "$(type -P wine)" || -z "$(type -P x86_64-w64-mingw32-gcc)" ]]; then
        skip "wine or gcc-mingw-w64-x86-64-win32 is not installed"
    fi
    export INSTALLER="$BATS_TEST_DIRNAME/../run-install-worker.bat"
    export BIN="$BATS_FILE_TMPDIR/bin"
    export WINEPREFIX="$BATS_FILE_TMPDIR/prefix" WINEDEBUG=-all LC_ALL=C.UTF-8
    export WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe=;certutil.exe=n"
    unset DISPLAY WAYLAND_DISPLAY
    mkdir "$BIN"
    local program
    for program in docker certutil launch; do
        x86_64-w64-mingw32-gcc -O1 -Wall -Werror -o "$BIN/$program.exe" \
            "$BATS_TEST_DIRNAME/windows/$program.c" -lshell32
    done
    # Programs start in a tenth of a second only while the server stays.
    mkdir "$WINEPREFIX"
    wineserver --persistent=300 2>/dev/null
    wineboot --init >/dev/null 2>&1
    cp "$BIN/certutil.exe" "$WINEPREFIX/drive_c/windows/system32/certutil.exe"
    mkdir "$BATS_FILE_TMPDIR/docker"
    mv "$BIN/docker.exe" "$BATS_FILE_TMPDIR/docker"
}

teardown_file() {
    # Only the server that was started here.
    if [[ "${WINEPREFIX:-}" == "$BATS_FILE_TMPDIR/prefix" ]]; then
        wineserver --kill || true
    fi
}

setup() {
    new_world "$BATS_TEST_TMPDIR/world"
}

# Once in about two thousand times Wine does not start a program that is there, and its cmd says that it does not
# know it, in words that Windows' cmd does not use. A test that failed on that, and on nothing else, is run again.
teardown() {
    if [[ -z "$BATS_TEST_COMPLETED" ]] &&
        grep -rqsE --include=raw "^Can't recognize '\"[A-Z]:.*\.exe\" " "$BATS_TEST_TMPDIR"; then
        echo "# Wine did not start a program; once more" >&3
        BATS_TEST_RETRIES=2
    fi
}

# ------------------------------------------------------------------------------------ the file itself

@test "every line ends with CR LF, holds ASCII and no tab, and is shorter than cmd can read" {
    [ "$(LC_ALL=C grep -c $'\r$' "$INSTALLER")" -eq "$(wc -l <"$INSTALLER")" ]
    [ "$(tail -c 2 "$INSTALLER" | od -An -tx1)" = " 0d 0a" ]
    not env LC_ALL=C grep -q $'\r.' "$INSTALLER"
    not env LC_ALL=C grep -qP '[^\x0d\x20-\x7e]' "$INSTALLER"
    not grep -qE '.{8000}' "$INSTALLER"
}

@test "no path goes through the arguments of CALL" {
    not grep -nE '^[^:]*\bcall .*%(CONFIG|KEPT|KEPT_DIR|STAGED|REPLACED|WORK|OUT|ERR|DOCKER)%' "$INSTALLER"
}

@test "every label is defined once, and every one that is jumped to is there" {
    local labels
    labels="$(tr -d '\r' <"$INSTALLER" | grep -oP '^:\K\w+' | sort)"
    [ -z "$(uniq -d <<<"$labels")" ]
    comm -13 <(sort -u <<<"$labels") <(tr -d '\r' <"$INSTALLER" |
        grep -v '^rem ' | grep -oP '(\bgoto |\bcall :(?=\w)|:cause \d+ +)\K\w+' | sort -u) >"$WORLD/undefined"
    [ ! -s "$WORLD/undefined" ]
}

@test "a file that was cut off does nothing" {
    local bytes
    for bytes in 3000 20000 $(($(wc -c <"$INSTALLER") - 60)); do
        head -c "$bytes" "$INSTALLER" >"$WORLD/cut.bat"
        SCRIPT="$(windows_path "$WORLD/cut.bat")"
        installer --yes --config "$(windows_path "$(a_config)")"
        [ ! -e "$WORLD/calls" ]
    done
    [ "$code" -eq 1 ]
    says "[ERROR] This file is not whole. Download it again."
}

# ------------------------------------------------------------------------------------ the command line

@test "--help lists every flag and every exit code, --version the version" {
    installer --help
    [ "$code" -eq 0 ]
    local word
    for word in --config --yes --cpu --name --image --status --update --uninstall --purge --check --dry-run \
        --no-render --version --help PICTOR_WORKER_IMAGE; do
        says "$word"
    done
    for word in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
        grep -qE "^ +$word  " "$WORLD/output"
    done
    installer --version
    [ "$code" -eq 0 ]
    says "run-install-worker.bat 0.1.0"
}

@test "a wrong command line ends with 2 and asks Docker nothing" {
    local line
    for line in '--frobnicate' '--config' '--name' '--name -x' '--name "a b"' '--name "a&b"' '--name a;b' \
        '--image "a|b"' '--purge' '--status --update'; do
        installer "$line"
        echo "line: $line"
        [ "$code" -eq 2 ]
        says "[ERROR]"
    done
    [ ! -e "$WORLD/calls" ]
}

@test "a wrong PICTOR_WORKER_MEMORY ends with 2, a right one is the container's" {
    set_variable PICTOR_WORKER_MEMORY lots
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 2 ]
    set_variable PICTOR_WORKER_MEMORY 12g
    installer --yes --no-render --cpu --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    called_with --memory 12g
}

# ------------------------------------------------------------------------------------ the prompt

@test "a path at the prompt is enough: the worker is verified, started, connected, and renders" {
    enter "$(windows_path "$(a_config)")"
    installer
    [ "$code" -eq 0 ]
    says "Enter the full path of your worker config:"
    says "worker attic of http://192.0.2.7:8080"
    says "[INFO] GPU NVIDIA RTX, driver 551.61"
    says "cycles on GPU 0: rendered"
    says "[INFO] The worker pictor-worker runs and is connected."
    says "Its config is kept in \"$APPDATA\\Pictor\\pictor-worker.json\""
    [ "$(kinds_called)" = "info before container image pull image verify gpu disk volume run health doctor" ]
    cmp "$WORLD/run.mounted" "$(a_config)"
    nothing_but_the_config_is_left
}

@test "the container is started hardened, with labels, memory, GPUs, config and cache" {
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    local hash
    hash="$(label config-hash)"
    [[ "$hash" =~ ^[0-9a-f]{16}$ ]]
    the_call -d >"$WORLD/started"
    diff "$WORLD/started" - <<END
run
-d
--name
pictor-worker
--label
network.pictor.installer=worker
--label
network.pictor.config-hash=$hash
--label
network.pictor.options=layout=1,mode=gpu,memory=auto
--restart
unless-stopped
--stop-timeout
600
--read-only
--tmpfs
/tmp:rw,nosuid,nodev,size=2g,mode=1777
--cap-drop
ALL
--security-opt
no-new-privileges
--pids-limit
1024
--init
--log-opt
max-size=10m
--log-opt
max-file=3
--memory
15099000000b
--gpus
all
--mount
type=bind,source=$APPDATA\\Pictor\\pictor-worker.json,target=/run/pictor/worker-config.json,readonly
--mount
type=volume,source=pictor-worker-cache,target=/var/lib/pictor
pictor/worker:0.1.0
run
END
    not grep -q s3cret "$WORLD/calls" "$WORLD/output"
}

@test "--cpu needs no GPU and says so to the worker, --name and --image are used" {
    answer gpu 1
    installer --yes --cpu --no-render --name attic.2 --image reg.example:5000/p/w@sha256:0a --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    not called_with --gpus all
    [ "$(the_call -d | tail -n 3 | paste -sd ' ')" = "reg.example:5000/p/w@sha256:0a run --allow-cpu" ]
    called_with --name attic.2
    called_with --label network.pictor.options=layout=1,mode=cpu,memory=auto
    [[ "$(kinds_called)" != *doctor* && "$(kinds_called)" != *pull* ]]
    cmp "$WORLD/local/Pictor/attic.2.json" "$(a_config)"
}

@test "the prompt says precisely what is wrong, asks again, and takes the third answer" {
    mkdir "$WORLD/a directory"
    enter "" "$(windows_path "$WORLD/no such file.json")" "  \"$(windows_path "$(a_config)")\"  "
    answer verify 4
    installer
    says "[ERROR] No path was entered."
    says "[ERROR] \"$(windows_path "$WORLD/no such file.json")\" does not exist."
    [ "$(grep -o 'Enter the full path' "$WORLD/output" | wc -l)" -eq 3 ]
    [ "$code" -eq 4 ]
}

@test "three wrong paths end with 3, and nothing was asked of Docker" {
    mkdir "$WORLD/a directory"
    : >"$WORLD/empty.json"
    printf 'no braces' >"$WORLD/text.json"
    enter "$(windows_path "$WORLD/a directory")" "$(windows_path "$WORLD/empty.json")" \
        "\"$(windows_path "$WORLD/text.json")\""
    installer
    [ "$code" -eq 3 ]
    says "is a directory; the path of the file in it is needed."
    says "empty.json\" is empty."
    says "text.json\" is not JSON."
    [ ! -e "$WORLD/calls" ]
}

@test "JSON that is no worker config, an empty input and --yes without a config end with 3" {
    printf '{"worker_id": "a"}' >"$WORLD/other.json"
    installer --config "$(windows_path "$WORLD/other.json")"
    [ "$code" -eq 3 ]
    says "is not a worker config"
    installer
    echo "code: $code"
    [ "$code" -eq 3 ]
    installer --yes
    [ "$code" -eq 3 ]
    says "[ERROR] --yes asks nothing: --config PATH names the worker's config."
    [ ! -e "$WORLD/calls" ]
}

@test "quotes, blanks and file:/// around a path at the prompt go away" {
    answer verify 4
    local line
    for line in "   $(windows_path "$(a_config)")   " "\" $(windows_path "$(a_config)")\"" \
        "file:///Z:$(a_config)"; do
        enter "$line"
        installer
        echo "line: $line"
        [ "$code" -eq 4 ]
    done
}

@test "a coordinator on this very machine is refused with the name that a container knows it by" {
    local address
    for address in http://localhost:8080 http://127.0.0.1:8080 'http://[::1]:8080'; do
        printf '{"worker_id":"a","token":"s3cret","coordinator":"%s"}' "$address" >"$WORLD/here.json"
        installer --yes --config "$(windows_path "$WORLD/here.json")"
        [ "$code" -eq 5 ]
        says "host.docker.internal"
    done
    [ ! -e "$WORLD/calls" ]
}

# A world for each kind, all at once: Wine is mostly waiting.
@test "every kind of path reaches docker.exe unbroken, as one argument" {
    local kind number=0 worlds=()
    local kinds=('a & b (x) [y] {z}' 'hat ^ up; equals=, x' 'bang! and two!bangs!x' "it's ümläut é ñ")
    for kind in "${kinds[@]}"; do
        number=$((number + 1))
        new_world "$BATS_TEST_TMPDIR/path$number" "$kind"
        a_config "$kind.json" >/dev/null
        answer verify 4
        enter "$(windows_path "$WORLD/$kind.json")"
        worlds+=("$WORLD")
        start_installer &
    done
    wait
    number=0
    for kind in "${kinds[@]}"; do
        use_world "${worlds[number]}" "$kind"
        number=$((number + 1))
        echo "kind: $kind"
        [ "$code" -eq 4 ]
        the_call verify | grep -qxF "type=bind,source=$APPDATA\\Pictor\\pictor-worker.json.new,target=/run/pictor/worker-config.json,readonly"
        [ "$(the_call verify | wc -l)" -eq 6 ]
        cmp "$WORLD/verify.mounted" "$WORLD/$kind.json"
        nothing_is_left
    done
}

@test "a path given with --config is kept whole too, beyond the code page, and a relative one is the caller's" {
    answer verify 4
    local name
    for name in '漢字 & (x)!.json' 'a ^ b.json'; do
        a_config "$name" >/dev/null
        installer "--yes --config \"$(windows_path "$WORLD/$name")\""
        [ "$code" -eq 4 ]
        cmp "$WORLD/verify.mounted" "$WORLD/$name"
    done
    a_config "beside me.json" >/dev/null
    cd "$WORLD"
    installer '--yes --config "beside me.json"'
    [ "$code" -eq 4 ]
    cmp "$WORLD/verify.mounted" "$WORLD/beside me.json"
}

# ------------------------------------------------------------------------------------ errors explained

@test "Docker that is missing, stopped, forbidden, or of another age ends with 6 and advice" {
    DOCKER_DIR="$BIN" installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 6 ]
    says "[ERROR] Docker is not installed."
    explained info 6 'error during connect: open //./pipe/docker_engine: The system cannot find the file specified.' \
        "Docker Desktop is not running"
    explained info 6 'error during connect: open //./pipe/dockerDesktopLinuxEngine: The system cannot find the file specified.' \
        "Docker Desktop is not running"
    explained info 6 'Cannot connect to the Docker daemon at tcp://localhost:2375. Is the docker daemon running?' \
        "Docker Desktop is not running"
    explained info 6 'open //./pipe/docker_engine: Access is denied.' "docker-users"
    explained info 6 'permission denied while trying to connect to the Docker daemon socket' "docker-users"
    explained info 6 'Error response from daemon: client version 1.99 is too new. Maximum supported API version is 1.43' \
        "engine is older than its command"
    explained info 6 'client version 1.20 is too old. Minimum supported API version is 1.24' \
        "command is older than its engine"
    explained info 6 'something nobody has seen before' "something nobody has seen before"
    all_explained
}

@test "Docker Desktop with Windows containers ends with 6" {
    answer info 0 'windows;16777216000'
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 6 ]
    says "Switch to Linux containers"
}

@test "a GPU that containers cannot use ends with 7 or 8 and advice" {
    explained gpu 7 'nvidia-container-cli: initialization error: WSL environment detected but no adapters were found: unknown.' \
        "wsl --update"
    explained gpu 7 'nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file' \
        "The NVIDIA driver is missing."
    explained gpu 7 'nvidia-container-cli: initialization error: nvml error: driver/library version mismatch: unknown' "restart Windows"
    explained gpu 7 'nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.4' "too old for the image"
    explained gpu 8 'Error response from daemon: could not select device driver "" with capabilities: [[gpu]].' "WSL 2 engine"
    explained gpu 8 'failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=all' "WSL 2 engine"
    explained gpu 8 'exec: "nvidia-smi": executable file not found in $PATH' "WSL 2 engine"
    explained gpu 8 'Failed to initialize NVML: Unknown Error' "wsl --shutdown"
    explained gpu 8 'something else' "[ERROR] A container does not see the GPUs."
    all_explained
}

@test "a driver that is too old ends with 7, whichever GPU has it" {
    local version
    for version in 519.99 520.05 470.221; do
        new_world "$BATS_TEST_TMPDIR/old$version"
        answer gpu 0 "551.61, NVIDIA RTX"$'\r\n'"$version, NVIDIA GTX (old)"
        installer --yes --config "$(windows_path "$(a_config)")"
        [ "$code" -eq 7 ]
        says "[ERROR] The NVIDIA driver $version is too old: 520.06 is needed."
        nothing_is_left
    done
    for version in 520.06 520.08 520.61 1000.01 "[N/A]"; do
        new_world "$BATS_TEST_TMPDIR/good${version//\//}"
        answer gpu 0 "$version, NVIDIA RTX"
        installer --yes --no-render --config "$(windows_path "$(a_config)")"
        [ "$code" -eq 0 ]
    done
}

@test "two at once do not meet, and looking is free" {
    local holder="$WORLD" first until=$((SECONDS + 60))
    touch "$holder/pull.hangs"
    start_installer --yes --no-render --config "$(windows_path "$(a_config)")" &
    first=$!
    until grep -qs pull "$holder/kinds"; do
        [ "$SECONDS" -lt "$until" ]
        sleep 0.05
    done
    new_world "$BATS_TEST_TMPDIR/second"
    set_variable TEMP "$(windows_path "$holder/temp")"
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 1 ]
    says "[ERROR] Another installer of Pictor is at work. Wait until it is done."
    [ ! -e "$WORLD/calls" ]
    installer --status
    [ "$code" -eq 11 ]

    rm "$holder/pull.hangs"
    wait "$first"
    use_world "$holder" local
    [ "$(<"$WORLD/code")" -eq 0 ]
    nothing_but_the_config_is_left
    installer --yes --no-render --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
}

@test "nvidia-smi that answers on its standard output, or lists nothing, ends with 7" {
    answer gpu 9 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 7 ]
    says "The NVIDIA driver is missing."
    answer gpu 0 ''
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 7 ]
    says "nvidia-smi lists no GPU"
    nothing_is_left
}

@test "an image that cannot be pulled ends with 9 or 13 and advice" {
    ABSENT_IMAGE=1
    explained pull 9 'manifest for pictor/worker:0.1.0 not found: manifest unknown' "There is no such image."
    explained pull 9 'pull access denied for pictor/worker, repository does not exist' "There is no such image."
    explained pull 9 'no matching manifest for linux/arm64 in the manifest list' "processor"
    explained pull 9 'toomanyrequests: You have reached your pull rate limit' "docker login"
    explained pull 9 'dial tcp: lookup registry.example: no such host' "The registry cannot be reached"
    explained pull 9 'net/http: TLS handshake timeout' "The registry cannot be reached"
    explained pull 13 'write /var/lib/docker/tmp/x: no space left on device' "The disk is full."
    all_explained
}

@test "a pull that fails goes on with the image that is there" {
    answer pull 1 '' 'dial tcp: no such host'
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    says "[WARN] pictor/worker:0.1.0 could not be pulled; the one on this machine is used."
}

@test "what the worker says of its config decides: 3, 4, 9 too old, 5 not reachable, 9 no worker, 6 not started" {
    local pair
    local pairs=(3:3 4:4 5:9 9:5 2:9 127:9 125:6 77:1)
    for pair in "${pairs[@]}"; do
        new_world "$BATS_TEST_TMPDIR/verify${pair%:*}"
        answer verify "${pair%:*}" '' "the worker's own words"
        start_installer --yes --config "$(windows_path "$(a_config)")" &
        [[ "$pair" != 9:5 ]] || wait
    done
    wait
    for pair in "${pairs[@]}"; do
        use_world "$BATS_TEST_TMPDIR/verify${pair%:*}"
        echo "pair: $pair"
        cat "$WORLD/output"
        [ "$code" -eq "${pair#*:}" ]
        says "the worker's own words"
        says "[ERROR]"
        [[ "$(kinds_called)" != *gpu* && "$(kinds_called)" != *run* ]]
        nothing_is_left
    done
}

@test "a disk with less than 5 GiB ends with 13, one with less than 50 GiB is warned of" {
    answer disk 0 $'Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay 9 9 5242000 1% /'
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 13 ]
    nothing_is_left
    answer disk 0 $'Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay 9 9 5244000 1% /'
    installer --yes --no-render --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    says "[INFO] Docker's disk has 5 GiB free."
    says "[WARN] 50 GiB are advised"
}

# ------------------------------------------------------------------------------------ what fails later

@test "a container that does not start is removed, with its volume, its config and the pulled image" {
    image_arrives
    answer run 125 '' 'Error response from daemon: something'
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 1 ]
    says "[ERROR] The container could not be started."
    called rm --force pictor-worker
    called volume rm pictor-worker-cache
    called image rm pictor/worker:0.1.0
    nothing_is_left
}

@test "an image, a volume and a kept config that were there before stay when the start fails" {
    a_kept_config
    answer volume 0
    answer run 125 '' 'could not select device driver "nvidia"'
    installer --yes
    [ "$code" -eq 8 ]
    called rm --force pictor-worker
    [ "$(<"$WORLD/local/Pictor/pictor-worker.json")" = "$OLD_CONFIG" ]
    nothing_but_the_config_is_left
    [[ "$(kinds_called)" != *volume-rm* && "$(kinds_called)" != *image-rm* ]]
}

@test "a worker that the coordinator does not see ends with 11, with its log, and is removed" {
    answer health 1 '' 'not connected after 60 s'
    container_at 2 running
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 11 ]
    says "not connected after 60 s"
    says "the end of the log"
    says "the coordinator does not see it after 60 s"
    called rm --force pictor-worker
    nothing_is_left
}

@test "a worker that ended ends with what its exit code means" {
    local pair
    local pairs=(3:3 4:4 5:9 6:11 8:8)
    for pair in "${pairs[@]}"; do
        new_world "$BATS_TEST_TMPDIR/ended${pair%:*}"
        answer health 1
        container_at 2 exited "${pair%:*}"
        start_installer --yes --cpu --config "$(windows_path "$(a_config)")" &
    done
    wait
    for pair in "${pairs[@]}"; do
        use_world "$BATS_TEST_TMPDIR/ended${pair%:*}"
        echo "pair: $pair"
        cat "$WORLD/output"
        [ "$code" -eq "${pair#*:}" ]
        says "[ERROR] The worker ended with exit code ${pair%:*}:"
        nothing_is_left
    done
}

@test "a probe picture that does not render ends with 12 and the worker is removed" {
    answer doctor 1 '' 'OptiX is missing'
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 12 ]
    says "OptiX is missing"
    called rm --force pictor-worker
    nothing_is_left
}

# ------------------------------------------------------------------------------------ what is there already

@test "the same config, image and options are no change; another config makes the container anew" {
    installer --yes --no-render --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    container running 0 sha256:new "$(label config-hash)"
    forget_calls
    installer --yes --no-render --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    says "[INFO] No change: the worker pictor-worker runs with this image, config and options."
    [ "$(kinds_called)" = "info before container image health" ]

    forget_calls
    printf '{"worker_id":"other","token":"s3cret","coordinator":"http://192.0.2.7:8080"}' >"$WORLD/other.json"
    installer --yes --no-render --config "$(windows_path "$WORLD/other.json")"
    [ "$code" -eq 0 ]
    [[ "$(kinds_called)" == *"stop rename run health rm"* ]]
    called rm --force pictor-worker-before-update
    cmp "$WORLD/local/Pictor/pictor-worker.json" "$WORLD/other.json"
    nothing_but_the_config_is_left
}

@test "a container that is not ours is left alone, whatever is asked: 10" {
    answer container 0 '=;;=;running;0;sha256:x;nginx;=;=;='
    local flag
    for flag in "--config \"$(windows_path "$(a_config)")\"" --status --update --uninstall; do
        forget_calls
        installer "--yes $flag"
        echo "flag: $flag"
        [ "$code" -eq 10 ]
        says "[ERROR] There is a container pictor-worker that this installer did not make."
        [ "$(kinds_called)" = "info before container" ]
    done
}

@test "the worker that ran before comes back, with its config, when the new one fails" {
    container exited 0 sha256:old hash
    a_kept_config
    answer health 1
    container_at 2 running
    installer --yes --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 11 ]
    called rename pictor-worker-before-update pictor-worker
    [[ "$(kinds_called)" != *start* ]]
    [ "$(<"$WORLD/local/Pictor/pictor-worker.json")" = "$OLD_CONFIG" ]
    nothing_but_the_config_is_left
}

# ------------------------------------------------------------------------------------ update

@test "an update with the same image is no change" {
    a_kept_config
    container running 0 sha256:new "$(hash_of_kept_config)"
    installer --yes --update
    [ "$code" -eq 0 ]
    says "[INFO] No change:"
    [[ "$(kinds_called)" == *pull* && "$(kinds_called)" != *stop* ]]
}

@test "an update with a newer image drains, replaces, waits, and removes the old one; options stay" {
    a_kept_config
    container running 0 sha256:old hash layout=1,mode=cpu,memory=6g
    answer_at image 3 0 0
    installer --yes --no-render --update
    [ "$code" -eq 0 ]
    called stop -t 600 pictor-worker
    called rename pictor-worker pictor-worker-before-update
    called rm --force pictor-worker-before-update
    called image rm sha256:old
    called_with --memory 6g
    called_with --label network.pictor.options=layout=1,mode=cpu,memory=6g
    [[ "$(kinds_called)" == *"verify disk volume stop rename run health rm"* ]]
    [ "$(<"$WORLD/run.mounted")" = "$OLD_CONFIG" ]
    nothing_but_the_config_is_left
}

@test "an update whose new worker does not connect rolls back: 14" {
    a_kept_config
    container running 0 sha256:old hash
    answer health 1
    installer --yes --update
    [ "$code" -eq 14 ]
    says "[INFO] The worker of before is back."
    says "[ERROR] The update failed with code 11."
    [[ "$(kinds_called)" == *"run health logs container rm rename start"* ]]
    called rename pictor-worker-before-update pictor-worker
    called start pictor-worker
    [ "$(<"$WORLD/local/Pictor/pictor-worker.json")" = "$OLD_CONFIG" ]
    nothing_but_the_config_is_left
}

@test "an update that the coordinator refuses beforehand leaves the running worker alone" {
    a_kept_config
    container running 0 sha256:old hash
    answer verify 5
    installer --yes --update
    [ "$code" -eq 9 ]
    [[ "$(kinds_called)" != *stop* ]]
    [ "$(<"$WORLD/local/Pictor/pictor-worker.json")" = "$OLD_CONFIG" ]
}

@test "an update of an image of one's own fetches that one, and one without a worker ends with 11" {
    a_kept_config
    answer container 0 "=;worker;=;running;0;sha256:old;reg.example/own:latest;=h;=layout=1,mode=cpu,memory=auto;="
    answer verify 5
    installer --yes --update
    called pull reg.example/own:latest
    new_world "$BATS_TEST_TMPDIR/none"
    installer --yes --update
    [ "$code" -eq 11 ]
    says "[ERROR] There is no worker pictor-worker to update."
}

@test "an interrupted update is finished when its worker is connected, and undone when not" {
    a_kept_config
    printf 'older' >"$WORLD/local/Pictor/pictor-worker.json.before-update"
    container running 0 sha256:new "$(hash_of_kept_config)"
    before exited
    installer --yes --update
    [ "$code" -eq 0 ]
    called rm --force pictor-worker-before-update
    nothing_but_the_config_is_left

    new_world "$BATS_TEST_TMPDIR/undone"
    a_kept_config
    printf 'half' >"$WORLD/local/Pictor/pictor-worker.json"
    printf '%s' "$OLD_CONFIG" >"$WORLD/local/Pictor/pictor-worker.json.before-update"
    container running 0 sha256:new "$(hash_of_kept_config)"
    before exited
    answer_at health 1 1
    installer --yes --update
    [ "$code" -eq 0 ]
    called rm --force pictor-worker
    called rename pictor-worker-before-update pictor-worker
    called start pictor-worker
    [ "$(<"$WORLD/local/Pictor/pictor-worker.json")" = "$OLD_CONFIG" ]
}

# ------------------------------------------------------------------------------------ status, uninstall, check

@test "--status says how the worker is: connected 0, not connected, ended or not installed 11" {
    container running
    installer --status
    [ "$code" -eq 0 ]
    says "Container  running healthy"
    says "Connected  yes"
    answer health 1
    installer --status
    [ "$code" -eq 11 ]
    says "Connected  no"
    container exited 8
    installer --status
    [ "$code" -eq 11 ]
    says "Last exit  8: the GPU was lost"
    new_world "$BATS_TEST_TMPDIR/none"
    installer --status
    [ "$code" -eq 11 ]
    says "pictor-worker is not installed"
    [ "$(kinds_called)" = "info before container" ]
}

@test "--uninstall drains and removes container and config; the cache and the image only with --purge" {
    container running
    a_kept_config
    installer --uninstall
    [ "$code" -eq 0 ]
    called stop -t 600 pictor-worker
    called rm --force pictor-worker
    [[ "$(kinds_called)" != *volume-rm* && "$(kinds_called)" != *image-rm* ]]
    nothing_is_left
    forget_calls
    installer --uninstall --purge
    [ "$code" -eq 0 ]
    called volume rm --force pictor-worker-cache
    called image rm pictor/worker:0.1.0
    new_world "$BATS_TEST_TMPDIR/none"
    installer --uninstall
    [ "$code" -eq 0 ]
    says "[INFO] No change: there is no worker pictor-worker."
}

@test "--check changes nothing, with the image and without it" {
    installer --check --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    [ "$(kinds_called)" = "info before container image verify gpu disk" ]
    nothing_is_left
    answer image 1 '' 'Error response from daemon: No such image: pictor/worker:0.1.0'
    forget_calls
    installer --check --config "$(windows_path "$(a_config)")"
    [ "$code" -eq 0 ]
    says "[WARN] The image pictor/worker:0.1.0 is not on this machine."
    [ "$(kinds_called)" = "info before container image" ]
}

@test "--dry-run says what would be run and asks Docker only what is there" {
    container running 0 sha256:old hash
    a_kept_config
    local action
    for action in "--config \"$(windows_path "$(a_config)")\"" --update "--uninstall --purge"; do
        forget_calls
        installer "--dry-run $action"
        echo "action: $action"
        [ "$code" -eq 0 ]
        says "[DRY RUN] docker stop -t 600 \"pictor-worker\""
        [ "$(kinds_called)" = "info before container" ]
        [ "$(<"$WORLD/local/Pictor/pictor-worker.json")" = "$OLD_CONFIG" ]
    done
    says "[DRY RUN] docker volume rm"
}

@test "it waits for a key only when Explorer started it" {
    set_variable cmdcmdline 'C:\windows\system32\cmd.exe /c ""C:\a & b\run-install-worker.bat" "'
    installer
    says "Press any key"
    installer --yes --status
    not says "Press any key"
    set_variable cmdcmdline 'C:\windows\system32\cmd.exe'
    installer
    not says "Press any key"
}

# ------------------------------------------------------------------------------------ how it is done

# new_world DIRECTORY [NAME]: fresh answers, and directories for the user's data whose names hold NAME.
new_world() {
    mkdir -p "$1/${2:-local}" "$1/temp"
    : >"$1/input"
    : >"$1/environment"
    use_world "$1" "${2:-local}"
    set_variable LOCALAPPDATA "$APPDATA"
    set_variable TEMP "$(windows_path "$1/temp")"
    SCRIPT="$(windows_path "$INSTALLER")"
}

use_world() {
    WORLD="$1"
    APPDATA="$(windows_path "$1/${2:-local}")"
    LOCAL="$1/${2:-local}"
    code=""
    [[ ! -e "$WORLD/code" ]] || code="$(<"$WORLD/code")"
}

set_variable() {
    printf '%s=%s\n' "$1" "$2" >>"$WORLD/environment"
}

windows_path() {
    printf 'Z:%s' "${1//\//\\}"
}

# a_config [FILE]: prints the path of a good config.
a_config() {
    local path="$WORLD/${1:-worker config.json}"
    printf '{"version":1,"worker_id":"w","token":"s3cret","coordinator":"http://192.0.2.7:8080","name":"%s"}' \
        "${1:-attic}" >"$path"
    printf '%s' "$path"
}

OLD_CONFIG='{"worker_id":"old","token":"s3cret","coordinator":"http://192.0.2.7:8080"}'

a_kept_config() {
    mkdir -p "$WORLD/local/Pictor"
    printf '%s' "$OLD_CONFIG" >"$WORLD/local/Pictor/pictor-worker.json"
}

hash_of_kept_config() {
    STUB_DIR="$(windows_path "$WORLD")" wine "$BIN/certutil.exe" -hashfile \
        "$APPDATA\\Pictor\\pictor-worker.json" SHA256 2>/dev/null | sed -n 2p | tr -d '\r'
}

# enter LINE…: what is typed. The console of Wine's C locale has Windows-1252.
enter() {
    printf '%s\n' "$@" >"$WORLD/input"
}

# Wine's SET /P takes all that a file or a pipe holds, so each line is typed when it is asked for.
type_input() {
    local line asked=0 until=$((SECONDS + 60))
    while IFS= read -r line; do
        asked=$((asked + 1))
        while (($(grep -ao 'Enter the full path' "$WORLD/raw" 2>/dev/null | wc -l) < asked && SECONDS < until)); do
            sleep 0.05
        done
        printf '%s\r\n' "$line" | iconv -t WINDOWS-1252
    done <"$WORLD/input"
}

# answer KIND CODE [OUT] [ERR]: for every call of a kind that windows/docker.c lists.
answer() {
    printf '%s' "$2" >"$WORLD/$1.code"
    printf '%s\n' "${3:-}" >"$WORLD/$1.out"
    printf '%s\n' "${4:-}" >"$WORLD/$1.err"
}

# answer_at KIND N CODE [OUT] [ERR]: for the Nth call only.
answer_at() {
    answer "$1.$2" "${@:3}"
}

# container STATE [EXIT] [IMAGE-ID] [HASH] [OPTIONS]: ours, as `inspect` tells it.
container() {
    answer container 0 "$(inspected "$@")"
}

container_at() {
    answer_at container "$1" 0 "$(inspected "${@:2}")"
}

before() {
    answer_at before 1 0 "$(inspected "$@")"
}

inspected() {
    printf '=;worker;=;%s;%s;%s;pictor/worker:0.1.0;=%s;=%s;=healthy' "$1" "${2:-0}" "${3:-sha256:new}" \
        "${4:-}" "${5:-layout=1,mode=gpu,memory=auto}"
}

# The image is not there before it is pulled.
image_arrives() {
    answer_at image 1 1 '' 'Error response from daemon: No such image: pictor/worker:0.1.0'
}

# installer ARGUMENT…: runs it; sets code, leaves what it says in WORLD/output.
installer() {
    start_installer "$@"
    code="$(<"$WORLD/code")"
    cat "$WORLD/output"
}

start_installer() {
    # As a prompt does: cmd takes the outer quotes away.
    local arguments="" argument
    for argument in "$@"; do
        [[ $# == 1 || "$argument" != *[\ \&]* ]] || argument="\"$argument\""
        arguments+=" $argument"
    done
    printf 'cmd.exe /d /c ""%s"%s"' "$SCRIPT" "$arguments" >"$WORLD/command"
    local ended=0
    : >"$WORLD/raw"
    STUB_DIR="$(windows_path "$WORLD")" WINEPATH="$(windows_path "${DOCKER_DIR:-$BATS_FILE_TMPDIR/docker}")" \
        wine "$BIN/launch.exe" < <(type_input) >"$WORLD/raw" 2>&1 || ended=$?
    tr -d '\r' <"$WORLD/raw" | iconv -f WINDOWS-1252 -t UTF-8 >"$WORLD/output"
    printf '%s' "$ended" >"$WORLD/code"
}

forget_calls() {
    rm -f "$WORLD/calls" "$WORLD/kinds" "$WORLD"/*.count
}

# Bash does not end a test at a command that "!" stands before.
not() {
    if "$@"; then
        return 1
    fi
}

says() {
    grep -qF -- "$1" "$WORLD/output"
}

# called ARGUMENT…: exactly this was asked of docker.
called() {
    calls_in_lines | grep -qxF -- "$*"
}

# called_with ARGUMENT…: these stand one after the other in a call.
called_with() {
    calls_in_lines | grep -qF -- " $* "
}

calls_in_lines() {
    tr -d '\r' <"$WORLD/calls" | awk 'BEGIN { RS = ""; FS = "\n" } { $1 = $1; print }'
}

# The arguments, one a line, of the call that has this one.
the_call() {
    tr -d '\r' <"$WORLD/calls" | awk -v wanted="$1" 'BEGIN { RS = ""; FS = "\n" }
        { for (i = 1; i <= NF; i++) if ($i == wanted) { print; exit } }'
}

label() {
    the_call -d | sed -n "s/^network.pictor.$1=//p"
}

# The kinds of calls, in their order.
kinds_called() {
    tr -d '\r' <"$WORLD/kinds" 2>/dev/null | paste -sd ' '
}

nothing_is_left() {
    [ -z "$(find "$LOCAL" "$WORLD/temp" -type f)" ]
    [ -z "$(ls -A "$WORLD/temp")" ]
}

nothing_but_the_config_is_left() {
    [ "$(find "$LOCAL" "$WORLD/temp" -type f -printf '%f\n')" = pictor-worker.json ]
    [ -z "$(ls -A "$WORLD/temp")" ]
}

# explained KIND EXIT-CODE ERROR ADVICE: docker fails so in a world of its own; all_explained looks at them.
explained() {
    EXPLAINED=$((${EXPLAINED:-0} + 1))
    new_world "$BATS_TEST_TMPDIR/explained$EXPLAINED"
    [[ -z "${ABSENT_IMAGE:-}" ]] || image_arrives
    answer "$1" 1 '' "$3"
    printf '%s\n%s\n%s\n' "$2" "$3" "$4" >"$WORLD/wanted"
    start_installer --yes --config "$(windows_path "$(a_config)")" &
    ((EXPLAINED % 4)) || wait
}

all_explained() {
    wait
    local number wanted
    for ((number = 1; number <= EXPLAINED; number++)); do
        use_world "$BATS_TEST_TMPDIR/explained$number"
        mapfile -t wanted <"$WORLD/wanted"
        cat "$WORLD/output"
        [ "$code" -eq "${wanted[0]}" ]
        says "${wanted[1]}"
        says "${wanted[2]}"
        nothing_is_left
    done
}
