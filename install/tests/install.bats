#!/usr/bin/env bats
#
# Installing: the flow, what it leaves alone, what it undoes, and how it ends.

load world

@test "the flow ends with a worker that the coordinator calls connected" {
    installer --config "$CONFIG"
    ends_with 0
    says "[INFO] The worker pictor-worker runs and is connected"
    says "Cycles on the CPU: rendered in 812 ms"
    says "--status"
    runs sha256:one
}

@test "everything is looked at in order, the machine is changed last" {
    installer --config "$CONFIG"
    local order
    order="$(grep -oE 'docker version|nvidia-smi --query-gpu=name|^df|docker pull|verify|--gpus all --entrypoint nvidia-smi|volume create|docker run -d|health --connected --wait 60|doctor --render' "$STUB/log" | paste -s -d ';')"
    [[ "$order" == "docker version;nvidia-smi --query-gpu=name;df;docker pull;verify;--gpus all --entrypoint nvidia-smi;volume create;docker run -d;health --connected --wait 60;doctor --render" ]]
}

@test "the container is locked up" {
    installer --config "$CONFIG"
    local option
    for option in "--name pictor-worker" "--label network.pictor.installer=worker" "--restart unless-stopped" \
        "--stop-timeout 600" "--read-only" "--tmpfs /tmp:rw,nosuid,nodev,size=2g,mode=1777" "--cap-drop ALL" \
        "--security-opt no-new-privileges" "--pids-limit 1024" "--memory 28800m" "--init" \
        "--log-opt max-size=10m --log-opt max-file=3" "--user 1000:1000" "--gpus all" \
        "type=bind,source=$HOME/.config/pictor/pictor-worker.json,target=/run/pictor/worker-config.json,readonly" \
        "type=volume,source=pictor-worker-cache,target=/var/lib/pictor $IMAGE run $"; do
        did "docker run -d .*${option}"
    done
    did_not "docker run -d .*--(privileged|env|-e|network|userns|allow-cpu)"
}

@test "--cpu asks for no GPU at all" {
    without nvidia-smi
    installer --config "$CONFIG" --cpu
    ends_with 0
    did "docker run -d .* $IMAGE run --allow-cpu $"
    did_not "gpus"
}

@test "a config that allows the CPU needs no driver" {
    without nvidia-smi
    write_config "$CONFIG" https://c.example true
    installer --config "$CONFIG"
    ends_with 0
    says "the config allows to render on the CPU"
    did "docker run -d .* $IMAGE run --allow-cpu $"
}

@test "a coordinator on this machine is reached over the host's network" {
    local address
    for address in http://127.0.0.1:8080 http://localhost:8080 https://localhost http://[::1]:8080/pictor; do
        write_config "$CONFIG" "$address"
        rm -rf "$STUB/containers/pictor-worker"
        forget_log
        installer --config "$CONFIG" --no-render
        ends_with 0
        did "--network host .* verify"
        did "docker run -d .*--network host"
    done
    for address in http://192.0.2.7:8080 https://localhost.example.org https://127.0.0.1.example.org; do
        write_config "$CONFIG" "$address"
        rm -rf "$STUB/containers/pictor-worker"
        forget_log
        installer --config "$CONFIG" --no-render
        ends_with 0
        did_not "--network host"
    done
}

@test "name, image and memory are the owner's" {
    printf 'sha256:mine\n' >"$STUB/registry/example.org_mine_2"
    PICTOR_WORKER_MEMORY=12g installer --config "$CONFIG" --name attic-2 --image example.org/mine:2
    ends_with 0
    runs sha256:mine attic-2
    did "docker run -d --name attic-2 .*--memory 12g .*source=attic-2-cache,.* example.org/mine:2 run"
    [[ -f "$HOME/.config/pictor/attic-2.json" ]]
}

@test "an engine that logs elsewhere is told to keep files that rotate" {
    echo journald >"$STUB/engine/logging"
    installer --config "$CONFIG" --no-render
    ends_with 0
    did "docker run -d .*--log-driver json-file --log-opt max-size"
}

@test "a rootless engine runs the worker as its own root" {
    echo '[name=seccomp,profile=builtin name=rootless]' >"$STUB/engine/security"
    installer --config "$CONFIG" --no-render
    ends_with 0
    did "docker run -d .*--user 0:0"
    did "run --rm --user 0:0 .* verify"
}

@test "an engine that maps users reads the config without the map" {
    echo '[name=userns]' >"$STUB/engine/security"
    installer --config "$CONFIG" --no-render
    ends_with 0
    did "docker run -d .*--userns host"
}

@test "Docker from a snap gets the config where it can see it" {
    echo /var/snap/docker/common/var-lib-docker >"$STUB/engine/root"
    installer --config "$CONFIG" --cpu --no-render
    ends_with 0
    did "docker run -d .*source=$HOME/pictor/pictor-worker.json,"
}

