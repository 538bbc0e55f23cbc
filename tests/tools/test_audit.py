"""`make audit` against an index that speaks PyPI's JSON API."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.conformance.fake_servers import serve_app
from foundation.ops.clock import wall_now
from tests.architecture.tree import ROOT
from tools import audit

OLD = {"redis": 200, "httpx": 181, "jinja2": 179}
"""Ages in days; all other packages are new."""


def vulnerability(**more: Any) -> dict[str, Any]:
    return {"id": "GHSA-1", "aliases": ["CVE-2026-1"], "fixed_in": ["99.0"], **more}


@contextmanager
def index(vulnerabilities: dict[str, list[dict[str, Any]]], missing: str = "") -> Iterator[str]:
    def release(request: Request) -> Response:
        name = request.path_params["name"]
        if name == missing:
            return JSONResponse({"message": "Not Found"}, 404)
        uploaded = wall_now() - timedelta(days=OLD.get(name, 1), hours=1)
        file = {"upload_time_iso_8601": uploaded.isoformat().replace("+00:00", "Z")}
        return JSONResponse({"urls": [file], "vulnerabilities": vulnerabilities.get(name, [])})

    with serve_app(Starlette(routes=[Route("/{name}/{version}/json", release)])) as url:
        yield url


def run_audit(url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tools.audit"],
        cwd=ROOT,
        env={"PYPI_JSON_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_old_packages_are_listed_and_do_not_fail() -> None:
    with index({}) as url:
        done = run_audit(url)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines[:-1]] == ["redis", "httpx"]
    assert lines[-1].startswith(f"{len(audit.read_pins(ROOT))} packages: 0 with")


@pytest.mark.parametrize(("withdrawn", "status"), [(None, 1), ("2026-01-01T00:00:00Z", 0)])
def test_known_vulnerability_fails_unless_withdrawn(withdrawn: str | None, status: int) -> None:
    with index({"starlette": [vulnerability(withdrawn=withdrawn)]}) as url:
        done = run_audit(url)
    assert done.returncode == status
    assert ("GHSA-1 CVE-2026-1, fixed in 99.0" in done.stdout) == bool(status)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", ""])
def test_unreachable_or_incomplete_index_is_reported(address: str) -> None:
    with index({}, missing="pillow") as url:
        done = run_audit(address or url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did not answer" in done.stderr
