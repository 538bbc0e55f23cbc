"""A mail server that stores the mail it receives and fails on request. It handles each conversation
in a thread."""

import socketserver
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

GREETING = b"220 mail.example ESMTP\r\n"


@dataclass
class MailServer:
    """The mail server's state: received mail and `faults`, one for each conversation, oldest first.

    `lose`: receive the mail, then close the connection without a reply. `hang`: receive it, then
    stop responding. `drip`: send the greeting byte by byte without end. `hang_up`: close before the
    greeting. `busy`, `unknown`, `sender`: reply with 451, 550 or 553.
    """

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    faults: deque[str] = field(default_factory=deque)
    conversations: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def next_fault(self) -> str:
        """Return the fault of the next conversation, or ""."""
        with self.lock:
            self.conversations += 1
            return self.faults.popleft() if self.faults else ""

    def to(self, address: str) -> list[EmailMessage]:
        """Return the mail received for an address."""
        return [one for one in self.taken if one["To"] == address]


class _Conversation(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        """Handle one conversation, with the part of RFC 5321 that one mail requires."""
        house = self.server.house
        fault = house.next_fault()
        if fault == "hang_up":
            return
        if fault == "drip":
            self._drip()
            return
        self._say(GREETING)
        replies = {"MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n"}
        replies |= {"sender": {"MAIL": b"553 no such sender\r\n"}}.get(fault, {})
        replies |= {"busy": {"RCPT": b"451 later\r\n"}, "unknown": {"RCPT": b"550 nobody\r\n"}}.get(
            fault, {}
        )
        for line in self.rfile:
            verb = line[:4].decode("ascii", "replace").upper()
            if verb == "EHLO":
                self._say(b"250 mail.example\r\n")
            elif verb == "DATA":
                if not self._take(fault):
                    return
            elif verb == "QUIT":
                self._say(b"221 bye\r\n")
                return
            else:
                self._say(replies.get(verb, b"502 what\r\n"))

    def _take(self, fault: str) -> bool:
        house = self.server.house
        self._say(b"354 go on\r\n")
        body = b""
        for line in self.rfile:
            if line == b".\r\n":
                break
            body += line[1:] if line.startswith(b".") else line
        with house.lock:
            # typeshed
            # typeshed does not accept the policy's message class here.
            house.taken.append(message_from_bytes(body, policy=policy.default))  # type: ignore[arg-type]  # see above
        if fault == "lose":
            return False
        if fault == "hang":
            house.over.wait(30)
            return False
        self._say(b"250 taken\r\n")
        return True

    def _drip(self) -> None:
        while not self.server.house.over.is_set():
            try:
                self._say(b"2")
            except OSError:
                return
            self.server.house.over.wait(0.02)

    def _say(self, what: bytes) -> None:
        self.wfile.write(what)
        self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, house: MailServer) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.house = house

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors of clients that disconnect."""


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server on this machine."""
    house = MailServer()
    with _Server(house) as server:
        house.port = server.server_address[1]
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        try:
            yield house
        finally:
            house.over.set()
            server.shutdown()
            thread.join(5)
