"""Which earlier yes each act makes void: the epochs that grow with it, and no others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate import (
    beside,
    binding,
    cardfacts,
    epochs,
    faces,
    inspecting,
    likeness,
    limits,
    loading,
    people,
    ratings,
    recall,
    releasing,
    signing,
    switches,
    targets,
    viewers,
)
from gate.beside import LikenessJudged
from gate.carded import SIGNED, WITHDRAWN
from gate.faces import Compared
from gate.units import Medium, Rating, Verdict
from tests.gate import carding
from tests.gate.builders import World, asset_of, invented, picture, real_person, world
from tests.gate.opening import author, opened

MODEL, BOX = "arc@3", Sealed(b"box")


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def counted(scope: Scope) -> dict[str, int]:
    rows = scope.run("SELECT key, value FROM epochs WHERE tenant_id = :t", t=scope.tenant_id)
    return {row.key: row.value for row in rows}


def grown(here: World, act: Callable[[Scope], object], *, actor: str = "") -> set[str]:
    """The keys that grew with an act; that each was locked for it is in the count."""
    with here.scope(actor or f"member:{here.ann}") as scope:
        before = counted(scope)
        act(scope)
        after = counted(scope)
    return {key for key in after if after[key] > before.get(key, 0)}


def made(here: World, **more: Any) -> tuple[Medium, UUID]:
    with here.scope() as scope:
        medium = picture(scope, here, **more)
        return medium, asset_of(scope, medium)


def test_what_is_said_of_somebody_voids_what_shows_them_and_their_doubles(here: World) -> None:
    with here.scope() as scope:
        ida, other = real_person(scope), real_person(scope)
        twins = [people.add_person(scope, kind="digital_twin", display_ref="T", twin_of=ida) for _ in range(2)]
        person = {each: epochs.person(scope, each) for each in (ida, other, *twins)}
    everybody = {person[each] for each in (ida, *twins)}
    assert grown(here, lambda scope: people.revoke(scope, ida)) == everybody
    assert grown(here, lambda scope: people.revoke(scope, other, what="publish")) == {person[other]}
    assert grown(here, lambda scope: people.block(scope, other)) == {person[other]}
    assert grown(here, lambda scope: loading.load_revocation(scope, ida, at=scope.now)) == {person[ida]}


def test_what_becomes_known_of_faces_voids_what_was_not_compared_with_them(here: World) -> None:
    shown, _ = made(here)
    with here.scope() as scope:
        ida, nova = people.add_person(scope, kind="real", display_ref="Ida"), invented(scope, here)
        person, known = epochs.person(scope, ida), epochs.faces(scope)
        of_nova = epochs.person(scope, nova)
    assert grown(here, lambda scope: faces.agree(scope, ida), actor=f"person:{ida}") == {person}
    with here.scope() as scope:
        subject = faces.living(scope, ida)
        assert subject is not None
    keep = lambda scope: faces.keep(scope, subject.id, model=MODEL, box=BOX, pictures=[])  # noqa: E731  one act
    assert grown(here, keep) == {person, known}
    barred = uuid7()
    assert grown(here, lambda scope: faces.bar(scope, subject_id=barred, why="x", model=MODEL, box=BOX)) == {known}
    for _ in range(2):
        assert grown(here, lambda scope: faces.unbar(scope, barred, uuid7())) == {known}
    assert grown(here, lambda scope: faces.refer(scope, nova, [shown.sha256])) == {of_nova}


def test_what_comparing_found_voids_the_picture_the_person_and_who_is_made_after_it(here: World) -> None:
    medium, asset = made(here, ai="generated")
    apart, _ = made(here)
    with here.scope() as scope:
        ida, nova = people.add_person(scope, kind="real", display_ref="Ida"), invented(scope, here)
        faces.refer(scope, nova, [medium.sha256])
    with here.scope(f"person:{ida}") as scope:
        faces.agree(scope, ida)
        subject = faces.living(scope, ida)
        assert subject is not None
        faces.keep(scope, subject.id, model=MODEL, box=BOX, pictures=[])
        keys = {epochs.asset(scope, asset), epochs.person(scope, ida), epochs.person(scope, nova)}
        lone = epochs.asset(scope, asset_of(scope, apart))

    def compared(sha256: str, resembles: dict[UUID, int]) -> Callable[[Scope], None]:
        return lambda scope: likeness.note(
            scope, sha256, Compared(MODEL, faces.version(scope), complete=True, faces=1, resembles=resembles)
        )

    assert grown(here, compared(medium.sha256, {subject.id: 800})) == keys
    assert grown(here, compared(apart.sha256, {})) == {lone}
    with here.scope() as scope:
        (one,) = beside.waiting(scope, [here.creator_id])
    said = LikenessJudged(here.tenant_id, one.id, one.digest, beside.SAME, "", "", f"member:{here.rob}")
    assert grown(here, lambda scope: beside.judge(scope, said), actor=said.by) == keys


def test_what_is_said_of_a_picture_voids_it_and_whom_it_names(here: World) -> None:
    medium, asset = made(here)
    with here.scope() as scope:
        ida = real_person(scope)
        own, person = epochs.asset(scope, asset), epochs.person(scope, ida)
    sha256 = medium.sha256
    acts: list[Callable[[Scope], object]] = [
        lambda scope: ratings.rate(scope, sha256, Rating.S, source="rule:x"),
        lambda scope: ratings.freeze(scope, sha256),
        lambda scope: ratings.thaw(scope, sha256),
        lambda scope: inspecting.missed(scope, sha256),
        lambda scope: inspecting.partly(scope, sha256),
        lambda scope: inspecting.read(scope, sha256, hidden=False),
    ]
    for act in acts:
        assert grown(here, act) == {own}
    assert grown(here, lambda scope: ratings.depict(scope, asset, ida, how="face")) == {own, person}


def test_what_holds_for_the_agency_voids_all_of_it(here: World) -> None:
    medium, _ = made(here)
    with here.scope() as scope:
        whole = epochs.tenant(scope)
    acts: list[Callable[[Scope], object]] = [
        lambda scope: recall.block(scope, medium.sha256, category="shown"),
        lambda scope: recall.unblock(scope, medium.sha256),
        lambda scope: limits.keep(scope, "sandbox.post", Rating.S, Verdict.H, why="quiet"),
        lambda scope: switches.close(scope, "tenant", "", "bot", reason="x"),
        lambda scope: targets.register(scope, here.creator_id, "https://a.test/", rating=Rating.G, adult=False),
    ]
    for act in acts:
        assert whole in grown(here, act)


def test_a_stop_voids_what_it_stops(here: World) -> None:
    channel, viewer = uuid7(), "fan:1"
    for where, target, key in (
        ("creator", str(here.creator_id), lambda scope: epochs.creator(scope, here.creator_id)),
        ("channel", str(channel), lambda scope: epochs.channel(scope, channel)),
        ("chat", f"{channel}:{viewer}", lambda scope: epochs.chat(scope, channel, viewer)),
        ("platform", "x", lambda scope: epochs.platform("x")),
    ):
        with here.scope() as scope:
            wanted = key(scope)
        assert grown(here, lambda scope, w=where, t=target: switches.close(scope, w, t, "bot", reason="x")) == {wanted}


def test_what_is_known_of_a_reader_voids_what_is_for_them(here: World) -> None:
    with here.scope() as scope:
        reader = epochs.viewer(scope, "x", "u")
    for act in (viewers.ask, viewers.suspect, viewers.block):
        assert grown(here, lambda scope, act=act: act(scope, "x", "u")) == {reader}


def test_a_picture_put_on_a_card_voids_it_and_what_was_made_from_it(here: World) -> None:
    ida = carding.person(here)
    card = carding.make(here, ida)
    medium = carding.undated(here)
    with here.scope() as scope:
        asset = asset_of(scope, medium)
        child = asset_of(scope, picture(scope, here, parent=asset))
        family = {epochs.asset(scope, each) for each in (asset, child)}
        person = epochs.person(scope, ida)
    assert grown(here, lambda scope: binding.bind(scope, child, card)) == family
    with here.scope() as scope:
        digest = cardfacts.facts(scope, card).digest
    hand = f"person:{ida}"
    assert person not in grown(here, lambda scope: signing.answer(scope, card, SIGNED, digest=digest), actor=hand)
    assert grown(here, lambda scope: signing.answer(scope, card, WITHDRAWN, digest=digest), actor=hand) == {person}


def test_what_was_said_of_an_account_voids_what_leaves_by_it(tenant: OpenScope) -> None:
    one = author(tenant, rules=opened())
    released = one.releases()
    with one.world.scope() as scope:
        account = epochs.channel(scope, one.whole.channel_id)
    assert released
    taken = lambda scope: releasing.withdraw(scope, one.whole.subject.id)  # noqa: E731  one act
    assert grown(one.world, taken) == {account}
    assert grown(one.world, lambda scope: releasing.end_holder(scope, one.holder)) == {account}


def test_a_link_that_changed_voids_what_bears_it(here: World) -> None:
    with here.scope() as scope:
        whole = epochs.tenant(scope)
        targets.register(
            scope, here.creator_id, "https://a.test/", rating=Rating.G, adult=False, lives=timedelta(days=3)
        )
        assert dict(epochs.values(scope, [whole, "no:such"])) == {whole: counted(scope)[whole]}
        assert epochs.values(scope, []) == ()
