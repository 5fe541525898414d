#!/usr/bin/env bash
# Installs a package with dpkg on a copy of this system that lasts as long as this script, looks at what it has
# brought, and removes it. It is run in a mount namespace of its own (../check.sh).
#     install_on_copy.sh PACKAGE
set -euo pipefail
package=$1
copy=$(mktemp -d)
mount -t tmpfs tmpfs "$copy"
mkdir "$copy/upper" "$copy/work" "$copy/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$copy/upper,workdir=$copy/work" "$copy/root"
mount -t proc proc "$copy/root/proc"
cp "$package" "$copy/root/simdex.deb"

inside=(env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot "$copy/root")
fail() {
  echo "$*" >&2
  exit 1
}

"${inside[@]}" dpkg --install /simdex.deb
"${inside[@]}" dpkg --verify simdex
"${inside[@]}" simdex --version
for page in simdex simdex-query simdex-serve; do
  "${inside[@]}" test -s "/usr/share/man/man1/$page.1.gz" || fail "there is no manual page $page"
done
"${inside[@]}" bash -c 'source /usr/share/bash-completion/completions/simdex && complete -p simdex' > /dev/null
"${inside[@]}" getent passwd simdex || fail "the service has no user"
unit=/usr/lib/systemd/system/simdex.service
if "${inside[@]}" sh -c 'command -v systemd-analyze' > /dev/null; then
  "${inside[@]}" systemd-analyze verify "$unit"
  # 0 is as closed as can be, 10 is open.
  "${inside[@]}" systemd-analyze security --offline=true --threshold=25 --no-pager "$unit" | tail -n 1
else
  echo "not looked at: the unit, since there is no systemd-analyze here"
fi
# The service's own command line, as its own user.
read -r -a command <<< "$(sed -n 's/^ExecStart=//p' "$copy/root$unit")"
"${inside[@]}" install -d -o simdex -g simdex -m 700 /var/lib/simdex /var/cache/simdex
"${inside[@]}" setpriv --reuid simdex --regid simdex --clear-groups --no-new-privs --bounding-set=-all \
  env HOME=/var/lib/simdex XDG_CACHE_HOME=/var/cache/simdex "${command[@]}" 2> "$copy/said" &
server=$!
for _ in $(seq 100); do
  if grep --quiet 'open http' "$copy/said"; then
    break
  fi
  sleep 0.1
done
grep 'open http' "$copy/said" || fail "the service does not start: $(cat "$copy/said")"
# root asks it by its socket.
"${inside[@]}" simdex --data-dir /var/lib/simdex status | head -n 2
kill -TERM "$server"
code=0
wait "$server" || code=$?
[ "$code" = 130 ] || fail "the service has ended with $code"

echo "# mine" >> "$copy/root/etc/simdex/config.toml"
"${inside[@]}" dpkg --remove simdex
"${inside[@]}" test -e /etc/simdex/config.toml || fail "the configuration has gone with the package"
"${inside[@]}" dpkg --purge simdex
for gone in /etc/simdex /usr/lib/simdex /usr/bin/simdex /var/cache/simdex; do
  [ ! -e "$copy/root$gone" ] || fail "$gone is left"
done
"${inside[@]}" test -e /var/lib/simdex/store.toml || fail "the store has gone with the package"
