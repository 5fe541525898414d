"""What needs neither a server nor the program."""

from __future__ import annotations

import json
import struct
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import simdex
from simdex.pictures import Upload, sort
from simdex.transport import Body, socket_of
from simdex.vectors import _plain_table


class PartsTest(unittest.TestCase):
    def setUp(self) -> None:
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name)

    def test_pictures_are_told_apart_by_how_they_are_named(self) -> None:
        file = self.folder / ("a" * 64)
        file.write_bytes(b"bytes of a file")
        url, stored = "HTTPS://example.org/a.png", "0f" * 32
        found = sort([url, file, stored, b"bytes", str(file)], "image")
        self.assertEqual(found.named, [url, stored])
        names = [str(file), "picture", str(file)]
        self.assertEqual([upload.name for upload in found.uploads], names)
        self.assertEqual(found.uploads[1], Upload("image", "picture", b"bytes"))
        with self.assertRaises(FileNotFoundError):
            sort(["gone.png"], "image")

    def test_a_body_is_json_or_a_form(self) -> None:
        plain = Body.of({"limit": 3, "mode": None})
        self.assertEqual(plain.kind, "application/json")
        self.assertEqual(json.loads(plain.data or b""), {"limit": 3})
        upload = Upload("image", 'a "b"\r\n.png', b"\r\n--bytes")
        form = Body.of({"limit": 3}, [upload])
        boundary = (form.kind or "").split("boundary=")[1].encode()
        parts = (form.data or b"").split(b"--" + boundary)
        self.assertEqual(len(parts), 4)
        self.assertTrue(parts[1].endswith(b'\r\n\r\n{"limit": 3}\r\n'))
        self.assertIn(b'name="image"; filename="a %22b%22%0D%0A.png"', parts[2])
        self.assertTrue(parts[2].endswith(b"\r\n\r\n\r\n--bytes\r\n"))
        self.assertEqual(parts[3], b"--\r\n")

    def test_a_socket_that_has_moved_is_found_by_the_lock(self) -> None:
        self.assertEqual(socket_of(self.folder), self.folder / "socket")
        (self.folder / "lock").write_text("4711\n")
        self.assertEqual(socket_of(self.folder), self.folder / "socket")
        (self.folder / "lock").write_text("4711\nsocket /run/user/1/x.socket\n")
        self.assertEqual(socket_of(self.folder), Path("/run/user/1/x.socket"))

    def test_rows_are_the_same_with_and_without_numpy(self) -> None:
        data = [struct.pack("<2f", 0.5, -2.0), struct.pack("<2f", 8.0, 0.25)]
        plain = _plain_table(b"".join(data), 2, 2)
        self.assertEqual([list(row) for row in plain], [[0.5, -2.0], [8.0, 0.25]])
        vectors = simdex.Vectors.of_rows(["a", "b"], data, ["c"])
        self.assertEqual([list(row) for row in vectors.values], [[0.5, -2.0], [8.0, 0.25]])
        self.assertEqual(list(vectors.of("b")), [8.0, 0.25])
        self.assertEqual(vectors.unread, ("c",))
        self.assertEqual(len(simdex.Vectors.of_rows([], [], [])), 0)

    def test_a_file_that_is_not_what_it_should_be_is_refused(self) -> None:
        path = self.folder / "a.npy"
        head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n"
        start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head
        row = struct.pack("<2f", 1.0, 2.0)
        path.write_bytes(start + row)
        self.assertEqual(list(simdex.read_npy(path)[0]), [1.0, 2.0])
        (self.folder / "a.ids.txt").write_text("one\n")
        self.assertEqual(simdex.Vectors.read(path).ids, ("one",))
        (self.folder / "a.ids.txt").write_text("one\ntwo\n")
        with self.assertRaises(simdex.SimdexError):
            simdex.Vectors.read(path)
        for wrong in (b"PK", start + row[:4], start.replace(b"<f4", b"<f8") + row):
            path.write_bytes(wrong)
            with self.assertRaises(simdex.SimdexError):
                simdex.read_npy(path)

    def test_an_address_needs_a_token(self) -> None:
        with unittest.mock.patch.dict("os.environ", clear=True):
            with self.assertRaises(simdex.SimdexError):
                simdex.connect("http://127.0.0.1:7878")
            client = simdex.connect("http://127.0.0.1:7878/", "token of sixteen")
        self.assertEqual(repr(client), "<simdex.Client of http://127.0.0.1:7878>")

    def test_what_a_command_said_last_is_the_message(self) -> None:
        failed = simdex.ProgramFailed(1, "a note\nsimdex: it is so\n\n")
        self.assertEqual(str(failed), "simdex ended with 1: simdex: it is so")
        usage = simdex.ProgramFailed(2, "error: no such flag\n\nFor more, try '--help'.\n")
        self.assertEqual(str(usage), "simdex ended with 2: error: no such flag")
        self.assertEqual(str(simdex.ProgramFailed(2, "")), "simdex ended with 2: it said nothing")


if __name__ == "__main__":
    unittest.main()
