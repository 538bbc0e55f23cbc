"""The remote worker program against a real server, over a network that loses requests."""

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from foundation.errors import BadInput, Conflict, Refused
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops.clock import sleep
from foundation.ops.settings import DEMO_MODEL, GeneratorsSettings
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    GeneratedPicture,
    ImageJob,
    Progress,
    ignore_progress,
)
from generators.engines.images.diffusion import DiffusionEngine
from generators.engines.images.placeholder import PlaceholderEngine
from generators.engines.images.replicate import Replicate, ReplicateService
from generators.remote_protocol import RemoteWorkerCapabilities
from studio.runs import remote_routing, runner
from tests.conftest import wait_until
from tests.generators.builders import needs_diffusion
from tests.web.api.lossy_network import MODES, LossyWire, wire
from tests.web.builders import WebServer
from tests.web.remote_worker_agency import RemoteWorkerAgency
from workers.remote_worker import spool as join_spool
from workers.remote_worker import work_loop
from workers.remote_worker.installation_api import InstallationApi

ROOT = Path(__file__).parents[3]


@dataclass
class Engine:
    """The placeholder engine with an optional action before each picture."""

    name: str = "placeholder"
    model: str = "scenes-1"
    does: frozenset[str] = frozenset()
    drawn: list[ImageJob] = field(default_factory=list)
    before: Any = None

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        if self.before is not None:
            self.before(len(self.drawn), progress)
        self.drawn.append(job)
        return PlaceholderEngine().draw(job, progress)


@pytest.fixture
def between(room: WebServer) -> Iterator[LossyWire]:
    with wire(str(room.client.base_url)) as found:
        yield found


def work(
    mine: RemoteWorkerAgency, url: str, folder: Path, engine: Any, told: list[str] | None = None
) -> list[str]:
    """Run the worker until there is no more work and return the message codes."""
    said: list[str] = told if told is not None else []
    house = InstallationApi(url, mine.key, deadline=1.5)
    with join_spool.open_spool(folder, house.url, mine.key) as spool:
        joined = work_loop.RemoteWorker(
            house, engine, spool, lambda message: said.append(message.code), heartbeat_seconds=0.05
        )
        work_loop.run_work_loop(joined, once=True)
    return said


def test_remote_worker_completes_a_run(
    mine: RemoteWorkerAgency, room: WebServer, tmp_path: Path
) -> None:
    job_id, engine = mine.start(variants=6), Engine()
    said = work(mine, str(room.client.base_url), tmp_path, engine)
    assert mine.bring() == 6
    assert mine.progress(job_id) == ("done", 6, 6)
    assert [one.seed for one in reversed(mine.pictures())] == [job.seed for job in engine.drawn]
    assert said.count("join.handed") == 6
    assert said.count("join.lent") == 2, "four pictures per lease"
    assert not list(tmp_path.rglob("*.picture"))
    assert all(
        len(render_message(Message(code, DETAILS), language)) > 10
        for code in said
        for language in LANGUAGES
    )


DETAILS: dict[str, str | int] = {
    "url": "u",
    "engine": "e",
    "model": "m",
    "count": 1,
    "number": 1,
    "why": "w",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["work", "pictures", "beats"])
def test_each_picture_is_made_once_despite_network_faults(
    mine: RemoteWorkerAgency, between: LossyWire, tmp_path: Path, path: str, mode: str
) -> None:
    between.faults[path] = [mode, "", mode]

    def slow(_number: int, progress: Progress) -> None:
        for step in range(4):
            sleep(0.05)
            progress(step, 4)

    job_id, engine = mine.start(variants=2), Engine(before=slow)
    work(mine, between.url, tmp_path, engine)
    mine.bring()
    assert mine.progress(job_id) == ("done", 2, 2)
    assert (mine.count("creations"), mine.count("home_pictures"), len(engine.drawn)) == (2, 2, 2)


