"""Studio: what the runs of a recipe work from by themselves: words alone, a picture and its part, or a posture."""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import studio_outgoing, studio_part
from dashboard.app_pages.studio_recipe_shelf import RECIPE
from dashboard.app_pages.studio_variants import clear_src
from dashboard.frame import Page
from dashboard.reads.studio import abilities_of, engine_of
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput, GreenroomError
from foundation.words import Message
from generators.shapes import Shape
from studio import beginnings, listing, materials, recipe_shelf, recipes, workings
from studio.beginnings import Beginning
from studio.listing import Listed
from studio.reads import RecipeCard
from studio.recipes import Spec
from tenants.roles import Right

WORDS, BEGIN, POSTURE = "words", "begin", "posture"
NEEDS = {BEGIN: "init", POSTURE: "pose"}
MOST, LONGEST = 60, 60
"""Pictures that are offered, the newest first, and signs of what one is called."""

WIDE = 320


def edit(page: Page, creator_id: UUID, chosen: RecipeCard) -> None:
    """Choose and keep it. It is no part of the form of the words, since it is drawn anew with each choice. Nothing
    where no engine here does either, and the recipe says nothing of it."""
    spec, key = chosen.spec, f"works:{chosen.id}"
    now = BEGIN if spec.begin is not None else POSTURE if spec.posture is not None else WORDS
    can = page.read(lambda scope: abilities_of(scope, settings.load().generators, spec.engine))
    ways = [one for one in (WORDS, BEGIN, POSTURE) if one in (WORDS, now) or NEEDS[one] in can]
    if len(ways) == 1:
        return
    with st.container(border=True, gap="small"):
        way = st.segmented_control(
            page.word("begin.way"),
            ways,
            default=now,
            required=True,
            format_func=lambda one: page.word(f"begin.way.{one}"),
            key=f"{key}:way",
        )
        asset_id = _picture(page, creator_id, spec, key) if way != WORDS else None
        if asset_id is not None:
            _settings(page, creator_id, spec, asset_id, way=way, key=f"{key}:{asset_id}")
        keep, nothing = partial(_keep, page, creator_id, chosen), way != WORDS and asset_id is None
        acting.button(page, "begin.keep", keep, right=Right.RUN, key=key, disabled=nothing)


def _picture(page: Page, creator_id: UUID, spec: Spec, key: str) -> UUID | None:
    """One of the newest of the library, first the one that is named now; none where there are none."""
    found = page.read(lambda scope: listing.media(scope, [creator_id], before=None, limit=MOST))
    names = {str(one.asset_id): _named(page, one) for one in found if one.kind == listing.PICTURE}
    if (named := spec.begin or spec.posture) is not None:
        names = {named.asset: names.get(named.asset, page.word("begin.picture_now")), **names}
    if not names:
        draw("studio_note.html", note=page.word("begin.no_pictures"))
        return None
    hint = page.word("begin.picture_how", most=MOST)
    chosen = st.selectbox(
        page.word("begin.picture"), list(names), format_func=names.__getitem__, key=f"{key}:asset", help=hint
    )
    return UUID(chosen)


def _named(page: Page, one: Listed) -> str:
    day, said = page.voice.day_short(one.at), " ".join(one.alt.split())
    if not said:
        return page.word("begin.picture_plain", day=day)
    return f"{day} · {said if len(said) <= LONGEST else said[: LONGEST - 1] + '…'}"


def _settings(page: Page, creator_id: UUID, spec: Spec, asset_id: UUID, *, way: str, key: str) -> None:
    """How much of it counts, and, where it begins from it, which part is made anew; why it cannot be used now."""
    try:
        page.read(lambda scope: materials.picture(scope, creator_id, asset_id))
    except GreenroomError as gone:
        st.error(page.voice.say(gone.message))
        return
    if way == POSTURE:
        weight = spec.posture.weight if spec.posture is not None else 100
        bounds = workings.LEAST_WEIGHT, workings.MOST_WEIGHT
        st.slider(page.word("pose.weight"), *bounds, weight, 5, key=f"{key}:weight")
        _shown(page, asset_id)
        return
    anew = spec.begin.anew if spec.begin is not None else workings.USUAL_ANEW
    st.slider(page.word("vary.anew"), beginnings.LEAST, beginnings.MOST, anew, 5, key=f"{key}:anew")
    known = _known(spec, asset_id)
    if st.checkbox(page.word("vary.part"), bool(known), key=f"{key}:part"):
        studio_part.choose(page, asset_id, key, known)
    else:
        _shown(page, asset_id)


def _shown(page: Page, asset_id: UUID) -> None:
    with st.container(width=WIDE):
        draw("studio_shown.html", src=clear_src(asset_id), alt=page.word("begin.picture"))


def _known(spec: Spec, asset_id: UUID) -> tuple[Shape, ...]:
    """The part that stands; nothing of another picture."""
    return tuple(spec.begin.part) if spec.begin is not None and spec.begin.asset == str(asset_id) else ()


def ready(page: Page, creator_id: UUID, spec: Spec) -> bool:
    """Say, before a run, what it would begin from, or why it cannot; whether it may be made."""
    if not spec.asks:
        return True
    generators = settings.load().generators
    can = page.read(lambda scope: abilities_of(scope, generators, spec.engine))
    if lacks := sorted(spec.asks - can):
        engine = engine_of(generators, spec.engine)
        st.error(page.voice.say(Message(f"engine.cannot_{lacks[0]}", {"engine": engine})))
        return False
    try:
        digests = page.read(lambda scope: materials.usable(scope, creator_id, spec))
    except GreenroomError as gone:
        st.error(page.voice.say(gone.message))
        return False
    draw("studio_note.html", note=page.word("begin.begins" if spec.begin is not None else "begin.takes_posture"))
    return studio_outgoing.may_go(page, creator_id, spec, digests)


def _keep(page: Page, creator_id: UUID, chosen: RecipeCard, scope: Scope, _: UUID) -> Message:
    mine = page.my(scope, creator_id).id
    made = recipe_shelf.change(scope, [mine], chosen.id, _said(chosen))
    st.session_state[RECIPE] = str(made)
    return Message("studio.recipe_kept", {"name": recipes.spec_of(scope, made).name})


def _said(chosen: RecipeCard) -> dict[str, Any]:
    """As it stands on the page now. Raises BadInput."""
    key, nothing = f"works:{chosen.id}", {"begin": None, "posture": None}
    way = acting.typed(f"{key}:way")
    if way == WORDS:
        return nothing
    try:
        asset_id = UUID(str(acting.typed(f"{key}:asset")))
    except ValueError as error:
        raise BadInput("job.begins_from_none") from error
    key = f"{key}:{asset_id}"
    if way == POSTURE:
        return nothing | {"posture": workings.of_picture(asset_id, int(acting.typed(f"{key}:weight") or 0))}
    part = studio_part.wanted(key, _known(chosen.spec, asset_id))
    begin = Beginning(asset_id, int(acting.typed(f"{key}:anew") or workings.USUAL_ANEW), part)
    return nothing | {"begin": workings.from_picture(begin)}
