"""Derivatives follow their source picture, even if a blur or a crop no longer resembles it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from gate import epochs
from gate.assets import lookalikes
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.people import persons
from gate.permits import issuance
from gate.ratings import ratings
from gate.removal import removal_requests
from tests.gate.builders import KEY, Step, World, asset_of, picture, unit, world
from tests.gate.removal_builders import process_removal_request, submit_removal_request

COMPLAINT = "shown"


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def made(here: World, parent: Medium | None = None) -> Medium:
    with here.scope() as scope:
        return picture(scope, here, parent=asset_of(scope, parent) if parent is not None else None)


def verdict(here: World, medium: Medium) -> tuple[str, frozenset[Reason]]:
    with here.scope() as scope:
        said = issuance.judge_unit(scope, unit(here, media=[medium]), author=f"member:{here.ann}")
    return str(said.verdict), frozenset(said.reasons)


def test_derivatives_and_sources_are_lookalikes(here: World) -> None:
    first, other = made(here), made(here)
    cut = made(here, first)
    blurred, sibling = made(here, cut), made(here, first)
    line = {first.sha256, cut.sha256, blurred.sha256}
    with here.scope() as scope:
        assert set(lookalikes.find_lookalikes(scope, cut.sha256)) == line - {cut.sha256}
        assert set(lookalikes.find_lookalikes(scope, first.sha256)) == line - {first.sha256} | {
            sibling.sha256
        }
        assert lookalikes.find_lookalikes(scope, other.sha256) == []


@pytest.mark.parametrize("later", [False, True], ids=["made before", "made later"])
def test_crop_is_blocked_with_removed_source(here: World, later: bool) -> None:
    first, other = made(here), made(here)
    cut = None if later else made(here, first)
    wish = submit_removal_request(here, first.sha256, category=COMPLAINT)
    process_removal_request(here, wish)
    if cut is not None:
        assert verdict(here, cut) == ("B", {Reason.COMPLAINT_FREEZE})
    with here.scope() as scope:
        removal_requests.uphold_removal_request(scope, wish)
    cut = cut or made(here, made(here, first))
    got, reasons = verdict(here, cut)
    assert (got, Reason.RECALL_IN_PROGRESS in reasons) == ("B", True)
    assert verdict(here, other) == ("A", frozenset())


def test_rating_change_waits_for_permit_of_derivative(here: World) -> None:
    first = made(here)
    cut = made(here, made(here, first))
    whole = unit(here, media=[cut])
    said = threading.Event()

    def never_allowed() -> None:
        with here.scope() as scope:
            ratings.record_rating(scope, first.sha256, Rating.X, source="member:rob")
        said.set()

    with ThreadPoolExecutor(1) as pool:
        with here.scope() as scope:
            assert epochs.asset_key(scope, asset_of(scope, first)) in epochs.unit_keys(scope, whole)
            issuance.lock_unit(scope, whole)
            waiting = pool.submit(never_allowed)
            assert not said.wait(0.5), "a permit that read the old rating is issued first"
            issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}")
        waiting.result(10)
    assert Reason.PROHIBITED_CATEGORY in verdict(here, cut)[1]


@pytest.mark.parametrize("hidden", [False, True], ids=["recognizable", "blurred"])
def test_depiction_in_source_applies_to_earlier_derivatives(here: World, hidden: bool) -> None:
    first, other = made(here), made(here)
    cut = made(here, first)
    small = made(here, cut)
    with here.scope() as scope:
        ida = persons.add_person(scope, kind="real", display_ref="Ida")
        asset = asset_of(scope, first)
        ratings.record_depiction(
            scope, asset, ida, how="face", confirmed_by=f"member:{here.rob}", hidden=hidden
        )
        held = {epochs.asset_key(scope, asset_of(scope, each)) for each in (first, cut, small)}
        grown = dict(epochs.epoch_values(scope, held))
    assert grown.keys() == held, "earlier approvals become stale"
    line, apart = (first, cut, small), ("A", frozenset[Reason]())
    agreed = apart if hidden else ("B", {Reason.CONSENT_MISSING})  # she gave no consent
    assert [verdict(here, each) for each in line] == [agreed] * len(line)
    assert verdict(here, other) == apart


def test_blurred_derivative_remains_unidentifiable(here: World) -> None:
    first = made(here)
    with here.scope() as scope:
        ida = persons.add_person(scope, kind="real", display_ref="Ida")
        blurred = picture(scope, here, parent=asset_of(scope, first))
        own = asset_of(scope, blurred)
        ratings.record_depiction(
            scope, own, ida, how="face", confirmed_by=f"member:{here.rob}", hidden=True
        )
        ratings.record_depiction(
            scope, asset_of(scope, first), ida, how="face", confirmed_by=f"member:{here.rob}"
        )
    assert verdict(here, first) == ("B", {Reason.CONSENT_MISSING})
    assert verdict(here, blurred) == ("A", frozenset())
