"""Lexicon terms of an agency: added by one member, ended by two, and limited to the agency."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.log import subject_history
from gate.log.subject_history import ReplayOutcome
from gate.permits import issuance
from gate.reviews import own_terms
from gate.reviews.own_terms import OwnTermsRequested
from gate.text.lexicon import shipped_lexicon
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate.builders import World, unit, world
from tests.gate.side_effects import find_notice, list_stored_tasks

TERM = "Zorvek"


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def add(here: World, kind: str = "explicit", *terms: str) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        own_terms.add_own_terms(scope, kind, terms or (TERM,))


def rating_of(here: World, text: str) -> Rating:
    with here.scope() as scope:
        return issuance.preview_decision(scope, unit(here, text=text), author="system:x").rating


def test_own_term_is_found_in_every_disguise(here: World, tenant: OpenScope) -> None:
    there = world(tenant, uuid7())
    texts = ("so zorvek", "superzorvekparty", "z o r v e k", "*orvek", "kevroz")
    assert {rating_of(here, text) for text in texts} == {Rating.G}
    add(here)
    assert {rating_of(here, text) for text in texts} == {Rating.E}
    assert {rating_of(there, text) for text in texts} == {Rating.G}
    add(here, "prohibited", "Plumquav")
    assert rating_of(here, "a plumquav") is Rating.X


def test_term_is_stored_encoded_and_decision_replays(here: World) -> None:
    add(here)
    whole = unit(here, text="so zorvek")
    with here.scope() as scope:
        row = scope.run("SELECT term, by FROM own_terms").one()
        assert row.term == base64.b64encode(TERM.encode()).decode()
        assert row.by == f"member:{here.rob}"
        decision = issuance.judge_unit(scope, whole, author=f"member:{here.ann}")
    assert Reason.RATING_MISSING not in decision.reasons
    assert decision.rating is Rating.E
    with here.scope() as scope:
        (entry,) = subject_history.list_decisions(scope, whole.subject)
        assert entry.replay is ReplayOutcome.SAME


def test_term_ends_with_two_members_only(here: World) -> None:
    add(here)
    with here.scope() as scope:
        second = agencies.add_member(
            scope, name="Oz", email="oz@example.test", role=Role.OWNER, language="en", zone="UTC"
        )
        (term,) = own_terms.list_own_terms(scope)
    for _ in range(2):
        with here.scope(f"member:{here.rob}") as scope:
            assert not own_terms.end_own_term(scope, term.id)
    assert rating_of(here, "so zorvek") is Rating.E
    with here.scope(f"member:{second}") as scope:
        assert own_terms.end_own_term(scope, term.id)
        assert own_terms.list_own_terms(scope) == []
        with pytest.raises(NotFound):
            own_terms.end_own_term(scope, term.id)
    assert rating_of(here, "so zorvek") is Rating.G


def test_only_owners_add_valid_terms(here: World) -> None:
    with here.scope(f"member:{here.ann}") as scope, pytest.raises(Refused):
        own_terms.add_own_terms(scope, "explicit", (TERM,))
    with here.scope(f"member:{here.ann}") as scope, pytest.raises(Refused):
        own_terms.request_own_terms(scope, uuid7(), "explicit", TERM)
    for kind, typed in (
        ("unknown", TERM),
        ("explicit", ""),
        ("explicit", "a"),
        ("explicit", "…"),
        ("explicit", "x" * 65),
    ):
        with here.scope(f"member:{here.rob}") as scope, pytest.raises(BadInput):
            own_terms.request_own_terms(scope, uuid7(), kind, typed)
    with here.scope(f"member:{here.rob}") as scope, pytest.raises(BadInput):
        own_terms.add_own_terms(scope, "unknown", (TERM,))


def test_workers_process_submitted_terms(here: World) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        count = own_terms.request_own_terms(
            scope, uuid7(), "nudity", " Zorvek \n\nPlumquav\nZorvek"
        )
        (event,) = list_stored_tasks(scope, OwnTermsRequested.kind)
    assert count == 2
    own_terms.handle_own_terms(
        OwnTermsRequested(here.tenant_id, uuid7(), **event.args), tenant=here.open
    )
    with here.scope(f"member:{here.rob}") as scope:
        terms = own_terms.list_own_terms(scope)
        assert [(one.kind, one.term, one.ending) for one in terms] == [
            ("nudity", "Zorvek", False),
            ("nudity", "Plumquav", False),
        ]
        own_terms.request_own_term_end(scope, uuid7(), terms[0].id)
    press = uuid7()
    wanted = OwnTermsRequested(here.tenant_id, press, "", "", str(uuid7()), f"member:{here.ann}")
    own_terms.handle_own_terms(wanted, tenant=here.open)
    with here.scope() as scope:
        notice = find_notice(scope, f"own_terms.change:{press}")
    assert notice is not None


@given(st.lists(st.text(min_size=3, max_size=30), max_size=5))
def test_typed_terms_are_stored_or_refused(lines: list[str]) -> None:
    try:
        terms = own_terms.parse_terms("\n".join(lines))
    except BadInput:
        return
    assert len(set(terms)) == len(terms)
    for term in terms:
        assert own_terms.decode_term(own_terms.encode_term(term)) == term


def test_same_terms_share_one_lexicon() -> None:
    own = (("explicit", own_terms.encode_term(TERM)),)
    assert shipped_lexicon().with_coded_terms(own) is shipped_lexicon().with_coded_terms(own)
    assert shipped_lexicon().with_coded_terms(()) is shipped_lexicon()
