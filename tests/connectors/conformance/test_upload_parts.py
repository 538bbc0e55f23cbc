"""Uploads in parts: a received part with a lost response is checked and not sent again."""

from connectors.conformance.harness import SendingHarness
from connectors.contract.outcomes import Published
from connectors.platforms.tiktok.media import PUBLISH, PUT, STATUS_STEP
from tests.connectors.conformance.worlds.running_fakes import RunningFakes


def test_received_part_is_not_sent_again(platforms: RunningFakes) -> None:
    world = platforms.world("tiktok")
    world.inject_fault(
        "reset_after", "files", match="\0\0\0\x18ftyp"
    )  # matches the first part, not the requests before it
    story = SendingHarness(world, world.connector).publish(world.unit())
    assert isinstance(story.outcome, Published), story.outcome
    names = [step.name for step in story.steps]
    assert names.count(f"{PUT}0") == names.count(STATUS_STEP) == names.count(PUBLISH) == 1
    assert len(world.fake.accepted_posts()) == 1
