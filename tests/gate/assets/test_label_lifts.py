"""Labels of demo and placeholder pictures: allowed on test networks and on the page of a demo
agency. A member who runs the agency can lift the label of a single picture."""

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

LABELS = [one for one in OriginLabel if one is not OriginLabel.TEMPLATE]  # templates are texts
PUBLIC = bare(media=(Medium(SHA, "image/jpeg", 10),), flags=())
PLACES: dict[str, Unit] = {
    "sandbox": PUBLIC,
    "sandbox as another platform": replace(PUBLIC, surface="sandbox.as_telegram"),
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
    "manual posting": replace(PUBLIC, platform="byhand", surface="byhand.instagram"),
    "unknown platform": replace(PUBLIC, platform="nook", surface="nook.post"),
    "own page": replace(PUBLIC, platform="own_page", surface="own_page.public"),
    "own feed": replace(PUBLIC, platform="own_page", surface="own_page.feed"),
}
OWN, TEST = {"own page", "own feed"}, {"sandbox", "sandbox as another platform"}


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("lifted", [False, True])
@pytest.mark.parametrize("where", PLACES)
def test_labelled_picture_is_limited_to_test_and_demo_pages(
    where: str, lifted: bool, demo: bool
) -> None:
    free = lifted or where in TEST or (where in OWN and demo)
    for label in LABELS:
        medium = known(Rating.G, None, label=str(label), lifted=lifted)
        verdict, reasons = said(snapshot(medium, persons=(), demo=demo), PLACES[where])
        assert (Reason.PICTURE_LABELLED in reasons) is (bool(label) and not free), label
        assert verdict == "B" or Reason.PICTURE_LABELLED not in reasons


def test_label_lift_lifts_no_other_rule() -> None:
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


def test_member_lifts_label_of_single_picture_and_ends_lift(house: World) -> None:
    (medium, asset), (other, _) = drawn(house), drawn(house, OriginLabel.PLACEHOLDER)
    assert Reason.PICTURE_LABELLED in reasons(house, on_x(house, medium))
    say(house, asset)
    with house.scope() as scope:
        assert label_lifts.lifted_labels(scope, [asset]) == {
            asset: LabelLiftSummary(f"member:{house.ann}", "our house style")
        }
    assert Reason.PICTURE_LABELLED not in reasons(house, on_x(house, medium))
    assert Reason.PICTURE_LABELLED in reasons(house, on_x(house, other)), (
        "each picture is lifted separately"
    )
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


def test_label_lift_ended_before_sending_blocks_post(house: World) -> None:
    medium, asset = drawn(house)
    whole, later = on_x(house, medium), on_x(house, medium)
    assert not send(house, whole)
    say(house, asset)
    assert Reason.PICTURE_LABELLED not in reasons(house, later)
    assert send(house, whole)
    take_back(house, asset)
    assert not send(house, later), "the decision is repeated when sending"
    with house.scope() as scope:
        said_last = scope.run(
            "SELECT reasons FROM decisions WHERE tenant_id = :t AND subject_id = :s ORDER BY "
            "decided_at DESC LIMIT 1",
            t=house.tenant_id,
            s=later.subject.id,
        ).scalar_one()
    assert str(Reason.PICTURE_LABELLED) in said_last


def test_derivative_inherits_label_but_not_lift(house: World) -> None:
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


def test_unauthorized_member_cannot_lift_label(house: World, tenant: OpenScope) -> None:
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
    assert Reason.PICTURE_LABELLED in reasons(house, on_x(house, medium)), (
        "the workers check the role again"
    )


def test_repeated_lift_events_apply_once(house: World) -> None:
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


def test_demo_picture_is_allowed_on_own_page_only(tenant: OpenScope, tenant_id: UUID) -> None:
    demo = world(tenant, tenant_id)
    with demo.scope() as scope:
        scope.run("UPDATE agencies SET demo = true WHERE tenant_id = :t", t=tenant_id)
    medium, _ = drawn(demo, OriginLabel.DRAWN)
    here = unit(demo, media=(medium,), platform="own_page", surface="own_page.public")
    assert Reason.PICTURE_LABELLED not in reasons(demo, here)
    assert Reason.PICTURE_LABELLED in reasons(demo, on_x(demo, medium))
    assert Reason.PICTURE_LABELLED not in reasons(demo, message(demo, "7", media=(medium,)))
