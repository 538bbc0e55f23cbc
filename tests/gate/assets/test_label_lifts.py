"""Pictures of the demonstration model and stand-ins: on test networks, on a demonstration's own
page, and nowhere else until one who runs the agency lets a single one out."""

from dataclasses import replace
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from foundation.money import Money
from gate.assets import asset_records, label_lifts
from gate.assets.label_lifts import LabelLiftRequested, LabelLiftSummary
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating, Unit
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from generators.contract.engines import OriginLabel
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate.builders import KEY, Step, World, asset_of, message, picture, unit, world
from tests.gate.decision.test_decide import SHA, known, said, snapshot
from tests.gate.decision.test_decide import unit as bare
from tests.gate.person_actions import member_scope, run_workers

LABELS = [one for one in OriginLabel if one is not OriginLabel.TEMPLATE]  # that one is of texts
PUBLIC = bare(media=(Medium(SHA, "image/jpeg", 10),), flags=())
PLACES: dict[str, Unit] = {
    "sandbox": PUBLIC,
    "sandbox as another": replace(PUBLIC, surface="sandbox.as_telegram"),
    "real platform": replace(PUBLIC, platform="x", surface="x.post"),
    "real chat": replace(
        PUBLIC, platform="telegram", surface="telegram.bot_dm", audience="viewer", viewer="7"
    ),
    "real pack": replace(
        PUBLIC,
        platform="telegram",
        surface="telegram.bot_dm",
        audience="viewer",
        viewer="7",
        price=Money(500, "EUR"),
    ),
    "by hand": replace(PUBLIC, platform="byhand", surface="byhand.instagram"),
    "nobody knows it": replace(PUBLIC, platform="nook", surface="nook.post"),
    "own page": replace(PUBLIC, platform="own_page", surface="own_page.public"),
    "own feed": replace(PUBLIC, platform="own_page", surface="own_page.feed"),
}
OWN, TEST = {"own page", "own feed"}, {"sandbox", "sandbox as another"}


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("lifted", [False, True])
@pytest.mark.parametrize("where", PLACES)
def test_a_labelled_picture_stays_where_nobody_mistakes_it(
    where: str, lifted: bool, demo: bool
) -> None:
    free = lifted or where in TEST or (where in OWN and demo)
    for label in LABELS:
        medium = known(Rating.G, None, label=str(label), lifted=lifted)
        verdict, reasons = said(snapshot(medium, persons=(), demo=demo), PLACES[where])
        assert (Reason.PICTURE_LABELLED in reasons) is (bool(label) and not free), label
        assert verdict == "B" or Reason.PICTURE_LABELLED not in reasons


def test_letting_it_out_lifts_no_other_rule() -> None:
    amiss = {
        Reason.PROHIBITED_MINOR: known(Rating.X, prohibited="minor"),
        Reason.COMPLAINT_FREEZE: known(Rating.G, None, state="frozen"),
        Reason.PERSON_UNRESOLVED: known(Rating.G, None, people_seen=1),
        Reason.RATING_MISSING: known(None, None),
        Reason.BLOCKLIST_EXACT: known(Rating.G, None, blocked="exact"),
    }
    for reason, medium in amiss.items():
        out = replace(medium, label="demo", lifted=True)
        assert reason in said(snapshot(out), PLACES["real platform"])[1]


