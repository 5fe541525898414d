"""Finds the pictures that look alike: a client of simdex.

``connect`` asks a server, which is quickest; ``Program`` runs the command. Both answer with the
same types. Nothing but Python is needed; NumPy and pandas are used where they are.
"""

from .client import Client, connect
from .errors import Busy, NoServer, ProgramFailed, Refused, SimdexError
from .model import (
    Added,
    Answer,
    Belief,
    Classification,
    Comparison,
    Copy,
    Page,
    Result,
    Status,
    rows,
    to_pandas,
)
from .pictures import Picture
from .program import Program, Server, find_program
from .vectors import Vectors, read_npy

__all__ = [
    "Added",
    "Answer",
    "Belief",
    "Busy",
    "Classification",
    "Client",
    "Comparison",
    "Copy",
    "NoServer",
    "Page",
    "Picture",
    "Program",
    "ProgramFailed",
    "Refused",
    "Result",
    "Server",
    "SimdexError",
    "Status",
    "Vectors",
    "connect",
    "find_program",
    "read_npy",
    "rows",
    "to_pandas",
]
