"""The rules for comments: reading them, replying exactly once and moderating them. Each rule
returns its breaches."""

from collections.abc import Mapping
from dataclasses import replace

from connectors.conformance.harness import SendingHarness, may_ask_member
from connectors.conformance.world import ConnectorWorld
from connectors.contract.comments import (
    MODERATE_ACTION,
    Comment,
    CommentPage,
    CommentTarget,
    ModerationAction,
    SupportsComments,
)
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Retry, Uncertain
from gate.contract.units import COMMENT_REFERENCE, Reference, Text, Unit

BECOMES: Mapping[ModerationAction, str] = {
    "like": "liked",
    "unlike": "unliked",
    "hide": "hidden",
    "show": "shown",
    "delete": "deleted",
    "report": "reported",
    "block": "blocked",
}
"""The state of a comment after each action, as in `ConnectorWorld.remark_is`. Blocking is last,
because the author's comments may be missing after it."""

LOST_ANSWER_FAULTS = ("reset_before", "reset_after", "status:503", "accept_then_hang")
"""Faults of a moderation action. None of them makes the action uncertain, because it is idempotent.
"""


def comments_are_received(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a comment is read with its text, author, post and time.

    An invalid response yields no comments, and the account's own replies are not among them.
    """
    if world.remark is None:
        return []
    if not isinstance(connector, SupportsComments):
        return ["comments are not received"]
    house = SendingHarness(world, connector)
    post = house.publish(world.unit()).outcome
    if not isinstance(post, Published):
        return ["the post was not published"]
    first = world.remark("a first word", post.native_id)
    heard = _list_comments(house, connector, world, "")
    breaches = _find_comment_breaches(heard, first, "a first word", post.native_id, world)
    answered = house.publish(reply_unit(world, first)).outcome if world.answers else None
    second = world.remark("a second word", post.native_id)
    later = _list_comments(house, connector, world, heard.cursor if heard is not None else "")
    breaches += _find_comment_breaches(later, second, "a second word", post.native_id, world)
    own = answered.native_id if isinstance(answered, Published) else ""
    if own and any(one.native_id == own for one in (later.found if later is not None else ())):
        breaches.append("the account's own reply is reported as a comment")
    world.inject_fault("garbage", world.remarks_on)
    if _list_comments(house, connector, world, "") is not None:
        breaches.append("comments from a malformed response")
    return breaches


def _find_comment_breaches(
    heard: CommentPage | None, native_id: str, text: str, under: str, world: ConnectorWorld
) -> list[str]:
    if heard is None:
        return ["no comments are received"]
    said = [one for one in heard.found if one.native_id == native_id]
    if not said:
        return [f"a comment is missing: {[one.native_id for one in heard.found]}"]
    return (
        [f"received {len(said)} times in one read"]
        if len(said) > 1
        else _find_field_breaches(said[0], text, under, world)
    )


def _find_field_breaches(one: Comment, text: str, under: str, world: ConnectorWorld) -> list[str]:
    breaches = [] if text in one.text else [f"wrong text: {one.text!r}"]
    breaches += [] if one.under == under else [f"it belongs to {one.under!r}"]
    breaches += (
        []
        if one.author and one.handle and one.author != world.account.account
        else ["the author is missing"]
    )
    return breaches + ([] if one.at is not None else ["the time is missing"])


def _list_comments(
    house: SendingHarness, connector: SupportsComments, world: ConnectorWorld, cursor: str
) -> CommentPage | None:
    answers: tuple[StepResult, ...] = ()
    while True:
        turn = connector.list_comments(world.account.account, world.destination, cursor, answers)
        if not isinstance(turn, Send):
            return turn
        answers = (*answers, house.send(turn.step))


def reply_unit(world: ConnectorWorld, native_id: str) -> Unit:
    """Return a reply of the account to a comment."""
    unit = world.unit()
    words = (Text("body", unit.text_of("body")),)
    return replace(
        unit, texts=words, media=(), references=(Reference(COMMENT_REFERENCE, native_id),)
    )


def comments_are_answered_once(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a reply is published under its comment exactly once, whatever fault occurs, and
    can be deleted."""
    if not world.answers or world.remark is None:
        return []
    if COMMENT_REFERENCE not in connector.capabilities.points_at:
        return ["comments are received but cannot be answered"]
    house = SendingHarness(world, connector)
    breaches = list[str]()
    post = house.publish(world.unit()).outcome
    if not isinstance(post, Published):
        return ["the post was not published"]
    for mode in ("", "reset_before", "reset_after", "status:503_after"):
        said = world.remark(f"what of {mode or 'today'}?", post.native_id)
        if mode:
            world.inject_fault(mode, "posts")
        unit = reply_unit(world, said)
        outcome = house.publish(unit).outcome
        ids = [
            native_id
            for native_id, text in world.fake.accepted_posts()
            if unit.text_of("body") in text
        ]
        if mode == "reset_before" and not ids and isinstance(outcome, Uncertain):
            if not may_ask_member(world, connector, unit):
                breaches.append("a reply that was not sent is left to a member")
        elif len(ids) != 1 or not isinstance(outcome, Published) or outcome.native_id not in ids:
            breaches.append(
                f"{mode or 'a normal run'}: {len(ids)} replies, "
                f"reported as {type(outcome).__name__}"
            )
        elif world.stands_under(outcome.native_id) != said:
            breaches.append(f"it belongs to {world.stands_under(outcome.native_id)!r}")
        elif not isinstance(house.remove(unit, outcome.native_id), Published):
            breaches.append("a reply cannot be deleted")
    return breaches


def comments_are_moderated(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that each supported action works, is idempotent and is retried after a fault."""
    acts = connector.capabilities.moderates
    if world.remark is None or not isinstance(connector, SupportsComments):
        return (
            ["it moderates comments that it does not receive"]
            if acts and not isinstance(connector, SupportsComments)
            else []
        )
    house = SendingHarness(world, connector)
    breaches = list[str]()
    post = house.publish(world.unit()).outcome
    if not isinstance(post, Published):
        return ["the post was not published"]
    world.remark("a word", post.native_id)
    said: Comment | None = None
    for act in (
        one for one in BECOMES if one in acts
    ):  # blocked authors write no more, so all actions share one comment
        heard = _list_comments(house, connector, world, "")
        if heard is not None and heard.found:
            said = heard.found[-1]
        elif said is None:  # some platforms omit hidden comments and those of blocked authors
            breaches.append(f"{act}: no comments are received")
            world.remark("another word", post.native_id)
            continue
        breaches += _find_moderation_breaches(house, connector, world, said, act)
        if act == "delete":
            world.remark("another word", post.native_id)
    return breaches


def _find_moderation_breaches(
    house: SendingHarness,
    connector: SupportsComments,
    world: ConnectorWorld,
    said: Comment,
    act: ModerationAction,
) -> list[str]:
    spot = CommentTarget(said.native_id, said.author, world.account.account, world.destination)
    breaches = []
    for mode in LOST_ANSWER_FAULTS:
        world.inject_fault(mode, "moderation", seconds=3.0)
        if not isinstance(end := _moderate_comment(house, connector, spot, act), Retry):
            breaches.append(f"{mode} of {act} is not retried: {type(end).__name__}")
    for _ in range(2):
        if not isinstance(end := _moderate_comment(house, connector, spot, act), Published):
            breaches.append(f"{act} is reported as {type(end).__name__}")
    if BECOMES[act] not in world.remark_is(said.native_id):
        breaches.append(f"after {act} the comment is {world.remark_is(said.native_id)}")
    return breaches


def _moderate_comment(
    house: SendingHarness, connector: SupportsComments, spot: CommentTarget, act: ModerationAction
) -> Outcome:
    answers: tuple[StepResult, ...] = ()
    while True:
        turn = connector.moderate_comment(spot, act, answers)
        if not isinstance(turn, Send):
            return turn
        if (turn.step.kind, turn.step.action) not in (
            ("control", MODERATE_ACTION),
            ("control", "look"),
        ):
            raise TypeError(
                f"{turn.step.name} of a moderation step is {turn.step.kind}/{turn.step.action}"
            )
        answers = (*answers, house.send(turn.step))
