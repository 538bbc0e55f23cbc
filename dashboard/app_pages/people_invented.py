"""People, invented ones: what they are declared to be made with, and the look of two others at their references."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.acting import typed
from dashboard.app_pages.approvals_posts import reveal, src
from dashboard.frame import Page
from dashboard.reads.people import People, library
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import Refused
from foundation.words import Message
from gate import inventing
from gate.declared import ADAPTER, LOOKERS, MODEL, REFERENCES, TILES, Source
from gate.dossiers import Dossier, judgeable
from gate.inventing import LONGEST_NAME, MOST_REFERENCES, Draft
from gate.units import Rating
from studio.reads import Card
from tenants.roles import Right

FILES = (MODEL, ADAPTER)
"""Sources that are files, with a digest of their own."""


def waits(page: Page, one: Dossier) -> bool:
    """Whether this member's eyes are wanted: they neither declared it nor looked before."""
    declared = one.declaration
    if declared is None or not judgeable(one):
        return False
    looked = {each.principal for each in declared.looks}
    return page.who.member.principal_id not in {declared.declared_by, *looked}


def told(page: Page, one: Dossier) -> str:
    """How far a declaration is looked at; nothing for somebody real."""
    declared = one.declaration
    if declared is None:
        return ""
    if declared.doubted:
        return page.word("people.doubted")
    if len(declared.looks) < LOOKERS:
        return page.word("people.looks", count=len(declared.looks), needed=LOOKERS)
    kappa = declared.kappa
    if kappa is None:
        return page.word("people.looked_alike")
    return page.word("people.looked", kappa=page.voice.agreement(kappa))


def show(page: Page, found: People, one: Dossier) -> None:
    """Draw what is declared, the look where this member's is wanted, and the form of another declaration."""
    if one.declaration is not None:
        draw("people_declared.html", one=one.declaration, voice=page.voice, word=page.word)
    if waits(page, one):
        look(page, one)
    elif one.declaration is not None and judgeable(one):
        st.caption(page.word("people.others_look"))
    with st.expander(page.word("people.declare"), icon=":material/edit_document:", expanded=one.declaration is None):
        _declare(page, one)


def look(page: Page, one: Dossier) -> None:
    """The references side by side, numbered, and what this member saw in them."""
    declared = one.declaration
    if declared is None:
        return
    st.write(page.label("people.look_how", name=one.name))
    covered = tuple(asset for _, asset, rating in declared.references if _covered(rating))
    _uncover(page, covered, key=f"see:{declared.id}")
    _tiles(page, [(asset, "") for _, asset, _ in declared.references])
    numbers = {str(at): sha256 for at, (sha256, _, _) in enumerate(declared.references, 1)}
    st.multiselect(
        page.word("people.young"),
        list(numbers),
        placeholder=page.word("people.none_of_them"),
        key=f"young:{one.id}",
        select_all=False,
    )
    st.checkbox(page.word("people.resembles"), key=f"resembles:{one.id}")
    act = partial(_looked, one.id, declared.id, numbers)
    acting.button(page, "people.look_now", act, right=Right.REVIEW, key=f"look:{one.id}", kind="primary")


def _uncover(page: Page, covered: tuple[UUID, ...], *, key: str) -> None:
    """The press that shows what comes blurred: nobody chooses or judges what they do not see."""
    if covered:
        act = partial(reveal, page, covered)
        acting.button(page, "studio.reveal_all", act, right=Right.REVIEW, key=key, icon=":material/visibility:")


def _covered(rating: str) -> bool:
    return files.covered(Rating(rating) if rating else None)


def _tiles(page: Page, pictures: list[tuple[UUID, str]]) -> None:
    shown = [(src(asset), alt) for asset, alt in pictures]
    draw("people_tiles.html", tiles=list(enumerate(shown, 1)), word=page.word)


def _looked(person_id: UUID, declaration_id: UUID, numbers: dict[str, str], scope: Scope, _: UUID) -> Message:
    doubts = [numbers[each] for each in typed(f"young:{person_id}") or () if each in numbers]
    resembles = bool(typed(f"resembles:{person_id}"))
    inventing.look(scope, person_id, declaration_id, doubts=doubts, resembles=resembles)
    return Message("people.look_noted_doubt" if doubts or resembles else "people.look_noted")


def _declare(page: Page, one: Dossier) -> None:
    st.caption(page.word("people.declare_how", tiles=TILES))
    for part in FILES:
        _source(page, one, part)
    if one.creator_id is not None:
        creator_id = one.creator_id
        _references(page, one, page.read(lambda scope: library(scope, creator_id)))
    sure = st.checkbox(page.label("people.declare_sure", name=one.name), key=f"declare:sure:{one.id}")
    act = partial(_declared, page, one)
    acting.button(
        page, "people.declare_now", act, right=Right.RUN, key=f"declare:{one.id}", kind="primary", disabled=not sure
    )  # fmt: skip


def _source(page: Page, one: Dossier, part: str) -> None:
    name, licence = st.columns(2)
    name.text_input(page.word(f"people.source.{part}"), key=_key(one, part, "name"), max_chars=LONGEST_NAME)
    licence.text_input(page.word("people.licence"), key=_key(one, part, "licence"), max_chars=LONGEST_NAME)
    st.text_input(page.word("people.digest"), key=_key(one, part, "digest"), max_chars=64)
    st.checkbox(page.word("people.adult_use"), key=_key(one, part, "adult"))


def _references(page: Page, one: Dossier, cards: list[Card]) -> None:
    st.write(page.word("people.references"))
    if not cards:
        st.caption(page.word("people.no_pictures"))
        return
    _uncover(page, tuple(card.asset_id for card in cards if files.covered(card.standing.rating)), key=f"see:{one.id}")
    _tiles(page, [(card.asset_id, card.alt) for card in cards])
    numbers = [str(at) for at in range(1, len(cards) + 1)]
    st.multiselect(
        page.word("people.which_references"),
        numbers,
        max_selections=MOST_REFERENCES,
        placeholder=page.word("people.none_of_them"),
        key=_key(one, REFERENCES, "name"),
        select_all=False,
    )
    st.text_input(page.word("people.licence"), key=_key(one, REFERENCES, "licence"), max_chars=LONGEST_NAME)
    st.checkbox(page.word("people.adult_use"), key=_key(one, REFERENCES, "adult"))


def _key(one: Dossier, part: str, what: str) -> str:
    return f"source:{one.id}:{part}:{what}"


def _declared(page: Page, one: Dossier, scope: Scope, _: UUID) -> Message:
    if not typed(f"declare:sure:{one.id}"):
        raise Refused("person.not_sure")
    chosen = [int(each) - 1 for each in typed(_key(one, REFERENCES, "name")) or ()]
    cards = library(scope, page.my(scope, one.creator_id).id) if one.creator_id is not None and chosen else []
    references = tuple(cards[at].sha256 for at in chosen if at < len(cards))
    sources = [_typed(one, part) for part in FILES if str(typed(_key(one, part, "name")) or "").strip()]
    if references:
        sources.append(_typed(one, REFERENCES, name="library"))
    inventing.declare(scope, one.id, Draft(tuple(sources), references))
    return Message("people.declared", {"name": one.name})


def _typed(one: Dossier, part: str, name: str = "") -> Source:
    return Source(
        part=part,
        name=name or str(typed(_key(one, part, "name")) or "").strip(),
        digest=str(typed(_key(one, part, "digest")) or "").strip().lower() if part in FILES else "",
        licence=str(typed(_key(one, part, "licence")) or "").strip(),
        adult=bool(typed(_key(one, part, "adult"))),
    )
