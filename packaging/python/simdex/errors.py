"""What can go wrong."""

from __future__ import annotations


class SimdexError(Exception):
    """Whatever simdex could not do."""


class NoServer(SimdexError):
    """Nobody answers: no server runs on the store, or it has gone."""


class Refused(SimdexError):
    """The server said no. ``code`` is a stable name of the reason, ``detail`` says what to do."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class Busy(Refused):
    """Too many others ask. Try again after ``retry_after`` seconds, if it says so."""

    def __init__(self, code: str, detail: str, retry_after: float | None) -> None:
        super().__init__(503, code, detail)
        self.retry_after = retry_after


class ProgramFailed(SimdexError):
    """The command failed. ``returncode`` is its exit code, ``stderr`` what it said."""

    def __init__(self, returncode: int, stderr: str) -> None:
        lines = [line for line in stderr.splitlines() if line.strip()]
        # What was wrong with the command line has hints behind it.
        wrong = [line for line in lines if line.startswith(("error:", "simdex:"))]
        said = (wrong or lines or ["it said nothing"])[-1]
        super().__init__(f"simdex ended with {returncode}: {said}")
        self.returncode = returncode
        self.stderr = stderr
