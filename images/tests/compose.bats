#!/usr/bin/env bats
# compose.yaml as an operator uses it: a coordinator, a worker beside it, a scene rendered.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    clear_away
    compose --profile worker up -d --wait --wait-timeout 120 --no-build >&2
    TOKEN=$(token jobs workers)
    export TOKEN
}

teardown_file() {
    clear_away
}

worker_config() {
    docker run --rm -v "${PROJECT}_worker-config:/run/pictor:ro" --entrypoint cat "$WORKER" /run/pictor/worker-config.json
}

@test "the coordinator is healthy, ready and reached from this machine alone" {
    is "$(inspect $PROJECT-coordinator-1 '{{.State.Health.Status}}')" healthy health
    curl -fsS "$URL/readyz"
    run -0 docker port $PROJECT-coordinator-1
    is "$output" "8080/tcp -> 127.0.0.1:18080" port
}

@test "the coordinator is hardened" {
    is_hardened $PROJECT-coordinator-1
    is "$(inspect $PROJECT-coordinator-1 '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}};{{end}}')" \
        "volume /var/lib/pictor true;" mounts
}

@test "secrets that lie on this machine are handed over as files, each where it is named" {
    local inside=/run/secrets/oidc-client-secret
    run -0 compose -f "$ROOT/compose.secrets.yaml" config
    [[ "$output" != *"_FILE: /run/secrets/"* ]]
    PICTOR_OIDC_CLIENT_SECRET=./hush run -0 compose -f "$ROOT/compose.secrets.yaml" config
    [[ "$output" == *"PICTOR_OIDC_CLIENT_SECRET_FILE: $inside"* && "$output" == *"file: $ROOT/hush"* ]]
    [[ "$output" == *'PICTOR_PEPPER_FILE: ""'* ]]
    run -0 compose config
    [[ "$output" != *secrets:* ]]
}

@test "the worker is hardened and its token is nowhere to be seen" {
    is_hardened $PROJECT-worker-1
    inspect $PROJECT-worker-1 '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}};{{end}}' |
        tr ';' '\n' | grep -qx 'volume /run/pictor false'
    keeps_its_token $PROJECT-worker-1 "$(worker_config)"
}

@test "the worker is connected within three seconds of its start" {
    until_true 10 docker exec $PROJECT-worker-1 pictor-worker health --connected
    compose --profile worker restart worker >&2
    until_true 10 docker exec $PROJECT-worker-1 pictor-worker health --connected
    local started connected
    started=$(inspect $PROJECT-worker-1 '{{.State.StartedAt}}')
    # The first hello of this start: another one follows when its probes are done.
    connected=$(docker logs --since "$started" $PROJECT-coordinator-1 2>&1 |
        jq -Rr 'fromjson? | select(.fields.message == "worker connected") | .timestamp' | head -n 1)
    started=$(date -d "$started" +%s%3N)
    [ -n "$connected" ]
    connected=$(date -d "$connected" +%s%3N)
    echo "# start to connected: $((connected - started)) ms" >&3
    [ $((connected - started)) -le 3000 ]
}

@test "a scene goes in and its frames come out" {
    make_scene "$BATS_TEST_TMPDIR"
    run -0 pictor "$BATS_TEST_TMPDIR" submit scene.blend --frames 1-4 --wait --download frames
    local frame
    for frame in 1 2 3 4; do
        is "$(head -c 8 "$BATS_TEST_TMPDIR/frames/frame_000$frame.png" | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a "frame $frame"
    done
}

@test "the coordinator keeps everything when its container is made anew" {
    local before
    before=$(api GET /api/v1/jobs | jq -r '.jobs[0].id')
    compose --profile worker up -d --wait --no-build --force-recreate coordinator >&2
    is "$(api GET /api/v1/jobs | jq -r '.jobs[0].id')" "$before" job
    until_true 60 docker exec $PROJECT-worker-1 pictor-worker health --connected
}

@test "a second up changes nothing" {
    local before
    before=$(docker ps -q --filter name=$PROJECT | sort)
    compose --profile worker up -d --wait --no-build >&2
    is "$(docker ps -q --filter name=$PROJECT | sort)" "$before" containers
}

@test "stopping is orderly: the worker drains and ends with 0" {
    compose --profile worker stop >&2
    is "$(inspect $PROJECT-worker-1 '{{.State.ExitCode}}')" 0 worker
    is "$(inspect $PROJECT-coordinator-1 '{{.State.ExitCode}}')" 0 coordinator
}
