#!/usr/bin/env bats
#
# A worker that is there: update, roll back, status, uninstall.

load world

@test "an update that brings nothing new changes nothing" {
    installed
    installer --update
    ends_with 0
    says "No change"
    did "docker pull"
    did_not "docker (run|stop|rename|rm|start)"
}

@test "an update lets the worker finish, replaces it, and removes the old image" {
    installed
    offer_image sha256:two
    installer --update
    ends_with 0
    runs sha256:two
    local order
    order="$(grep -oE 'docker (pull|stop -t 600|rename|run -d|rm -f)|verify|health --connected --wait 60|doctor' "$STUB/log" | paste -s -d ';')"
    [[ "$order" == "docker pull;verify;docker stop -t 600;docker rename;docker run -d;health --connected --wait 60;doctor;docker rm -f" ]]
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
    no_image sha256:one
    cmp "$CONFIG" "$HOME/.config/pictor/pictor-worker.json"
}

@test "an update keeps the options of the worker" {
    without nvidia-smi
    installed --cpu
    offer_image sha256:two
    installer --update
    ends_with 0
    did "docker run -d .*--user 1000:1000 .* run --allow-cpu $"
}

@test "an update by root keeps the owner's config where it is" {
    installed
    offer_image sha256:two
    echo 0 >"$STUB/engine/uid"
    installer --update
    ends_with 0
    did "docker run -d .*--user 1000:1000 .*source=$HOME/.config/pictor/pictor-worker.json,"
    [[ ! -e "$PICTOR_ROOT/etc/pictor" ]]
}

@test "an update keeps an image of the owner's" {
    printf 'sha256:mine\n' >"$STUB/registry/example.org_mine_2"
    installed --image example.org/mine:2
    printf 'sha256:mine3\n' >"$STUB/registry/example.org_mine_2"
    installer --update
    ends_with 0
    runs sha256:mine3
}

# rolls_back KEY TEXT: that step fails for the new image, and the worker of before runs again
rolls_back() {
    installed
    offer_image sha256:two
    answers "$1@sha256:two" 1 "$2"
    installer --update
    ends_with 14
    says "$2"
    says "The worker of before is back"
    runs sha256:one
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
    [[ "$(cat "$STUB/images/pictor_worker_0.1.0")" == sha256:one ]]
    cmp "$CONFIG" "$HOME/.config/pictor/pictor-worker.json"
    [[ "$(ls -A "$HOME/.config/pictor")" == pictor-worker.json ]]
    [[ -d "$STUB/volumes/pictor-worker-cache" ]]
}

@test "an update whose worker does not connect is rolled back" {
    rolls_back health "no answer"
}

@test "an update whose worker does not render is rolled back" {
    rolls_back doctor "OptiX is missing"
}

@test "an update whose container does not start is rolled back" {
    rolls_back run "docker: Error response from daemon: something"
}

@test "an update that fails before the worker is stopped leaves it alone" {
    installed
    offer_image sha256:two
    answers verify 9 "unreachable"
    installer --update
    ends_with 5
    runs sha256:one
    did_not "docker (stop|rename|rm) "
    [[ "$(cat "$STUB/images/pictor_worker_0.1.0")" == sha256:one ]]
}

@test "an update without a worker says how to install one" {
    installer --update
    ends_with 11
    says "There is no worker pictor-worker to update"
}

# interrupted_in KEY: a signal while that command runs brings the worker of before back
interrupted_in() {
    installed
    offer_image sha256:two
    start_and_hang "$1" --update
    kill -INT "$PID"
    wait "$PID" || status=$?
    ends_with 130
    runs sha256:one
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
}

@test "an update interrupted while it pulls leaves the worker alone" {
    interrupted_in pull
    did_not "docker (stop|start|restart)"
}

@test "an update interrupted while the worker finishes its frame makes it go on" {
    interrupted_in stop
    did "docker restart -t 10 pictor-worker"
}

@test "an update interrupted while it waits brings the worker of before back" {
    interrupted_in health
}

