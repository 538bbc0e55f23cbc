"""Profile of one person: proofs, consents, and requests for missing proofs and consents."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.people import portal_links, surface_names, synthetic_people
from dashboard.pages.people.person_summary import DAYS, YEAR, date_formatters, render_summary
from dashboard.pages.people.queries import PeopleView, ProfileContext, load_profile_context
from dashboard.shell import actions, forms, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from gate.consent import consent_offers, subject_portal
from gate.consent.consent_offers import OfferTerms
from gate.consent.queries import card_day_bounds
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import REQUIRED_SCOPES
from gate.evidence import age_proof_withdrawal
from gate.evidence.person_dossiers import PersonDossier
from gate.people import account_holders, age_requests
from gate.people.age_requests import ClaimedAccount
from gate.people.persons import MAX_CONSENT_PERIOD, REAL_PERSON
from tenants.agencies.rights import Right

RATINGS = tuple(str(one) for one in Rating if one is not Rating.X)
LOOK = "2s"
"""Interval at which an open page checks whether a submitted change is saved."""


def render_profile(
    page: PageContext, found: PeopleView, one: PersonDossier, near: ProfileContext
) -> None:
    """Draw one person with all available actions.

    Read `near` before the person. In the opposite order an open page could miss a change that is
    saved between the two reads.
    """
    render_summary(page, found, one)
    draw_template(
        "pages/people/templates/documents.html", one=one, near=near, **date_formatters(page)
    )
    if near.waits:
        _rerun_when_saved(page, one.id)
    if one.facts.kind == "synthetic":
        synthetic_people.render_synthetic_person(page, found, one)
    elif one.facts.kind == REAL_PERSON:
        _render_real_person(page, found, one, near)
    else:
        st.caption(page.markdown("people.twin_how", name=one.twin_of))


@st.fragment(run_every=LOOK)
def _rerun_when_saved(drawn: PageContext, person_id: UUID) -> None:
    """Redraw the page as soon as the workers have saved the submitted change."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    if not page.read(lambda scope: load_profile_context(scope, person_id)).waits:
        st.rerun()


def _render_real_person(
    page: PageContext, found: PeopleView, one: PersonDossier, near: ProfileContext
) -> None:
    with st.expander(
        page.text("people.ask"), icon=":material/contract:", expanded=_next_section(one) == "ask"
    ):
        _render_consent_request(page, found, one, near)
    with st.expander(
        page.text("people.prove"),
        icon=":material/verified_user:",
        expanded=_next_section(one) == "prove",
    ):
        _render_proof_request(page, one, near)
        _render_proofs(page, one)
        _render_held_accounts(page, near)
    portal_links.render_address(page, one.id, one.name, near.contact)
    with st.container(horizontal=True, gap="small"):
        portal_links.render_link_button(page, one.id, one.name, key=f"link:{one.id}")
        sure = st.checkbox(
            page.markdown("people.end_sure", name=one.name), key=f"end:{one.id}", wrap=True
        )
        act = partial(_revoke_all_consents, one)
        actions.action_button(
            page, "people.end", act, right=Right.RUN, key=f"ended:{one.id}", disabled=not sure
        )


def _next_section(one: PersonDossier) -> str:
    """Return the section to open first, or an empty string."""
    if any(code.partition("_")[0] in ("depict", "publish") for code in one.adult):
        return "ask"
    return "prove" if "age" in one.adult or "age_over" in one.adult else ""


def _render_consent_request(
    page: PageContext, found: PeopleView, one: PersonDossier, near: ProfileContext
) -> None:
    with forms.open_fields(page, f"ask:{one.id}"):
        st.caption(page.markdown("people.ask_how", name=one.name))
        options = [*surface_names.list_platforms(), *near.surfaces]
        left, right = st.columns(2)
        left.multiselect(
            page.text("cards.places"),
            options,
            default=[each for each in near.platforms if each in options],
            format_func=lambda each: surface_names.surface_label(page, each),
            placeholder=page.text("cards.places_hint"),
            key=f"ask:places:{one.id}",
            select_all=False,
        )
        right.selectbox(
            page.text("cards.rating"),
            RATINGS,
            format_func=lambda each: page.text(f"rating.{each}"),
            key=f"ask:rating:{one.id}",
        )
        today = found.now.astimezone(page.localizer.zone).date()
        left, right = st.columns(2)
        left.date_input(
            page.text("people.from"), value=today, format=DAYS, key=f"ask:from:{one.id}"
        )
        right.date_input(
            page.text("people.until"), value=today + YEAR, format=DAYS, key=f"ask:until:{one.id}"
        )
        st.checkbox(page.text("cards.sell"), key=f"ask:download_sell:{one.id}")
        st.checkbox(page.text("people.likeness"), key=f"ask:ai_likeness:{one.id}")
        act = partial(_request_consent, one, str(page.localizer.zone))
        actions.action_button(
            page, "people.ask_now", act, right=Right.RUN, key=f"ask:{one.id}", kind="primary"
        )


