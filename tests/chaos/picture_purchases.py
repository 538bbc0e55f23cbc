"""The process that buys pictures, the sellers, and the moments of an order at which the process is
killed.

A seller holds a request at its moment. For moments inside our process, the test locks the row or
lock that the next statement needs, so the process dies in that statement.
"""

import base64
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event, Lock
from uuid import UUID

from foundation.db.database import Database, Scope
from foundation.ids import INSTALLATION_ID, uuid7
from studio.library import assets
from studio.recipes import specs
from studio.recipes.specs import RecipeSpec
from studio.runs import runner
from tenants.agencies import agencies
from tests.chaos.installation import ACTOR, expire_leases
from tests.conftest import WAITS_FOR_US, Cluster, wait_until
from tests.fakes.generators import replicate, stability
from tests.fakes.generators.replicate import FakeReplicate
from tests.fakes.generators.stability import FakeStability
from tests.schedules.builders import wired
from tests.stack.conftest import ROOT
from tests.workers.relay_worker import clear_outbox, relaying
from workers.installation.folder import InstallationFolder, create_folders, has_announced_ready
from workers.relay import celery_app
from workers.relay.claim_loop import celery_sender
from workers.runtime.embedded_servers import spawn_process
from workers.wiring import Services

PICTURES, HIT = 3, 1
"""Pictures of each run, and the number of the one at which the process is killed."""

CENTS = "0.3"
"""Price of a picture in US cents."""

MODELS = {"replicate": replicate.MODEL, "stability": "core"}
OTHER = replicate.SHAPED
"""A model that only one run uses: its schema is requested once per process."""

OURS = {"answered": "taken", "stored": "fetched", "kept": "fetched"}
"""Moments inside our process, and the seller's moment at which the lock is taken."""

HELD_SECONDS, GATHERED_SECONDS = 240.0, 110.0


@dataclass(frozen=True)
class PurchaseRun:
    """A run of one agency that is killed at one moment."""

    seller: str
    moment: str
    tenant_id: UUID
    creator_id: UUID
    id: UUID

    @property
    def words(self) -> str:
        """The prompt by which the seller recognizes the run."""
        return _words(self.seller, self.moment)


def _words(seller: str, moment: str) -> str:
    return f"{seller} {moment} at dawn"


def create_run(services: Services, seller: str, moment: str) -> PurchaseRun:
    """Create an agency with one creator and one run."""
    tenant_id = uuid7()
    model = OTHER if moment == "described" else MODELS[seller]
    recipe = {"name": moment, "prompt": _words(seller, moment), "engine": seller, "model": model}
    spec = RecipeSpec.model_validate({**recipe, "variants": PICTURES, "width": 96, "height": 96})
    with services.tenant(tenant_id, ACTOR) as scope:
        agencies.create_agency(scope, name=f"Atelier {moment}", language="fr", zone="UTC")
        slug = f"sold-{uuid7().hex[-8:]}"
        creator_id = agencies.add_creator(
            scope, slug=slug, name="Nova", kind="virtual", zone="UTC", languages=["fr"]
        )
        recipe_id = specs.save_recipe(scope, creator_id, spec)
        job_id = runner.start_run(
            scope, creator_id=creator_id, recipe_id=recipe_id, seed=7, key=moment, count=PICTURES
        )
    return PurchaseRun(seller, moment, tenant_id, creator_id, job_id)


@dataclass
class HeldRuns:
    """Holds each run at its moment until the process is dead.

    A request to Replicate times out after half a minute. A busy machine starts the runs one after
    another, so they wait for each other at the file of their first picture, which has two attempts.
    """

    services: Services
    runs: list[PurchaseRun]
    lookers: int = 0
    """Number of list requests to hold."""
    gathered: Event = field(default_factory=Event)
    _dead: Event = field(default_factory=Event)
    _met: Counter[str] = field(default_factory=Counter)
    """Number of pictures requested for each run."""
    _held: set[str] = field(default_factory=set)
    _looking: int = 0
    _locks: dict[str, tuple[ExitStack, Scope]] = field(default_factory=dict)
    _one: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._together = Barrier(max(1, len(self.runs)), self.gathered.set)

    def meet(self, moment: str, prompt: str) -> bool:
        """Called by the sellers at each moment. Return False if the request is held until the
        process is dead."""
        if moment == "described" and OTHER.startswith(f"{prompt}:"):
            prompt = _words("replicate", moment)
        run = next((one for one in self.runs if one.words in prompt), None)
        with self._one:
            holds = moment == "listed" and self._looking < self.lookers
            self._looking += holds
            if run is not None:
                self._met[run.words] += moment == "arrived"
                holds = self._holds(run, moment)
        if run is not None and moment == "fetched" and self._met[run.words] == 1:
            with suppress(BrokenBarrierError):
                self._together.wait(GATHERED_SECONDS)
        return not holds or not self._dead.wait(HELD_SECONDS)

    def _holds(self, run: PurchaseRun, moment: str) -> bool:
        if moment != "described" and self._met[run.words] != HIT + 1:
            return False
        if run.moment == moment:
            self._held.add(run.words)
            return True
        if OURS.get(run.moment) == moment and run.words not in self._locks:
            self._lock(run)
        return False

    def _lock(self, run: PurchaseRun) -> None:
        """Lock the order, or its place in the library."""
        scope = self._scope(run)
        if run.moment == "answered":
            whose = "tenant_id = :tenant AND job_id = :job AND number = :number"
            told = {"tenant": run.tenant_id, "job": run.id, "number": HIT}
            assert scope.run(f"SELECT id FROM engine_orders WHERE {whose} FOR UPDATE", **told).all()
        else:
            assets.lock_library(scope, "ingest", run.creator_id, f"job:{run.id}:{HIT}")

    def _scope(self, run: PurchaseRun) -> Scope:
        stack = ExitStack()
        scope = stack.enter_context(self.services.tenant(run.tenant_id, ACTOR))
        self._locks[run.words] = (stack, scope)
        return scope

    def all_there(self) -> None:
        """Return once every run is at its moment and the expected number of list requests is held."""
        for run in self.runs:
            if run.moment not in OURS:
                # bound early on purpose
                wait_until(lambda run=run: run.words in self._held)  # type: ignore[misc]  # see above
                continue
            self._waited_for(run)
            if run.moment == "kept":
                before, _ = self._locks[run.words]
                self._scope(run).run(
                    "SELECT id FROM jobs WHERE id = :job FOR NO KEY UPDATE", job=run.id
                )
                before.close()  # the picture is stored; its run is counted next
                self._waited_for(run)
        wait_until(lambda: self._looking == self.lookers)

    def _waited_for(self, run: PurchaseRun) -> None:
        wait_until(lambda: run.words in self._locks)
        scope = self._locks[run.words][1]
        wait_until(lambda: scope.run(WAITS_FOR_US).scalar_one() > 0)

    def let_go(self) -> None:
        """Release everything after the process is dead."""
        self._dead.set()
        for stack, _ in self._locks.values():
            stack.close()


