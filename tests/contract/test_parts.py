"""Uploads in parts: one that arrived, and whose answer did not, is asked about and not sent again."""

from connectors.outcomes import Published
from connectors.suite.house import House
from connectors.tiktok_upload import PUBLISH, PUT, STATE
from tests.contract.worlds import Fakes


def test_a_part_that_arrived_is_not_sent_again(platforms: Fakes) -> None:
    world = platforms.world("tiktok")
    world.ask("reset_after", "files", match="\0\0\0\x18ftyp")  # the first part, not what was said before it
    story = House(world, world.connector).publish(world.unit())
    assert isinstance(story.outcome, Published), story.outcome
    names = [step.name for step in story.steps]
    assert names.count(f"{PUT}0") == names.count(STATE) == names.count(PUBLISH) == 1
    assert len(world.fake.taken()) == 1
