"""The rules of what people say under posts: heard, answered once, acted on; each gives the breaches it saw."""

from collections.abc import Mapping
from dataclasses import replace

from connectors.contract import Answer, Connector, Send
from connectors.outcomes import Outcome, Published, Retry
from connectors.remarks import MODERATE, Act, Remark, Remarked, Remarks, Spot
from connectors.suite.house import House
from connectors.suite.world import World
from gate.units import REMARK, Reference, Text, Unit

BECOMES: Mapping[Act, str] = {
    "like": "liked",
    "unlike": "unliked",
    "hide": "hidden",
    "show": "shown",
    "delete": "deleted",
    "report": "reported",
    "block": "blocked",
}
"""What a remark is after each act, as `World.remark_is` tells; last the one after which it may not be told any more."""

LOST = ("reset_before", "reset_after", "status:503", "accept_then_hang")
"""Bad days of an act: none is a doubt, since the same again changes nothing."""


def remarks_are_heard(world: World, connector: Connector) -> list[str]:
    """What somebody says under a post is heard with its words, who said it and where; out of a broken answer comes
    nothing, and what the account says itself is no remark."""
    if world.remark is None:
        return []
    if not isinstance(connector, Remarked):
        return ["people speak, and nobody hears it"]
    house = House(world, connector)
    post = house.publish(world.unit()).outcome
    if not isinstance(post, Published):
        return ["it was never published"]
    first = world.remark("a first word", post.native_id)
    heard = _heard(house, connector, world, "")
    breaches = _misheard(heard, first, "a first word", post.native_id, world)
    answered = house.publish(answering(world, first)).outcome if world.answers else None
    second = world.remark("a second word", post.native_id)
    later = _heard(house, connector, world, heard.cursor if heard is not None else "")
    breaches += _misheard(later, second, "a second word", post.native_id, world)
    own = answered.native_id if isinstance(answered, Published) else ""
    if own and any(one.native_id == own for one in (later.found if later is not None else ())):
        breaches.append("what the account answered is heard as somebody's remark")
    world.ask("garbage", world.remarks_on)
    if _heard(house, connector, world, "") is not None:
        breaches.append("remarks out of a broken answer")
    return breaches


def _misheard(heard: Remarks | None, native_id: str, text: str, under: str, world: World) -> list[str]:
    if heard is None:
        return ["nothing is heard"]
    said = [one for one in heard.found if one.native_id == native_id]
    if not said:
        return [f"a remark is not heard: {[one.native_id for one in heard.found]}"]
    return [f"{len(said)} times in one reading"] if len(said) > 1 else _wrong(said[0], text, under, world)


def _wrong(one: Remark, text: str, under: str, world: World) -> list[str]:
    breaches = [] if text in one.text else [f"it said {one.text!r}"]
    breaches += [] if one.under == under else [f"it stands under {one.under!r}"]
    breaches += [] if one.author and one.handle and one.author != world.account.account else ["nobody said it"]
    return breaches + ([] if one.at is not None else ["nobody knows when"])


def _heard(house: House, connector: Remarked, world: World, cursor: str) -> Remarks | None:
    answers: tuple[Answer, ...] = ()
    while True:
        turn = connector.remarks(world.account.account, world.destination, cursor, answers)
        if not isinstance(turn, Send):
            return turn
        answers = (*answers, house.send(turn.step))


def answering(world: World, native_id: str) -> Unit:
    """Words of the account's, put under a remark."""
    unit = world.unit()
    words = (Text("body", unit.text("body")),)
    return replace(unit, texts=words, media=(), references=(Reference(REMARK, native_id),))


def remarks_are_answered_once(world: World, connector: Connector) -> list[str]:
    """An answer stands under the remark, once, whatever became of the request; none without what it answers."""
    if not world.answers or world.remark is None:
        return []
    if REMARK not in connector.capabilities.points_at:
        return ["remarks are heard and cannot be answered"]
    house, breaches = House(world, connector), list[str]()
    post = house.publish(world.unit()).outcome
    if not isinstance(post, Published):
        return ["it was never published"]
    for mode in ("", "reset_before", "reset_after", "status:503_after"):
        said = world.remark(f"what of {mode or 'today'}?", post.native_id)
        if mode:
            world.ask(mode, "posts")
        unit = answering(world, said)
        outcome = house.publish(unit).outcome
        ids = [native_id for native_id, text in world.fake.taken() if unit.text("body") in text]
        if len(ids) != 1 or not isinstance(outcome, Published) or outcome.native_id not in ids:
            breaches.append(f"{mode or 'a good day'}: {len(ids)} answers, told as {type(outcome).__name__}")
        elif world.stands_under(outcome.native_id) != said:
            breaches.append(f"it stands under {world.stands_under(outcome.native_id)!r}")
        elif not isinstance(house.remove(unit, outcome.native_id), Published):
            breaches.append("an answer cannot be taken back")
    return breaches


def remarks_are_moderated(world: World, connector: Connector) -> list[str]:
    """Each act that a platform allows is done, done twice is done once, and a bad day is tried again."""
    acts = connector.capabilities.moderates
    if world.remark is None or not isinstance(connector, Remarked):
        return ["it acts on remarks that nobody hears"] if acts and not isinstance(connector, Remarked) else []
    house, breaches = House(world, connector), list[str]()
    post = house.publish(world.unit()).outcome
    if not isinstance(post, Published):
        return ["it was never published"]
    world.remark("a word", post.native_id)
    said: Remark | None = None
    for act in (one for one in BECOMES if one in acts):  # who is blocked says no more: one remark for all
        heard = _heard(house, connector, world, "")
        if heard is not None and heard.found:
            said = heard.found[-1]
        elif said is None:  # some tell no more of what is hidden, or of whoever is kept away
            breaches.append(f"{act}: nothing is heard")
            world.remark("another word", post.native_id)
            continue
        breaches += _acted(house, connector, world, said, act)
        if act == "delete":
            world.remark("another word", post.native_id)
    return breaches


def _acted(house: House, connector: Remarked, world: World, said: Remark, act: Act) -> list[str]:
    spot = Spot(said.native_id, said.author, world.account.account, world.destination)
    breaches = []
    for mode in LOST:
        world.ask(mode, "moderation", seconds=3.0)
        if not isinstance(end := _moderated(house, connector, spot, act), Retry):
            breaches.append(f"{mode} of {act} is not tried again: {type(end).__name__}")
    for _ in range(2):
        if not isinstance(end := _moderated(house, connector, spot, act), Published):
            breaches.append(f"{act} is told as {type(end).__name__}")
    if BECOMES[act] not in world.remark_is(said.native_id):
        breaches.append(f"after {act} it is {world.remark_is(said.native_id)}")
    return breaches


def _moderated(house: House, connector: Remarked, spot: Spot, act: Act) -> Outcome:
    answers: tuple[Answer, ...] = ()
    while True:
        turn = connector.moderate(spot, act, answers)
        if not isinstance(turn, Send):
            return turn
        if (turn.step.kind, turn.step.action) not in (("control", MODERATE), ("control", "look")):
            raise TypeError(f"{turn.step.name} of an act is {turn.step.kind}/{turn.step.action}")
        answers = (*answers, house.send(turn.step))
