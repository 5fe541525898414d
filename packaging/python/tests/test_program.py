"""The command, as Python runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

import simdex

from . import drawn
from .common import WithStore


class ProgramTest(WithStore):
    def test_it_is_the_one_that_was_installed(self) -> None:
        found = Path(simdex.find_program())
        self.assertTrue(found.is_file())
        self.assertRegex(self.program.version(), r"^\d+\.\d+\.\d+")
        command = [sys.executable, "-m", "simdex", "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.assertEqual(said.split()[-1], self.program.version())

    def test_it_counts_searches_compares(self) -> None:
        self.assertEqual(self.program.status().images, 12)
        answer = self.program.search(drawn.png("rings", 6), limit=3, all_copies=True)
        self.assert_motif(answer, "rings")
        unlike = self.program.search(
            self.path("rings", 0), unlike=[self.path("checks", 0)], mode="look-alike", limit=2
        )
        self.assertEqual(unlike[0].paths, (str(self.path("rings", 0)),))
        each = self.program.search_each(
            [self.path("meadow", 0), self.path("checks", 0)], limit=1, threshold=0.5, explain=True
        )
        self.assertEqual([answer[0].score for answer in each], [1.0, 1.0])
        self.assertIn("alignment", each[0][0].raw)
        near = self.program.compare(self.path("rings", 0), self.path("rings", 1), mode="copy")
        far = self.program.compare(self.path("rings", 0), self.path("meadow", 1), mode="copy")
        self.assertGreater(near.score, far.score)

    def test_it_classifies_by_folders(self) -> None:
        answers = self.program.classify(
            drawn.png("rings", 8), self.path("checks", 0), labels=self.folder / "pictures"
        )
        self.assertEqual([answer.name for answer in answers], ["rings", "checks"])

    def test_it_lists_near_copies(self) -> None:
        for group in self.program.duplicates():
            self.assertGreater(len(group), 1)

    def test_it_writes_vectors_which_numpy_reads_the_same(self) -> None:
        target = self.folder / "vectors.npy"
        self.program.run("vectors", "--kind", "descriptor", "-o", target)
        vectors = simdex.Vectors.read(target)
        self.assertEqual(len(vectors), 12)
        self.assertEqual(len(set(vectors.ids)), 12)
        norm = sum(float(value) ** 2 for value in vectors.values[0])
        self.assertAlmostEqual(norm, 1.0, places=4)
        again = self.program.vectors("descriptor")
        self.assertEqual(vectors.ids, again.ids)
        self.assertEqual([list(row) for row in vectors.values], [list(row) for row in again.values])
        try:
            import numpy
        except ImportError:
            return
        table = numpy.load(target)
        self.assertEqual((table.shape, table.dtype.name), ((12, 256), "float32"))
        self.assertTrue((table == vectors.values).all())

    def test_what_fails_says_why(self) -> None:
        with self.assertRaises(simdex.ProgramFailed) as failed:
            self.program.search(self.folder / "gone.png")
        self.assertEqual(failed.exception.returncode, 1)
        self.assertIn("gone.png", str(failed.exception))
        with self.assertRaises(simdex.ProgramFailed) as failed:
            self.program.search(self.path("rings", 0), mode="guess")
        self.assertEqual(failed.exception.returncode, 2)
        with self.assertRaises(TypeError):
            self.program.search(self.path("rings", 0), colour="red")

    def test_a_server_begins_answers_and_ends(self) -> None:
        with self.program.serve() as client:
            self.assertEqual(client.status().images, 12)
            # The command asks the server meanwhile.
            self.assertEqual(self.program.status().images, 12)
        with self.assertRaises(simdex.NoServer):
            client.status()
        if os.name == "posix":
            with self.assertRaises(simdex.NoServer):
                simdex.connect(self.folder / "store").status()

    def test_a_server_that_cannot_begin_says_why(self) -> None:
        file = self.folder / "file"
        file.write_bytes(b"no folder")
        with self.assertRaises(simdex.ProgramFailed):
            simdex.Program(file).serve()


if __name__ == "__main__":
    unittest.main()
