"""A machine that only adds workers to an installation: `greenroom up --workers`."""

import subprocess
import sys
from pathlib import Path

from foundation.ops.settings import public_environment


def start(home: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**public_environment(), "GREENROOM_HOME": str(home), "LC_ALL": "C", **settings}
    return subprocess.run(
        [sys.executable, "-m", "workers.cli.main", "up", "--workers", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_machine_without_shared_services_is_refused_and_creates_nothing(tmp_path: Path) -> None:
    """Keys of its own would make every stored secret unreadable for it."""
    home = tmp_path / "home"
    refused = start(home, GREENROOM_REDIS__URL="redis://127.0.0.1:9/0")
    assert refused.returncode != 0
    for name in ("DATABASE__WORK_URL", "TENANTS__MASTER_KEY", "GATE__SIGNING_KEY", "STORAGE__URL"):
        assert f"GREENROOM_{name}" in refused.stderr
    assert "GREENROOM_REDIS__URL" not in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list(home.glob("*.env"))


def test_workers_run_in_the_foreground_only(tmp_path: Path) -> None:
    refused = start(tmp_path / "home", "--detach")
    assert refused.returncode != 0
    assert "--detach" in refused.stderr
