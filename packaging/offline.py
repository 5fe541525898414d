#!/usr/bin/env python3
"""Runs a command without any network but loopback: packaging/offline.py COMMAND ARGUMENT..."""

import fcntl
import os
import socket
import struct
import sys

# Numbers of Linux: read and set the flags of an interface; it is up.
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
INSIDE = "--inside"


def loopback_up() -> None:
    """A new network has a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, name))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def main() -> None:
    command = sys.argv[1:]
    if command[:1] == [INSIDE]:
        loopback_up()
        os.execvp(command[1], command[1:])
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    me = [sys.executable, os.path.abspath(__file__), INSIDE]
    os.execvp(unshare[0], [*unshare, *me, *command])


if __name__ == "__main__":
    main()
