"""No space left on device: for the logs and Redis, and for everything at once, while posts become
due."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis

from foundation.db.database import Scope
from foundation.ops.clock import monotonic, sleep
from tests.chaos.installation import Installation
from tests.chaos.scenes.scene import Scene
from tests.chaos.small_disks import Disk

FULL_SECONDS = 8.0
REFUSED_SECONDS, PAGE = 60.0, 4096


def logs_and_redis(scene: Scene) -> None:
    """Fill the disk of the logs, then that of Redis: no process ends, and posts are published."""
    logs, kept = (_disk(scene.house, name) for name in ("logs", "redis"))
    before = _processes(scene.house)
    _due_around(scene)
    try:
        logs.fill()
        sleep(FULL_SECONDS / 2)
        kept.fill()
        if not _refuses(scene.house):
            scene.wrong.append("Redis wrote to a full disk")
        sleep(FULL_SECONDS / 2)
    finally:
        for disk in (kept, logs):
            disk.clear()
    scene.wait_until(scene.world.intents[-1].due)
    after = _processes(scene.house)
    if ended := [name for name, pid in before.items() if after.get(name) != pid]:
        scene.wrong.append(f"ended without space: {', '.join(ended)}")


def everything(scene: Scene) -> None:
    """Fill the disk of the whole installation, PostgreSQL included, then free it."""
    disk = _disk(scene.house, "")
    _due_around(scene)
    try:
        disk.fill()
        sleep(FULL_SECONDS)
    finally:
        disk.clear()
    scene.wait_until(scene.world.intents[-1].due)


def undisturbed(scene: Scene) -> Iterator[str]:
    """Check that a log line or message that could not be written makes no delivery uncertain."""
    for tenant_id in scene.world.tenants:
        if looks := scene.house.read(tenant_id, _looks):
            yield f"{looks} lookups were made, although every response arrived"


def _looks(scope: Scope) -> int:
    told = "SELECT count(*) FROM attempts WHERE tenant_id = :tenant AND kind = 'look'"
    return int(scope.run(told, tenant=scope.tenant_id).scalar_one())


def _due_around(scene: Scene) -> None:
    """Schedule posts for longer than the disk is full, and return shortly after the first is due."""
    scene.steadily(scene.places(), every=0.4, seconds=FULL_SECONDS + 4)
    scene.wait_until(scene.world.intents[0].due + timedelta(seconds=scene.drawn.uniform(0.2, 1.5)))


def _processes(house: Installation) -> dict[str, int | None]:
    return {one.name: one.pid for one in house.report().processes}


def _disk(house: Installation, name: str) -> Disk:
    if name not in house.disks:
        pytest.skip("this machine does not let us mount a disk that is full; root could")
    return house.disks[name]


def _refuses(house: Installation) -> bool:
    """Return True if Redis reports that it cannot persist; the last page of its file may still
    accept some writes."""
    client, until = (
        redis.Redis.from_url(house.settings.redis.url.get_secret_value()),
        monotonic() + REFUSED_SECONDS,
    )
    while monotonic() < until:
        try:
            client.set("probe", "x" * PAGE)
        except redis.ResponseError as refused:
            return str(refused).startswith("MISCONF")
        sleep(0.05)
    return False


SCENES: dict[str, Callable[[Scene], None]] = {
    "no space for logs and redis": logs_and_redis,
    "no space at all": everything,
}
AFTERWARDS: dict[str, Callable[[Scene], Iterator[str]]] = {
    "no space for logs and redis": undisturbed
}
