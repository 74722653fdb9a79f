#!/usr/bin/env bats
# install-worker.sh as a GPU owner uses it, on a machine without a GPU, against the coordinator container.

bats_require_minimum_version 1.5.0
load lib

NAME=pictor-test-worker
# A name of our own, whose image the tests replace.
IMAGE=pictor-test/worker:1

setup_file() {
    clear_away
    docker tag "$WORKER" "$IMAGE"
    "$ROOT/install/install-worker.sh" --name $NAME --uninstall >&2
    compose up -d --wait --wait-timeout 120 --no-build >&2
    TOKEN=$(token jobs workers)
    CONFIG="$BATS_FILE_TMPDIR/owner's config é.json"
    # A Blender without work is ended at once, so that what an idle worker needs can be measured.
    api POST /api/v1/workers -H 'content-type: application/json' -d '{"name": "attic"}' |
        jq '.options.idle_blender_s = 0' >"$CONFIG"
    export TOKEN CONFIG
}

teardown_file() {
    "$ROOT/install/install-worker.sh" --name $NAME --image $IMAGE --uninstall --purge --yes >&2 || true
    clear_away
    docker image rm -f "$IMAGE" >/dev/null 2>&1 || true
}

# With what somebody types.
install_worker() {
    local typed=$1
    shift
    printf '%s\n' "$typed" | "$ROOT/install/install-worker.sh" --cpu --name $NAME --image $IMAGE "$@"
}

is_connected() {
    docker exec $NAME pictor-worker health --connected
}

nothing_is_left() {
    run -1 docker container inspect $NAME
    [ ! -e /etc/pictor/$NAME.json ]
}

@test "a config that is not there is said so, and nothing is changed" {
    run -3 install_worker /no/such/file.json
    [[ "$output" == *"/no/such/file.json"* ]]
    nothing_is_left
}

@test "a revoked token is said so before anything is changed" {
    api POST /api/v1/workers -H 'content-type: application/json' -d '{"name": "gone"}' >"$BATS_TEST_TMPDIR/gone.json"
    api DELETE "/api/v1/workers/$(jq -r .worker_id "$BATS_TEST_TMPDIR/gone.json")"
    run -4 install_worker "$BATS_TEST_TMPDIR/gone.json"
    [[ "$output" == *token* ]]
    nothing_is_left
}

@test "typing the path installs a worker that is connected and has rendered" {
    local began=$SECONDS
    run -0 install_worker "  \"$CONFIG\"  "
    echo "# installed in $((SECONDS - began)) s" >&3
    [ $((SECONDS - began)) -le 20 ]
    is "$(api GET /api/v1/workers | jq -r '.workers[] | select(.name == "attic") | .presence')" online presence
}

@test "its container is hardened and its token is nowhere to be seen" {
    is_hardened $NAME
    is "$(inspect $NAME '{{.HostConfig.RestartPolicy.Name}}')" unless-stopped "restart policy"
    inspect $NAME '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}};{{end}}' | tr ';' '\n' | sort >"$BATS_TEST_TMPDIR/mounts"
    diff - "$BATS_TEST_TMPDIR/mounts" <<<"
bind /run/pictor/worker-config.json false
volume /var/lib/pictor true"
    is "$(stat -c %a /etc/pictor/$NAME.json)" 600 "mode of the config's copy"
    keeps_its_token $NAME "$(cat "$CONFIG")"
}

@test "a scene is rendered by that worker" {
    make_scene "$BATS_TEST_TMPDIR"
    run -0 pictor "$BATS_TEST_TMPDIR" submit scene.blend --frames 1-3 --wait --download frames
    [ -s "$BATS_TEST_TMPDIR/frames/frame_0003.png" ]
    [ "$(api GET /api/v1/workers | jq '.workers[] | select(.name == "attic") | .done')" -ge 3 ]
}

# What the kernel could not take back at once: the pages of files that Blender has read do not count.
anonymous_bytes() {
    docker exec $NAME sh -c 'cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null' |
        awk '$1 ~ /^(anon|total_rss|total_shmem|shmem|kernel)$/ { sum += $2 } END { print sum }'
}

@test "idle it needs at most 25 MB" {
    # EEVEE is probed when the worker has nothing else to do; without a GPU that takes a while.
    small_enough() { [ "$(anonymous_bytes)" -le 25000000 ]; }
    until_true 150 small_enough
    echo "# idle: $(($(anonymous_bytes) / 1000)) kB, with files $(docker stats --no-stream --format '{{.MemUsage}}' $NAME)" >&3
}

@test "a second run changes nothing and is quick" {
    local before began=$SECONDS
    before=$(inspect $NAME '{{.Id}} {{.State.StartedAt}}')
    run -0 install_worker "$CONFIG"
    [[ "$output" == *"No change"* ]]
    [ $((SECONDS - began)) -le 3 ]
    is "$(inspect $NAME '{{.Id}} {{.State.StartedAt}}')" "$before" container
}

@test "status tells what is so" {
    run -0 "$ROOT/install/install-worker.sh" --name $NAME --status
    [[ "$output" == *running* && "$output" == *online* ]]
}

@test "an update replaces the container, and the next one has nothing to do" {
    docker build -q -t $IMAGE - <<<"FROM $WORKER
LABEL release=two" >&2
    run -0 "$ROOT/install/install-worker.sh" --name $NAME --image $IMAGE --update --yes
    is "$(inspect $NAME '{{.Image}}')" "$(docker image inspect --format '{{.Id}}' $IMAGE)" image
    is_connected
    run -0 "$ROOT/install/install-worker.sh" --name $NAME --image $IMAGE --update --yes
    [[ "$output" == *"No change"* ]]
}

@test "an update that does not connect is rolled back" {
    local good
    good=$(inspect $NAME '{{.Image}}')
    docker build -q -t $IMAGE - <<<"FROM $WORKER
ENV PICTOR_RUNTIMES=/nowhere" >&2
    run -14 "$ROOT/install/install-worker.sh" --name $NAME --image $IMAGE --update --yes
    is "$(inspect $NAME '{{.Image}}')" "$good" image
    until_true 20 is_connected
    run -1 docker container inspect $NAME-before-update
    docker tag "$good" $IMAGE
}

@test "a container of somebody else is left alone" {
    docker run -d --name pictor-test-else --entrypoint sleep "$WORKER" 600 >&2
    run -10 "$ROOT/install/install-worker.sh" --cpu --name pictor-test-else --image $IMAGE --config "$CONFIG" --yes
    is "$(inspect pictor-test-else '{{.State.Running}}')" true running
}

@test "uninstalling leaves nothing" {
    run -0 "$ROOT/install/install-worker.sh" --name $NAME --image $IMAGE --uninstall --purge --yes
    nothing_is_left
    run -1 docker volume inspect $NAME-cache
}
