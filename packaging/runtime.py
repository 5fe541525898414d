#!/usr/bin/env python3
"""Gets the ONNX Runtime library that packages of simdex bring, with its licences.

    packaging/runtime.py FOLDER

The release and its checksums are those that simdex itself knows (src/network/runtime/package.rs): it takes a
library beside it only if it is one of them. It comes from PyPI, through pip, and only if FOLDER does not have it.
"""

import argparse
import hashlib
import platform
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PINS = Path(__file__).resolve().parents[1] / "src/network/runtime/package.rs"
#: The tags of wheels for Linux, by the processor.
TAGS = {"x86_64": "manylinux_2_28_x86_64", "aarch64": "manylinux_2_28_aarch64"}
#: Files of the wheel beside the library, and what they are called in packages.
LICENCES = {
    "onnxruntime/LICENSE": "onnxruntime-LICENSE.txt",
    "onnxruntime/ThirdPartyNotices.txt": "onnxruntime-ThirdPartyNotices.txt",
}


def known(data: bytes) -> bool:
    """Whether simdex knows these bytes."""
    return f'"{hashlib.sha256(data).hexdigest()}"' in PINS.read_text("utf-8")


def version() -> str:
    """The release that simdex names."""
    found = re.search(r'const PIP: &str = "([0-9.]+)";', PINS.read_text("utf-8"))
    if found is None:
        sys.exit(f"{PINS} names no release of ONNX Runtime")
    return found.group(1)


def download(release: str, folder: Path) -> Path:
    """The wheel for this machine's processor."""
    tag = TAGS.get(platform.machine())
    if tag is None:
        sys.exit(f"no wheel of ONNX Runtime is known for {platform.machine()}")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    # The library is the same in the wheels for all Pythons; simdex knows this one.
    python = ["--implementation", "cp", "--python-version", "311", "--abi", "cp311"]
    what = ["--no-deps", "--only-binary", ":all:", "--platform", tag, *python]
    wheel = f"onnxruntime=={release}"
    subprocess.run([*pip, *what, "--dest", str(folder), wheel], check=True)
    (found,) = folder.glob("onnxruntime-*.whl")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the library and its licences go")
    folder: Path = parser.parse_args().folder
    release = version()
    library = folder / f"libonnxruntime.so.{release}"
    names = [library, *(folder / name for name in LICENCES.values())]
    if all(name.is_file() for name in names) and known(library.read_bytes()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        wheel = download(release, Path(temporary))
        if not known(wheel.read_bytes()):
            sys.exit(f"{wheel.name} is not the wheel that simdex knows")
        with zipfile.ZipFile(wheel) as files:
            data = files.read(f"onnxruntime/capi/{library.name}")
            if not known(data):
                sys.exit(f"{library.name} is not the library that simdex knows")
            library.write_bytes(data)
            for member, name in LICENCES.items():
                (folder / name).write_bytes(files.read(member))


if __name__ == "__main__":
    main()
