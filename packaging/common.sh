# What the scripts of this folder share; to be sourced.
# shellcheck shell=bash
set -euo pipefail

packaging=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$packaging")
target=${CARGO_TARGET_DIR:-$root/target}
# Where packages and what they are made of go.
out=$target/packaging
# shellcheck disable=SC2034 # The scripts use it.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)

# The library, once for all packages.
get_runtime() {
  python3 "$packaging/runtime.py" "$out/runtime"
}

# Says which step begins, and how long the one before it took.
step() {
  local now=$SECONDS
  if [ -n "${step_name:-}" ]; then
    echo "== $step_name: $((now - step_began)) s"
  fi
  step_name=${1:-}
  step_began=$now
  if [ -n "$step_name" ]; then
    echo "== $step_name ..."
  fi
}

fail() {
  echo "$*" >&2
  exit 1
}

# Licences, and what is to be said of them, into a folder.
put_licences() {
  mkdir -p "$1"
  cp "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$1/"
  cp "$root"/models/LICENSE-* "$1/"
}
