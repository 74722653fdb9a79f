#!/usr/bin/env bash
# Builds what is measured, provides the runtime, and measures. Arguments go to bench.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cargo build --release --workspace --bins
bin="${CARGO_TARGET_DIR:-target}/release"
"$bin/pictor-worker" runtime install 4.5
runtimes="${PICTOR_RUNTIMES:-${XDG_DATA_HOME:-$HOME/.local/share}/pictor/runtimes}"
exec python3 install/bench/bench.py --bin "$bin" --python "$runtimes/4.5/bin/python" "$@"
