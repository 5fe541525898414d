"""A store of drawn pictures, and the program that is tested: the one that was installed."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import ClassVar

import simdex

from . import drawn


class WithStore(unittest.TestCase):
    """Tests that share a store of twelve pictures: four motifs, three variations each."""

    folder: ClassVar[Path]
    program: ClassVar[simdex.Program]

    @classmethod
    def setUpClass(cls) -> None:
        made = tempfile.TemporaryDirectory()
        cls.addClassCleanup(made.cleanup)
        cls.folder = Path(made.name)
        drawn.draw(cls.folder / "pictures")
        cls.program = simdex.Program(cls.folder / "store")
        summary = cls.program.add(cls.folder / "pictures")
        assert summary["images_indexed"] == 12, summary

    def path(self, motif: str, number: int) -> Path:
        """A picture that is stored."""
        return self.folder / "pictures" / motif / f"{number}.png"

    def assert_motif(self, answer: simdex.Answer, motif: str) -> None:
        """The first results are the stored variations of a motif."""
        first = {Path(result.paths[0]).parent.name for result in answer.results[:3]}
        self.assertEqual(first, {motif})


class WithServer(WithStore):
    """The same behind a server."""

    server: ClassVar[simdex.Server]
    client: ClassVar[simdex.Client]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.program.serve()
        cls.addClassCleanup(cls.server.stop)
        cls.client = cls.server.client
