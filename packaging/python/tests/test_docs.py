"""The examples of docs/python.md, run as they stand there, one after another."""

from __future__ import annotations

import contextlib
import io
import os
import unittest
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import drawn
from .common import WithStore

#: The page: beside the sources, or where it was copied to.
PAGE = Path(
    os.environ.get("SIMDEX_PYTHON_PAGE")
    or Path(__file__).resolve().parents[3] / "docs" / "python.md"
)
#: What an example may need that need not be there.
OPTIONAL = ("numpy", "pandas")


def blocks() -> list[tuple[int, str]]:
    """The examples, each with the number of its first line."""
    found, lines = [], PAGE.read_text("utf-8").splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "```python":
            start = number + 1
        elif line == "```" and start is not None:
            found.append((start + 1, "\n".join(lines[start:number])))
            start = None
    return found


class DocsTest(WithStore):
    def test_the_examples_run(self) -> None:
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        Path("query.png").write_bytes(drawn.png("rings", 5))
        names: dict[str, Any] = {}
        run, said = 0, io.StringIO()
        for line, code in blocks():
            missing = [
                name for name in OPTIONAL if f"import {name}" in code and not find_spec(name)
            ]
            if missing:
                continue
            with self.subTest(line=line), contextlib.redirect_stdout(said):
                exec(compile(code, f"{PAGE.name}:{line}", "exec"), names)
                run += 1
        self.assertGreaterEqual(run, 14)
        self.assertIn("12 pictures are new", said.getvalue())
        self.assertTrue(Path("lists.html").stat().st_size > 1000)


if __name__ == "__main__":
    unittest.main()
