#!/usr/bin/env bash
# Makes the wheel: the program, ONNX Runtime's library, the Python module.
#     packaging/wheel.sh [release|dev]
# maturin has cargo build the program with all its features; what is built already is not built again.
# SIMDEX_FEATURES names other features: those of a build that is there.
source "$(dirname "$0")/common.sh"
profile=${1:-release}

get_runtime
tools=$out/tools
if [ ! -x "$tools/bin/maturin" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check 'maturin==1.16.*'
fi

# What lands in the prefix: lib/simdex/ is where the program looks for its library.
data=$packaging/python/simdex.data/data
rm -rf "$packaging/python/simdex.data" "$out/wheel"
mkdir -p "$data/lib/simdex" "$out/wheel"
cp "$out"/runtime/* "$data/lib/simdex/"
put_licences "$data/share/doc/simdex"

cd "$packaging/python"
"$tools/bin/maturin" build --locked --features "${SIMDEX_FEATURES:-full}" --profile "$profile" --target-dir "$target" --out "$out/wheel"
ls -l "$out"/wheel/*.whl
