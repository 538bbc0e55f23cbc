"""No space left on device: under the logs and under Redis, and under everything at once, while posts come due."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import redis

from foundation.clock import pause
from tests.chaos.disks import Disk
from tests.chaos.house import House
from tests.chaos.scenes import Scene

FULL_SECONDS = 8.0


def full(names: tuple[str, ...], scene: Scene) -> None:
    """Posts come due while these disks are full; then somebody makes room."""
    disks = [_disk(scene.house, name) for name in names]
    scene.steadily(scene.places(), every=0.4, seconds=FULL_SECONDS + 4)
    scene.wait_until(scene.world.intents[0].due + timedelta(seconds=scene.drawn.uniform(0.2, 1.5)))
    try:
        for disk in disks:
            disk.fill()
        pause(FULL_SECONDS)
        if "redis" in names and not _refuses(scene.house):
            scene.wrong.append("Redis wrote to a full disk")
    finally:
        for disk in reversed(disks):
            disk.clear()
    scene.wait_until(scene.world.intents[-1].due)


def _disk(house: House, name: str) -> Disk:
    if name not in house.disks:
        pytest.skip("this machine does not let us mount a disk that is full; root could")
    return house.disks[name]


def _refuses(house: House) -> bool:
    """Whether Redis says that it cannot keep what it is given."""
    try:
        redis.Redis.from_url(house.settings.redis.url.get_secret_value(), socket_timeout=2).set("probe", "x")
    except redis.ResponseError as refused:
        return str(refused).startswith("MISCONF")
    return False


SCENES: dict[str, Callable[[Scene], None]] = {
    "no space for logs and redis": partial(full, ("logs", "redis")),
    "no space at all": partial(full, ("",)),
}
