"""Asks a server: ``simdex serve``, or whoever has the store open."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Union

from .errors import SimdexError
from .model import Added, Answer, Classification, Comparison, Status
from .pictures import Picture, Sorted, Upload, sort
from .transport import Body, Transport, socket_of
from .vectors import Vectors

#: A part of a picture: x, y, width and height in shares of it.
Box = Sequence[float]
#: The least score of a result: a number from 0 to 1, ``"p90"`` or ``"p99"``.
Threshold = float | str
#: A ranking by its name, or the path of a file that ``simdex train`` has made.
Head = Union[str, "os.PathLike[str]"]


def connect(
    where: str | os.PathLike[str], token: str | None = None, *, timeout: float = 120.0
) -> Client:
    """A client of the server that has a store open.

    ``where`` is the folder of the store, whose socket needs no token, or the server's address,
    such as ``http://127.0.0.1:7878``. An address needs a token: the one that is given, or else
    that in the variable ``SIMDEX_TOKEN``. ``timeout`` is for each wait, in seconds.
    """
    text = os.fspath(where)
    if text.startswith(("http://", "https://")):
        token = token or os.environ.get("SIMDEX_TOKEN")
        if not token:
            raise SimdexError("a server's address needs a token: give it, or set SIMDEX_TOKEN")
        return Client(Transport(text.rstrip("/"), token, timeout))
    return Client(Transport(str(socket_of(Path(text))), token, timeout))


class Client:
    """What a server can be asked. Threads may share it. ``connect`` makes one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        return f"<simdex.Client of {self._transport.place}>"

    def owner(self) -> dict[str, Any]:
        """Which process has the store open, and which store it is."""
        owner: dict[str, Any] = self._transport.json("GET", "/owner")
        return owner

    def status(self) -> Status:
        """Counts what is stored."""
        return Status.of(self._transport.json("GET", "/status"))

    def search(
        self,
        *pictures: Picture,
        unlike: Iterable[Picture] = (),
        limit: int | None = None,
        offset: int | None = None,
        threshold: Threshold | None = None,
        mode: str | None = None,
        head: Head | None = None,
        box: Box | None = None,
        host: str | None = None,
        text: str | None = None,
        min_width: int | None = None,
        min_height: int | None = None,
        since: str | None = None,
        until: str | None = None,
        candidates: int | None = None,
        explain: bool = False,
        all_copies: bool = False,
    ) -> Answer:
        """What is like all of these pictures, and like none of ``unlike``.

        ``limit`` results come, after the first ``offset``;
        ``mode`` is ``same-subject``, ``look-alike`` or ``copy``; ``box`` means a part of the one
        picture wanted; the rest chooses among stored pictures, as ``simdex query`` does it.
        """
        wanted, unwanted = sort(pictures, "positive"), sort(unlike, "negative")
        head_name, files = _head(head)
        asked = {
            "positive": wanted.named,
            "negative": unwanted.named,
            "limit": limit,
            "offset": offset,
            "score_threshold": threshold,
            "mode": mode,
            "head": head_name,
            "box": None if box is None else ",".join(str(share) for share in box),
            "host": host,
            "text": text,
            "min_width": min_width,
            "min_height": min_height,
            "since": since,
            "until": until,
            "candidates": candidates,
            "explain": explain or None,
            "all_copies": all_copies or None,
        }
        uploads = wanted.uploads + unwanted.uploads
        asked["names"] = [upload.name for upload in uploads] or None
        return Answer.of(self._transport.json("POST", "/search", Body.of(asked, uploads + files)))

    def search_each(self, pictures: Iterable[Picture], **options: Any) -> Iterator[Answer]:
        """An answer for each picture, one after another; ``options`` are those of ``search``."""
        for picture in pictures:
            yield self.search(picture, **options)

    def export(self, *pictures: Picture, format: str = "csv", **options: Any) -> str:
        """A ranked list for each of up to 32 pictures, as text: ``csv``, ``json``, ``jsonl``,
        ``html`` or ``trec``.

        ``options`` are fields of the request, such as ``limit`` and ``mode``.
        """
        return self.export_bytes(*pictures, format=format, **options).decode()

    def export_bytes(self, *pictures: Picture, format: str, **options: Any) -> bytes:
        """The same in every format, also ``parquet``, ``xlsx`` and ``png``."""
        wanted = sort(pictures, "image")
        asked = {**options, "positive": wanted.named, "format": format, "names": _names(wanted)}
        body = Body.of(asked, wanted.uploads)
        return self._transport.data("POST", "/export", body)

    def compare(
        self, a: Picture, b: Picture, *, mode: str | None = None, head: Head | None = None
    ) -> Comparison:
        """Two pictures."""
        head_name, files = _head(head)
        asked: dict[str, Any] = {"mode": mode, "head": head_name}
        uploads: list[Upload] = []
        for side, picture in (("a", a), ("b", b)):
            found = sort([picture], side)
            uploads += found.uploads
            if found.named:
                asked[side] = found.named[0]
        asked["names"] = [upload.name for upload in uploads] or None
        return Comparison.of(
            self._transport.json("POST", "/compare", Body.of(asked, uploads + files))
        )

    def classify(self, *pictures: Picture, neighbours: int | None = None) -> list[Classification]:
        """Of which class pictures are, by those that stored pictures were labelled with."""
        wanted = sort(pictures, "image")
        asked = {"positive": wanted.named, "neighbours": neighbours, "names": _names(wanted)}
        answer = self._transport.json("POST", "/classify", Body.of(asked, wanted.uploads))
        by_name = [Classification.of(one) for one in answer["answers"]]
        # Those that are named by id or URL come first there.
        named, sent = iter(by_name[: len(wanted.named)]), iter(by_name[len(wanted.named) :])
        kept = set(wanted.named)
        return [next(named) if picture in kept else next(sent) for picture in pictures]

    def label(self, picture: str, class_name: str) -> str:
        """Says of which class a stored picture is; the label's id."""
        return self._say({"kind": "class", "picture": picture, "class": class_name})

    def label_pair(self, a: str, b: str, *, same: bool, mode: str = "same-subject") -> str:
        """Says whether two stored pictures are alike in that mode; the label's id."""
        kind = "same" if same else "different"
        return self._say({"kind": kind, "a": a, "b": b, "mode": mode})

    def _say(self, label: dict[str, str]) -> str:
        answer = self._transport.json("POST", "/labels", Body.of({"labels": [label]}))
        return str(answer["labels"][0]["id"])

    def duplicates(self, *, host: str | None = None, head: Head | None = None) -> Iterator[Answer]:
        """The groups of near-copies, as they are found; the first result is the original."""
        head_name, files = _head(head)
        body = Body.of({"host": host, "head": head_name}, files)
        for line in self._transport.lines("POST", "/duplicates", body):
            if "query" not in line:
                return
            yield Answer.of(line)
        raise SimdexError("the list of duplicates has no end: the server has gone")

    def add(self, *pictures: Picture) -> list[Added]:
        """Stores pictures: files and bytes. What each came to is in its place of the list.

        If nothing of them can be stored, that is an error.
        """
        wanted = sort(pictures, "image")
        if wanted.named:
            raise SimdexError(f"only files and bytes can be added, and not {wanted.named[0]}")
        for upload in wanted.uploads:
            upload.name = Path(upload.name).name
        answer = self._transport.json("POST", "/pictures", Body.of({}, wanted.uploads))
        return [Added.of(one) for one in answer["pictures"]]

    def picture(self, id: str) -> dict[str, Any]:
        """Where a stored picture was seen, how large it is, when it was stored."""
        picture: dict[str, Any] = self._transport.json("GET", f"/pictures/{id}")
        return picture

    def thumbnail(self, id: str) -> bytes:
        """A small JPEG of a stored picture."""
        return self._transport.data("GET", f"/pictures/{id}/thumbnail")

    def vectors(self, kind: str = "embedding") -> Vectors:
        """The numbers by which stored pictures are compared.

        ``kind`` is ``embedding`` (1280 numbers) or ``descriptor`` (256, what the index compares).
        """
        ids: list[str] = []
        rows: list[bytes] = []
        for line in self._transport.lines("GET", f"/vectors?kind={kind}"):
            if "id" not in line:
                return Vectors.of_rows(ids, rows, line["unread"])
            ids.append(line["id"])
            rows.append(base64.b64decode(line["values"]))
        raise SimdexError("the list of vectors has no end: the server has gone")


def _names(sent: Sorted) -> list[str] | None:
    return [upload.name for upload in sent.uploads] or None


def _head(head: Head | None) -> tuple[str | None, list[Upload]]:
    """A head's name, and its file where it is one."""
    if head is None or isinstance(head, str):
        return head, []
    path = Path(head)
    return str(path), [Upload("head", path.name, path.read_bytes())]
