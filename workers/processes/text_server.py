"""The process `llm`: the installation's small text model on loopback as an OpenAI-compatible
server.

The supervisor listens on its port and starts it for the first request; it ends after 15 minutes
without one. It is a separate process because llama.cpp does not survive a fork, and so that its 220
MiB are loaded once. llama.cpp opens another port, so connections are forwarded to it unchanged.
"""

import importlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops import clock
from foundation.ops.settings import Settings, child_environment
from generators.contract.engines import EngineMissing, EngineUnreachable
from generators.engines.text.embedded import CONTEXT, model_file
from workers.runtime import listening_socket

IDLE_SECONDS = 15 * 60.0
READY_SECONDS = 20.0
_HOST = "127.0.0.1"
_LOOK_SECONDS = 1.0
_CODE = Path(__file__).resolve().parents[2]


def run_text_server(settings: Settings, *, idle_seconds: float = IDLE_SECONDS) -> None:
    """Serve the model until there has been no request for `idle_seconds`. Raises EngineMissing
    without a model or llama.cpp."""
    with listening_socket.open_listening_socket(_HOST, settings.workers.llm_port) as front:
        model = start_llama_server(settings)
        behind = urlsplit(str(model.listening_address))
        IdleProxy(front, (_HOST, behind.port or 0), idle_seconds).run()


def _get_model_file(settings: Settings) -> Path:
    file = model_file(settings.generators)
    if file is None:
        raise EngineMissing("engine.no_text_model")
    return file


def start_llama_server(settings: Settings) -> Any:
    """Load the model and start llama.cpp's server on a free port with one slot; requests wait in
    its queue.

    Raises EngineMissing without a model or llama.cpp.
    """
    file = _get_model_file(settings)
    try:
        llama = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise EngineMissing("engine.package_missing", package="xllamacpp") from error
    wanted = llama.CommonParams()
    wanted.model.path = str(file)
    wanted.n_ctx = CONTEXT
    wanted.n_parallel = 1
    wanted.cpuparams.n_threads = 2
    wanted.verbosity = -1  # otherwise it would log the prompts
    try:
        return llama.Server(wanted)
    except RuntimeError as error:
        raise EngineMissing("engine.file_broken", file=file.name) from error


class IdleProxy:
    """Proxy that forwards connections to another port until it has been idle for a while."""

    def __init__(self, front: socket.socket, behind: tuple[str, int], idle_seconds: float) -> None:
        self._front = front
        self._behind = behind
        self._idle = idle_seconds
        self._passed = clock.monotonic()

    def run(self) -> None:
        """Accept connections until idle. Each has two threads, one per direction."""
        self._front.settimeout(_LOOK_SECONDS)
        while clock.monotonic() - self._passed < self._idle:
            with suppress(TimeoutError):
                self._connect_backend(self._front.accept()[0])

    def _connect_backend(self, caller: socket.socket) -> None:
        self._passed = clock.monotonic()
        caller.settimeout(None)  # accepted sockets inherit the listener's timeout on some systems
        try:
            server = socket.create_connection(self._behind, timeout=_LOOK_SECONDS)
        except OSError:
            caller.close()
            return
        server.settimeout(None)
        for source, sink in ((caller, server), (server, caller)):
            threading.Thread(target=self._forward_bytes, args=(source, sink), daemon=True).start()

    def _forward_bytes(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._passed = clock.monotonic()
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def is_model_loaded(url: str) -> bool:
    """Return True if the server at `url` reports a loaded model. Takes at most two seconds."""
    client = HttpClient(max_connections=1)
    try:
        reply = client.send(HttpRequest("GET", url.rstrip("/") + "/health", deadline=2.0))
    finally:
        client.close()
    return isinstance(reply, HttpResponse) and reply.status == 200


def text_server_starter(settings: Settings) -> Callable[[], None]:
    """Return the `start` argument of `text_engine` for a process without a supervisor: it starts
    the model's process."""
    return lambda: ensure_text_server(settings)


def ensure_text_server(settings: Settings) -> None:
    """Start the process if it does not run, and return when it is ready. If two callers start it,
    the second fails to open the port and uses the first.

    Raises EngineUnreachable if it is not ready within 20 seconds, EngineMissing without a model.
    """
    url = settings.generators.llm_url
    _get_model_file(settings)
    if is_model_loaded(url):
        return
    child = _spawn_server(settings)
    until = clock.monotonic() + READY_SECONDS
    while clock.monotonic() < until:
        if is_model_loaded(url):
            return
        child.poll()  # its port may have been taken by a faster one, which is then used
        clock.sleep(0.1)
    raise EngineUnreachable("engine.not_ready", engine="embedded", log=_log_path(settings).name)


def _log_path(settings: Settings) -> Path:
    return settings.home / "logs" / "llm.log"


def _spawn_server(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start the process in a new session. It outlives its caller and ends by itself."""
    log = _log_path(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "workers.run",
                "llm",
                "workers.processes.text_server:run_text_server",
            ],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=child_environment(settings.home, code=_CODE),
            start_new_session=True,
        )
