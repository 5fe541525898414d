"""Runs the command, which the package brings with it."""

from __future__ import annotations

import atexit
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Union

from .client import Client, Head, Threshold, connect
from .errors import ProgramFailed, SimdexError
from .model import Answer, Classification, Comparison, Status
from .pictures import Picture
from .vectors import Vectors

#: Done, and done but for some inputs.
_DONE = (0, 3)
_LINK = re.compile(r"(http://\S+)/login\?secret=")
Paths = Union[str, "os.PathLike[str]"]


def find_program() -> str:
    """The program: where this package was installed, else in ``PATH``."""
    name = "simdex.exe" if os.name == "nt" else "simdex"
    package = Path(__file__).resolve().parent
    folders = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", f"{os.name}_user"),
        # Of `pip install --target`.
        str(package.parent / "bin"),
        str(Path(sys.executable).parent),
    ]
    for folder in folders:
        path = Path(folder) / name
        if path.is_file():
            return str(path)
    found = shutil.which("simdex")
    if found is None:
        raise SimdexError("there is no program simdex here: install it with pip, or put it in PATH")
    return found


class Program:
    """The command, with a store. While a server has the store open, it answers for the command."""

    def __init__(
        self,
        data_dir: Paths | None = None,
        *,
        config: Paths | None = None,
        program: Paths | None = None,
    ) -> None:
        self.program = find_program() if program is None else os.fspath(program)
        self._flags: list[str] = ["--quiet"]
        for flag, value in (("--data-dir", data_dir), ("--config", config)):
            if value is not None:
                self._flags += [flag, os.fspath(value)]

    def run(self, *args: Paths) -> str:
        """Runs a command and gives what it prints. An exit code but 0 and 3 is an error."""
        command = [self.program, *self._flags, *(os.fspath(arg) for arg in args)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        if done.returncode not in _DONE:
            raise ProgramFailed(done.returncode, done.stderr)
        return done.stdout

    def json(self, *args: Paths) -> Any:
        """The same for a command that prints one line of JSON."""
        return json.loads(self.run(*args, "--format", "json"))

    def version(self) -> str:
        """The program's version."""
        return self.run("--version").split()[-1]

    def status(self) -> Status:
        """Counts what is stored."""
        return Status.of(self.json("status"))

    def add(self, *paths: Paths, exclude: Iterable[str] = ()) -> dict[str, Any]:
        """Stores files and folders, and follows what became of them; the command's summary."""
        flags = _several("--exclude", exclude)
        summary: dict[str, Any] = self.json("add", *flags, *paths)
        return summary

    def crawl(self, *urls: str, max_images: int | None = None) -> dict[str, Any]:
        """Crawls pages, or goes on with the last crawl; the command's summary."""
        summary: dict[str, Any] = self.json("crawl", *_flag("--max-images", max_images), *urls)
        return summary

    def search(self, *pictures: Picture, unlike: Iterable[Picture] = (), **options: Any) -> Answer:
        """What is like all of these pictures, and like none of ``unlike``: files, bytes, URLs.

        ``options`` are those of ``search_each``.
        """
        with _Files() as files:
            away = _several("--not", files.paths(unlike))
            args = ["--together", *away] if away or len(pictures) > 1 else []
            lines = self._query(files.paths(pictures), args, **options)
            return Answer.of(json.loads(lines))

    def search_each(self, pictures: Iterable[Picture], **options: Any) -> list[Answer]:
        """An answer for each picture that can be used: ``limit``, ``threshold``, ``mode``,
        ``head``, ``box``, ``host``, ``text``, ``min_width``, ``min_height``, ``since``, ``until``,
        ``candidates``, ``explain`` and ``all_copies`` are as in ``Client.search``.
        """
        with _Files() as files:
            lines = self._query(files.paths(pictures), [], **options)
            return [Answer.of(json.loads(line)) for line in lines.splitlines()]

    def _query(
        self,
        pictures: Sequence[str],
        args: Sequence[str],
        *,
        limit: int | None = None,
        threshold: Threshold | None = None,
        mode: str | None = None,
        head: Head | None = None,
        box: Sequence[float] | None = None,
        explain: bool = False,
        all_copies: bool = False,
        **filters: Any,
    ) -> str:
        known = ("host", "text", "min_width", "min_height", "since", "until", "candidates")
        unknown = [name for name in filters if name not in known]
        if unknown:
            raise TypeError(f"a search has no {unknown[0]!r}")
        flags = [
            *_flag("-k", limit),
            *_flag("--min-score", threshold),
            *_flag("--mode", mode),
            *_flag("--head", head),
            *_flag("--box", None if box is None else ",".join(str(share) for share in box)),
            *(["--explain"] if explain else []),
            *(["--all-copies"] if all_copies else []),
        ]
        for name, value in filters.items():
            flags += _flag("--" + name.replace("_", "-"), value)
        return self.run("query", *flags, *args, "--format", "json", "--", *pictures)

    def compare(
        self, a: Picture, b: Picture, *, mode: str | None = None, head: Head | None = None
    ) -> Comparison:
        """Two pictures."""
        with _Files() as files:
            flags = [*_flag("--mode", mode), *_flag("--head", head)]
            return Comparison.of(self.json("compare", *flags, *files.paths([a, b])))

    def classify(self, *pictures: Picture, labels: Paths) -> list[Classification]:
        """Of which class pictures are; ``labels`` has a folder of pictures a class."""
        with _Files() as files:
            args = ("--labels", labels, "--format", "json")
            lines = self.run("classify", *files.paths(pictures), *args)
            return [Classification.of(json.loads(line)) for line in lines.splitlines()]

    def duplicates(self, *, host: str | None = None) -> list[Answer]:
        """The groups of near-copies; the first result of each is its original."""
        lines = self.run("duplicates", *_flag("--host", host), "--format", "jsonl")
        return [Answer.of(json.loads(line)) for line in lines.splitlines()]

    def vectors(self, kind: str = "embedding") -> Vectors:
        """The numbers by which stored pictures are compared: ``embedding`` or ``descriptor``."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vectors.npy"
            self.run("vectors", "--kind", kind, "-o", path)
            return Vectors.read(path)

    def serve(self) -> Server:
        """Starts a server on a free port of this machine; with ``with`` it ends again."""
        return Server([self.program, *self._flags, "serve", "--listen", "127.0.0.1:0"])


class Server:
    """A server that was started here."""

    def __init__(self, command: Sequence[str]) -> None:
        token = secrets.token_urlsafe(32)
        environment = {**os.environ, "SIMDEX_TOKEN": token}
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        said = self._process.stderr
        assert said is not None
        lines: list[str] = []
        for line in said:
            lines.append(line)
            link = _LINK.search(line)
            if link:
                break
        else:
            said.close()
            raise ProgramFailed(self._process.wait(), "".join(lines))
        #: Where it listens, and what lets others in there.
        self.url, self.token = link.group(1), token
        #: What asks it.
        self.client: Client = connect(self.url, token)
        # What else it says must not fill the pipe.
        self._reader = threading.Thread(target=lambda: [None for _ in said], daemon=True)
        self._reader.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Has it answer what it was asked, and end."""
        if self._process.poll() is None:
            ask = signal.SIGTERM if os.name == "nt" else signal.SIGINT
            self._process.send_signal(ask)
        self._process.wait()
        atexit.unregister(self.stop)
        self._reader.join()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def __enter__(self) -> Client:
        return self.client

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Files:
    """Pictures as arguments: those that are bytes are files for as long as it takes."""

    def __enter__(self) -> _Files:
        self._folder = tempfile.TemporaryDirectory()
        self._count = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def paths(self, pictures: Iterable[Picture]) -> list[str]:
        return [self._path(picture) for picture in pictures]

    def _path(self, picture: Picture) -> str:
        if not isinstance(picture, bytes):
            return os.fspath(picture)
        self._count += 1
        path = Path(self._folder.name) / f"picture-{self._count}"
        path.write_bytes(picture)
        return str(path)


def _flag(name: str, value: Any) -> list[str]:
    return [] if value is None else [name, os.fspath(value) if _is_path(value) else str(value)]


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _several(name: str, values: Iterable[str]) -> list[str]:
    return [argument for value in values for argument in (name, value)]
