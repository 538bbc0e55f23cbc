"""Uploads in parts: one that arrived, and whose answer did not, is asked about and not sent
again."""

from connectors.conformance.harness import SendingHarness
from connectors.contract.outcomes import Published
from connectors.platforms.tiktok.media import PUBLISH, PUT, STATUS_STEP
from tests.connectors.conformance.worlds.running_fakes import RunningFakes


def test_a_part_that_arrived_is_not_sent_again(platforms: RunningFakes) -> None:
    world = platforms.world("tiktok")
    world.inject_fault(
        "reset_after", "files", match="\0\0\0\x18ftyp"
    )  # the first part, not what was said before it
    story = SendingHarness(world, world.connector).publish(world.unit())
    assert isinstance(story.outcome, Published), story.outcome
    names = [step.name for step in story.steps]
    assert names.count(f"{PUT}0") == names.count(STATUS_STEP) == names.count(PUBLISH) == 1
    assert len(world.fake.accepted_posts()) == 1
