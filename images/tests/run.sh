#!/usr/bin/env bash
#
# Tests what runs in containers, on a real Docker engine: the one that answers, else one that
# .ci/docker-engine installs and starts. Builds both images, then runs every *.bats here and the launcher's own
# tests. Makes nothing outside of containers and volumes whose names begin with pictor-test, and removes
# those. Arguments are bats files to run instead of everything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

main() {
    .ci/docker-engine
    install/prerequisites.sh bats jq busybox-static nodejs npm chromium fonts-dejavu-core
    build coordinator
    build worker
    bats --print-output-on-failure --timing "${@:-images/tests}"
    if (($# == 0)); then
        # The whole workspace, as `make test` compiled it; only the coordinator has such tests.
        "${CARGO:-cargo}" test --workspace --test it -- --ignored docker_
    fi
}

build() {
    local began=$SECONDS
    docker build -q -f "images/$1/Dockerfile" -t "pictor/$1:0.1.0" \
        --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" . >/dev/null
    printf 'Built pictor/%s:0.1.0 in %d s.\n' "$1" "$((SECONDS - began))"
}

main "$@"