def _request_consent(one: PersonDossier, zone: str, scope: Scope, _: UUID) -> Message:
    begins, _ends = card_day_bounds(_read_day(f"ask:from:{one.id}"), zone)
    _starts, ends = card_day_bounds(_read_day(f"ask:until:{one.id}"), zone)
    more = [
        what
        for what in ("download_sell", "ai_likeness")
        if actions.typed_value(f"ask:{what}:{one.id}")
    ]
    terms = OfferTerms(
        scopes=(*sorted(REQUIRED_SCOPES), *more),
        surfaces=tuple(actions.typed_value(f"ask:places:{one.id}") or ()),
        max_rating=Rating(actions.typed_value(f"ask:rating:{one.id}")),
        valid_from=begins,
        valid_until=min(ends, begins + MAX_CONSENT_PERIOD)
        if ends - begins <= MAX_CONSENT_PERIOD + timedelta(days=2)
        else ends,
    )
    consent_offers.create_consent_offer(scope, one.id, terms)
    return Message("people.asked", {"name": one.name})


def _render_proof_request(page: PageContext, one: PersonDossier, near: ProfileContext) -> None:
    with forms.open_fields(page, f"prove:{one.id}"):
        st.caption(page.text("people.prove_how"))
        if not near.custodians:
            st.info(page.text("people.no_custodian"))
            return
        if near.requested:
            st.info(page.text("people.prove_waits"))
            return
        st.text_input(
            page.text("people.reference"),
            key=f"prove:reference:{one.id}",
            max_chars=age_requests.MAX_REFERENCE,
        )
        forms.show_field_error("reference")
        st.selectbox(
            page.text("people.signs_in_as"),
            [None, *near.members],
            format_func=lambda each: near.members[each] if each else page.text("people.no_member"),
            key=f"prove:member:{one.id}",
        )
        st.multiselect(
            page.text("people.holds_accounts"),
            list(near.accounts),
            format_func=lambda each: (
                f"{near.accounts[each].account} · "
                f"{surface_names.surface_label(page, near.accounts[each].platform)}"
            ),
            placeholder=page.text("people.no_account"),
            help=page.text("people.holds_accounts_how"),
            key=f"prove:accounts:{one.id}",
            select_all=False,
        )
        act = partial(_request_proof, one, near.accounts)
        actions.action_button(
            page, "people.prove_now", act, right=Right.RUN, key=f"prove:{one.id}", kind="primary"
        )


def _request_proof(
    one: PersonDossier, accounts: Mapping[UUID, ClaimedAccount], scope: Scope, _: UUID
) -> Message:
    chosen = actions.typed_value(f"prove:accounts:{one.id}") or ()
    age_requests.request_person_check(
        scope,
        one.id,
        reference=str(actions.typed_value(f"prove:reference:{one.id}") or ""),
        member_id=actions.typed_value(f"prove:member:{one.id}"),
        accounts=[accounts[channel_id] for channel_id in chosen],
    )
    return Message("people.proof_requested", {"name": one.name})


def _render_proofs(page: PageContext, one: PersonDossier) -> None:
    """Draw, next to each valid proof, a button that withdraws it."""
    for proof in one.proofs:
        if proof.stands:
            sure = st.checkbox(
                page.markdown("people.withdraw_sure", by=proof.custodian),
                key=f"withdraw:{proof.id}",
                wrap=True,
            )
            act = partial(_withdraw_proof, proof.id)
            actions.action_button(
                page,
                "people.withdraw",
                act,
                right=Right.RUN,
                key=f"withdrawn:{proof.id}",
                disabled=not sure,
            )


def _render_held_accounts(page: PageContext, near: ProfileContext) -> None:
    """Draw, next to each account that a custodian confirmed, a button that ends the record."""
    for held in near.held_accounts:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.write(page.markdown("people.holds", account=held.account, by=held.custodian))
            actions.action_button(
                page,
                "people.end_account",
                partial(_end_held_account, held.id),
                right=Right.RUN,
                key=f"held:{held.id}",
            )


def _end_held_account(holder_id: UUID, scope: Scope, _: UUID) -> Message:
    account_holders.request_account_holder_end(scope, holder_id)
    return Message("people.account_ending")


def _withdraw_proof(proof_id: UUID, scope: Scope, _: UUID) -> Message:
    age_proof_withdrawal.request_withdrawal(scope, proof_id)
    return Message("people.withdrawing")


def _revoke_all_consents(one: PersonDossier, scope: Scope, _: UUID) -> Message:
    subject_portal.request_revocation(scope, one.id, subject_portal.ALL_CONSENTS)
    return Message("people.ended", {"name": one.name})


def _read_day(key: str) -> date:
    day = actions.typed_value(key)
    if not isinstance(day, date):
        raise BadInput("asking.bad_days")
    return day
