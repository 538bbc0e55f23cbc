"""Processes that behave as a test needs, and the tables they stand in. Each blocks until SIGTERM, like a real one."""

import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from foundation.clock import pause
from foundation.settings import Settings
from workers import door
from workers.home import ready
from workers.processes import Row, Stage


def steady(settings: Settings, name: str = "steady") -> None:
    """Says that it is ready, and stays."""
    ready(settings, name)
    signal.pause()


def send(settings: Settings) -> None:
    """A second steady one."""
    steady(settings, "send")


def parent(settings: Settings) -> None:
    """Has started a program of its own."""
    with subprocess.Popen(["sleep", "600"]) as started:
        (settings.home / "run" / "started").write_text(str(started.pid))
        steady(settings, "parent")


def awaited(settings: Settings) -> None:
    """Is ready when the test says so."""
    while not (settings.home / "run" / "awaited.may").exists():
        pause(0.05)
    steady(settings, "awaited")


def crashing(_settings: Settings) -> None:
    """Ends at once."""
    sys.exit(1)


def stubborn(settings: Settings) -> None:
    """Has work in hand for a minute and does not let SIGTERM interrupt it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready(settings, "stubborn")
    pause(60)


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


def web(settings: Settings) -> None:
    """Answers on the port of the web."""
    HTTPServer((settings.web.host, settings.web.port), _Fine).serve_forever()


def asked(settings: Settings) -> None:
    """Serves one caller at the door it was handed, then has nothing more to do."""
    caller, _ = door.listening("127.0.0.1", settings.workers.llm_port).accept()
    caller.sendall(b"here")
    caller.close()


STEADY = Row("steady", "tests.stack.fakes:steady", Stage.RELAY)
TABLES = {
    "calm": (
        STEADY,
        Row("send", "tests.stack.fakes:send", Stage.WORKER),
        Row("llm", "tests.stack.fakes:asked", Stage.WORKER, on_demand=True),
        Row("web", "tests.stack.fakes:web", Stage.DOOR, path="/healthz"),
    ),
    "forked": (
        Row("steady", "tests.stack.fakes:steady", Stage.RELAY, forked=True),
        Row("send", "tests.stack.fakes:send", Stage.WORKER, forked=True),
    ),
    "awaited": (Row("awaited", "tests.stack.fakes:awaited", Stage.WORKER),),
    "troubled": (
        STEADY,
        Row("crashing", "tests.stack.fakes:crashing", Stage.WORKER),
        Row("stubborn", "tests.stack.fakes:stubborn", Stage.WORKER, grace_s=50.0),
    ),
}
