"""The monthly transparency report: counts of published, held, requested and removed content,
without names."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from gate.consent.grants import revoke_consent
from gate.copies import live_copies
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.removal import removal_requests
from gate.reviews import appeals
from gate.reviews.events import AppealDecided
from gate.viewers import age_assurance
from insights.reports import transparency_report
from insights.reports.transparency_report import TransparencyReport
from tests.gate.builders import KEY, Step, World, message, picture, real_person, unit, world


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def report(here: World, first: date | None = None) -> TransparencyReport:
    with here.scope() as scope:
        return transparency_report.load_transparency_report(scope, first)


def leaves(here: World, one) -> None:
    with here.scope() as scope:
        permit = issuance.mint_permit(scope, one, Step(), key=KEY, author=f"member:{here.ann}")
    with here.scope() as scope:
        live_copies.record_copy(scope, permit.jti, f"n-{permit.jti}", scope.now)


def is_kept(here: World, one) -> None:
    with pytest.raises(PermitDenied) as denied, here.scope() as scope:
        issuance.mint_permit(scope, one, Step(), key=KEY, author=f"member:{here.ann}")
    with here.scope() as scope:
        issuance.record_denial(scope, denied.value)


def asked(here: World, category: str, digest: str):
    with here.scope() as scope:
        receipt = removal_requests.receive_removal_request(
            scope,
            creator_id=here.creator_id,
            category=category,
            named="p1",
            digests=[digest],
            source=category,
        )
        return removal_requests.find_status_by_receipt(scope, receipt).id


def test_month_without_events_is_reported_as_empty(here: World) -> None:
    found = report(here)
    month = found.counts
    assert (month.sent, month.held, month.blocked, month.called, month.withdrawn, month.proofs) == (
        0,
        0,
        0,
        0,
        0,
        0,
    )
    assert (month.reasons, month.requests, month.settled_hours) == ((), (), (0, 0))
    assert not found.whole
    assert "No removal requests." in transparency_report.render_transparency_markdown(found, "en")


def test_published_and_held_posts_are_counted_once(here: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    leaves(other, unit(other))
    leaves(here, unit(here))
    leaves(here, unit(here))
    held = unit(here, text="Zobacz koniecznie moje nowe zdjęcia, wszystko czeka na ciebie.")
    is_kept(here, held)
    is_kept(here, held)  # a second attempt for the same post is not counted
    with here.scope() as scope:
        age_assurance.block_viewer(scope, "sandbox", "fan")
    is_kept(here, message(here, "fan"))
    month = report(here).counts
    assert (month.sent, month.held, month.blocked) == (2, 1, 1)
    assert dict(month.reasons) == {"TEXT_LANGUAGE_UNSUPPORTED": 1, "VIEWER_BLOCKED": 1}
    assert month.closed == 1


def test_removal_requests_and_revoked_consents_are_counted(here: World) -> None:
    with here.scope() as scope:
        person = real_person(scope)
        shown, kept = picture(scope, here, person=person), picture(scope, here)
    leaves(here, unit(here, media=[shown]))
    gone, stays = asked(here, "shown", shown.sha256), asked(here, "other", kept.sha256)
    asked(here, "illegal", kept.sha256)
    with here.scope() as scope:
        for jti in removal_requests.uphold_removal_request(scope, gone):
            live_copies.record_removed(scope, jti, "deleted:n")
        removal_requests.reject_removal_request(scope, stays, because="unfounded")
        revoke_consent(scope, person, what="publish")
    month = report(here).counts
    told = {one.category: (one.received, one.taken, one.kept, one.open) for one in month.requests}
    assert told == {"shown": (1, 1, 0, 0), "other": (1, 0, 1, 0), "illegal": (1, 0, 0, 1)}
    assert (month.called, month.gone, month.withdrawn) == (1, 1, 1)
    assert 0 < month.settled_hours[0] <= month.settled_hours[1] < 1
    assert 0 <= month.gone_hours[1] < 1


def test_appeals_are_counted_by_outcome(here: World) -> None:
    with here.scope() as scope:
        digests = [picture(scope, here).sha256 for _ in range(3)]
    changed, confirmed, waits = map(partial(asked, here), ("shown", "illegal", "other"), digests)
    with here.scope(f"member:{here.ann}") as scope:
        for one in (changed, confirmed):
            removal_requests.reject_removal_request(scope, one)
        removal_requests.uphold_removal_request(scope, waits)
        appeals.submit_agency_appeal(scope, waits, words="why not")
    for one, because in ((changed, ""), (confirmed, "agreed")):
        with here.scope() as scope:
            receipt = removal_requests.brief_status(
                scope, removal_requests.get_removal_request(scope, one)
            ).receipt
            appeals.submit_requester_appeal(scope, receipt, creator_id=here.creator_id, words="")
            (appeal,) = removal_requests.find_status_by_receipt(scope, receipt).appeals
        event = AppealDecided(here.tenant_id, appeal.id, because, f"member:{here.rob}")
        appeals.handle_appeal_decision(event, tenant=here.open)
    found = report(here)
    told = {
        one.side: (one.received, one.changed, one.confirmed, one.open)
        for one in found.counts.appeals
    }
    assert told == {"asked": (2, 1, 1, 0), "agency": (1, 0, 0, 1)}
    assert [(one.taken, one.kept, one.open) for one in found.counts.requests] == [
        (1, 0, 0),
        (0, 1, 0),
        (1, 0, 0),
    ]
    assert "appeals_changed,asked,1" in transparency_report.render_transparency_csv(found)
    assert "why not" not in transparency_report.render_transparency_csv(
        found
    ) + transparency_report.render_transparency_markdown(found, "en")


def test_months_follow_agency_time_zone_and_last_is_complete(here: World) -> None:
    found = report(here)
    start, end = found.counts.start, found.counts.end
    assert start <= found.made_at < end
    with here.scope() as scope:
        months = transparency_report.list_report_months(scope)
    assert months[0] == found.first
    assert [month.day for month in months] == [1] * 13
    assert all((later - sooner).days in range(28, 32) for later, sooner in pairwise(months))
    earlier = report(here, months[1])
    assert earlier.whole
    assert earlier.counts.end == start
    with pytest.raises(BadInput, match="to_come"):
        report(here, months[0] + timedelta(days=40))


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "november", "2026-11-01", "2026-11\n", "x" * 5000]
)
def test_invalid_month_is_rejected(text: str) -> None:
    with pytest.raises(BadInput, match="no_month"):
        transparency_report.parse_month(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_formats_agree_and_escape_names(here: World, language: str) -> None:
    is_kept(here, unit(here, text="Katso uudet kuvani tänään illalla, kaikki odottaa sinua."))
    with here.scope() as scope:
        picture_of = picture(scope, here)
    asked(here, "shown", picture_of.sha256)
    honest = report(here)
    hostile = TransparencyReport(
        "<b>*x*</b>", honest.first, honest.whole, honest.made_at, honest.counts
    )
    page, text = (
        transparency_report.render_transparency_html(hostile, language),
        transparency_report.render_transparency_markdown(hostile, language),
    )
    assert f'<html lang="{language}">' in page
    assert "<b>" not in page + text
    assert "transparency." not in page + text
    rows = {
        (what, of): value
        for what, of, value in csv.reader(
            io.StringIO(transparency_report.render_transparency_csv(honest))
        )
    }
    assert (
        rows["held", ""]
        == rows["requests_received", "shown"]
        == rows["reason", "TEXT_LANGUAGE_UNSUPPORTED"]
        == "1"
    )
    assert datetime.fromisoformat(f"{honest.first}T00:00:00+00:00").tzinfo == UTC
