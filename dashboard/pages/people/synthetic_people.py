"""Synthetic people: the declaration of their sources and the review of their references.

Two members other than the declaring one review the references.
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.media.library_files import reveal_pictures, revealed_picture_url
from dashboard.pages.people.queries import PeopleView, list_reference_candidates
from dashboard.shell import actions
from dashboard.shell.actions import typed_value
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from gate.evidence.person_dossiers import PersonDossier, needs_declaration_review
from gate.people.synthetic_person_declarations import (
    ADAPTER_PART,
    MIN_REFERENCES,
    MODEL_PART,
    REFERENCES_PART,
    REQUIRED_LOOKS,
    DeclaredSource,
)
from gate.reviews import synthetic_people
from gate.reviews.synthetic_people import MAX_DECLARED_REFERENCES, MAX_SOURCE_NAME, DeclarationDraft
from studio.library.queries import AssetCard
from tenants.agencies.rights import Right

FILES = (MODEL_PART, ADAPTER_PART)
"""Sources that are files and can have a digest."""


def needs_review(page: PageContext, one: PersonDossier) -> bool:
    """Return True if this member may review: they have neither declared nor reviewed before."""
    declared = one.declaration
    if declared is None or not needs_declaration_review(one):
        return False
    looked = {each.principal for each in declared.looks}
    return page.viewer.member.principal_id not in {declared.declared_by, *looked}


def review_status(page: PageContext, one: PersonDossier) -> str:
    """Return the progress text of the reference review, empty without a declaration."""
    declared = one.declaration
    if declared is None:
        return ""
    if declared.has_doubts:
        return page.text("people.doubted")
    if len(declared.looks) < REQUIRED_LOOKS:
        return page.text("people.looks", count=len(declared.looks), needed=REQUIRED_LOOKS)
    kappa = declared.kappa
    if kappa is None:
        return page.text("people.looked_alike")
    return page.text("people.looked", kappa=page.localizer.format_kappa(kappa))


def render_synthetic_person(page: PageContext, found: PeopleView, one: PersonDossier) -> None:
    """Draw the declaration, the review if this member may give one, and the declaration form."""
    if one.declaration is not None:
        draw_template(
            "pages/people/templates/declaration.html",
            one=one.declaration,
            voice=page.localizer,
            word=page.text,
        )
    if needs_review(page, one):
        render_reference_review(page, one)
    elif one.declaration is not None and needs_declaration_review(one):
        st.caption(page.text("people.others_look"))
    with st.expander(
        page.text("people.declare"),
        icon=":material/edit_document:",
        expanded=one.declaration is None,
    ):
        _render_declaration_form(page, one)


def render_reference_review(page: PageContext, one: PersonDossier) -> None:
    """Draw the numbered reference images and the review form."""
    declared = one.declaration
    if declared is None:
        return
    st.write(page.markdown("people.look_how", name=one.name))
    covered = tuple(asset for _, asset, rating in declared.references if _is_covered(rating))
    _render_reveal_button(page, covered, key=f"see:{declared.id}")
    _render_reference_tiles(page, [(asset, "") for _, asset, _ in declared.references])
    numbers = {str(at): sha256 for at, (sha256, _, _) in enumerate(declared.references, 1)}
    st.multiselect(
        page.text("people.young"),
        list(numbers),
        placeholder=page.text("people.none_of_them"),
        key=f"young:{one.id}",
        select_all=False,
    )
    st.checkbox(page.text("people.resembles"), key=f"resembles:{one.id}")
    act = partial(_submit_declaration_review, one.id, declared.id, numbers)
    actions.action_button(
        page, "people.look_now", act, right=Right.REVIEW, key=f"look:{one.id}", kind="primary"
    )


def _render_reveal_button(page: PageContext, covered: tuple[UUID, ...], *, key: str) -> None:
    """Draw the button that reveals blurred images, so that members only judge what they can see."""
    if covered:
        act = partial(reveal_pictures, page, covered)
        actions.action_button(
            page,
            "studio.reveal_all",
            act,
            right=Right.REVIEW,
            key=key,
            icon=":material/visibility:",
        )


def _is_covered(rating: str) -> bool:
    return library_files.is_blurred(Rating(rating) if rating else None)


def _render_reference_tiles(page: PageContext, pictures: list[tuple[UUID, str]]) -> None:
    shown = [(revealed_picture_url(asset), alt) for asset, alt in pictures]
    draw_template(
        "pages/people/templates/references.html", tiles=list(enumerate(shown, 1)), word=page.text
    )


def _submit_declaration_review(
    person_id: UUID, declaration_id: UUID, numbers: dict[str, str], scope: Scope, _: UUID
) -> Message:
    doubts = [numbers[each] for each in typed_value(f"young:{person_id}") or () if each in numbers]
    resembles = bool(typed_value(f"resembles:{person_id}"))
    synthetic_people.review_declaration(
        scope, person_id, declaration_id, doubts=doubts, resembles=resembles
    )
    return Message("people.look_noted_doubt" if doubts or resembles else "people.look_noted")


def _render_declaration_form(page: PageContext, one: PersonDossier) -> None:
    st.caption(page.text("people.declare_how", tiles=MIN_REFERENCES))
    for part in FILES:
        _render_source_fields(page, one, part)
    if one.creator_id is not None:
        creator_id = one.creator_id
        _render_reference_choice(
            page, one, page.read(lambda scope: list_reference_candidates(scope, creator_id))
        )
    sure = st.checkbox(
        page.markdown("people.declare_sure", name=one.name), key=f"declare:sure:{one.id}"
    )
    act = partial(_submit_declaration, page, one)
    actions.action_button(
        page,
        "people.declare_now",
        act,
        right=Right.RUN,
        key=f"declare:{one.id}",
        kind="primary",
        disabled=not sure,
    )


def _render_source_fields(page: PageContext, one: PersonDossier, part: str) -> None:
    name, licence = st.columns(2)
    name.text_input(
        page.text(f"people.source.{part}"),
        key=_source_field_key(one, part, "name"),
        max_chars=MAX_SOURCE_NAME,
    )
    licence.text_input(
        page.text("people.licence"),
        key=_source_field_key(one, part, "licence"),
        max_chars=MAX_SOURCE_NAME,
    )
    st.text_input(
        page.text("people.digest"), key=_source_field_key(one, part, "digest"), max_chars=64
    )
    st.checkbox(page.text("people.adult_use"), key=_source_field_key(one, part, "adult"))


def _render_reference_choice(page: PageContext, one: PersonDossier, cards: list[AssetCard]) -> None:
    st.write(page.text("people.references"))
    if not cards:
        st.caption(page.text("people.no_pictures"))
        return
    _render_reveal_button(
        page,
        tuple(card.asset_id for card in cards if library_files.is_blurred(card.standing.rating)),
        key=f"see:{one.id}",
    )
    _render_reference_tiles(page, [(card.asset_id, card.title) for card in cards])
    numbers = [str(at) for at in range(1, len(cards) + 1)]
    st.multiselect(
        page.text("people.which_references"),
        numbers,
        max_selections=MAX_DECLARED_REFERENCES,
        placeholder=page.text("people.none_of_them"),
        key=_source_field_key(one, REFERENCES_PART, "name"),
        select_all=False,
    )
    st.text_input(
        page.text("people.licence"),
        key=_source_field_key(one, REFERENCES_PART, "licence"),
        max_chars=MAX_SOURCE_NAME,
    )
    st.checkbox(page.text("people.adult_use"), key=_source_field_key(one, REFERENCES_PART, "adult"))


def _source_field_key(one: PersonDossier, part: str, what: str) -> str:
    return f"source:{one.id}:{part}:{what}"


def _submit_declaration(page: PageContext, one: PersonDossier, scope: Scope, _: UUID) -> Message:
    if not typed_value(f"declare:sure:{one.id}"):
        raise Refused("person.not_sure")
    chosen = [
        int(each) - 1 for each in typed_value(_source_field_key(one, REFERENCES_PART, "name")) or ()
    ]
    cards = (
        list_reference_candidates(scope, page.get_creator(scope, one.creator_id).id)
        if one.creator_id is not None and chosen
        else []
    )
    references = tuple(cards[at].sha256 for at in chosen if at < len(cards))
    sources = [
        _read_declared_source(one, part)
        for part in FILES
        if str(typed_value(_source_field_key(one, part, "name")) or "").strip()
    ]
    if references:
        sources.append(_read_declared_source(one, REFERENCES_PART, name="library"))
    synthetic_people.declare_synthetic_person(
        scope, one.id, DeclarationDraft(tuple(sources), references)
    )
    return Message("people.declared", {"name": one.name})


def _read_declared_source(one: PersonDossier, part: str, name: str = "") -> DeclaredSource:
    return DeclaredSource(
        part=part,
        name=name or str(typed_value(_source_field_key(one, part, "name")) or "").strip(),
        digest=str(typed_value(_source_field_key(one, part, "digest")) or "").strip().lower()
        if part in FILES
        else "",
        licence=str(typed_value(_source_field_key(one, part, "licence")) or "").strip(),
        adult=bool(typed_value(_source_field_key(one, part, "adult"))),
    )
