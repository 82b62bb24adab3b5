"""A small IMAP server on loopback, with one mailbox: as much of RFC 3501 as reading a mailbox takes."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Mailbox:
    """Mails by number, each with its flags."""

    password: str = "open sesame"
    mails: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    port: int = 0

    def add(self, mail: bytes) -> None:
        self.mails[len(self.mails) + 1] = mail


@contextmanager
def imap_server() -> Iterator[Mailbox]:
    box = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self) -> None:
            self.say("* OK IMAP4rev1 ready")
            for line in self.rfile:
                tag, verb, *rest = line.decode().split()
                if self.answer(tag, verb.upper(), rest):
                    return

        def answer(self, tag: str, verb: str, rest: list[str]) -> bool:
            match verb, rest:
                case "CAPABILITY", _:
                    self.say("* CAPABILITY IMAP4rev1")
                case "LOGIN", [_user, *words] if " ".join(words).strip('"') != box.password:
                    self.say(f"{tag} NO wrong password")
                    return False
                case "SELECT", _:
                    self.say(f"* {len(box.mails)} EXISTS")
                case "UID", ["SEARCH", *_]:
                    new = (str(n) for n in box.mails if not box.flags.get(n))
                    self.say(" ".join(["* SEARCH", *new]))
                case "UID", ["FETCH", number, *_]:
                    mail = box.mails[int(number)]
                    self.wfile.write(f"* {number} FETCH (UID {number} BODY[] {{{len(mail)}}}\r\n".encode() + mail + b")\r\n")
                case "UID", ["STORE", number, _sign, flag]:
                    box.flags.setdefault(int(number), set()).add(flag.strip("()"))
                case _:
                    pass
            self.say(f"{tag} OK done")
            return verb == "LOGOUT"

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Session) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
