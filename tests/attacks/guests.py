"""Attacks by a person alone: on who looks, and on what one may release oneself."""

from functools import partial
from typing import Any

from gate import desk, minting
from gate.units import Rating
from tenants import agencies, reads, sightings
from tenants.roles import Role
from tests.attacks.evidence import nova, shown
from tests.attacks.stage import SCENARIOS, Result, Stage, attack
from tests.attacks.words import at
from tests.tenants.apps import KEY

__all__ = ["SCENARIOS"]

HOME, CAFE = "203.0.113.7", "198.51.100.9"


@attack("P-14")
def guest_who_is_the_author(stage: Stage) -> Result:
    """ann opens the link herself in another browser: the connection is hers."""

    def invites(scope: Any) -> Any:
        return agencies.add_member(
            scope,
            name="guest",
            email="guest@example.test",
            role=Role.GUEST,
            language="en",
            zone="UTC",
            creators=["mia"],
        )

    guest = stage.do(invites)
    for member, address, browser in ((stage.world.ann, HOME, "a"), (guest, HOME if stage.harm else CAFE, "b")):
        come = partial(_seen, member=member, address=address, browser=browser)
        stage.do(come)
    whole = stage.marked(at(stage, "X1", media=(nova(stage, Rating.N),), body="Hello"))
    stage.do(lambda scope: minting.judge(scope, whole, author=stage.author, bundle=stage.rules))
    stage.do(lambda scope: desk.review(scope, whole.digest(), verdict="approve"), actor=f"member:{guest}")
    return stage.send(whole, review=False)


def _seen(scope: Any, *, member: Any, address: str, browser: str) -> None:
    sightings.note(scope, KEY, reads.member(scope, member), address=address, device=browser)


@attack("P-15")
def own_picture_with_a_second_face(stage: Stage) -> Result:
    """A release of one's own is closed everywhere: the author's own yes is refused, and the second face is seen."""
    medium = shown(stage, Rating.E, people_seen=2 if stage.harm else 1)
    whole = stage.marked(at(stage, "FV1", media=(medium,), body="Hello"))
    stage.do(lambda scope: minting.judge(scope, whole, author=stage.author, bundle=stage.rules))
    own = stage.refused(lambda scope: desk.review(scope, whole.digest(), verdict="approve"), actor=stage.author)
    assert own.verdict == "B"
    return stage.send(whole)