@test "run again, nothing changes, quickly" {
    installed
    local began=$EPOCHREALTIME
    installer --config "$CONFIG"
    ends_with 0
    says "No change"
    did_not "$CHANGING"
    ((${EPOCHREALTIME/[.,]/} - ${began/[.,]/} < 3000000))
}

@test "a Docker that warns of its own configuration is understood" {
    touch "$STUB/engine/warns"
    installed
    installer --config "$CONFIG"
    ends_with 0
    says "No change"
    installer --status
    ends_with 0
    toolkit --dry-run
    ends_with 0
}

@test "run again while it is not connected, it is made anew" {
    installed
    touch "$STUB/answers/health.fails-once"
    installer --config "$CONFIG"
    ends_with 0
    says "making it anew"
    did "docker stop -t 600 pictor-worker"
    did "docker run -d"
    runs sha256:one
}

@test "run again while its token is refused, it says so and leaves the worker alone" {
    installed
    answers health 1 "not connected"
    answers verify 4 "the coordinator does not know this token"
    installer --config "$CONFIG"
    ends_with 4
    runs sha256:one
    did_not "docker (run -d|stop|rm|rename)"
}

@test "another config makes the container anew, and only that" {
    installed
    write_config "$CONFIG" https://other.example.org
    installer --config "$CONFIG"
    ends_with 0
    did "docker stop -t 600 pictor-worker"
    did "docker run -d"
    cmp "$CONFIG" "$HOME/.config/pictor/pictor-worker.json"
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
    [[ "$(ls -A "$HOME/.config/pictor")" == pictor-worker.json ]]
    did_not "volume create|entrypoint chown"
}

@test "other options make the container anew" {
    installed
    installer --config "$CONFIG" --cpu
    ends_with 0
    did "docker run -d .*--allow-cpu"
}

@test "a stopped worker is made anew" {
    installed
    echo exited >"$STUB/containers/pictor-worker/status"
    installer --config "$CONFIG"
    ends_with 0
    runs sha256:one
}

@test "the copy of the config may itself be named, after an edit" {
    installed
    write_config "$HOME/.config/pictor/pictor-worker.json" https://other.example.org
    installer --config "$HOME/.config/pictor/pictor-worker.json"
    ends_with 0
    did "docker run -d"
    grep -q other.example.org "$HOME/.config/pictor/pictor-worker.json"
}

@test "a container of that name that is not ours stays untouched" {
    mkdir "$STUB/containers/pictor-worker"
    echo running >"$STUB/containers/pictor-worker/status"
    echo sha256:other >"$STUB/containers/pictor-worker/image"
    echo other >"$STUB/containers/pictor-worker/ref"
    local how
    for how in "--config $CONFIG" "--config $CONFIG --yes" --update --uninstall "--uninstall --purge" --status; do
        # shellcheck disable=SC2086  # Two words.
        installer $how
        ends_with 10
        runs sha256:other
    done
    changed_nothing
}

@test "a dry run shows everything and changes nothing" {
    installer --config "$CONFIG" --dry-run
    ends_with 0
    says "[DRY RUN] docker pull $IMAGE"
    says "Would ask the coordinator"
    says "Would copy the config to $HOME/.config/pictor/pictor-worker.json"
    says "[DRY RUN] docker run -d --name pictor-worker"
    says "Nothing was changed"
    changed_nothing
    nothing_left
}

@test "a dry run over an installed worker changes nothing" {
    installed
    write_config "$CONFIG" https://other.example.org
    local before
    before="$(find "$STUB/containers" "$HOME" -type f -exec sha256sum {} +)"
    installer --config "$CONFIG" --dry-run
    ends_with 0
    says "[DRY RUN] docker stop -t 600 pictor-worker"
    installer --update --dry-run
    ends_with 0
    installer --uninstall --purge --dry-run
    ends_with 0
    says "[DRY RUN] docker volume rm pictor-worker-cache"
    did_not "$CHANGING"
    [[ "$(find "$STUB/containers" "$HOME" -type f -exec sha256sum {} +)" == "$before" ]]
}

@test "the script traced with -x does not show the token" {
    run "${ON_MACHINE[@]}" bash -x "$INSTALLER" --config "$CONFIG"
    ends_with 0
    printf '%s\n' "$output" >>"$T/printed"
    says_not "$TOKEN"
    run "${ON_MACHINE[@]}" bash -xv "$INSTALLER" --config "$CONFIG"
    says_not "$TOKEN"
}

