"""A SIGKILL during a burst loses no acknowledged post, and faults survive it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from connectors.conformance.fake_servers import AdjustableClock
from foundation.http.http_client import HttpResponse
from tests.conftest import free_port, wait_until
from tests.fakes.sandbox import RunningSandbox


def start(folder: Path, port: int) -> tuple[subprocess.Popen[bytes], RunningSandbox]:
    environment = {
        **os.environ,
        "GREENROOM_HOME": str(folder),
        "GREENROOM_SANDBOX__PORT": str(port),
    }
    program = (
        "from foundation.ops import settings; from workers.processes.sandbox_server import "
        "run_sandbox; run_sandbox(settings.load_settings())"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    sandbox = RunningSandbox(f"http://127.0.0.1:{port}", AdjustableClock())
    wait_until(lambda: isinstance(sandbox.call("GET", "/healthz"), HttpResponse))
    return process, sandbox


def test_acknowledged_posts_survive_a_kill(tmp_path: Path) -> None:
    port = free_port()
    process, sandbox = start(tmp_path, port)
    account = sandbox.account("killed+key")
    answered = [
        sandbox.api("POST", account, "posts", {"key": str(n), "text": f"post {n}"})[1]["id"]
        for n in range(20)
    ]
    sandbox.fault("status:503", account=account, on="posts", times=1)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process, restarted = start(tmp_path, port)
    try:
        restarted.tokens = sandbox.tokens
        assert [post["id"] for post in restarted.truth(account)["posts"]] == answered
        assert restarted.api("POST", account, "posts", {"key": "0", "text": "post 0"})[0] == 503
        assert (
            restarted.api("POST", account, "posts", {"key": "0", "text": "post 0"})[1]["id"]
            == answered[0]
        )
    finally:
        process.terminate()
        process.wait(60)
