"""The prefork server: a process that has loaded the packages and forks the others, since loading
took each of them three seconds of a core (ADR 0159).

It has no threads, connections or secrets and only loads and forks. The forked processes are
children of the supervisor, so they survive the end of the prefork server.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback

from foundation.ops.clock import sleep
from workers import run
from workers.runtime import embedded_servers

PRELOADED_MODULES = (
    "workers.processes.queue_workers",
    "workers.processes.relay",
    "workers.installation.database_setup",
    "demo.agency.lifecycle",
)
"""The preloaded modules. Web processes are not forked, because they must not load code that reveals
secrets, signs or sends."""

ASKED_BYTES = 65536


def preload_modules() -> None:
    """Load the modules. An import error is reported by the process that needs the module."""
    gc.disable()
    for name in PRELOADED_MODULES:
        try:
            importlib.import_module(name)
        except Exception:  # whatever a module does
            traceback.print_exc()
    gc.freeze()  # frozen pages are never written by the collector, so they stay shared
    gc.enable()


def serve_fork_requests(line: socket.socket, supervisor: int) -> None:
    """Fork processes on request until the other end of the socket is closed. Also returns in each
    forked process at its end."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(line, ASKED_BYTES, 3)
        if not asked:
            return
        pid = _fork_twice()
        if pid == 0:
            line.close()
            given = json.loads(asked)
            _run_child(given["words"], given["ending"], descriptors, supervisor)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        line.send(str(pid).encode())


def _fork_twice() -> int:
    """Fork twice, so that the process becomes a child of the supervisor. Return its ID, and 0 in
    the process.

    The supervisor may wait for the process once it has the ID. By then its parent has ended, and
    the kernel has changed its parent (exit_notify in
    https://github.com/torvalds/linux/blob/master/kernel/exit.c).
    """
    reading, writing = os.pipe()
    between = os.fork()
    if between == 0:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            os.write(writing, str(pid).encode())
            os._exit(0)
        os.close(reading)
        os.close(writing)
        while os.getppid() == parent:
            sleep(0.001)
        return 0
    os.close(writing)
    os.waitpid(between, 0)
    with os.fdopen(reading, "rb") as said:
        return int(said.read())


def _run_child(words: list[str], ending: int, descriptors: list[int], supervisor: int) -> None:
    """Run `workers.run` with these arguments in a new session until it ends.

    End at once if the supervisor has ended or did not receive the ID, since it would start another
    process.
    """
    os.setsid()
    embedded_servers.die_with_parent(signal.Signals(ending))
    output, errors, heard = descriptors
    if os.getppid() != supervisor or not os.read(heard, 1):
        os._exit(1)
    for number, descriptor in ((1, output), (2, errors)):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    run.main(words)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as line:
        preload_modules()
        serve_fork_requests(line, os.getppid())
