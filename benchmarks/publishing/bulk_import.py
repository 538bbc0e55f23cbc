"""Import of a file of ten thousand posts: checked, written and undone by the real worker."""

import csv
import io
import tempfile
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from benchmarks.publishing.world import (
    LATENCY_MS,
    PATIENCE_SECONDS,
    BenchmarkWorld,
    create_world,
    run_installation,
)
from foundation.ops.clock import monotonic, sleep, wall_now
from schedules.imports import import_files
from schedules.imports.csv_rows import MAX_ROWS
from schedules.imports.states import ImportState

COLUMNS = ("key", "creator", "channels", "date", "time", "zone", "body")
LOOK_SECONDS = 0.1


def measure_bulk_import() -> dict[str, float]:
    """Return the seconds for 10,000 lines with two accounts each, so that each line becomes two
    deliveries."""
    with (
        tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name,
        run_installation(Path(name) / "home", latency_ms=LATENCY_MS) as services,
    ):
        world = create_world(services)
        tenant_id, creator_id, _ = world.channels[0]
        clerk = _Clerk(world, tenant_id, creator_id)
        begun = monotonic()
        found = clerk.receive(_build_csv(world))
        clerk.until(found, ImportState.READY)
        looked = monotonic()
        clerk.ask(found)
        clerk.until(found, ImportState.WRITTEN)
        written = monotonic()
        clerk.undo(found)
        return {
            "file_look_s": looked - begun,
            "file_write_s": written - looked,
            "file_undo_s": monotonic() - written,
        }


class _Clerk:
    """The member who imports the file."""

    def __init__(self, world: BenchmarkWorld, tenant_id: UUID, creator_id: UUID) -> None:
        self._services = world.services
        self._tenant_id = tenant_id
        self._creators = {creator_id}

    def receive(self, data: bytes) -> UUID:
        with self._services.tenant(self._tenant_id, "system:bench") as scope:
            return import_files.create_import(
                scope, data, name="bench.csv", creators=self._creators
            )

    def ask(self, found: UUID) -> None:
        with self._services.tenant(self._tenant_id, "system:bench") as scope:
            import_files.confirm_import(scope, found, plan=True, creators=self._creators)

    def undo(self, found: UUID) -> None:
        with self._services.tenant(self._tenant_id, "system:bench") as scope:
            import_files.undo_import(scope, found, creators=self._creators)

    def until(self, found: UUID, state: ImportState) -> None:
        """Wait until the import reaches a state. Raises RuntimeError if it ends in a different one
        or takes too long."""
        until = monotonic() + PATIENCE_SECONDS
        while True:
            with self._services.tenant(self._tenant_id, "system:bench") as scope:
                now = import_files.get_import(scope, found, creators=self._creators)
            if now.state == state:
                return
            if monotonic() > until or now.state == ImportState.REFUSED:
                raise RuntimeError(f"the file is {now.state}: {now.findings[:3]}")
            sleep(LOOK_SECONDS)


def _build_csv(world: BenchmarkWorld) -> bytes:
    """Return a line for each quarter of an hour and account, from tomorrow on; all texts differ."""
    out = io.StringIO(newline="")
    tomorrow = wall_now() + timedelta(days=2)
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for number in range(MAX_ROWS):
        at = tomorrow + timedelta(minutes=15 * number)
        writer.writerow(
            {
                "key": number,
                "creator": "bench-0",
                "channels": "|".join(world.accounts[:2]),
                "date": f"{at:%Y-%m-%d}",
                "time": f"{at:%H:%M}",
                "zone": "UTC",
                "body": f"Post number {number} " + "with some more words " * 8,
            }
        )
    return out.getvalue().encode()
