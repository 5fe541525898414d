#!/usr/bin/env bash
# Makes the packages of a program that is built, installs each into an empty environment without network, and runs
# it there.
#     packaging/check.sh [wheel] [deb] [npm]
# It needs a release build (cargo build --release --features full). SIMDEX_PROFILE=dev takes the debug build instead. Making the
# packages takes the network for pip (maturin, ONNX Runtime, NumPy, pandas); all else runs without.
source "$(dirname "$0")/common.sh"
profile=${SIMDEX_PROFILE:-release}
folder=$profile
if [ "$profile" = dev ]; then
  folder=debug
fi
program=$target/$folder/simdex
kinds=${*:-wheel deb npm}
# On Linux a folder in which the path of a socket is short, and which no other user can write.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
offline=("$packaging/offline.py")

# Runs a program as a new user would: with a home that is empty and nothing of this environment.
as_new_user() {
  local home=$1 path=$2
  shift 2
  (cd "$home" && "${offline[@]}" env -i HOME="$home" PATH="$path" LANG=C.UTF-8 "$@")
}

# Whether a demo has run and found something, with the runtime that the package brings and nothing fetched.
check_demo() {
  local home=$1 library=$2 findings=$3
  [ "$(wc -c < "$home/simdex-demo/results.html")" -gt 10000 ] || fail "the demo has found nothing"
  grep --quiet --fixed-strings "$library" <<< "$findings" ||
    fail "it does not run with $library: $findings"
  [ ! -e "$home/.cache/simdex" ] || fail "something was fetched: $(find "$home/.cache/simdex")"
}

check_wheel() {
  step "wheel: making it"
  "$packaging/wheel.sh" "$profile"
  "$out/tools/bin/pip" download --quiet --disable-pip-version-check --only-binary :all: \
    --dest "$out/tables" 'numpy>=1.24' 'pandas>=2.0' 'mypy>=1.11'
  step "wheel: into an empty environment, demo"
  local home=$work/wheel venv=$work/venv path
  mkdir "$home"
  python3 -m venv "$venv"
  path=$venv/bin:/usr/bin:/bin
  as_new_user "$home" "$path" pip install --quiet --no-index --disable-pip-version-check "$out"/wheel/*.whl
  as_new_user "$home" "$path" simdex demo > "$home/demo.txt"
  check_demo "$home" "$venv/lib/simdex/libonnxruntime.so." \
    "$(as_new_user "$home" "$path" simdex doctor --format json)"
  step "wheel: tests of the Python module, without NumPy"
  cp -r "$packaging/python/tests" "$packaging/python/mypy.ini" "$home/"
  cp "$root/docs/python.md" "$home/"
  local tests=(env SIMDEX_PYTHON_PAGE="$home/python.md" python -m unittest)
  as_new_user "$home" "$path" "${tests[@]}"
  step "wheel: tests with NumPy and pandas, types"
  as_new_user "$home" "$path" pip install --quiet --no-index --disable-pip-version-check \
    --find-links "$out/tables" numpy pandas mypy
  as_new_user "$home" "$path" "${tests[@]}"
  as_new_user "$home" "$path" mypy --config-file mypy.ini --package simdex --package tests
}

check_npm() {
  step "npm: making it"
  "$packaging/npm.sh" "$program"
  step "npm: into an empty folder, demo"
  local home=$work/npm path
  mkdir "$home"
  path=$(dirname "$(command -v npm)"):$(dirname "$(command -v node)"):/usr/bin:/bin
  as_new_user "$home" "$path" npm install --silent --offline --no-audit --no-fund "$out"/npm/*.tgz
  as_new_user "$home" "$path" npx --offline simdex demo > "$home/demo.txt"
  check_demo "$home" "$home/node_modules/simdex/lib/simdex/libonnxruntime.so." \
    "$(as_new_user "$home" "$path" npx --offline simdex doctor --format json)"
}

# The names of packages in a list of dependencies, a line each.
names() {
  sed 's/([^)]*)//g; s/|[^,]*//g' | tr ',' '\n' | tr -d ' ' | sed '/^$/d'
}

# The libraries of what a package depends on, and of what that depends on, from this machine.
dependencies() {
  local first second
  mapfile -t first < <(dpkg-deb --field "$1" Depends | names)
  mapfile -t second < <(dpkg-query --show --showformat '${Depends}\n' "${first[@]}" | names)
  dpkg-query --listfiles "${first[@]}" "${second[@]}" | grep '\.so' | sed 's:^/::' |
    sort --unique
}

# Runs a command in a folder as if it were the whole system, as nobody.
in_root() {
  local folder=$1
  shift
  # shellcheck disable=SC2016 # It is the inner shell's.
  "${offline[@]}" unshare --mount --pid --fork bash -c '
    mount -t proc proc "$0/proc"
    exec env -i HOME=/home/nobody PATH=/usr/bin:/usr/sbin LANG=C.UTF-8 chroot --userspec=65534:65534 "$0" "$@"
  ' "$folder" "$@"
}

check_deb() {
  step "deb: making it"
  "$packaging/deb.sh" "$program"
  local deb system=$work/system home
  deb=$(echo "$out"/deb/*.deb)
  step "deb: beside nothing but what it depends on, demo"
  home=$system/home/nobody
  mkdir -p "$system/proc" "$system/usr/lib" "$system/usr/lib64" "$home"
  ln -s usr/lib usr/lib64 "$system/"
  install -d -m 1777 "$system/tmp"
  chown 65534:65534 "$home"
  dependencies "$deb" | tar --create --no-recursion --directory / --files-from - |
    tar --extract --directory "$system" --keep-directory-symlink
  # ca-certificates makes this one when it is installed.
  install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$system/etc/ssl/certs/ca-certificates.crt"
  dpkg-deb --extract "$deb" "$system"
  in_root "$system" /usr/bin/simdex demo --dir /home/nobody/simdex-demo > "$work/demo.txt"
  check_demo "$home" "/usr/lib/simdex/libonnxruntime.so." \
    "$(in_root "$system" /usr/bin/simdex doctor --format json)"
  step "deb: installed, removed, purged by dpkg, on a copy of this system"
  "${offline[@]}" unshare --mount "$packaging/deb/install_on_copy.sh" "$deb"
}

for kind in $kinds; do
  "check_$kind"
done
step
echo "$(wc -w <<< "$kinds") packages: $kinds"
