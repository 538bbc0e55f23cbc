"""Studio: variations of one picture, whole or in one part, and pictures that take its posture, each by a recipe."""

import base64
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import studio_outgoing, studio_spending
from dashboard.app_pages.studio_variants import clear_src
from dashboard.frame import Page
from dashboard.reads.studio import abilities_of
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.words import Message
from gate import recording
from generators import masks, shapes
from generators.masks import Part, Region
from studio import beginnings, jobs, materials, recipes, workings
from studio import reads as studio_reads
from studio.beginnings import Beginning
from studio.materials import Posture
from studio.reads import Card, RecipeCard
from tenants.roles import Right

MOST = 8
USUAL_ANEW = 50
MIDDLE = (25, 75)
WAYS = ["rectangle", "shapes", "drawn"]
USUAL_SHAPES = "ellipse 25 25 75 75"


def ask(page: Page, creator_id: UUID, card: Card) -> None:
    """Choose the recipe, how much of the picture is made anew and where, and how many; nothing where no engine here
    begins from pictures, of a film, and without a recipe that asks nothing."""
    known = _recipes(page, creator_id, card, "init")
    if not known:
        return
    key = f"vary:{card.asset_id}"
    with st.popover(page.word("vary.make"), icon=":material/auto_fix_high:"):
        draw("studio_note.html", note=page.word("vary.how"))
        may = _recipe(page, creator_id, card, known, key)
        st.slider(page.word("vary.anew"), beginnings.LEAST, beginnings.MOST, USUAL_ANEW, 5, key=f"{key}:anew")
        if st.checkbox(page.word("vary.part"), key=f"{key}:part"):
            _part(page, card, key)
        st.number_input(page.word("studio.count"), 1, MOST, 3, key=f"{key}:count")
        act = partial(_ask, page, creator_id, card.asset_id)
        acting.button(page, "vary.ask", act, right=Right.RUN, key=key, kind="primary", disabled=not may)


def ask_posture(page: Page, creator_id: UUID, card: Card) -> None:
    """Choose the recipe, how much the posture counts, and how many; nothing where no engine here takes postures."""
    known = _recipes(page, creator_id, card, "pose")
    if not known:
        return
    key = f"pose:{card.asset_id}"
    with st.popover(page.word("pose.make"), icon=":material/accessibility_new:"):
        draw("studio_note.html", note=page.word("pose.how"))
        may = _recipe(page, creator_id, card, known, key)
        st.slider(page.word("pose.weight"), workings.LEAST_WEIGHT, workings.MOST_WEIGHT, 100, 5, key=f"{key}:weight")
        st.number_input(page.word("studio.count"), 1, MOST, 3, key=f"{key}:count")
        act = partial(_ask_posture, page, creator_id, card.asset_id)
        acting.button(page, "pose.ask", act, right=Right.RUN, key=key, kind="primary", disabled=not may)


def _recipes(page: Page, creator_id: UUID, card: Card, need: str) -> list[RecipeCard]:
    """The recipes that ask nothing, where their engine can be asked this."""
    if card.seconds:
        return []
    known = page.read(lambda scope: studio_reads.recipes_of(scope, creator_id))
    generators = settings.load().generators
    names = {one.spec.engine for one in known}
    able = page.read(lambda scope: {name for name in names if need in abilities_of(scope, generators, name)})
    return [one for one in known if not one.spec.parameters and one.spec.engine in able]


def _recipe(page: Page, creator_id: UUID, card: Card, known: list[RecipeCard], key: str) -> bool:
    """Choose the recipe; whether the picture may go to whoever makes what it asks for. Why not is said."""
    names = {str(one.id): one.spec for one in known}
    chosen = st.selectbox(
        page.word("vary.recipe"), list(names), format_func=lambda one: names[one].name, key=f"{key}:recipe"
    )
    digest = page.read(lambda scope: studio_reads.shown(scope, card.asset_id).sha256)
    return studio_outgoing.may_go(page, creator_id, names[chosen], [digest])


