"""The rule for edits of published posts, verified on the fake platform."""

from dataclasses import replace

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector
from connectors.contract.edits import SupportsEdits
from connectors.contract.outcomes import Published, Rejected, Retry
from gate.contract.units import Text, Unit

BAD_DAYS = ("status:503", "reset_before", "reset_after", "accept_then_hang")


def edits_are_applied(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that an edit changes the text and nothing else, on platforms that support edits.

    It must be idempotent, be retried after a fault and never restore a deleted post. Messages to a
    single reader are not tested.
    """
    able = isinstance(connector, SupportsEdits)
    if able != connector.capabilities.edits:
        return ["it declares edits that it cannot make, or the reverse"]
    if not able or world.viewer:
        return []
    if world.says is None:
        return ["the world cannot return the text: `World.says`"]
    counts = sorted({max(world.least_media, count) for count in (0, 2)})
    return [breach for count in counts for breach in _find_edit_breaches(world, connector, count)]


def _find_edit_breaches(world: ConnectorWorld, connector: Connector, media: int) -> list[str]:
    unit = world.unit(media=media)
    house = SendingHarness(world, connector)
    breaches = list[str]()
    story = house.publish(unit)
    if not isinstance(story.outcome, Published) or world.says is None:
        return ["the post was not published"]
    first = (
        connector.edit(_unit_with_text(unit, "other"), story.outcome.native_id, ())
        if isinstance(connector, SupportsEdits)
        else None
    )
    if isinstance(first, Rejected):
        # Rejected without a request: the platform does not allow edits of this kind of post.
        return []
    native_id = story.outcome.native_id
    taken = len(world.fake.accepted_posts())
    shows = world.says(native_id)[1]
    by = _unit_with_text(unit, f"other words {media}")
    for mode in BAD_DAYS:
        world.inject_fault(mode, "edits", seconds=3.0)
        if not isinstance(house.edit(by, native_id, story.told), Retry):
            breaches.append(f"{mode} of an edit is not retried")
    breaches += [
        "not edited"
        for _ in range(2)
        if not isinstance(house.edit(by, native_id, story.told), Published)
    ]
    if world.says(native_id) != (by.text_of("body"), shows):
        breaches.append(f"the text is {world.says(native_id)}")
    if len(world.fake.accepted_posts()) != taken:
        breaches.append("it was posted again")
    if connector.capabilities.can_delete and isinstance(house.remove(unit, native_id), Published):
        outcome = house.edit(_unit_with_text(unit, "once more"), native_id, story.told)
        if isinstance(outcome, Published | Retry) or native_id in world.fake.live_post_ids():
            breaches.append("a deleted post was restored, or reported as edited")
    return breaches


def _unit_with_text(unit: Unit, words: str) -> Unit:
    titles = tuple(text for text in unit.texts if text.field == "title")
    return replace(unit, texts=(*titles, Text("body", words)))