# killed_in KEY: nothing can be undone there
killed_in() {
    installed
    offer_image sha256:two
    start_and_hang "$1" --update
    kill -KILL "$PID" "$HUNG"
    wait "$PID" || true
    rm -rf "$TMPDIR"/*
    [[ -d "$STUB/containers/pictor-worker-before-update" ]]
}

@test "an update killed while it waits is finished by the next run when the new worker is connected" {
    killed_in health
    installer --update
    ends_with 0
    says "finishing it"
    runs sha256:two
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
}

@test "an update killed while it waits is undone by the next run when the new worker is not connected" {
    killed_in health
    answers health@sha256:two 1 "no answer"
    offer_image sha256:one
    installer --update
    ends_with 0
    says "bringing the worker of before back"
    runs sha256:one
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
}

@test "an update killed before the new container is there is undone by the next run" {
    installed
    mv "$STUB/containers/pictor-worker" "$STUB/containers/pictor-worker-before-update"
    echo exited >"$STUB/containers/pictor-worker-before-update/status"
    installer --config "$CONFIG"
    ends_with 0
    runs sha256:one
    [[ "$(ls "$STUB/containers")" == pictor-worker ]]
}

@test "a config set aside by a killed run comes back with its worker" {
    installed
    cp "$CONFIG" "$T/before.json"
    write_config "$CONFIG" https://other.example.org
    start_and_hang health --config "$CONFIG"
    kill -KILL "$PID" "$HUNG"
    wait "$PID" || true
    rm -rf "$TMPDIR"/*
    rm -r "$STUB/containers/pictor-worker"
    installer --update
    ends_with 0
    cmp "$T/before.json" "$HOME/.config/pictor/pictor-worker.json"
    [[ "$(ls -A "$HOME/.config/pictor")" == pictor-worker.json ]]
}

# ---------------------------------------------------------------------------------- status

@test "the status of a worker is the coordinator's word" {
    installed
    installer --status
    ends_with 0
    says "Connected  yes: connected to its coordinator"
    says "Container  running, healthy"
    answers health 1 "not seen for 3 minutes"
    installer --status
    ends_with 11
    says "Connected  no: not seen for 3 minutes"
    did_not "$CHANGING"
}

@test "the status of no worker says so" {
    installer --status
    ends_with 11
    says "is not installed"
}

@test "the status explains how a worker ended" {
    installed
    echo restarting >"$STUB/containers/pictor-worker/status"
    local code
    local -A why=([3]="its config is wrong" [4]="refuses its token" [5]="too old for its coordinator"
        [6]="nothing to render with" [8]="the GPU was lost" [137]="it was killed")
    for code in "${!why[@]}"; do
        echo "$code" >"$STUB/containers/pictor-worker/exit"
        installer --status
        ends_with 11
        says "Last exit  $code: "
        says "${why[$code]}"
    done
    echo true >"$STUB/containers/pictor-worker/oom"
    installer --status
    says "more memory than it may have"
}

# ---------------------------------------------------------------------------------- uninstall

@test "uninstalling lets the worker finish, and removes container and config" {
    installed
    installer --uninstall
    ends_with 0
    did "docker stop -t 600 pictor-worker"
    [[ -z "$(ls -A "$STUB/containers")" ]]
    [[ ! -e "$HOME/.config/pictor" ]]
    [[ -d "$STUB/volumes/pictor-worker-cache" ]]
    [[ -s "$STUB/images/pictor_worker_0.1.0" ]]
    [[ -f "$CONFIG" ]]
}

@test "uninstalling with --purge removes scenes and image too" {
    installed
    installer --uninstall --purge
    ends_with 0
    [[ -z "$(ls -A "$STUB/volumes")" && -z "$(ls -A "$STUB/images")" && -z "$(ls -A "$STUB/containers")" ]]
}

@test "uninstalling what is not there is no change" {
    installer --uninstall
    ends_with 0
    says "No change"
    did_not "$CHANGING"
}

@test "uninstalling an interrupted update removes both containers" {
    installed
    cp -r "$STUB/containers/pictor-worker" "$STUB/containers/pictor-worker-before-update"
    installer --uninstall
    ends_with 0
    [[ -z "$(ls -A "$STUB/containers")" ]]
}
