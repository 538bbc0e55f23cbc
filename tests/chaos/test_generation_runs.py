"""The worker that generates is killed during runs, repeatedly, in an installation of real
processes.

No finished picture is lost, and none is stored, counted or billed twice.
"""

import hashlib
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep
from studio.costs import quotas
from studio.library import assets
from studio.recipes import specs
from studio.recipes.specs import RecipeSpec
from studio.runs import runner
from studio.runs.states import JobState
from tenants.agencies import agencies
from tests.chaos.conftest import SLOWEST_SECONDS, Rooms
from tests.chaos.installation import MAKE, PATIENCE_SECONDS, Installation

pytestmark = pytest.mark.timeout(SLOWEST_SECONDS)

SEED, KILLS, PICTURES = 9101, 5, 8
LARGE = RecipeSpec(
    name="matin",
    prompt="a {place} at dawn",
    words={"place": ("beach", "forest")},
    variants=8,
    width=768,
    height=768,
)
"""A recipe slow enough to be interrupted."""


@dataclass(frozen=True)
class Run:
    """A run of one agency."""

    house: Installation
    tenant_id: UUID
    creator_id: UUID
    id: UUID

    def state(self) -> JobState:
        """Return the state of the run."""
        return self.house.read(self.tenant_id, lambda scope: runner.run_progress(scope, self.id)[0])

    def made(self) -> list[UUID]:
        """Return the assets in the library, in order."""
        return self.house.read(self.tenant_id, lambda scope: runner.run_assets(scope, self.id))


def begin(house: Installation, number: int) -> Run:
    """Create an agency with one creator and one run."""
    tenant_id = uuid7()
    with house.scope(tenant_id) as scope:
        agencies.create_agency(scope, name=f"Atelier {number}", language="fr", zone="UTC")
        slug = f"runs-{uuid7().hex[-8:]}"
        creator_id = agencies.add_creator(
            scope, slug=slug, name="Nova", kind="virtual", zone="UTC", languages=["fr"]
        )
        recipe_id = specs.save_recipe(scope, creator_id, LARGE)
        job_id = runner.start_run(
            scope,
            creator_id=creator_id,
            recipe_id=recipe_id,
            seed=SEED + number,
            key="matin",
            count=PICTURES,
        )
    return Run(house, tenant_id, creator_id, job_id)


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until the condition is true, at most `PATIENCE_SECONDS`."""
    until = monotonic() + PATIENCE_SECONDS
    while not true() and monotonic() < until:
        sleep(0.05)


def kill_while_it_draws(house: Installation, drawn: random.Random) -> None:
    """Kill the worker during a run and expire its leases at once."""
    sleep(drawn.uniform(0.0, 0.6))
    if house.signal("make", signal.SIGKILL) is None:
        return
    died = house.now()
    house.wait_ready()
    house.bury(MAKE, died)


def test_killed_worker_keeps_each_picture_once(in_house: Rooms) -> None:
    house, drawn = in_house(), random.Random(SEED)
    runs = [begin(house, number) for number in range(2)]
    seen: set[UUID] = set()
    for _ in range(KILLS):
        wait_for(lambda: len(seen) < sum(len(run.made()) for run in runs))
        seen.update(asset_id for run in runs for asset_id in run.made())
        kill_while_it_draws(house, drawn)
    wait_for(lambda: all(run.state() is JobState.DONE for run in runs))
    assert KILLS <= len(seen) < len(runs) * PICTURES, "the worker was killed at unintended moments"
    assert seen <= {asset_id for run in runs for asset_id in run.made()}, (
        "a finished picture was lost"
    )
    for run in runs:
        assert (run.state(), len(run.made())) == (JobState.DONE, PICTURES)
        with house.scope(run.tenant_id) as scope:
            assert quotas.count_generated_since(scope, scope.now - timedelta(days=1)) == PICTURES
            items = assets.list_assets(scope, run.creator_id)
            keys = Counter(
                scope.run(
                    "SELECT source_key FROM creations WHERE tenant_id = :tenant",
                    tenant=run.tenant_id,
                ).scalars()
            )
        assert (len(items), set(keys.values())) == (PICTURES, {1})
        for item in items:
            assert (
                hashlib.sha256(house.services.store.get(run.tenant_id, item.sha256)).hexdigest()
                == item.sha256
            )
