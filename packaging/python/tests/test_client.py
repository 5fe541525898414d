"""The client, against a server."""

from __future__ import annotations

import csv
import io
import os
import sys
import unittest

import simdex

from . import drawn
from .common import WithServer


class ClientTest(WithServer):
    def test_a_search_finds_what_is_like_files_bytes_and_stored_pictures(self) -> None:
        by_file = self.client.search(self.path("rings", 0), limit=3, all_copies=True)
        self.assert_motif(by_file, "rings")
        self.assertEqual(by_file[0].score, 1.0)
        self.assertEqual(by_file.query, str(self.path("rings", 0)))
        self.assertEqual([result.rank for result in by_file], [1, 2, 3])
        self.assertTrue(by_file[1].words)
        self.assertTrue(by_file[1].evidence)
        self.assertGreater(by_file.timing_ms["total"], 0)
        by_bytes = self.client.search(drawn.png("meadow", 7), limit=3, all_copies=True)
        self.assert_motif(by_bytes, "meadow")
        by_id = self.client.search(by_file[0].id, limit=3, all_copies=True)
        self.assert_motif(by_id, "rings")
        self.assertEqual(by_id[0].id, by_file[0].id)

    def test_what_is_asked_for_counts(self) -> None:
        rings, checks = self.path("rings", 0), self.path("checks", 0)
        both = self.client.search(rings, checks, limit=12, all_copies=True)
        away = self.client.search(rings, unlike=[checks], limit=12, all_copies=True)
        place = [str(checks)]
        of_both = next(result for result in both if list(result.paths) == place)
        of_away = next(result for result in away if list(result.paths) == place)
        self.assertLess(of_away.score, of_both.score)
        copies = self.client.search(rings, mode="copy", threshold="p90", box=(0, 0, 1, 0.5))
        self.assertTrue(all(result.score > 0.5 for result in copies))
        self.assertEqual(len(self.client.search(rings, min_width=1000)), 0)
        with self.assertRaises(simdex.Refused) as refused:
            self.client.search(rings, mode="guess")
        self.assertEqual((refused.exception.status, refused.exception.code), (400, "bad_request"))

    def test_answers_come_one_after_another_and_as_csv(self) -> None:
        paths = [self.path(motif, 1) for motif in drawn.MOTIFS]
        for answer, motif in zip(self.client.search_each(paths, limit=2), drawn.MOTIFS):
            self.assertEqual(answer[0].paths, (str(self.path(motif, 1)),))
        table = self.client.export(*paths[:2], limit=2, all_copies=True)
        found = list(csv.DictReader(io.StringIO(table)))
        self.assertEqual([row["rank"] for row in found], ["1", "2", "1", "2"])
        sheet = self.client.export_bytes(*paths[:2], format="png", limit=2)
        self.assertEqual(sheet[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(self.client.export(paths[0], format="trec", limit=2).count("\n"), 2)
        first = self.client.search(paths[0], limit=3, all_copies=True)
        later = self.client.search(paths[0], limit=2, offset=1, all_copies=True)
        self.assertEqual([result.id for result in later], [result.id for result in first][1:])
        answers = list(self.client.search_each(paths[:2], limit=2, all_copies=True))
        ours = list(simdex.rows(answers))
        self.assertEqual(list(ours[0]), list(found[0]))
        self.assertEqual([row["id"] for row in ours], [row["id"] for row in found])

    def test_two_pictures_are_compared(self) -> None:
        stored = self.client.search(self.path("rings", 0), limit=1)[0].id
        near = self.client.compare(stored, self.path("rings", 1))
        far = self.client.compare(self.path("rings", 1), drawn.png("meadow", 1))
        self.assertGreater(near.score, far.score)
        self.assertGreater(near.cosine, far.cosine)
        self.assertEqual(len(near.layers), 18)
        self.assertTrue(near.words)
        self.assertIsNotNone(near.base_rate)

    def test_labels_teach_classes(self) -> None:
        for motif in ("rings", "meadow"):
            for number in range(3):
                answer = self.client.search(self.path(motif, number), limit=1, all_copies=True)
                self.assertTrue(self.client.label(answer[0].id, motif))
        stored = self.client.search(self.path("meadow", 1), limit=1, all_copies=True)[0].id
        pictures: list[simdex.Picture] = [self.path("rings", 2), stored, drawn.png("rings", 5)]
        answers = self.client.classify(*pictures)
        self.assertEqual([answer.name for answer in answers], ["rings", "meadow", "rings"])
        self.assertEqual(answers[1].query, stored)
        self.assertGreater(answers[0].classes[0].belief, answers[0].unknown)

    def test_vectors_are_those_that_are_compared(self) -> None:
        for kind, columns in (("embedding", 1280), ("descriptor", 256)):
            vectors = self.client.vectors(kind)
            count = self.client.status().images
            self.assertEqual((len(vectors), len(vectors.values)), (count, count))
            self.assertEqual(vectors.unread, ())
            self.assertTrue(all(len(row) == columns for row in vectors.values))
        vectors = self.client.vectors()
        answer = self.client.search(self.path("rings", 0), limit=5, all_copies=True)
        query = vectors.of(answer[0].id)
        for result in answer:
            cosine = sum(float(a) * float(b) for a, b in zip(query, vectors.of(result.id)))
            self.assertAlmostEqual(cosine, result.cosine, places=3)

    def test_who_has_the_store_open_is_known_by_its_socket_too(self) -> None:
        if os.name != "posix":
            self.skipTest("there are no such sockets here")
        by_socket = simdex.connect(self.folder / "store")
        self.assertEqual(by_socket.owner()["command"], "serve")
        self.assertEqual(by_socket.owner()["store"], self.client.owner()["store"])
        self.assert_motif(by_socket.search(self.path("checks", 1), limit=3), "checks")

    def test_what_is_refused_says_why(self) -> None:
        with self.assertRaises(simdex.Refused) as refused:
            simdex.connect(self.server.url, "not the token").status()
        self.assertEqual(refused.exception.status, 401)
        with self.assertRaises(simdex.Refused) as refused:
            self.client.picture("0" * 64)
        self.assertEqual((refused.exception.status, refused.exception.code), (404, "not_found"))
        with self.assertRaises(simdex.SimdexError):
            self.client.add("https://example.org/a.png")
        with self.assertRaises(simdex.NoServer):
            simdex.connect("http://127.0.0.1:1", "a token of no server").status()
        with self.assertRaises(simdex.NoServer):
            simdex.connect(self.folder / "pictures").status()


class AddingTest(WithServer):
    def test_pictures_are_stored_and_near_copies_are_grouped(self) -> None:
        before = self.client.status().images
        new = drawn.png("stripes", 9)
        name = self.folder / 'Bör "quoted".png'
        name.write_bytes(new)
        added = self.client.add(name, new, b"no picture")
        self.assertEqual(added[0].id, added[1].id)
        self.assertEqual([one.is_new for one in added[:2]], [True, False])
        self.assertIsNone(added[2].id)
        self.assertTrue(added[2].reason)
        self.assertEqual(self.client.status().images, before + 1)
        picture = self.client.picture(added[0].id or "")
        self.assertEqual((picture["width"], picture["bytes"]), (drawn.SIDE, len(new)))
        self.assertTrue(self.client.thumbnail(added[0].id or "").startswith(b"\xff\xd8"))
        for group in self.client.duplicates():
            # The same bytes in two places are a group, too.
            self.assertTrue(len(group) > 1 or len(group[0].paths) > 1)
        with self.assertRaises(simdex.Refused):
            self.client.add(b"no picture")


class FramesTest(WithServer):
    def test_lists_are_tables_where_pandas_is(self) -> None:
        try:
            import pandas
        except ImportError:
            self.skipTest("there is no pandas here")
        paths = [self.path(motif, 0) for motif in drawn.MOTIFS]
        answers = list(self.client.search_each(paths, limit=2, all_copies=True))
        table = simdex.to_pandas(answers)
        self.assertEqual(table.shape, (8, 14))
        self.assertEqual(list(answers[0].to_pandas()["rank"]), [1, 2])
        vectors = self.client.vectors().to_pandas()
        self.assertEqual(vectors.shape, (12, 1280))
        self.assertIsInstance(vectors, pandas.DataFrame)
        self.assertIn(answers[0][0].id, vectors.index)
        self.assertIn("numpy", sys.modules)


if __name__ == "__main__":
    unittest.main()
