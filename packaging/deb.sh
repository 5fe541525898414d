#!/usr/bin/env bash
# Makes the Debian package of a program that is built (cargo build --release --features full).
#     packaging/deb.sh [PROGRAM]
# dpkg-deb is on every Debian; cargo-deb would take minutes to build for what these lines do.
source "$(dirname "$0")/common.sh"
program=${1:-$target/release/simdex}
deb=$packaging/deb

get_runtime
stage=$out/deb/root
rm -rf "$out/deb"
mkdir -p "$stage/DEBIAN"

put() {
  install -D -m "$1" "$2" "$stage/$3"
}
put 755 "$program" usr/bin/simdex
for file in "$out"/runtime/*; do
  put 644 "$file" "usr/lib/simdex/$(basename "$file")"
done
put 644 "$deb/simdex.service" usr/lib/systemd/system/simdex.service
put 644 "$deb/simdex.sysusers" usr/lib/sysusers.d/simdex.conf
put 644 "$deb/config.toml" etc/simdex/config.toml

# Manual pages and completions come from the program's own definitions.
"$program" manuals "$stage/usr/share/man/man1"
gzip --no-name --best "$stage"/usr/share/man/man1/*.1
mkdir -p "$stage/usr/share/bash-completion/completions" "$stage/usr/share/zsh/vendor-completions" \
  "$stage/usr/share/fish/vendor_completions.d"
"$program" completions bash > "$stage/usr/share/bash-completion/completions/simdex"
"$program" completions zsh > "$stage/usr/share/zsh/vendor-completions/_simdex"
"$program" completions fish > "$stage/usr/share/fish/vendor_completions.d/simdex.fish"

doc=usr/share/doc/simdex
put_licences "$stage/$doc"
put 644 "$root/config.toml" "$doc/config.toml"
gzip --no-name --best --stdout "$root/CHANGELOG.md" > "$stage/$doc/changelog.gz"
runtime=$(basename "$(echo "$out"/runtime/libonnxruntime.so.*)")
sed "s/@RUNTIME@/${runtime#libonnxruntime.so.}/" "$deb/copyright.in" > "$stage/$doc/copyright"

# What the program and the library are linked to.
mkdir -p "$out/deb/debian"
echo "Source: simdex" > "$out/deb/debian/control"
depends=$(cd "$out/deb" && dpkg-shlibdeps -O root/usr/bin/simdex "root/usr/lib/simdex/$runtime" 2> shlibdeps.log) ||
  fail "$(cat "$out/deb/shlibdeps.log")"
depends=${depends#shlibs:Depends=}

for script in postinst prerm postrm; do
  put 755 "$deb/$script" "DEBIAN/$script"
done
echo /etc/simdex/config.toml > "$stage/DEBIAN/conffiles"
architecture=$(dpkg --print-architecture)
size=$(du --summarize --apparent-size --block-size=1024 "$stage" | cut -f 1)
sed "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/; s/@DEPENDS@/$depends/" \
  "$deb/control.in" > "$stage/DEBIAN/control"
find "$stage" -type d -exec chmod 755 {} +
find "$stage/usr/share" -type f -exec chmod 644 {} +
(cd "$stage" && find usr etc -type f -exec md5sum {} + > DEBIAN/md5sums)

# The same sources give the same package.
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct 2> "$out/deb/git.log" || date +%s)
export SOURCE_DATE_EPOCH
dpkg-deb --root-owner-group -Zzstd --build "$stage" "$out/deb/simdex_${version}_$architecture.deb"
