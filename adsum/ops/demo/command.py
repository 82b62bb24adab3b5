"""`adsum demo`: everything one needs to try Adsum, in one command.

The settings are read only when this module has decided them; what needs them is in `tree.py`.
"""

import os
import socket
from argparse import ArgumentParser, Namespace
from importlib import import_module

from adsum.ops.cli import complain, set_up
from adsum.ops.demo import EVERYWHERE


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default=EVERYWHERE, help="the address to listen on (default: %(default)s, all of them)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: %(default)s)")
    parser.add_argument("--anywhere", action="store_true", help="let people in from any address, not from this network alone")
    parser.add_argument("--reset", action="store_true", help="delete the demo university made here before, and begin again")


def run(args: Namespace) -> int:
    """Decide the settings, then start the demo; returns its exit code."""
    decide_settings(args.host, args.port, anywhere=args.anywhere)
    if trouble := set_up():
        return complain(trouble)
    return int(import_module("adsum.ops.demo.tree").run(host=args.host, port=args.port, reset=args.reset))


def decide_settings(host: str, port: int, *, anywhere: bool = False) -> None:
    """Set the demo's default settings, where none are given. A phone must reach the address in the code."""
    os.environ["ADSUM_DEMO"] = "1"
    if anywhere:
        os.environ["ADSUM_DEMO_ANYWHERE"] = "1"
    os.environ.setdefault("ADSUM_DATABASE_URL", "")  # an empty one outweighs a .env file made for real use
    named = lan_address() if host == EVERYWHERE else host
    os.environ.setdefault("ADSUM_ORIGIN", f"http://{named or 'localhost'}:{port}")
    os.environ.setdefault("ADSUM_HOSTS", f"localhost,127.0.0.1,{socket.gethostname()},{socket.gethostname()}.local")


def lan_address() -> str | None:
    """This machine's address on its network, as a phone beside it would use it; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737): nothing is sent, only a route is looked up
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address
