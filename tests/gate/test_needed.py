"""Which act needs how many people: what a person alone can do from the first day, and what a second one opens."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from foundation.database import Database, OpenScope
from foundation.ids import uuid7
from foundation.settings import Settings
from foundation.words import LANGUAGES, Message, say
from gate import desk, minting, needed, switches
from gate.minting import Denied
from gate.needed import DUTIES, Hand, Needed, State
from gate.units import Rating
from tenants import reads, staffing
from tenants.roles import Right, Role, may
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, invented, picture, unit, world
from workers.doctor_people import people
from workers.findings import Verdict


def hand(name: str, role: Role, **changes: Any) -> Hand:
    rights = frozenset(right for right in Right if may(role, right))
    return Hand(name, changes.pop("principal", uuid7()), rights, **changes)


def rows(*hands: Hand) -> dict[str, Needed]:
    return {row.act: row for row in needed.needed(hands)}


def states(*hands: Hand) -> dict[str, str]:
    return {act: str(row.state) for act, row in rows(*hands).items() if row.state is not State.CLOSED}


def test_a_person_alone_publishes_up_to_suggestive_and_waits_for_the_rest() -> None:
    alone = hand("Sol", Role.OWNER)
    assert states(alone) == {
        "general": "now",
        "adult": "missing",
        "machine_words": "now",
        "own_words": "missing",
        "old_rule": "missing",
        "appeal": "missing",
        "loosening": "missing",
        "reopen": "later",
        "lowering": "missing",
        "lowering_little": "missing",
        "invented": "missing",
    }
    assert rows(alone)["general"].by == ("Sol",)


def test_a_guest_opens_what_is_adult_and_an_old_rule_and_nothing_else() -> None:
    alone, gus = hand("Sol", Role.OWNER), hand("Gus", Role.GUEST)
    found = rows(alone, gus)
    assert (found["adult"].state, found["adult"].by) == (State.NOW, ("Gus",))
    assert found["old_rule"].state is State.NOW
    assert found["appeal"].by == ("Gus",)
    assert found["invented"].state is State.MISSING, "two others look"
    assert rows(alone, gus, hand("Ada", Role.GUEST))["invented"].by == ("Ada", "Gus")
    assert (found["own_words"].state, found["reopen"].state) == (State.MISSING, State.LATER)


def test_a_guest_who_is_the_owner_is_nobody_else() -> None:
    alone = hand("Sol", Role.OWNER)
    gus = hand("Gus", Role.GUEST, counts_as=frozenset({alone.principal}))
    assert rows(alone, gus)["adult"].state is State.MISSING
    second_login = hand("Sol again", Role.MANAGER, principal=alone.principal)
    assert rows(alone, second_login)["adult"].state is State.MISSING


def test_two_look_at_each_others_work() -> None:
    found = rows(hand("Sol", Role.OWNER), hand("Ann", Role.MANAGER), hand("Cara", Role.CHATTER))
    assert found["adult"].by == ("Ann", "Sol")
    assert found["own_words"].by == ("Ann", "Sol")
    assert found["reopen"].state is State.NOW


@pytest.mark.parametrize("roles", [(), (Role.GUEST,), (Role.CHATTER, Role.ACCOUNTANT, Role.CREATOR)])
def test_who_may_not_begin_is_missing(roles: Sequence[Role]) -> None:
    found = states(*(hand(str(role), role) for role in roles))
    assert set(found.values()) == {"missing"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_has_its_sentence(language: str) -> None:
    assert "Sol" in say(Message("needed.own_picture.now", {"by": "Sol"}), language)
    assert say(Message("needed.own_picture.missing"), language)  # what is closed may be opened by rules in force
    for duty in DUTIES:
        ends = (
            [State.CLOSED]
            if duty.closed
            else [State.NOW, State.MISSING] + [State.LATER] * duty.waits + [State.ALONE] * duty.trained
        )
        for state in ends:
            assert say(Message(f"needed.{duty.act}.{state}", {"by": "Sol"}), language)


def test_ones_own_picture_needs_rules_that_opened_it_and_a_passkey() -> None:
    keyed, bare = hand("Sol", Role.OWNER, passkey=True), hand("Ann", Role.MANAGER)

    def own(*hands: Hand, opened: Sequence[str] = (needed.OWN_PICTURE,)) -> Needed:
        return next(row for row in needed.needed(hands, opened=opened) if row.act == needed.OWN_PICTURE)

    assert own(keyed, bare) == Needed(needed.OWN_PICTURE, State.NOW, ("Sol",))
    assert own(bare) == Needed(needed.OWN_PICTURE, State.MISSING, ())
    assert own(hand("Cy", Role.CHATTER, passkey=True)).state is State.MISSING
    assert own(keyed, opened=()) == own(keyed, opened=["campaign"]) == Needed(needed.OWN_PICTURE, State.CLOSED)
    assert [row.act for row in needed.needed([keyed])] == [duty.act for duty in DUTIES]


def test_who_is_trained_does_it_at_once_and_is_named_alone() -> None:
    trained, other = hand("Sol", Role.OWNER, adult_chat=True), hand("Ann", Role.MANAGER)
    found = rows(trained, other)["own_words"]
    assert (found.state, found.by) == (State.ALONE, ("Sol",))
    assert rows(other, hand("Gus", Role.GUEST, adult_chat=True))["own_words"].state is State.MISSING


def test_two_others_are_two_humans() -> None:
    ann, bo, cy = hand("Ann", Role.MANAGER), hand("Bo", Role.MANAGER), hand("Cy", Role.MANAGER)
    twin = hand("Bo again", Role.MANAGER, principal=bo.principal)
    assert rows(ann, bo, twin)["lowering"] == Needed("lowering", State.MISSING, ())
    assert rows(ann, bo, twin)["lowering_little"] == Needed("lowering_little", State.NOW, ("Ann", "Bo", "Bo again"))
    assert rows(ann, bo, cy)["lowering"] == Needed("lowering", State.NOW, ("Ann", "Bo", "Cy"))
    assert rows(ann)["reopen"] == Needed("reopen", State.LATER, ("Ann",))
    assert rows(ann)["loosening"] == Needed("loosening", State.MISSING, ())
    seen_there = hand("Gus", Role.GUEST, counts_as=frozenset({ann.principal}))
    assert rows(seen_there, ann)["adult"] == rows(ann, seen_there)["adult"] == Needed("adult", State.MISSING, ())


def test_the_table_says_what_the_check_does(tenant: OpenScope) -> None:
    """What it calls missing is kept back, and goes once the guest it asks for has looked."""
    house, gus = alone(tenant)
    with house.scope() as scope:
        person = invented(scope, house)
        nude = unit(house, media=(picture(scope, house, Rating.N, person=person),))
        told = {row.act: row.state for row in needed.table(scope)}
    ann = f"member:{house.ann}"
    assert told["adult"] is State.MISSING  # gus has no creator yet
    with house.scope() as scope:
        marked = minting.marked(scope, nude, line=str)
        minting.judge(scope, marked, author=ann)
    with pytest.raises(Denied), house.scope() as scope:
        minting.mint(scope, marked, Step(), key=KEY, author=ann)
    with house.scope() as scope:
        staffing.change(scope, gus, role=Role.GUEST, creators=("mia",))
    with house.scope(f"member:{gus}") as scope:
        desk.review(scope, marked.digest(), verdict="approve")
    with house.scope() as scope:
        assert {row.act: row.state for row in needed.table(scope)}["adult"] is State.NOW
        assert minting.mint(scope, marked, Step(), key=KEY, author=ann)


def test_a_person_alone_ends_a_stop_after_a_quarter_of_an_hour(tenant: OpenScope) -> None:
    house, _ = alone(tenant)
    with house.scope(f"member:{house.ann}") as scope:
        switches.close(scope, "tenant", "", "sending", reason="alarm")
    with house.scope() as scope:
        assert {row.act: row.state for row in needed.table(scope)}["reopen"] is State.LATER
    with house.scope(f"member:{house.ann}") as scope, pytest.raises(Exception, match="alone_too_early"):
        switches.reopen(scope, "tenant", "", "sending", reason="over")
    with house.open(house.tenant_id, "system:test", role="gate") as scope:
        scope.run("UPDATE switches SET updated_at = updated_at - interval '15 minutes'")
    with house.scope(f"member:{house.ann}") as scope:
        switches.reopen(scope, "tenant", "", "sending", reason="over")


def test_the_doctor_says_who_is_missing(cluster: Cluster, database: Database, tenant: OpenScope) -> None:
    house, _ = alone(tenant)
    url = cluster.url("greenroom_work", "house")
    settings = Settings.model_validate({"database": {"work_url": url}})
    part = f"people Agency {house.tenant_id}"
    told = {one.says.code: one for one in people(settings) if one.part == part}
    assert told["needed.general.now"].verdict is Verdict.FINE
    assert "ann" in say(told["needed.general.now"].says, "en")
    assert told["needed.adult.missing"].verdict is Verdict.WARN
    assert not list(people(Settings.model_validate({"database": {"work_url": ""}})))


def alone(tenant: OpenScope) -> tuple[Any, UUID]:
    """An agency of one person, and a guest reviewer to whom nothing was given yet."""
    house = world(tenant, uuid7(), solo=True)
    with house.scope() as scope:
        staffing.change(scope, house.rob, role=Role.GUEST, creators=())
        assert {one.name for one in reads.members(scope)} == {"ann", "gus"}
    return house, house.rob
