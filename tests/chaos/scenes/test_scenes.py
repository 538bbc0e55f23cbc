"""Scenes that random faults would not produce, on the same installation and with the same
invariants."""

import os

import pytest

from tests.chaos.adversary import FaultInjector
from tests.chaos.conftest import SLOWEST_SECONDS, Rooms
from tests.chaos.installation import InstallationBroken
from tests.chaos.invariants import fail_on_findings, find_violations
from tests.chaos.recovery import Recovery
from tests.chaos.report import write_report
from tests.chaos.scenes.clock_changes import SCENES as AT_NIGHT
from tests.chaos.scenes.concurrent_edits import SCENES as WITH_PEOPLE
from tests.chaos.scenes.full_disks import AFTERWARDS as CHECKED_ON_DISKS
from tests.chaos.scenes.full_disks import SCENES as ON_FULL_DISKS
from tests.chaos.scenes.platform_faults import AFTERWARDS as CHECKED_THERE
from tests.chaos.scenes.platform_faults import SCENES as OF_THE_NETWORK
from tests.chaos.scenes.scene import AFTERWARDS as CHECKED
from tests.chaos.scenes.scene import SCENES as ALONE
from tests.chaos.scenes.scene import set_up

pytestmark = pytest.mark.timeout(SLOWEST_SECONDS)

SEEDS = int(os.environ.get("GREENROOM_SCENE_SEEDS", "1"))
SCENES = {**ALONE, **WITH_PEOPLE, **OF_THE_NETWORK, **ON_FULL_DISKS, **AT_NIGHT}
"""The scenes at night are last: they shift the clock by months, and a new installation is started
after them."""

AFTERWARDS = {**CHECKED, **CHECKED_THERE, **CHECKED_ON_DISKS}
FIRST = 9001
"""Separate from the seeds of the storms, whose accounts are in the same sandbox."""


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
@pytest.mark.parametrize("name", SCENES)
def test_scene_publishes_each_post_once_or_gives_a_reason(
    in_house: Rooms, name: str, seed: int
) -> None:
    house = in_house()
    logged = dict(house.logs())
    scene = set_up(house, seed)
    adversary = FaultInjector(house)
    calm = Recovery(scene.world, adversary, ())
    wrong: list[str] = []
    came_back = True
    try:
        SCENES[name](scene)
        calm.come()
    except InstallationBroken as broken:
        wrong.append(str(broken))
        came_back = False
    wrong += scene.wrong + find_violations(scene.world, logged)
    if name in AFTERWARDS:
        wrong += AFTERWARDS[name](scene)
    story = write_report(scene.world, adversary.deeds, calm.told, wrong, logged) if wrong else ""
    scene.world.retire()
    fail_on_findings(wrong, f"{name}: {story}", came_back=came_back)
