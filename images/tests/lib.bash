# What the Docker tests share. Every test file begins with `load lib`.

COORDINATOR=pictor/coordinator:0.1.0
WORKER=pictor/worker:0.1.0
PROJECT=pictor-test

# Loopback only, and not where an operator would have something.
export PICTOR_LISTEN=127.0.0.1:18080
export PICTOR_PUBLIC_URL=http://127.0.0.1:18080
URL=$PICTOR_PUBLIC_URL
ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

compose() {
    docker compose --project-directory "$ROOT" -f "$ROOT/compose.yaml" -p "$PROJECT" "$@"
}

# Everything of ours is gone, whatever state a test left it in.
clear_away() {
    compose --profile worker --profile gpu --profile launcher down -v --remove-orphans -t 5 >/dev/null 2>&1 || true
    local names
    names=$(docker ps -aq --filter name=pictor-test)
    # shellcheck disable=SC2086  # one word each
    [ -z "$names" ] || docker rm -f $names >/dev/null
    names=$(docker volume ls -q --filter name=pictor-test)
    # shellcheck disable=SC2086
    [ -z "$names" ] || docker volume rm -f $names >/dev/null
}

# An access token of the operator: `token jobs workers`
token() {
    local scopes=() scope
    for scope in "$@"; do scopes+=(--scope "$scope"); done
    compose exec -T coordinator pictor-coordinator token create "${scopes[@]}"
}

# `api METHOD PATH`, with $TOKEN
api() {
    local method=$1 path=$2
    shift 2
    curl -sS --fail-with-body -X "$method" -H "Authorization: Bearer $TOKEN" "$@" "$URL$path"
}

# The creator's command line, as the coordinator's image has it; the directory $1 is /work.
# It gives up after two minutes.
pictor() {
    local dir=$1
    shift
    timeout 120 docker run --rm --network host --user "$(id -u):$(id -g)" -v "$dir:/work" -w /work \
        -e PICTOR_COORDINATOR="$URL" -e PICTOR_TOKEN="$TOKEN" --entrypoint pictor "$COORDINATOR" "$@"
}

# `inspect CONTAINER FORMAT`
inspect() {
    docker inspect --format "$2" "$1"
}

# `is VALUE EXPECTED WHAT`
is() {
    [ "$1" = "$2" ] || {
        printf '%s: %s instead of %s\n' "$3" "$1" "$2" >&2
        return 1
    }
}

# `until_true SECONDS COMMAND…`
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || {
            printf 'in vain: %s\n' "$*" >&2
            return 1
        }
        sleep 0.2
    done
}

# The sample scene, made by the Blender of the worker's image.
make_scene() {
    docker run --rm --user "$(id -u):$(id -g)" -e HOME=/tmp -v "$1:/work" -v "$ROOT/install/demo:/demo:ro" \
        --entrypoint /opt/pictor/runtimes/4.5/bin/python "$WORKER" /demo/sample_scene.py /work/scene.blend >/dev/null
}

# What every container of ours has to be, whoever started it.
is_hardened() {
    is "$(inspect "$1" '{{.HostConfig.ReadonlyRootfs}}')" true "read-only root"
    is "$(inspect "$1" '{{.HostConfig.CapDrop}}')" "[ALL]" "capabilities"
    is "$(inspect "$1" '{{.HostConfig.CapAdd}}')" "[]" "added capabilities"
    is "$(inspect "$1" '{{.HostConfig.Privileged}}')" false "privileged"
    inspect "$1" '{{.HostConfig.SecurityOpt}}' | grep -q 'no-new-privileges'
    [ "$(inspect "$1" '{{.HostConfig.PidsLimit}}')" -gt 0 ]
    [ "$(inspect "$1" '{{.HostConfig.Memory}}')" -gt 0 ]
    [ "$(inspect "$1" '{{.Config.User}}')" != root ]
    [ "$(inspect "$1" '{{.Config.User}}')" != 0 ]
    # As its processes see it.
    docker exec "$1" grep -q '^CapEff:.*0000000000000000' /proc/1/status
    docker exec "$1" grep -q '^NoNewPrivs:.*1' /proc/1/status
    run ! docker exec "$1" touch /usr/local/bin/x
}

# No token of the config in $2 in what anybody who may ask Docker or read logs can see of container $1.
keeps_its_token() {
    local secret
    secret=$(jq -r .token <<<"$2")
    [ ${#secret} -ge 20 ]
    run ! grep -F -- "$secret" <(docker inspect "$1")
    run ! grep -F -- "$secret" <(docker logs "$1" 2>&1)
    run ! grep -F -- "$secret" <(docker exec "$1" cat /proc/1/cmdline /proc/1/environ | tr '\0' '\n')
}
