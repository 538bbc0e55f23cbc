"""Making pictures: the recipe and what it would ask for, its runs, and the files that were handed in."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import (
    studio_begin,
    studio_copies,
    studio_limits,
    studio_lists,
    studio_look,
    studio_outgoing,
    studio_questions,
    studio_recipe,
    studio_recipe_shelf,
    studio_spending,
)
from dashboard.app_pages.studio_asked import MADE_BY
from dashboard.app_pages.studio_recipe_shelf import RECIPE
from dashboard.app_pages.studio_variants import COMPARED
from dashboard.frame import Page
from dashboard.reads.studio import GOING, SAMPLES, Progress, Studio, engine_of, missing, progress, untaken
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from foundation.words import Message
from studio import estimating, jobs, library, recipes, resuming, wording
from studio import reads as studio_reads
from studio.parameters import Answer
from studio.reads import RecipeCard, Run
from studio.recipes import Spec
from studio.searching import DEMO, OWN
from studio.states import JobState
from tenants.roles import Right

TICK = "2s"
SEED, COUNT, RUN_ID = "studio:seed", "studio:count", "studio:run"
MOST_SEED = 2**31 - 1


def recipe(page: Page, found: Studio) -> None:
    """The recipe, what it would ask for, and the press that makes it."""
    draw("studio_part.html", title=page.word("studio.make"), note="")
    if not found.recipes:
        _first(page, found, _engine())
        studio_lists.edit(page, found.creator.id)
        studio_recipe_shelf.back(page, found.creator.id, found.retired)
        return
    chosen = _chosen(page, found)
    given = studio_questions.ask(page, chosen)
    with st.container(horizontal=True, gap="small"):
        st.session_state.setdefault(f"{COUNT}:{chosen.id}", chosen.spec.pictures)
        count = int(st.number_input(page.word("studio.count"), 1, 24, key=f"{COUNT}:{chosen.id}", width=140))
        st.session_state.setdefault(SEED, secrets.randbelow(10_000))
        own = chosen.spec.seed  # one that the recipe names stands above
        if own is None:
            seed = int(st.number_input(page.word("studio.seed"), 0, MOST_SEED, key=SEED, width=180))
        else:
            seed = own
            draw("studio_note.html", note=page.word("studio.seed_fixed", seed=own))
    spec = page.read(lambda scope: recipes.in_force(scope, found.creator.id, chosen.spec))
    makes = _asked(page, spec, seed, count, given) and studio_look.ready(page, found.creator.id, chosen.spec)
    makes = makes and studio_begin.ready(page, found.creator.id, chosen.spec)
    pace = page.read(lambda scope: estimating.pace(scope, found.creator.id, chosen.spec))
    estimate = studio_spending.estimate(page, chosen.spec, _lasts(page, pace * count), count)
    if (lacks := missing(settings.load().generators, chosen.spec.engine)) is not None:
        st.error(page.voice.say(lacks))
        makes = False
    draw("studio_engine.html", engine=_engine(chosen.spec.engine), estimate=estimate, word=page.word)
    if left := untaken(settings.load().generators, chosen.spec):
        names = ", ".join([page.word(f"studio.untaken.{one}") for one in left])
        draw("studio_note.html", note=page.word("studio.untaken", what=names))
    key = st.session_state.setdefault(RUN_ID, str(uuid7()))
    order = _Order(found.creator.id, chosen.id, seed, count, f"dashboard:{key}", given)
    acting.button(
        page,
        "studio.generate",
        partial(_generate, page, order),
        right=Right.RUN,
        key="studio:generate",
        kind="primary",
        icon=":material/auto_awesome:",
        shortcut="G",
        disabled=not makes,
    )
    studio_recipe.edit(page, found.creator.id, chosen)
    studio_lists.edit(page, found.creator.id)
    studio_recipe_shelf.back(page, found.creator.id, found.retired)
    studio_look.edit(page, found.creator)
    studio_outgoing.edit(page, found.creator)
    studio_limits.edit(page, found.creator.id, found.limits)
    studio_spending.edit(page, chosen.spec)


def _lasts(page: Page, seconds: float) -> str:
    return page.voice.lasting(timedelta(seconds=max(1, round(seconds))))


@cache
def _engine(named: str = "") -> str:
    return engine_of(settings.load().generators, named)


def _first(page: Page, found: Studio, engine: str) -> None:
    """Nothing here yet: one recipe that works on every engine."""
    draw("studio_first.html", spec=SAMPLES[page.voice.language], engine=engine, word=page.word)
    acting.button(
        page,
        "studio.try_sample",
        partial(_sample, page, found.creator.id),
        right=Right.RUN,
        key="studio:sample",
        kind="primary",
        icon=":material/auto_awesome:",
    )


def _chosen(page: Page, found: Studio) -> RecipeCard:
    names = {str(one.id): one for one in found.recipes}
    if st.session_state.get(RECIPE) not in names:
        st.session_state[RECIPE] = next(iter(names))
    st.selectbox(
        page.word("studio.recipe"),
        list(names),
        format_func=lambda one: page.word("studio.recipe_named", name=names[one].name, version=names[one].version),
        key=RECIPE,
    )
    return names[st.session_state[RECIPE]]


def _asked(page: Page, spec: Spec, seed: int, count: int, given: Mapping[str, Answer]) -> bool:
    """What each picture would be asked to show: the very words, before anything is made. Whether it may be made."""
    try:
        shots = recipes.resolve(spec, seed=seed, count=count, given=given)
        rating = page.read(lambda scope: wording.judge(scope, spec, shots, given))
    except (BadInput, Refused) as wrong:
        st.error(page.voice.say(wrong.message))
        return False
    draw("studio_asked.html", shots=shots, spec=spec, rating=str(rating), word=page.word)
    return True


@dataclass(frozen=True)
class _Order:
    """A run as it was drawn: pressed twice, it is made once."""

    creator_id: UUID
    recipe_id: UUID
    seed: int
    count: int
    key: str
    given: Mapping[str, Answer]


def _generate(page: Page, order: _Order, scope: Scope, _: UUID) -> Message:
    page.my(scope, order.creator_id)
    if order.recipe_id not in {one.id for one in studio_reads.recipes_of(scope, order.creator_id)}:
        raise NotFound("recipe.unknown")
    studio_spending.check(scope, recipes.spec_of(scope, order.recipe_id), order.count)
    jobs.start(
        scope,
        creator_id=order.creator_id,
        recipe_id=order.recipe_id,
        seed=order.seed,
        key=order.key,
        count=order.count,
        by=page.who.actor,
        given=order.given,
    )
    st.session_state[RUN_ID] = str(uuid7())  # the next press is another run
    return Message("studio.started" if order.count > 1 else "studio.started_one", {"count": order.count})


def _sample(page: Page, creator_id: UUID, scope: Scope, press: UUID) -> Message:
    page.my(scope, creator_id)
    sample = SAMPLES[page.voice.language]
    recipe_id = recipes.save(scope, creator_id, sample)
    seed, by = secrets.randbelow(10_000), page.who.actor
    jobs.start(scope, creator_id=creator_id, recipe_id=recipe_id, seed=seed, key=f"dashboard:{press}", by=by)
    return Message("studio.started", {"count": sample.variants})


def under_way(page: Page, found: Studio) -> None:
    """Runs and files. It looks again by itself while something is under way, and not after."""
    draw("studio_part.html", title=page.word("studio.under_way"), note=studio_limits.came_out(page, found.output))
    state = found.progress
    if state.going:
        st.fragment(_going, run_every=TICK)(page, found.creator.id)
    else:
        _lines(page, state, found.creator.id)


def _going(drawn: Page, creator_id: UUID) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    state = page.read(lambda scope: progress(scope, page.my(scope, creator_id).id))
    if not state.going:
        st.rerun()  # all of it is there: the library shows it
    acting.say_told(page, "studio:going")
    _lines(page, state, creator_id)


def _lines(page: Page, state: Progress, creator_id: UUID) -> None:
    if not state.runs and not state.uploads and not state.copies:
        draw("studio_empty.html", code="studio.nothing_under_way", word=page.word)
    for run in state.runs:
        _run(page, run, creator_id, state)
    if state.uploads:
        draw("studio_uploads.html", uploads=state.uploads, voice=page.voice, word=page.word)
    if state.copies:
        studio_copies.under_way(page, state.copies)


def _run(page: Page, run: Run, creator_id: UUID, state: Progress) -> None:
    going, labelled = run.state in GOING, run.id in state.labelled
    left = _lasts(page, state.left[run.id]) if run.id in state.left else ""
    with st.container(border=True, gap="small"):
        about = {"left": left, "going": going, "now": state.now, "spent": state.spent.get(run.id)}
        about["labelled"] = labelled
        about["lists"] = ", ".join(f"{name} {version}" for name, version in state.lists.get(run.id, {}).items())
        draw("studio_run.html", run=run, voice=page.voice, word=page.word, **about)
        with st.container(horizontal=True, gap="small"):
            if going:
                acting.button(
                    page, "studio.stop", partial(_stop, page, creator_id, run.id), right=Right.RUN, key=f"stop:{run.id}"
                )
            if run.state is JobState.FAILED:
                act = partial(_resume, page, creator_id, run.id)
                acting.button(page, "studio.resume", act, right=Right.RUN, key=f"resume:{run.id}")
            if run.done and st.button(page.word("studio.compare"), key=f"compare:{run.id}"):
                st.session_state[COMPARED] = str(run.id)
                if page.read(lambda scope: library.apart(scope, creator_id)):  # what is below shows the same kind
                    st.session_state[MADE_BY] = DEMO if labelled else OWN
                st.rerun()


def _resume(page: Page, creator_id: UUID, job_id: UUID, scope: Scope, _: UUID) -> Message:
    if page.my(scope, creator_id).id != studio_reads.run_of(scope, job_id).creator_id:
        raise NotFound("job.unknown")
    left = resuming.resume(scope, job_id)
    return Message("studio.resumed" if left > 1 else "studio.resumed_one", {"count": left})


def _stop(page: Page, creator_id: UUID, job_id: UUID, scope: Scope, _: UUID) -> Message:
    if page.my(scope, creator_id).id != studio_reads.run_of(scope, job_id).creator_id:
        raise NotFound("job.unknown")
    jobs.stop(scope, job_id)
    return Message("studio.stopped")
