#!/usr/bin/env bash
# Makes the npm package of a program that is built (cargo build --release --features full): the program and ONNX Runtime's library.
#     packaging/npm.sh [PROGRAM]
source "$(dirname "$0")/common.sh"
program=${1:-$target/release/simdex}

get_runtime
case $(uname -m) in
  x86_64) cpu=x64 ;;
  aarch64) cpu=arm64 ;;
  *) fail "no npm package is made for $(uname -m)" ;;
esac
rm -rf "$out/npm"
mkdir -p "$out/npm/package/bin" "$out/npm/package/lib/simdex"
cd "$out/npm/package"
install -m 755 "$program" bin/simdex
install -m 644 "$out"/runtime/* lib/simdex/
put_licences licences
cp "$packaging/npm/README.md" .
sed "s/@VERSION@/$version/; s/@CPU@/$cpu/" "$packaging/npm/package.json.in" > package.json
npm pack --silent --pack-destination "$out/npm"
ls -l "$out"/npm/*.tgz
