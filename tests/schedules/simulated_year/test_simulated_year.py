"""A simulated year, some weeks of it in every run: each promised post is live once and on time, or
explained."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from foundation.http.http_client import HttpResponse, RequestNotSent, ResponseLost
from tests.conftest import Cluster
from tests.schedules.simulated_year.agency import create_simulated_agency
from tests.schedules.simulated_year.invariants import InvariantChecker, InvariantViolation, Trace
from tests.schedules.simulated_year.scenario import Scenario
from tests.schedules.simulated_year.seeded_system import house, quarters
from tests.schedules.simulated_year.simulated_platform import SimulatedPlatform

CREATORS, DAYS = (int(one) for one in os.environ.get("GREENROOM_SIMULATED", "6,24").split(","))
"""Number of creators and days; `make chaos` simulates a year of two hundred creators."""

FIRST = int(os.environ.get("GREENROOM_SIMULATED_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("GREENROOM_SIMULATED_SEEDS", "1")))

TRACES = os.environ.get("GREENROOM_SIMULATED_TRACES", "")
"""Folder for the traces of the simulations. By default, they are in the temporary folder of pytest.
"""

PLANS = os.environ.get("GREENROOM_SIMULATED_PLANS", "")
"""Settings of the planner of PostgreSQL, `name=value,…`."""


HOUR = 3600
"""Seconds. A simulated week takes ten seconds of a free processor, and much more on a busy one."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with quarters(tmp_path_factory.mktemp("quarters")) as found:
        yield found


def lived(
    cluster: Cluster,
    folder: Path,
    seed: int,
    *,
    creators: int = CREATORS,
    days: int = DAYS,
    world: type[SimulatedPlatform] = SimulatedPlatform,
) -> Path:
    """Run the simulation of a seed and return the path of its trace. Raise InvariantViolation with
    the step and the command that repeats it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        Trace(folder / f"{seed}.trace") as trace,
        house(cluster, folder, str(seed), plans=PLANS) as (services, outside),
    ):
        agency = create_simulated_agency(services, outside)
        there = world(seed, agency.now, lambda *words: trace.say(agency.now(), *words))
        agency.judge = InvariantChecker(outside, there, trace, agency.tenant_id)
        months = Scenario(agency, seed, creators, days)
        try:
            months.plan()
            months.live()
        except Exception as error:
            began = f"Seed {seed} broke at step {trace.steps}, {agency.now()}: {error}"
            again = (
                f"GREENROOM_SIMULATED={creators},{days} GREENROOM_SIMULATED_FIRST={seed}"
                " .venv/bin/pytest tests/schedules/simulated_year/test_simulated_year.py -k promised"
            )
            raise InvariantViolation(
                f"{began}\n{''.join(trace.last)}All of it: {trace.path}\nOnce more: {again}"
            ) from error
    return trace.path


@pytest.mark.timeout(6 * HOUR)
@pytest.mark.parametrize("seed", SEEDS)
def test_promised_posts_are_published_once_and_on_time(
    cluster: Cluster, tmp_path: Path, seed: int
) -> None:
    lived(cluster, Path(TRACES or tmp_path), seed)


def trace_of_new_process(folder: Path, hash_seed: int, plans: str = "") -> list[str]:
    """Simulate seed 5 in a separate process that imports no other test, and return its trace."""
    environment = {
        "GREENROOM_SIMULATED": "3,6",
        "GREENROOM_SIMULATED_FIRST": "5",
        "GREENROOM_SIMULATED_SEEDS": "1",
        "GREENROOM_SIMULATED_TRACES": str(folder),
        "GREENROOM_SIMULATED_PLANS": plans,
        "PYTHONHASHSEED": str(hash_seed),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", __file__, "-k", "promised"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=HOUR,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return (folder / "5.trace").read_text().splitlines()


@pytest.mark.timeout(HOUR)
def test_seed_gives_same_trace_in_another_process(tmp_path: Path) -> None:
    """The traces are identical: hash seeds and query plans have no effect."""
    here = trace_of_new_process(tmp_path / "here", 1)
    there = trace_of_new_process(
        tmp_path / "there",
        1234,
        "enable_hashagg=off,enable_hashjoin=off,enable_seqscan=off,enable_nestloop=off",
    )
    differences = [pair for pair in zip(here, there, strict=False) if len(set(pair)) > 1]
    assert differences[:1] == []
    assert here == there
    assert len(there) > 100


class Repeating(SimulatedPlatform):
    """A platform that accepts one request twice, at a seeded moment."""

    def _post(
        self, account: str, said: dict[str, Any], now: datetime
    ) -> HttpResponse | RequestNotSent | ResponseLost:
        before, strikes = len(self.standing), random.Random(self.seed).randrange(1, 4)
        answer = super()._post(account, said, now)
        if before < len(self.standing) and sum(map(len, self.posts.values())) == strikes:
            # a platform that honours keys would have detected it
            account = account.removesuffix("+key")
            self._taken_in(account, said, now)
        return answer


@pytest.mark.timeout(HOUR)
def test_fault_is_found_at_same_step_again(cluster: Cluster, tmp_path: Path) -> None:
    said, traces = [], []
    for time in ("once", "twice"):
        with pytest.raises(InvariantViolation) as broken:
            lived(cluster, tmp_path / time, 5, creators=2, days=3, world=Repeating)
        said.append(
            [line for line in str(broken.value).splitlines() if not line.startswith("All of it")]
        )
        traces.append((tmp_path / time / "5.trace").read_bytes())
    assert re.match(
        r"Seed 5 broke at step \d+, 2027-03-1.* shows '.*', (once more|which nobody asked for now)",
        said[0][0],
    )
    assert said[0][-1].startswith(
        "Once more: GREENROOM_SIMULATED=2,3 GREENROOM_SIMULATED_FIRST=5 .venv/bin/pytest"
    )
    assert said[0] == said[1]
    assert traces[0] == traces[1]
