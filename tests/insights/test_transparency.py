"""A month of the safety check in numbers: what left, was kept back, asked for and taken away, and nobody's name."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest

from foundation.database import OpenScope
from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.words import LANGUAGES
from gate import appealing, complaints, copies, minting, people, viewers
from gate.events import AppealDecided
from gate.minting import Denied
from insights import transparency
from insights.transparency import Transparency
from tests.gate.builders import KEY, Step, World, message, picture, real_person, unit, world


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def report(here: World, first: date | None = None) -> Transparency:
    with here.scope() as scope:
        return transparency.report(scope, first)


def leaves(here: World, one) -> None:
    with here.scope() as scope:
        permit = minting.mint(scope, one, Step(), key=KEY, author=f"member:{here.ann}")
    with here.scope() as scope:
        copies.note_copy(scope, permit.jti, f"n-{permit.jti}", scope.now)


def is_kept(here: World, one) -> None:
    with pytest.raises(Denied) as denied, here.scope() as scope:
        minting.mint(scope, one, Step(), key=KEY, author=f"member:{here.ann}")
    with here.scope() as scope:
        minting.record_denial(scope, denied.value)


def asked(here: World, category: str, digest: str):
    with here.scope() as scope:
        receipt = complaints.receive(
            scope, creator_id=here.creator_id, category=category, named="p1", digests=[digest], source=category
        )
        return complaints.by_receipt(scope, receipt).id


def test_a_quiet_month_is_told_as_such(here: World) -> None:
    found = report(here)
    month = found.counts
    assert (month.sent, month.held, month.blocked, month.called, month.withdrawn, month.proofs) == (0, 0, 0, 0, 0, 0)
    assert (month.reasons, month.requests, month.settled_hours) == ((), (), (0, 0))
    assert not found.whole
    assert "Nobody asked" in transparency.markdown(found, "en")


def test_what_left_and_what_was_kept_is_counted_once_each(here: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    leaves(other, unit(other))
    leaves(here, unit(here))
    leaves(here, unit(here))
    held = unit(here, text="Zobacz koniecznie moje nowe zdjęcia, wszystko czeka na ciebie.")
    is_kept(here, held)
    is_kept(here, held)  # a second try of the same post is no second post
    with here.scope() as scope:
        viewers.block(scope, "sandbox", "fan")
    is_kept(here, message(here, "fan"))
    month = report(here).counts
    assert (month.sent, month.held, month.blocked) == (2, 1, 1)
    assert dict(month.reasons) == {"TEXT_LANGUAGE_UNSUPPORTED": 1, "VIEWER_BLOCKED": 1}
    assert month.closed == 1


def test_requests_copies_and_permissions(here: World) -> None:
    with here.scope() as scope:
        person = real_person(scope)
        shown, kept = picture(scope, here, person=person), picture(scope, here)
    leaves(here, unit(here, media=[shown]))
    gone, stays = asked(here, "shown", shown.sha256), asked(here, "other", kept.sha256)
    asked(here, "illegal", kept.sha256)
    with here.scope() as scope:
        for jti in complaints.uphold(scope, gone):
            copies.gone(scope, jti, "deleted:n")
        complaints.reject(scope, stays, because="unfounded")
        people.revoke(scope, person, what="publish")
    month = report(here).counts
    told = {one.category: (one.received, one.taken, one.kept, one.open) for one in month.requests}
    assert told == {"shown": (1, 1, 0, 0), "other": (1, 0, 1, 0), "illegal": (1, 0, 0, 1)}
    assert (month.called, month.gone, month.withdrawn) == (1, 1, 1)
    assert 0 < month.settled_hours[0] <= month.settled_hours[1] < 1
    assert 0 <= month.gone_hours[1] < 1


def test_appeals_are_counted_with_what_came_of_them(here: World) -> None:
    with here.scope() as scope:
        digests = [picture(scope, here).sha256 for _ in range(3)]
    changed, confirmed, waits = map(partial(asked, here), ("shown", "illegal", "other"), digests)
    with here.scope(f"member:{here.ann}") as scope:
        for one in (changed, confirmed):
            complaints.reject(scope, one)
        complaints.uphold(scope, waits)
        appealing.ask_again(scope, waits, words="why not")
    for one, because in ((changed, ""), (confirmed, "agreed")):
        with here.scope() as scope:
            receipt = complaints.brief(scope, complaints.row_of(scope, one)).receipt
            appealing.ask(scope, receipt, creator_id=here.creator_id, words="")
            (appeal,) = complaints.by_receipt(scope, receipt).appeals
        event = AppealDecided(here.tenant_id, appeal.id, because, f"member:{here.rob}")
        appealing.settle(event, tenant=here.open)
    found = report(here)
    told = {one.side: (one.received, one.changed, one.confirmed, one.open) for one in found.counts.appeals}
    assert told == {"asked": (2, 1, 1, 0), "agency": (1, 0, 0, 1)}
    assert [(one.taken, one.kept, one.open) for one in found.counts.requests] == [(1, 0, 0), (0, 1, 0), (1, 0, 0)]
    assert "appeals_changed,asked,1" in transparency.table(found)
    assert "why not" not in transparency.table(found) + transparency.markdown(found, "en")


def test_months_are_those_of_the_agency_and_the_last_one_is_whole(here: World) -> None:
    found = report(here)
    start, end = found.counts.start, found.counts.end
    assert start <= found.made_at < end
    with here.scope() as scope:
        months = transparency.months(scope)
    assert months[0] == found.first
    assert [month.day for month in months] == [1] * 13
    assert all((later - sooner).days in range(28, 32) for later, sooner in pairwise(months))
    earlier = report(here, months[1])
    assert earlier.whole
    assert earlier.counts.end == start
    with pytest.raises(BadInput, match="to_come"):
        report(here, months[0] + timedelta(days=40))


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "november", "2026-11-01", "2026-11\n", "x" * 5000])
def test_a_month_nobody_can_read_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no_month"):
        transparency.first_of(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_three_forms_say_the_same_and_a_name_does_nothing(here: World, language: str) -> None:
    is_kept(here, unit(here, text="Katso uudet kuvani tänään illalla, kaikki odottaa sinua."))
    with here.scope() as scope:
        picture_of = picture(scope, here)
    asked(here, "shown", picture_of.sha256)
    honest = report(here)
    hostile = Transparency("<b>*x*</b>", honest.first, honest.whole, honest.made_at, honest.counts)
    page, text = transparency.html(hostile, language), transparency.markdown(hostile, language)
    assert f'<html lang="{language}">' in page
    assert "<b>" not in page + text
    assert "transparency." not in page + text
    rows = {(what, of): value for what, of, value in csv.reader(io.StringIO(transparency.table(honest)))}
    assert rows["held", ""] == rows["requests_received", "shown"] == rows["reason", "TEXT_LANGUAGE_UNSUPPORTED"] == "1"
    assert datetime.fromisoformat(f"{honest.first}T00:00:00+00:00").tzinfo == UTC