def test_killed_worker_resumes_with_its_stored_pictures(
    mine: RemoteWorkerAgency, between: LossyWire, tmp_path: Path
) -> None:
    job_id = mine.start(width=640, height=640)
    between.faults["pictures"] = ["", "hang_before"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GREENROOM_")},
        "GREENROOM_HOME": str(tmp_path),
        "GREENROOM_WORKERS__JOIN_KEY": mine.key,
    }
    command = [sys.executable, "-m", "workers.cli.main", "worker", "--join", between.url, "--once"]
    first = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until(
            lambda: mine.count("home_pictures") == 1 and bool(list(tmp_path.rglob("*.picture")))
        )
    finally:
        first.kill()
        first.wait(60)
    (kept,) = list(tmp_path.rglob("*.picture"))
    assert kept.stat().st_mode & 0o077 == 0
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert mine.key not in done.stdout + done.stderr
    assert not kept.exists()
    mine.bring()
    assert mine.progress(job_id) == ("done", 3, 3)
    assert mine.count("creations") == 3


def test_stored_picture_is_not_made_again(
    mine: RemoteWorkerAgency, between: LossyWire, tmp_path: Path
) -> None:
    """The worker stops after a picture was made: here by an error of the engine at the next one."""
    mine.start()

    def die(number: int, _: Progress) -> None:
        if number == 1:
            raise MemoryError

    between.faults["pictures"] = ["reset_before"] * 2
    first, second = Engine(before=die), Engine()
    with pytest.raises(MemoryError):
        work(mine, between.url, tmp_path, first)
    work(mine, between.url, tmp_path, second)
    assert (len(first.drawn), len(second.drawn)) == (1, 2)
    assert mine.bring() == 3


@pytest.mark.parametrize("status", [200, 302, 404, 408, 413])
def test_proxy_response_loses_no_finished_picture(
    mine: RemoteWorkerAgency, between: LossyWire, tmp_path: Path, status: int
) -> None:
    between.faults["pictures"] = [f"proxy_{status}"]
    job_id, engine = mine.start(variants=2), Engine()
    assert "join.ended" not in work(mine, between.url, tmp_path, engine)
    assert mine.bring() == 2
    assert (len(engine.drawn), mine.progress(job_id)) == (2, ("done", 2, 2))


def test_picture_of_a_lost_lease_is_not_made_again(
    mine: RemoteWorkerAgency, room: WebServer, tmp_path: Path
) -> None:
    """The installation was unreachable for longer than the lease and leases the same run again."""

    class Late(Engine):
        def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
            picture = super().draw(job, progress)
            if len(self.drawn) == 2:
                with mine.scope() as scope:
                    scope.lock(
                        remote_routing.remote_lock_name(scope)
                    )  # a heartbeat in progress would write after the update
                    scope.run(
                        "UPDATE home_runs SET lease = NULL, until = NULL WHERE tenant_id = :t",
                        t=mine.tenant_id,
                    )
            return picture

    job_id, engine = mine.start(variants=3), Late()
    said = work(mine, str(room.client.base_url), tmp_path, engine)
    assert "join.ended" in said
    assert mine.bring() == 3
    assert (len(engine.drawn), mine.progress(job_id)) == (3, ("done", 3, 3))


def test_stop_interrupts_a_picture_in_progress(
    mine: RemoteWorkerAgency, room: WebServer, tmp_path: Path
) -> None:
    job_id, drawing = mine.start(), threading.Event()

    def endless(_number: int, progress: Progress) -> None:
        while True:
            drawing.set()
            sleep(0.02)
            progress(1, 20)

    said: list[str] = []
    engine = Engine(before=endless)
    thread = threading.Thread(
        target=work, args=(mine, str(room.client.base_url), tmp_path, engine, said)
    )
    thread.start()
    assert drawing.wait(60)
    with mine.scope() as scope:
        runner.stop_run(scope, job_id)
    thread.join(60)
    assert not thread.is_alive()
    assert said[-1] == "join.ended"
    assert mine.count("home_pictures") == 0


def test_revoked_key_stops_the_worker(
    mine: RemoteWorkerAgency, room: WebServer, tmp_path: Path
) -> None:
    mine.start()

    def ended(number: int, _: Progress) -> None:
        if number == 1:
            mine.end()

    with pytest.raises(Refused, match="key_refused"):
        work(mine, str(room.client.base_url), tmp_path, Engine(before=ended))
    assert mine.count("home_pictures") == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EngineMissing("engine.none", kind="image"), ("failed", "engine.none")),
        (EngineUnreachable("engine.too_slow", engine="e", minutes=1), ("running", "")),
    ],
)
def test_engine_failure_is_reported_to_the_installation(
    mine: RemoteWorkerAgency,
    between: LossyWire,
    tmp_path: Path,
    error: Exception,
    told: tuple[str, str],
) -> None:
    def fail(_number: int, _: Progress) -> None:
        raise error

    job_id = mine.start()
    work(mine, between.url, tmp_path, Engine(before=fail))
    assert (mine.progress(job_id)[0], mine.why(job_id)) == told


