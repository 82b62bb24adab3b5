"""`adsum serve`: the web server."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from importlib import import_module

from django.db import connections
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from adsum.core.errors import AdsumError
from adsum.ops import database
from adsum.ops.listening import BACKLOG, free, room_for_connections
from adsum.ops.processes import die_with
from adsum.ops.retention import erase_again

APPLICATION = "adsum.asgi:application"
KILL_AFTER = 10
"""Seconds a worker has to finish when the server stops. Live streams never finish by themselves."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="how many processes (default: %(default)s)")
    parser.add_argument(
        "--server", choices=("granian", "uvicorn"), default="granian", help="which server (default: %(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="say only what went wrong")
    parser.add_argument("--parent", type=int, help=SUPPRESS)  # stop when that process is gone


def run(args: Namespace) -> int:
    """Serve until told to stop. Raises AdsumError when the database or the port is not ready."""
    die_with(args.parent)
    ready()
    free(args.host, args.port)
    room = room_for_connections()
    if args.server == "uvicorn":
        return _uvicorn(args)
    Granian(
        APPLICATION,
        address=args.host,
        port=args.port,
        interface=Interfaces.ASGI,  # with its lifespan: check-ins that wait are written before a worker ends
        loop=Loops.uvloop,
        workers=args.workers,
        backlog=BACKLOG,
        backpressure=room,  # the server's own counts streams like requests, and 1,024 for all workers together
        workers_kill_timeout=KILL_AFTER,
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels.warning if args.quiet else LogLevels.info,
    ).serve()
    return 0


def _uvicorn(args: Namespace) -> int:
    try:
        uvicorn = import_module("uvicorn")
    except ImportError as missing:
        raise AdsumError("no_uvicorn", "uvicorn is not installed here. Install it with: pip install uvicorn") from missing
    uvicorn.run(
        APPLICATION,
        host=args.host,
        port=args.port,
        workers=args.workers,
        timeout_graceful_shutdown=KILL_AFTER,
        proxy_headers=False,
        server_header=False,
        log_level="warning" if args.quiet else "info",
    )
    return 0


def ready() -> None:
    """Raises AdsumError when the database or the static files are not those of this code, or the database is away."""
    database.require()
    if database.uncollected(newer=False):
        raise AdsumError("not_collected", "The static files are not collected yet. Run: adsum check --fix")
    erase_again()
    connections.close_all()  # the workers are forked from here: none may inherit this one
