"""At shutdown the sandbox answers pending long polls instead of closing their connections."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from connectors.conformance.fake_servers import AdjustableClock
from foundation.ops import fault_injection
from sandbox import app as sandbox
from sandbox.api import MAX_POLL_SECONDS, UpdateBell
from tests.conftest import free_port, wait_until
from tests.fakes.sandbox import RunningSandbox
from workers.processes.sandbox_server import SandboxServer


def test_long_poll_is_answered_at_shutdown(tmp_path: Path) -> None:
    bell, port = UpdateBell(), free_port()
    app = sandbox.create_sandbox_app(tmp_path / "sandbox.sqlite", bell=bell)
    server = SandboxServer(fault_injection.fault_server_config(app, "127.0.0.1", port), bell)
    with ThreadPoolExecutor(2) as threads:
        serving = threads.submit(asyncio.run, server.serve())
        wait_until(lambda: server.started)
        network = RunningSandbox(f"http://127.0.0.1:{port}", AdjustableClock())
        name = network.account("qui-attend")
        # the request that created the account is complete
        wait_until(lambda: not server.server_state.tasks)
        waits = threads.submit(network.api, "GET", name, f"updates?wait={MAX_POLL_SECONDS:.0f}")
        wait_until(lambda: bool(server.server_state.tasks))
        server.should_exit = True
        status, told = waits.result(10)
        serving.result(10)
    assert (status, told["updates"]) == (200, [])