def test_interrupted_worker_returns_its_run(
    mine: RemoteWorkerAgency, room: WebServer, tmp_path: Path
) -> None:
    def leave(_number: int, _: Progress) -> None:
        raise KeyboardInterrupt

    mine.start()
    with pytest.raises(KeyboardInterrupt):
        work(mine, str(room.client.base_url), tmp_path, Engine(before=leave))
    assert mine.ask(instance=UUID(int=1)) is not None, "another instance may lease it at once"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.test",
        "http://127.0.0.1.example.test",
        "ftp://x",
        "example.test",
        "",
        "https://",
        "https://x:y",
    ],
)
def test_key_is_sent_only_over_https(url: str) -> None:
    with pytest.raises(BadInput, match=r"join\.https"):
        InstallationApi(url, "k")


def test_server_that_is_not_greenroom_is_reported(
    mine: RemoteWorkerAgency, room: WebServer, tmp_path: Path
) -> None:
    with pytest.raises(Conflict, match=r"join\.no_house"):
        work(mine, f"{str(room.client.base_url).rstrip('/')}/elsewhere", tmp_path, Engine())


def test_second_worker_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        join_spool.open_spool(tmp_path, "u", "k") as first,
        join_spool.open_spool(tmp_path, "u", "other"),
        pytest.raises(Conflict, match=r"join\.already"),
        join_spool.open_spool(tmp_path, "u", "k"),
    ):
        pass
    with join_spool.open_spool(tmp_path, "u", "k") as again:
        assert again.instance == first.instance


def test_failed_write_removes_its_partial_file(tmp_path: Path) -> None:
    file = tmp_path / "kept.picture"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # limits the size of every file
    try:
        with pytest.raises(OSError, match=r"too large"):
            join_spool.write_atomically(file, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    join_spool.write_atomically(file, b"x" * 100_000)
    assert list(tmp_path.iterdir()) == [file]


def test_paid_engine_is_refused_for_remote_workers() -> None:
    with pytest.raises(EngineMissing, match=r"join\.hosted"):
        work_loop.describe_capabilities(
            Replicate(ReplicateService("https://x", SecretStr("t"), ""), "a/b", {})
        )
    assert work_loop.describe_capabilities(Engine()) == RemoteWorkerCapabilities(
        engine="placeholder",
        model="scenes-1",
        release=work_loop.describe_capabilities(Engine()).release,
    )


def test_missing_key_is_reported_in_plain_language(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "GREENROOM_HOME": str(tmp_path), "LANG": "en"}
    done = subprocess.run(
        [sys.executable, "-m", "workers.cli.main", "worker", "--join", "https://example.test"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (
        2,
        render_message(Message("join.no_key"), "en"),
    )


def test_diffusion_model_makes_pictures_on_a_remote_worker(
    mine: RemoteWorkerAgency, room: WebServer, tmp_path: Path
) -> None:
    """The demo model on the CPU over HTTP, with batches, steps and versions recorded in the
    lineage."""
    needs_diffusion()
    engine = DiffusionEngine(GeneratorsSettings(diffusion_folder=DEMO_MODEL))
    job_id = mine.start(variants=2, width=64, height=64, steps=2)
    said = work(mine, str(room.client.base_url), tmp_path, engine)
    assert said.count("join.handed") == 2
    mine.bring()
    assert mine.progress(job_id) == ("done", 2, 2)
    with mine.scope() as scope:
        row = scope.run(
            "SELECT * FROM creations WHERE tenant_id = :t LIMIT 1", t=mine.tenant_id
        ).one()
    assert (row.engine, row.label) == ("diffusion", "demo")
    assert {"torch", "diffusers", "machine", "steps"} <= set(row.parameters)
