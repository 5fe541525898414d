"""``python -m simdex``: the program that the package brings."""

import os
import subprocess
import sys

from .program import find_program


def main() -> int:
    """Becomes the program, or runs it where that cannot be."""
    command = [find_program(), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