def _part(page: Page, card: Card, key: str) -> None:
    """The part that is made anew, drawn over the picture as its page shows it, blurred where that is."""
    way = st.segmented_control(
        page.word("vary.way"),
        WAYS,
        default=WAYS[0],
        required=True,
        format_func=lambda one: page.word(f"vary.way.{one}"),
        key=f"{key}:way",
    )
    match way:
        case "shapes":
            st.text_area(page.word("vary.shapes"), USUAL_SHAPES, key=f"{key}:shapes", help=page.word("vary.shapes_how"))
        case "drawn":
            st.file_uploader(page.word("vary.drawn"), "png", key=f"{key}:drawn", help=page.word("vary.drawn_how"))
        case _:
            st.slider(page.word("vary.across"), 0, 100, MIDDLE, 5, key=f"{key}:across")
            st.slider(page.word("vary.down"), 0, 100, MIDDLE, 5, key=f"{key}:down")
    try:
        region = _region(key)
    except BadInput as wrong:
        st.error(page.voice.say(wrong.message))
        return
    if isinstance(region, Region):
        draw("studio_region.html", src=clear_src(card.asset_id), region=region, word=page.word)
    elif region:
        (whole,) = page.read(lambda scope: recording.versions(scope, card.asset_id))[:1]
        mask = base64.b64encode(shapes.png(shapes.veil(region, whole.width, whole.height))).decode()
        draw("studio_mask.html", src=clear_src(card.asset_id), mask=mask, word=page.word)


def _region(key: str) -> Part | None:
    """As it stands on the page now; None while no drawing was brought. Raises BadInput."""
    match acting.typed(f"{key}:way"):
        case "shapes":
            found = shapes.parse(str(acting.typed(f"{key}:shapes") or ""))
        case "drawn":
            file = acting.typed(f"{key}:drawn")
            if file is None:
                return None
            found = (shapes.of_picture(file.getvalue(), name=file.name),)
        case _:
            across, down = (acting.typed(f"{key}:{one}") or MIDDLE for one in ("across", "down"))
            return Region(left=across[0], top=down[0], right=across[1], bottom=down[1])
    masks.check(found)
    return found


def _ask(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID) -> Message:
    key = f"vary:{asset_id}"
    region = _region(key) if acting.typed(f"{key}:part") else None
    if region is None and acting.typed(f"{key}:part"):
        raise BadInput("job.mask_none")
    begin = Beginning(asset_id, int(acting.typed(f"{key}:anew") or USUAL_ANEW), region)
    return _start(page, scope, press, creator_id=creator_id, asset_id=asset_id, key=key, begin=begin)


def _ask_posture(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID) -> Message:
    key = f"pose:{asset_id}"
    pose = Posture(asset_id, int(acting.typed(f"{key}:weight") or 0))
    return _start(page, scope, press, creator_id=creator_id, asset_id=asset_id, key=key, pose=pose)


def _start(
    page: Page,
    scope: Scope,
    press: UUID,
    *,
    creator_id: UUID,
    asset_id: UUID,
    key: str,
    begin: Beginning | None = None,
    pose: Posture | None = None,
) -> Message:
    page.my(scope, creator_id)
    if studio_reads.shown(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    recipe_id, count = UUID(str(acting.typed(f"{key}:recipe"))), int(acting.typed(f"{key}:count") or 1)
    if recipe_id not in {one.id for one in studio_reads.recipes_of(scope, creator_id)}:
        raise NotFound("recipe.unknown")
    spec = recipes.spec_of(scope, recipe_id)
    studio_outgoing.check(scope, creator_id, spec, asset_id)
    studio_spending.check(scope, spec, count, materials.asked(begin, pose))
    jobs.start(
        scope,
        creator_id=creator_id,
        recipe_id=recipe_id,
        seed=press.int % 2**31,
        key=f"vary:{press}",
        count=count,
        by=page.who.actor,
        begin=begin,
        pose=pose,
    )
    return Message("studio.started" if count > 1 else "studio.started_one", {"count": count})
