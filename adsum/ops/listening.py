"""How many connections a server takes, and whether its port is free. Without tables: the benchmarks' servers listen alike."""

import resource
import socket
from contextlib import closing

from adsum.core.errors import AdsumError

OPEN_AT_ONCE = 6_000
"""Connections a worker takes: every live stream it has seats for, and three times as many besides (ADR 35)."""
OTHER_FILES = 500
"""What a worker has open besides: the database, its own files, uploads."""
BACKLOG = 2_048
"""Connections that may wait to be taken, as in the second after a code was shown to a full lecture hall."""


def room_for_connections() -> int:
    """How many connections a worker can hold, after asking for as many open files as that needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_AT_ONCE + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted - OTHER_FILES, 1)


def free(host: str, port: int) -> None:
    """Raises AdsumError when another process listens there: two servers would share the port and take turns."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            raise AdsumError(
                "port_taken", f"Port {port} of {host} cannot be used ({taken.strerror}). Choose another: --port {port + 1}"
            ) from taken
