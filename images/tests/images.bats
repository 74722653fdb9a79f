#!/usr/bin/env bats
# The images themselves.

bats_require_minimum_version 1.5.0
load lib

@test "the coordinator's image adds at most 40 MB to its base" {
    local base image
    base=$(docker image inspect --format '{{.Size}}' debian:bookworm-slim)
    image=$(docker image inspect --format '{{.Size}}' "$COORDINATOR")
    echo "# coordinator: base + $(((image - base) / 1000000)) MB" >&3
    [ $((image - base)) -le 40000000 ]
}

@test "the images say what they are" {
    local image
    for image in "$COORDINATOR" "$WORKER"; do
        is "$(docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.version"}}' "$image")" 0.1.0 version
        is "$(docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.licenses"}}' "$image")" \
            "MIT OR Apache-2.0" licences
        is "$(docker image inspect --format '{{.Config.User}}' "$image")" 10001:10001 user
        is "$(docker image inspect --format '{{.Config.StopSignal}}' "$image")" SIGTERM "stop signal"
        docker image inspect --format '{{.Config.Healthcheck.Test}}' "$image" | grep -q health
        docker run --rm --read-only --network none "$image" --version | grep -q '0\.1\.0'
    done
}

@test "no program of the images gains rights" {
    local image
    for image in "$COORDINATOR" "$WORKER"; do
        # What Debian itself has, no-new-privileges disarms; we add none.
        run -0 docker run --rm --network none --entrypoint find "$image" /usr/local /opt /var/lib/pictor -xdev -perm /6000
        [ -z "$output" ]
    done
}

@test "the worker's image has one Blender that works without network and with a read-only root" {
    run -0 docker run --rm --read-only --network none "$WORKER" runtime list
    [[ "$output" == *"Blender 4.5"* ]]
}

@test "the worker's image asks the toolkit for what Blender needs" {
    run -0 docker image inspect --format '{{.Config.Env}}' "$WORKER"
    [[ "$output" == *"NVIDIA_VISIBLE_DEVICES=all"* ]]
    [[ "$output" == *"NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics"* ]]
}

@test "a worker without a config says so and ends with 3" {
    run -3 docker run --rm --read-only --network none "$WORKER"
    [[ "$output" == *"there is no file /run/pictor/worker-config.json"* ]]
}
