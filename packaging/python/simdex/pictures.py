"""How pictures are named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

#: A picture: its bytes; the path of a file; or text, which is the id of a stored picture (64
#: hexadecimal digits), a URL (``http://`` or ``https://``), or else a path.
Picture = Union[bytes, str, "os.PathLike[str]"]

_ID = re.compile(r"[0-9a-f]{64}")
_URL = re.compile(r"https?://", re.IGNORECASE)


def is_id(text: str) -> bool:
    """Whether it is the id of a stored picture."""
    return _ID.fullmatch(text) is not None


def is_url(text: str) -> bool:
    """Whether it is the address of a picture."""
    return _URL.match(text) is not None


@dataclass
class Upload:
    """A file of a form."""

    field: str
    name: str
    data: bytes


@dataclass
class Sorted:
    """Pictures, by the way in which they are sent."""

    named: list[str] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)


def sort(pictures: Iterable[Picture], form_field: str) -> Sorted:
    """Reads those that are files; ids and URLs are sent as they are."""
    found = Sorted()
    for picture in pictures:
        if isinstance(picture, str) and (is_id(picture) or is_url(picture)):
            found.named.append(picture)
        else:
            name, data = read(picture)
            found.uploads.append(Upload(form_field, name, data))
    return found


def read(picture: Picture) -> tuple[str, bytes]:
    """The name and the bytes of a picture that is here."""
    if isinstance(picture, bytes):
        return "picture", picture
    path = Path(picture)
    return str(path), path.read_bytes()