@test "a script that was cut off does nothing" {
    local bytes size
    size="$(stat -c %s "$INSTALLER")"
    for ((bytes = 1000; bytes < size - 30; bytes += 3571)); do
        head -c "$bytes" "$INSTALLER" >"$T/cut.sh"
        run "${ON_MACHINE[@]}" bash "$T/cut.sh" --config "$CONFIG" </dev/null
        [[ ! -s "$STUB/log" && "$output" != *"[INFO]"* && "$output" != *Enter* ]]
    done
    # The last bytes call main: but for the line end, none may be missing.
    for ((bytes = size - 30; bytes < size - 1; bytes++)); do
        head -c "$bytes" "$INSTALLER" >"$T/cut.sh"
        run "${ON_MACHINE[@]}" bash "$T/cut.sh" --config "$CONFIG" </dev/null
        [[ ! -s "$STUB/log" && "$output" != *"[INFO]"* && "$output" != *Enter* ]]
    done
    nothing_left
}

@test "--help and --version say so and do nothing" {
    installer --help
    ends_with 0
    local flag
    for flag in --config --yes --cpu --name --image --dry-run --check --status --update --uninstall --purge \
        --no-render --version PICTOR_WORKER_IMAGE PICTOR_WORKER_MEMORY "130 interrupted"; do
        says "$flag"
    done
    installer --version
    ends_with 0
    [[ "$output" == "install-worker.sh 0.1.0" ]]
    [[ ! -s "$STUB/log" ]]
}

# ---------------------------------------------------------------------------------- how it ends

@test "a wrong command line ends with 2" {
    local wrong
    for wrong in --wrong "--config" "--name -x" "--name a/b" "--name x" "--check --update" --purge "--image=" extra; do
        # shellcheck disable=SC2086  # Two words.
        installer $wrong
        ends_with 2
    done
    PICTOR_WORKER_MEMORY=lots installer --config "$CONFIG"
    ends_with 2
    [[ ! -s "$STUB/log" ]]
}

# Verification said no: everything is as before.
refused_before() {
    nothing_left
    did_not "docker run -d|volume create"
}

@test "a config that the worker finds wrong ends with 3" {
    answers verify 3 "options.slots is wrong"
    installer --config "$CONFIG"
    ends_with 3
    says "options.slots is wrong"
    refused_before
}

@test "a refused token ends with 4" {
    answers verify 4 "the coordinator does not know this token"
    installer --config "$CONFIG"
    ends_with 4
    says "the coordinator does not know this token"
    says "The coordinator at https://render.example.org refuses the token."
    refused_before
}

@test "a coordinator out of reach ends with 5" {
    answers verify 9 "connection refused"
    installer --config "$CONFIG"
    ends_with 5
    says "connection refused"
    says "The coordinator at https://render.example.org cannot be reached"
    refused_before
}

@test "a worker too old for its coordinator ends with 9" {
    answers verify 5 "the coordinator wants 0.9"
    installer --config "$CONFIG"
    ends_with 9
    says "too old for its coordinator"
    says "--image"
    refused_before
}

@test "an image that is no worker ends with 9" {
    answers verify 127 'exec: "pictor-worker": executable file not found'
    installer --config "$CONFIG"
    ends_with 9
    says "is no Pictor worker"
    refused_before
}

@test "a pull that fails goes on with the image that is here" {
    echo sha256:built >"$STUB/images/pictor_worker_0.1.0"
    answers pull 1 "Error response from daemon: pull access denied"
    installer --config "$CONFIG"
    ends_with 0
    says "[WARN] $IMAGE could not be pulled; the one on this machine is used."
    runs sha256:built
}

@test "an image named by its digest is not pulled when it is here" {
    local image="pictor/worker@sha256:0123"
    echo sha256:pinned >"$STUB/images/pictor_worker_sha256_0123"
    installer --config "$CONFIG" --image "$image"
    ends_with 0
    did_not "docker pull"
    runs sha256:pinned
}

@test "a failure after a pull forgets the new image and keeps the old" {
    echo sha256:old >"$STUB/images/pictor_worker_0.1.0"
    answers verify 4
    installer --config "$CONFIG"
    ends_with 4
    [[ "$(cat "$STUB/images/pictor_worker_0.1.0")" == sha256:old ]]
    no_image sha256:one
}

@test "a container that cannot be started is removed again" {
    answers run 125 "docker: Error response from daemon: something"
    installer --config "$CONFIG"
    ends_with 1
    says "Error response from daemon: something"
    nothing_left
}

@test "a worker that does not connect ends with 11, and is removed again" {
    answers health 1 "no answer yet"
    installer --config "$CONFIG"
    ends_with 11
    says "no answer yet"
    says "the end of the log of pictor-worker"
    nothing_left
}

