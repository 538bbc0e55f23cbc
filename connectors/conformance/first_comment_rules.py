"""The rule for first comments on platforms without threads. It returns its breaches."""

from dataclasses import replace

from connectors.conformance.harness import SendingHarness, may_ask_member
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import Connector
from connectors.contract.outcomes import Published, Rejected, Uncertain
from gate.contract.units import HAS_FIRST_COMMENT, IS_FIRST_COMMENT, Subject, Text, Unit

FIRST_COMMENT_FAULTS = ("", "reset_before", "reset_after", "status:503_after")


def first_comment(world: ConnectorWorld, under: str) -> Unit:
    """Return a first comment of the account under its post `under`."""
    unit = world.unit()
    subject = Subject(unit.subject.kind, unit.subject.id)
    words = (Text("body", f"first of all {unit.native_key}"),)
    return replace(
        unit,
        subject=subject,
        texts=words,
        media=(),
        parts=2,
        comment=IS_FIRST_COMMENT,
        reply_to=under,
    )


def first_comments_are_posted_once(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a first comment is published under its post exactly once, whatever fault occurs,
    and can be deleted.

    It must be rejected under a post that is closed for comments, and a thread must not be sent as a
    comment.
    """
    if not connector.capabilities.first_comment or world.viewer:
        return []
    house = SendingHarness(world, connector)
    breaches = list[str]()
    thread = replace(world.unit(), parts=2)
    if not isinstance(house.publish(thread).outcome, Rejected):
        breaches.append("a second part is accepted as a first comment")
    for mode in FIRST_COMMENT_FAULTS:
        post = house.publish(replace(world.unit(), parts=2, comment=HAS_FIRST_COMMENT)).outcome
        if not isinstance(post, Published):
            return [*breaches, "the post was not published"]
        asks = may_ask_member(world, connector, first_comment(world, post.native_id))
        breaches += _find_comment_breaches(house, world, post.native_id, mode, may_ask=asks)
    if world.closes is not None:
        post = house.publish(world.unit()).outcome
        native_id = post.native_id if isinstance(post, Published) else ""
        world.closes(native_id)
        unit = first_comment(world, native_id)
        end = house.publish(unit).outcome
        if not isinstance(end, Rejected) or any(
            unit.text_of("body") in text for _, text in world.fake.accepted_posts()
        ):
            breaches.append(f"a closed post: {type(end).__name__}")
    return breaches


def _find_comment_breaches(
    house: SendingHarness, world: ConnectorWorld, post: str, mode: str, *, may_ask: bool
) -> list[str]:
    unit = first_comment(world, post)
    day = mode or "a normal run"
    if mode:
        world.inject_fault(mode, "posts")
    outcome = house.publish(unit).outcome
    ids = [
        native_id for native_id, text in world.fake.accepted_posts() if unit.text_of("body") in text
    ]
    if mode == "reset_before" and may_ask and not ids and isinstance(outcome, Uncertain):
        return []
    if len(ids) != 1 or not isinstance(outcome, Published) or outcome.native_id not in ids:
        return [f"{day}: {len(ids)} comments, reported as {type(outcome).__name__}"]
    if world.stands_under(outcome.native_id) != post:
        return [f"it belongs to {world.stands_under(outcome.native_id)!r}"]
    if not isinstance(house.remove(unit, outcome.native_id), Published):
        return ["a comment cannot be deleted"]
    return []
