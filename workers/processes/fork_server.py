"""The process that has loaded the rooms and forks the others: loading took each three seconds of a
core (ADR 0159).

It has no threads, no connections and no secrets; all it does is to load and to fork. What it forks
is the supervisor's child, not its own: when it dies, nobody else does.
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
"""What is loaded. Not the doors: they load nothing that may reveal a secret, sign or send."""

ASKED_BYTES = 65536


def preload_modules() -> None:
    """Load the rooms. One that cannot be loaded is its own process's error, told in its own log."""
    gc.disable()
    for name in PRELOADED_MODULES:
        try:
            importlib.import_module(name)
        except Exception:  # whatever a module does
            traceback.print_exc()
    gc.freeze()  # pages that the collector never writes to stay shared
    gc.enable()


def serve_fork_requests(line: socket.socket, supervisor: int) -> None:
    """Fork for whoever asks on the line, until its other end is closed. Returns in what was forked,
    too, at its end."""
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
    """Fork twice, so that the process is nobody's but the supervisor's; its id, 0 in it.

    Whoever hears the id may wait for that process: the end of its parent was waited for, and with
    it the change of parents (exit_notify in
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
    """Be what `words` ask `workers.run` for, in a session of its own, until it ends.

    Ends at once where the supervisor is gone, or never heard of this process: it would start
    another one.
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