@pytest.fixture
def house(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def drawn(
    house: World, label: OriginLabel = OriginLabel.DEMO, *, parent: UUID | None = None
) -> tuple[Medium, UUID]:
    with house.scope() as scope:
        medium = picture(scope, house, Rating.G, parent=parent, label=str(label))
        return medium, asset_of(scope, medium)


def on_x(house: World, medium: Medium) -> Unit:
    return unit(house, media=(medium,), platform="x", surface="x.post")


def reasons(house: World, whole: Unit) -> set[Reason]:
    with house.scope() as scope:
        return set(issuance.judge_unit(scope, whole, author=f"member:{house.ann}").reasons)


def say(
    house: World, asset: UUID, *, why: str = "our house style", member: UUID | None = None
) -> None:
    with member_scope(house, member or house.ann) as scope:
        label_lifts.lift_label(scope, asset, why=why)
    run_workers(house)


def take_back(house: World, asset: UUID) -> None:
    with member_scope(house, house.rob) as scope:
        label_lifts.end_label_lift(scope, asset)
    run_workers(house)


def send(house: World, whole: Unit) -> bool:
    try:
        with house.scope("system:sender") as scope:
            issuance.mint_permit(
                scope,
                whole,
                Step(body=str(whole.subject.id)),
                key=KEY,
                author=f"member:{house.ann}",
            )
    except PermitDenied as denied:
        with house.scope("system:sender") as scope:
            issuance.record_denial(scope, denied)
        return False
    return True


def test_one_who_runs_the_agency_lets_a_single_picture_out_and_takes_it_back(house: World) -> None:
    (medium, asset), (other, _) = drawn(house), drawn(house, OriginLabel.PLACEHOLDER)
    assert Reason.PICTURE_LABELLED in reasons(house, on_x(house, medium))
    say(house, asset)
    with house.scope() as scope:
        assert label_lifts.lifted_labels(scope, [asset]) == {
            asset: LabelLiftSummary(f"member:{house.ann}", "our house style")
        }
    assert Reason.PICTURE_LABELLED not in reasons(house, on_x(house, medium))
    assert Reason.PICTURE_LABELLED in reasons(house, on_x(house, other)), "each picture by itself"
    take_back(house, asset)
    assert Reason.PICTURE_LABELLED in reasons(house, on_x(house, medium))
    say(house, asset, why="once more")
    assert Reason.PICTURE_LABELLED not in reasons(house, on_x(house, medium))
    with house.scope() as scope:
        noted = (
            scope.run(
                "SELECT act FROM audit_entries WHERE tenant_id = :t AND act LIKE 'label.%' ORDER "
                "BY created_at, id",
                t=house.tenant_id,
            )
            .scalars()
            .all()
        )
    assert noted == ["label.lifted", "label.kept", "label.lifted"]


def test_what_is_taken_back_before_it_is_sent_is_not_sent(house: World) -> None:
    medium, asset = drawn(house)
    whole, later = on_x(house, medium), on_x(house, medium)
    assert not send(house, whole)
    say(house, asset)
    assert Reason.PICTURE_LABELLED not in reasons(house, later)
    assert send(house, whole)
    take_back(house, asset)
    assert not send(house, later), "the send decides again"
    with house.scope() as scope:
        said_last = scope.run(
            "SELECT reasons FROM decisions WHERE tenant_id = :t AND subject_id = :s ORDER BY "
            "decided_at DESC LIMIT 1",
            t=house.tenant_id,
            s=later.subject.id,
        ).scalar_one()
    assert str(Reason.PICTURE_LABELLED) in said_last


def test_what_is_made_from_it_keeps_the_label_and_not_the_leave(house: World) -> None:
    _, asset = drawn(house)
    say(house, asset)
    still, child = drawn(house, OriginLabel.NONE, parent=asset)
    film, _ = drawn(house, OriginLabel.NONE, parent=child)
    photo, _ = drawn(house, OriginLabel.NONE)
    for medium in (still, film):
        assert Reason.PICTURE_LABELLED in reasons(house, on_x(house, medium))
    assert Reason.PICTURE_LABELLED not in reasons(house, on_x(house, photo))
    with house.scope() as scope:
        assert asset_records.asset_label(scope, child) == OriginLabel.DEMO


def test_who_may_not_changes_nothing(house: World, tenant: OpenScope) -> None:
    medium, asset = drawn(house)
    _, photo = drawn(house, OriginLabel.NONE)
    with house.scope() as scope:
        guest = agencies.add_member(
            scope,
            name="cho",
            email="cho@example.test",
            role=Role.CHATTER,
            language="en",
            zone="UTC",
        )
    with member_scope(house, guest) as scope, pytest.raises(Refused, match=r"role\.forbidden"):
        label_lifts.lift_label(scope, asset, why="please")
    for why in ("", "  ", "x" * (label_lifts.MAX_LIFT_REASON + 1)):
        with member_scope(house, house.ann) as scope, pytest.raises(BadInput, match=r"label\.why"):
            label_lifts.lift_label(scope, asset, why=why)
    with member_scope(house, house.ann) as scope, pytest.raises(BadInput, match=r"label\.none"):
        label_lifts.lift_label(scope, photo, why="why not")
    with member_scope(house, house.ann) as scope, pytest.raises(NotFound):
        label_lifts.end_label_lift(scope, asset)
    away = world(tenant, uuid7())
    with member_scope(away, away.ann) as scope, pytest.raises(NotFound):
        label_lifts.lift_label(scope, asset, why="not ours")
    label_lifts.handle_label_lift(
        LabelLiftRequested(house.tenant_id, asset, True, "late", f"member:{guest}"),
        tenant=house.open,
    )
    assert Reason.PICTURE_LABELLED in reasons(house, on_x(house, medium)), "the workers ask again"


def test_said_twice_is_said_once(house: World) -> None:
    _, asset = drawn(house)
    event = LabelLiftRequested(house.tenant_id, asset, True, "our style", f"member:{house.ann}")
    for _ in range(2):
        label_lifts.handle_label_lift(event, tenant=house.open)
    ended = LabelLiftRequested(house.tenant_id, asset, False, "", f"member:{house.ann}")
    for _ in range(2):
        label_lifts.handle_label_lift(ended, tenant=house.open)
    with house.scope() as scope:
        counted = "SELECT count(*) FROM label_lifts WHERE tenant_id = :t"
        assert scope.run(counted, t=house.tenant_id).scalar_one() == 1
        assert label_lifts.lifted_labels(scope, [asset]) == {}


def test_a_demonstration_shows_on_its_own_page_and_nowhere_else(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    demo = world(tenant, tenant_id)
    with demo.scope() as scope:
        scope.run("UPDATE agencies SET demo = true WHERE tenant_id = :t", t=tenant_id)
    medium, _ = drawn(demo, OriginLabel.DRAWN)
    here = unit(demo, media=(medium,), platform="own_page", surface="own_page.public")
    assert Reason.PICTURE_LABELLED not in reasons(demo, here)
    assert Reason.PICTURE_LABELLED in reasons(demo, on_x(demo, medium))
    assert Reason.PICTURE_LABELLED not in reasons(demo, message(demo, "7", media=(medium,)))
