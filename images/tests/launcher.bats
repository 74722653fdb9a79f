#!/usr/bin/env bats
# The launcher of compose.yaml: worker containers come, come back, and go. What it decides and does in every
# trouble is tested by `cargo test -- --ignored docker_`.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    clear_away
    PICTOR_DOCKER_GID=$(stat -c %g /var/run/docker.sock)
    export PICTOR_DOCKER_GID PICTOR_LAUNCH_MIN=1 PICTOR_LAUNCH_MAX=1
    compose --profile launcher up -d --wait --wait-timeout 120 --no-build >&2
    TOKEN=$(token jobs workers)
    export TOKEN
}

teardown_file() {
    clear_away
}

launched() {
    docker ps -q --filter "label=network.pictor.launcher=$PROJECT-launched"
}

is_online() {
    [ "$(api GET /api/v1/workers | jq '[.workers[] | select(.presence == "online")] | length')" = 1 ]
}

@test "a worker is launched, hardened and without a token in sight" {
    until_true 30 is_online
    local container
    container=$(launched)
    is_hardened "$container"
    is "$(inspect "$container" '{{.Config.User}}')" 10001:10001 user
    keeps_its_token "$container" "$(docker exec "$container" cat /run/pictor/worker-config.json)"
    run ! grep -F -- pct_ <(compose --profile launcher logs launcher)
}

@test "it renders a scene" {
    make_scene "$BATS_TEST_TMPDIR"
    run -0 pictor "$BATS_TEST_TMPDIR" submit scene.blend --frames 1-2 --wait --download frames
    [ -s "$BATS_TEST_TMPDIR/frames/frame_0002.png" ]
}

@test "a killed one comes back" {
    local container
    container=$(launched)
    docker kill "$container" >&2
    came_back() { [ -n "$(launched)" ] && docker exec "$(launched)" pictor-worker health --connected; }
    until_true 60 came_back
}

@test "the coordinator has nothing of Docker, and the launcher listens to nobody" {
    run ! grep docker.sock <(inspect $PROJECT-coordinator-1 '{{.Mounts}}')
    is "$(inspect $PROJECT-launcher-1 '{{len .NetworkSettings.Ports}}')" "$(inspect $PROJECT-coordinator-1 '{{len .Config.ExposedPorts}}')" "exposed ports of the image"
    run -0 docker port $PROJECT-launcher-1
    [ -z "$output" ]
    # Whom it is connected to, it called: no socket listens.
    run ! grep -E ' 0A ' <(docker exec $PROJECT-launcher-1 cat /proc/net/tcp /proc/net/tcp6 | grep -v '0B00007F')
}

@test "when it ends, so do its workers" {
    compose --profile launcher stop launcher >&2
    is "$(docker ps -aq --filter "label=network.pictor.launcher=$PROJECT-launched")" "" containers
    is "$(api GET /api/v1/workers | jq '.workers | length')" 0 workers
}
