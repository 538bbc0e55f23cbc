"""Fake processes and their process tables. Each process runs until SIGTERM, like a real one."""

import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from foundation.ops.clock import sleep
from foundation.ops.settings import Settings
from workers.installation.folder import announce_ready
from workers.runtime import listening_socket
from workers.runtime.process_table import PROCESS_TABLE, ProcessDefinition, StopStage


def steady(settings: Settings, name: str = "steady") -> None:
    """Report readiness and continue."""
    announce_ready(settings, name)
    signal.pause()


def send(settings: Settings) -> None:
    """Run a second steady process."""
    steady(settings, "send")


def parent(settings: Settings) -> None:
    """Start a program as a child, then report readiness."""
    with subprocess.Popen(["sleep", "600"]) as started:
        (settings.home / "run" / "started").write_text(str(started.pid))
        steady(settings, "parent")


def awaited(settings: Settings) -> None:
    """Report readiness when the test permits it."""
    while not (settings.home / "run" / "awaited.may").exists():
        sleep(0.05)
    steady(settings, "awaited")


def crashing(_settings: Settings) -> None:
    """End at once."""
    sys.exit(1)


def stubborn(settings: Settings) -> None:
    """Ignore SIGTERM for a minute, as a process with unfinished work."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    announce_ready(settings, "stubborn")
    sleep(60)


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


def web(settings: Settings) -> None:
    """Respond on the web port."""
    HTTPServer((settings.web.host, settings.web.port), _Fine).serve_forever()


def asked(settings: Settings) -> None:
    """Serve one connection of the inherited socket, then end."""
    caller, _ = listening_socket.open_listening_socket(
        "127.0.0.1", settings.workers.llm_port
    ).accept()
    caller.sendall(b"here")
    caller.close()


STEADY = ProcessDefinition("steady", "tests.stack.fakes:steady", StopStage.RELAY)
TABLES = {
    "production": PROCESS_TABLE,
    "calm": (
        STEADY,
        ProcessDefinition("send", "tests.stack.fakes:send", StopStage.WORKER),
        ProcessDefinition("llm", "tests.stack.fakes:asked", StopStage.WORKER, on_demand=True),
        ProcessDefinition("web", "tests.stack.fakes:web", StopStage.DOOR, path="/healthz"),
    ),
    "forked": (
        ProcessDefinition("steady", "tests.stack.fakes:steady", StopStage.RELAY, is_forked=True),
        ProcessDefinition("send", "tests.stack.fakes:send", StopStage.WORKER, is_forked=True),
    ),
    "awaited": (ProcessDefinition("awaited", "tests.stack.fakes:awaited", StopStage.WORKER),),
    "troubled": (
        STEADY,
        ProcessDefinition("crashing", "tests.stack.fakes:crashing", StopStage.WORKER),
        ProcessDefinition("stubborn", "tests.stack.fakes:stubborn", StopStage.WORKER, grace_s=50.0),
    ),
}