@dataclass
class PictureBuyer:
    """The process that buys, and its sellers."""

    services: Services
    replicate: FakeReplicate
    stability: FakeStability
    home: InstallationFolder
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    def hold(self, runs: list[PurchaseRun], *, lookers: int = 0) -> HeldRuns:
        """Let both sellers hold these runs."""
        holding = HeldRuns(self.services, runs, lookers)
        self.replicate.meet = self.stability.meet = holding.meet
        return holding

    def rise(self) -> None:
        """Start the process."""
        command = [sys.executable, "-m", "workers.run", "make"]
        self.process = process = spawn_process(
            command, self.home.log_file("make"), environment=self.environment
        )
        wait_until(lambda: has_announced_ready(self.home, "make", process.pid))

    def kill(self) -> None:
        """Kill the process."""
        assert self.process is not None
        assert self.process.poll() is None, "the process ended before the kill"
        self.process.kill()
        self.process.wait(60)
        self.replicate.meet = self.stability.meet = replicate.hold_nothing

    def bury(self) -> None:
        """Expire its leases at once, instead of within two minutes."""
        with self.services.tenant(INSTALLATION_ID, ACTOR, role="relay") as scope:
            expire_leases(scope, ("buy",), scope.now)


@contextmanager
def shop(
    cluster: Cluster, database: Database, redis_url: str, folder: Path
) -> Iterator[PictureBuyer]:
    """Run a relay, and provide the process that buys, not started yet."""
    home = InstallationFolder(folder)
    create_folders(home)
    with ExitStack() as stack:
        services = stack.enter_context(wired(cluster, folder))
        bought, made = (
            stack.enter_context(replicate.serving()),
            stack.enter_context(stability.serving()),
        )
        bought.looks = 1
        clear_outbox(services.tenant, redis_url)
        stack.enter_context(
            relaying(database, celery_sender(celery_app.make_celery_app(redis_url)))
        )
        one = PictureBuyer(
            services, bought, made, home, _environment(cluster, redis_url, folder, bought, made)
        )
        yield one
        if one.process is not None:
            one.process.kill()
            one.process.wait(60)


def _environment(
    cluster: Cluster, redis_url: str, folder: Path, bought: FakeReplicate, made: FakeStability
) -> dict[str, str]:
    key, prices = base64.b64encode(bytes(range(32))).decode(), (*MODELS.values(), OTHER)
    sellers = {
        "REPLICATE_MODEL": MODELS["replicate"],
        "REPLICATE_TOKEN": replicate.TOKEN,
        "REPLICATE_URL": bought.url,
        "REPLICATE_FILES_URL": bought.files_url,
        "STABILITY_MODEL": MODELS["stability"],
        "STABILITY_TOKEN": stability.TOKEN,
        "STABILITY_URL": made.url,
        "PRICES": ", ".join(f"{name} = 0.00{CENTS.removeprefix('0.')} USD" for name in prices),
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("GREENROOM_")},
        "PYTHONPATH": str(ROOT),
        "GREENROOM_HOME": str(folder),
        "GREENROOM_ENVIRONMENT": "test",
        "GREENROOM_DATABASE__WORK_URL": cluster.url("greenroom_work", "house"),
        "GREENROOM_REDIS__URL": redis_url,
        "GREENROOM_TENANTS__MASTER_KEY": key,
        "GREENROOM_GATE__SIGNING_KEY": key,
        **{f"GREENROOM_GENERATORS__{name}": value for name, value in sellers.items()},
    }
