"""How requests are sent: over TCP with a token, or over the socket of a store."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import Busy, NoServer, Refused
from .pictures import Upload

_BASE = "/api/v1"


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a socket of this machine."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("simdex", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Transport:
    """Sends a request, each over a connection of its own, so threads may share it."""

    def __init__(self, place: str, token: str | None, timeout: float) -> None:
        self.place = place
        self._token = token
        self._timeout = timeout

    def _connection(self) -> http.client.HTTPConnection:
        if not self.place.startswith(("http://", "https://")):
            return _SocketConnection(self.place, self._timeout)
        url = urlsplit(self.place)
        if url.scheme == "https":
            return http.client.HTTPSConnection(url.netloc, timeout=self._timeout)
        return http.client.HTTPConnection(url.netloc, timeout=self._timeout)

    def _open(
        self, method: str, path: str, body: bytes | None, kind: str | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        headers: dict[str, str] = {}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if kind is not None:
            headers["Content-Type"] = kind
        connection = self._connection()
        try:
            connection.request(method, _BASE + path, body, headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise _refusal(response)
        except (ConnectionError, FileNotFoundError, http.client.BadStatusLine) as error:
            connection.close()
            raise NoServer(f"nobody answers at {self.place}: {error}") from error
        except BaseException:
            connection.close()
            raise
        return connection, response

    def data(self, method: str, path: str, body: Body | None = None) -> bytes:
        """The bytes of an answer."""
        body = body or Body(None, None)
        connection, response = self._open(method, path, body.data, body.kind)
        try:
            return response.read()
        finally:
            connection.close()

    def json(self, method: str, path: str, body: Body | None = None) -> Any:
        """An answer that is JSON."""
        return json.loads(self.data(method, path, body))

    def lines(self, method: str, path: str, body: Body | None = None) -> Iterator[Any]:
        """An answer that is a line of JSON a piece, as they come."""
        body = body or Body(None, None)
        connection, response = self._open(method, path, body.data, body.kind)
        try:
            for line in response:
                yield json.loads(line)
        finally:
            connection.close()


def _refusal(response: http.client.HTTPResponse) -> Refused:
    text = response.read()
    try:
        problem = json.loads(text)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "unknown", f"the answer is {response.status} {response.reason}"
    if response.status != 503:
        return Refused(response.status, code, detail)
    after = response.getheader("Retry-After", "")
    return Busy(code, detail, float(after) if after.isdigit() else None)


class Body:
    """A request's body."""

    def __init__(self, data: bytes | None, kind: str | None) -> None:
        self.data = data
        self.kind = kind

    @classmethod
    def of(cls, asked: Mapping[str, Any], uploads: Iterable[Upload] = ()) -> Body:
        """JSON, or a form where there are files. What is None is left out."""
        asked = {key: value for key, value in asked.items() if value is not None}
        uploads = list(uploads)
        if not uploads:
            return cls(json.dumps(asked).encode(), "application/json")
        # No file has it: it is as random as a key.
        boundary = f"simdex-{secrets.token_hex(16)}"
        pieces: list[bytes] = []

        def add(head: str, data: bytes) -> None:
            pieces.append(
                f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
            )
            pieces.extend((data, b"\r\n"))

        if asked:
            add('name="request"', json.dumps(asked).encode())
        for upload in uploads:
            add(f'name="{upload.field}"; filename="{_quoted(upload.name)}"', upload.data)
        pieces.append(f"--{boundary}--\r\n".encode())
        return cls(b"".join(pieces), f"multipart/form-data; boundary={boundary}")


def _quoted(name: str) -> str:
    """A file's name, which may be anything, as forms write one."""
    for character, code in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
        name = name.replace(character, code)
    return name


def socket_of(store: Path) -> Path:
    """The socket of the server that has a store open. A long path moves it; the lock says where."""
    try:
        lines = (store / "lock").read_text().splitlines()[1:]
    except OSError:
        lines = []
    moved = [line[len("socket ") :] for line in lines if line.startswith("socket ")]
    return Path(moved[0]) if moved else store / "socket"