@test "a worker that ends is explained by its exit code" {
    local code
    local -A ends=([1]=11 [2]=11 [3]=3 [4]=4 [5]=9 [6]=11 [7]=11 [8]=8 [137]=11)
    for code in "${!ends[@]}"; do
        # As a container that restarts again and again looks from outside.
        cat >"$STUB/answers/run" <<END
0
END
        answers health 1 "container is restarting"
        EXIT_CODE="$code" run "${ON_MACHINE[@]}" bash -c '
            docker() { :; }
            source <(sed "\$d" "$1")
            WORK="$2" NAME=w DOCKER=(true)
            docker() { case "$*" in *inspect*) echo "restarting|$EXIT_CODE|false" ;; *) return 1 ;; esac; }
            patiently() { return 1; }
            wait_until_connected' - "$INSTALLER" "$TMPDIR"
        rm -f "$TMPDIR/output"
        ends_with "${ends[$code]}"
        says "exit code $code"
        says_not "no code of the worker"
    done
}

@test "a probe render that fails ends with 12, and nothing stays" {
    answers doctor 1 "OptiX: libnvoptix.so.1 is empty"
    installer --config "$CONFIG"
    ends_with 12
    says "OptiX: libnvoptix.so.1 is empty"
    nothing_left
}

@test "--no-render skips the probe render" {
    answers doctor 1 "would fail"
    installer --config "$CONFIG" --no-render
    ends_with 0
    did_not doctor
}

@test "a full disk ends with 13, a small one is warned about" {
    echo 4 >"$STUB/engine/free_gib"
    installer --config "$CONFIG"
    ends_with 13
    says "Only 4 GiB are free in /var/lib/docker"
    changed_nothing
    echo 49 >"$STUB/engine/free_gib"
    installer --config "$CONFIG"
    ends_with 0
    says "[WARN] Only 49 GiB are free"
}

@test "a new worker that fails gives its place back to the old, with the old config" {
    installed
    cp "$CONFIG" "$T/before.json"
    write_config "$CONFIG" https://other.example.org
    answers health 1 "no answer"
    installer --config "$CONFIG"
    ends_with 11
    says "The worker of before is back"
    runs sha256:one
    cmp "$T/before.json" "$HOME/.config/pictor/pictor-worker.json"
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
    [[ "$(ls -A "$HOME/.config/pictor")" == pictor-worker.json ]]
    [[ -d "$STUB/volumes/pictor-worker-cache" ]]
}

@test "a worker that its owner stopped stays stopped when its successor fails" {
    installed
    echo exited >"$STUB/containers/pictor-worker/status"
    answers health 1 "no answer"
    installer --config "$CONFIG" --cpu
    ends_with 11
    [[ "$(cat "$STUB/containers/pictor-worker/status")" == exited ]]
}

# ---------------------------------------------------------------------------------- interrupted

# interrupted_in KEY SIGNAL: a signal while that command runs is heard at once and leaves nothing
interrupted_in() {
    start_and_hang "$1" --config "$CONFIG"
    kill "-$2" "$PID"
    wait "$PID" || status=$?
    ends_with 130
    nothing_left
    ! kill -0 "$HUNG" 2>/dev/null
}

@test "interrupted while it pulls, nothing stays" {
    interrupted_in pull INT
}

@test "interrupted while it verifies, nothing stays" {
    interrupted_in verify TERM
}

@test "interrupted while it starts the container, nothing stays" {
    interrupted_in run INT
}

@test "interrupted while it waits, nothing stays" {
    interrupted_in health INT
}

@test "interrupted while it renders, nothing stays" {
    interrupted_in doctor HUP
}

@test "Ctrl-C in a terminal leaves nothing" {
    touch "$STUB/answers/health.hangs"
    run "${ON_MACHINE[@]}" python3 "$HERE/terminal.py" "Waiting until" "^C" -- "$INSTALLER" --config "$CONFIG"
    echo "$output"
    ends_with 130
    says "Undoing what was done"
    rm "$STUB/answers/health.hangs"
    nothing_left
}

@test "Ctrl-C at the prompt ends it" {
    run "${ON_MACHINE[@]}" python3 "$HERE/terminal.py" "full path" "^C" -- "$INSTALLER"
    ends_with 130
    changed_nothing
}

@test "killed in the middle and run again, it ends installed" {
    start_and_hang health --config "$CONFIG"
    kill -KILL "$PID" "$HUNG"
    wait "$PID" || true
    rm -rf "$TMPDIR"/*
    installer --config "$CONFIG"
    ends_with 0
    runs sha256:one
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
}

@test "two at once do not meet" {
    start_and_hang health --config "$CONFIG"
    installer --config "$CONFIG" --name other
    ends_with 1
    says "Another installer of Pictor is at work"
    kill -TERM "$PID"
    wait "$PID" || true
}
