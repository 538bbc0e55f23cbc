"""Growth with the number of agencies: the cost of idle agencies, and the lateness of posts beside
them."""

import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Timer

import psutil

from benchmarks.publishing.world import (
    LATENCY_MS,
    child_processes,
    cpu_seconds,
    create_world,
    median,
    percentile_95,
    run_installation,
    run_scenario,
)
from channels.accounts import lifecycle
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep
from tenants.agencies import agencies
from workers.installation.folder import InstallationFolder
from workers.installation.state_file import read_status
from workers.wiring import Services

EVERY = timedelta(seconds=0.5)
"""Time between two posts."""

KILLED_AFTER = 12.0
"""Seconds from scheduling to the kill, while posts are being published."""


@dataclass(frozen=True)
class IdleAgenciesSize:
    """The numbers of agencies and posts."""

    agencies: Sequence[int] = (3, 300, 1000)
    posts: int = 120
    """Number of posts in each case: those of one minute, in which every agency has its turn."""
    rest_s: float = 120


WHOLE = IdleAgenciesSize()
QUICK = IdleAgenciesSize((3, 12), 6, 5)


def measure_idle_agencies(*, quick: bool = False) -> dict[str, float]:
    """Measure one installation with ever more agencies of one creator and one account each. Takes
    about 13 minutes.

    `idle_ms_per_min_<agencies>`: processor time a minute of all processes while nothing is due, in
    ms for each agency; `light_p50_s_…` and `light_p95_s_…`: lateness of two posts a second;
    `killed_most_s_…`: the maximum while the relay is killed.
    """
    size = QUICK if quick else WHOLE
    found = dict[str, float]()
    there = 0
    with (
        tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name,
        run_installation(Path(name) / "home", latency_ms=LATENCY_MS) as services,
    ):
        home = InstallationFolder(Path(name) / "home")
        world = create_world(services)
        # The first posts of an installation fill its caches.
        run_scenario(world, "first", size.posts, EVERY)
        for many in size.agencies:
            _add_agencies(services, there, many)
            there = many
            found[f"idle_ms_per_min_{many}"] = _measure_idle_load(size.rest_s) / many
            run = run_scenario(world, f"beside {many}", size.posts, EVERY)
            found |= {
                f"light_p50_s_{many}": median(run.lateness),
                f"light_p95_s_{many}": percentile_95(run.lateness),
            }
            killed = Timer(KILLED_AFTER, _kill_process, (home, "relay"))
            killed.start()
            run = run_scenario(world, f"killed {many}", size.posts, EVERY)
            killed.join()
            found[f"killed_most_s_{many}"] = max(run.lateness)
    return found


def _add_agencies(services: Services, there: int, many: int) -> None:
    """Add agencies up to this total; their accounts connect to no network."""
    for number in range(there, many):
        tenant_id = uuid7()
        name = f"beside-{number}"
        with services.tenant(tenant_id, "system:bench") as scope:
            agencies.create_agency(scope, name=name, language="en", zone="UTC")
            creator_id = agencies.add_creator(
                scope,
                slug=name,
                name=name,
                kind="virtual",
                zone="UTC",
                languages=["en"],
                approval_tiers=0,
            )
            lifecycle.connect_account(
                scope,
                creator_id=creator_id,
                platform="own_page",
                surface="own_page.public",
                account=name,
                name=name,
                base_url="http://127.0.0.1:9",
                token=None,
                zone="UTC",
            )


def _measure_idle_load(seconds: float) -> float:
    """Return the milliseconds of processor time a minute, of every process below this one."""
    sleep(seconds / 4)  # one-time work for a new agency
    before = cpu_seconds(child_processes())
    began = monotonic()
    sleep(seconds)
    return (cpu_seconds(child_processes()) - before) / (monotonic() - began) * 60_000


def _kill_process(home: InstallationFolder, name: str) -> None:
    for found in read_status(home).processes:
        if found.name == name and found.pid is not None:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(found.pid).send_signal(signal.SIGKILL)
