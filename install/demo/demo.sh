#!/usr/bin/env bash
#
# The whole network on this machine, for the length of one job: builds it, starts a coordinator and a
# worker, submits a scene, fetches the frames, stops what it started.
#
#   SCENE            a .blend or .zip of your own; a sample scene when unset
#   FRAMES           frames to render, such as 1-8; the file's own range when unset
#   OUT              directory for the frames (demo-output)
#   BLENDER          series to render with (4.5)
#   PROFILE          release or dev
#   PICTOR_RUNTIMES  where Blender runtimes are installed; the user's data directory when unset
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
SCENE="${SCENE:-}"
FRAMES="${FRAMES:-}"
OUT="${OUT:-demo-output}"
BLENDER="${BLENDER:-4.5}"
PROFILE="${PROFILE:-release}"

# Longer than a coordinator or a worker takes on a busy machine.
START_SECONDS=60
STOP_SECONDS=10

STARTED=()
WORK=""
BIN=""

main() {
    PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    check_arguments
    "$ROOT/install/prerequisites.sh"
    WORK="$(mktemp -d "${TMPDIR:-/tmp}/pictor-demo.XXXXXX")"
    trap stop_everything EXIT
    trap 'exit 130' INT TERM

    step "Building Pictor" build.log build
    step "Providing Blender $BLENDER" runtime.log "$BIN/pictor-worker" runtime install "$BLENDER"
    if [[ -z "$SCENE" ]]; then
        SCENE="$WORK/ripple.blend"
        step "Making the sample scene" scene.log make_sample_scene
    fi
    start_coordinator
    start_worker
    submit
}

check_arguments() {
    if [[ -n "$SCENE" && ! -f "$SCENE" ]]; then
        fail "SCENE=$SCENE is not a file"
    fi
    if [[ "$PROFILE" != release && "$PROFILE" != dev ]]; then
        fail "PROFILE is release or dev, not $PROFILE"
    fi
    local target="${CARGO_TARGET_DIR:-$ROOT/target}"
    BIN="$target/release"
    [[ "$PROFILE" == release ]] || BIN="$target/debug"
}

build() {
    cargo build --manifest-path "$ROOT/Cargo.toml" --locked --profile "$PROFILE" \
        -p pictor-coordinator -p pictor-worker -p pictor-client
}

make_sample_scene() {
    local runtimes="${PICTOR_RUNTIMES:-${XDG_DATA_HOME:-$HOME/.local/share}/pictor/runtimes}"
    "$runtimes/$BLENDER/bin/python" "$ROOT/install/demo/sample_scene.py" "$SCENE"
}

start_coordinator() {
    local ready="$WORK/coordinator.url"
    export PICTOR_DATA="$WORK/data"
    "$BIN/pictor-coordinator" serve --bind 127.0.0.1:0 --ready-file "$ready" \
        >"$WORK/coordinator.log" 2>&1 &
    STARTED+=($!)
    wait_for_file "$ready" $! || fail_with coordinator.log "The coordinator did not start."
    PICTOR_COORDINATOR="$(<"$ready")"
    PICTOR_TOKEN="$("$BIN/pictor-coordinator" token create --user operator --scope jobs \
        2>>"$WORK/coordinator.log")" || fail_with coordinator.log "No access token was made."
    export PICTOR_COORDINATOR PICTOR_TOKEN
}

start_worker() {
    local config="$WORK/worker-config.json"
    "$BIN/pictor-coordinator" worker create --name demo --allow-cpu --url "$PICTOR_COORDINATOR" \
        --out "$config" 2>>"$WORK/coordinator.log" ||
        fail_with coordinator.log "The worker could not be registered."
    # A cache of its own: this machine may have a worker that is not part of the demo.
    XDG_CACHE_HOME="$WORK/cache" "$BIN/pictor-worker" run --config "$config" \
        >"$WORK/worker.log" 2>&1 &
    STARTED+=($!)
}

# The client says what happens and ends with one line: frames, time, frames per minute, directory.
submit() {
    local args=("$SCENE" --wait --download "$OUT")
    [[ -z "$FRAMES" ]] || args+=(--frames "$FRAMES")
    local code=0
    "$BIN/pictor" submit "${args[@]}" || code=$?
    case $code in
    0) ;;
    130)
        say "demo: stopped, and the job with it"
        exit 130
        ;;
    3) fail_with worker.log "The job did not finish." ;;
    4 | 5) fail_with coordinator.log "The coordinator did not answer as it should." ;;
    *) exit "$code" ;;
    esac
}

# step TITLE LOG COMMAND…: runs a command with its output in a log, and shows that it does.
step() {
    local title="$1" log="$2"
    shift 2
    local began=$SECONDS
    "$@" >"$WORK/$log" 2>&1 &
    local pid=$!
    STARTED+=("$pid")
    show_clock "$title" "$pid" "$began"
    if ! wait "$pid"; then
        fail_with "$log" "$title failed."
    fi
    forget "$pid"
    local took=$((SECONDS - began))
    local shown=""
    ((took < 2)) || shown="$(span "$took")"
    say "$(printf '%s%-28s %s' "$(line_start)" "$title" "$shown")"
}

# Counts the seconds where somebody watches.
show_clock() {
    local title="$1" pid="$2" began="$3"
    [[ -t 2 ]] || return 0
    while kill -0 "$pid" 2>/dev/null; do
        printf '%s%-28s %s' "$(line_start)" "$title…" "$(span $((SECONDS - began)))" >&2
        sleep 0.2
    done
}

line_start() {
    [[ ! -t 2 ]] || printf '\r\033[K'
}

span() {
    if (($1 < 60)); then
        printf '%d s' "$1"
    else
        printf '%d min %d s' "$(($1 / 60))" "$(($1 % 60))"
    fi
}

wait_for_file() {
    local file="$1" pid="$2"
    local until=$((SECONDS + START_SECONDS))
    while [[ ! -s "$file" ]]; do
        kill -0 "$pid" 2>/dev/null || return 1
        ((SECONDS < until)) || return 1
        sleep 0.02
    done
}

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "demo: $*"
    exit 1
}

# Says what failed, with the end of the log that tells why; the logs stay.
fail_with() {
    local log="$WORK/$1"
    say ""
    say "demo: $2 The end of $log:"
    tail -n 25 "$log" >&2 || true
    WORK=""
    exit 1
}

forget() {
    local pid kept=()
    for pid in "${STARTED[@]}"; do
        [[ "$pid" == "$1" ]] || kept+=("$pid")
    done
    STARTED=("${kept[@]}")
}

# Ends what was started here, and nothing else: the last first, so that the worker can still hand
# back to the coordinator what it holds.
stop_everything() {
    local code=$? index
    trap '' INT TERM
    for ((index = ${#STARTED[@]} - 1; index >= 0; index--)); do
        stop "${STARTED[index]}"
    done
    [[ -z "$WORK" ]] || rm -rf -- "$WORK"
    exit "$code"
}

stop() {
    local pid="$1"
    kill -TERM "$pid" 2>/dev/null || return 0
    timeout "$STOP_SECONDS" tail --pid="$pid" -s 0.05 -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

main "$@"
