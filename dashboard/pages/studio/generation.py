"""Image generation: the form with prompt preview and estimate, runs in progress, and uploads."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio import engine_help
from dashboard.pages.studio.library import picture_copies, style_references
from dashboard.pages.studio.library.run_comparison import COMPARED_RUN_KEY
from dashboard.pages.studio.library.search_filters import MEDIA_SOURCE_KEY
from dashboard.pages.studio.recipes import (
    costs,
    external_engines,
    generation_limits,
    input_pictures,
    wildcards,
)
from dashboard.pages.studio.recipes.actions import RECIPE_KEY, render_archived_recipes
from dashboard.pages.studio.recipes.examples import render_examples
from dashboard.pages.studio.recipes.form import render_recipe_form
from dashboard.pages.studio.recipes.queries import (
    ACTIVE_RUN_STATES,
    StudioProgress,
    StudioView,
    engine_name,
    load_progress,
    missing_engine_reason,
    unsupported_fields,
)
from dashboard.shell import actions, forms, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops import settings
from studio.library import assets
from studio.library.search import DEMO_PICTURES, OWN_PICTURES
from studio.recipes import examples, prompt_rating, specs
from studio.recipes.parameters import (
    ChoiceParameter,
    NumberParameter,
    ParameterValue,
    TextParameter,
)
from studio.recipes.queries import RecipeSummary, list_recipes
from studio.recipes.specs import RecipeSpec
from studio.runs import estimates, runner
from studio.runs.queries import RunSummary, get_run
from studio.runs.states import JobState
from tenants.agencies.queries import get_agency
from tenants.agencies.rights import Right


def render_questions(page: PageContext, chosen: RecipeSummary) -> dict[str, ParameterValue]:
    """Draw one field for each question of a template. Return the answers, keyed by name."""
    given: dict[str, ParameterValue] = {}
    for name, one in chosen.spec.questions:
        label = page.markdown("studio.question", name=one.label or name)
        key = f"studio:asked:{chosen.id}:{name}"
        st.session_state.setdefault(key, one.default_value)
        match one:
            case ChoiceParameter():
                given[name] = str(st.selectbox(label, one.options, key=key))
            case NumberParameter():
                given[name] = int(st.number_input(label, one.least, one.most, key=key))
            case TextParameter():
                given[name] = str(st.text_input(label, max_chars=one.most, key=key))
            case _:
                given[name] = bool(st.checkbox(label, key=key))
    return given


TICK = "2s"
SEED = "studio:seed"
COUNT = "studio:count"
RUN_ID = "studio:run"
MAX_SEED = 2**31 - 1
PLACEHOLDER_ENGINE = "placeholder"
DEMO_ENGINE = "demo"


def render_generation_form(page: PageContext, found: StudioView) -> None:
    """Draw the template, the prompt preview, the estimate and the button that starts a run."""
    with forms.open_fields(page, "studio:generate"):
        draw_template(
            "pages/studio/library/templates/section.html", title=page.text("studio.make"), note=""
        )
        if not found.recipes:
            _render_first_recipe(page, found, _resolve_engine_name())
            render_examples(page, found.creator.id, ())
            wildcards.render_wildcards(page, found.creator.id)
            render_archived_recipes(page, found.creator.id, found.retired)
            return
        chosen = _select_recipe(page, found)
        given = render_questions(page, chosen)
        with st.container(horizontal=True, gap="small"):
            st.session_state.setdefault(f"{COUNT}:{chosen.id}", chosen.spec.picture_count)
            count = int(
                st.number_input(
                    page.text("studio.count"), 1, 24, key=f"{COUNT}:{chosen.id}", width=140
                )
            )
            seed = _select_seed(page, chosen)
        spec = page.read(
            lambda scope: specs.resolve_wildcards(scope, found.creator.id, chosen.spec)
        )
        makes = _render_prompt_preview(
            page, spec, seed, count, given
        ) and style_references.can_use_style_references(page, found.creator.id, chosen.spec)
        makes = makes and input_pictures.can_use_input_pictures(page, found.creator.id, chosen.spec)
        pace = page.read(
            lambda scope: estimates.seconds_per_picture(scope, found.creator.id, chosen.spec)
        )
        estimate = costs.describe_estimate(
            page, chosen.spec, _format_seconds(page, pace * count), count
        )
        if (
            lacks := missing_engine_reason(settings.load_settings().generators, chosen.spec.engine)
        ) is not None:
            st.error(page.localizer.message_text(lacks))
            makes = False
        engine = _resolve_engine_name(chosen.spec.engine)
        _render_engine(page, engine, estimate)
        if left := unsupported_fields(settings.load_settings().generators, chosen.spec):
            names = ", ".join([page.text(f"studio.untaken.{one}") for one in left])
            draw_template("shell/templates/note.html", note=page.text("studio.untaken", what=names))
        key = st.session_state.setdefault(RUN_ID, str(uuid7()))
        order = _Order(found.creator.id, chosen.id, seed, count, f"dashboard:{key}", given)
        actions.action_button(
            page,
            "studio.generate",
            partial(_start_generation, page, order),
            right=Right.RUN,
            key="studio:generate",
            kind="primary",
            icon=":material/auto_awesome:",
            shortcut="G",
            disabled=not makes,
        )
        _render_recipe_sections(page, found, chosen)


def _render_engine(page: PageContext, engine: str, estimate: str) -> None:
    """Draw the engine with its estimate, and for placeholder images how to connect another one."""
    draw_template(
        "pages/studio/templates/engine.html",
        engine=engine,
        exception=_describe_demo_exception(page, engine),
        estimate=estimate,
        word=page.text,
    )
    if engine == PLACEHOLDER_ENGINE:
        engine_help.render_engine_help(page)


def _select_seed(page: PageContext, chosen: RecipeSummary) -> int:
    """Draw the field of the seed and return its value, or the fixed seed of the recipe."""
    st.session_state.setdefault(SEED, secrets.randbelow(10_000))
    own = chosen.spec.seed
    if own is None:
        return int(st.number_input(page.text("studio.seed"), 0, MAX_SEED, key=SEED, width=180))
    draw_template("shell/templates/note.html", note=page.text("studio.seed_fixed", seed=own))
    return own


def _render_recipe_sections(page: PageContext, found: StudioView, chosen: RecipeSummary) -> None:
    """Draw the sections below the form: the recipe itself, wildcards, style references, engines and
    limits."""
    render_recipe_form(page, found.creator.id, chosen)
    render_examples(page, found.creator.id, {one.name for one in found.recipes})
    wildcards.render_wildcards(page, found.creator.id)
    render_archived_recipes(page, found.creator.id, found.retired)
    style_references.render_style_references(page, found.creator)
    external_engines.render_external_engines(page, found.creator)
    generation_limits.render_generation_limits(page, found.creator.id, found.limits)
    costs.render_cost_cap(page, chosen.spec)


def _format_seconds(page: PageContext, seconds: float) -> str:
    return page.localizer.format_duration(timedelta(seconds=max(1, round(seconds))))


@cache
def _resolve_engine_name(named: str = "") -> str:
    return engine_name(settings.load_settings().generators, named)


def _describe_demo_exception(page: PageContext, engine: str) -> str:
    """Return where a demo agency publishes marked images all the same, "" for any other."""
    is_marked = engine in (PLACEHOLDER_ENGINE, DEMO_ENGINE)
    return page.text("studio.demo_exception") if is_marked and page.read(get_agency).demo else ""


def _render_first_recipe(page: PageContext, found: StudioView, engine: str) -> None:
    """Draw a sample template for a creator without templates. It works with every engine."""
    draw_template(
        "pages/studio/templates/first_recipe.html",
        spec=examples.list_examples(page.localizer.language)[0],
        engine=engine,
        exception=_describe_demo_exception(page, engine),
        word=page.text,
    )
    if engine == PLACEHOLDER_ENGINE:
        engine_help.render_engine_help(page)
    actions.action_button(
        page,
        "studio.try_sample",
        partial(_start_sample_run, page, found.creator.id),
        right=Right.RUN,
        key="studio:sample",
        kind="primary",
        icon=":material/auto_awesome:",
    )


def _select_recipe(page: PageContext, found: StudioView) -> RecipeSummary:
    names = {str(one.id): one for one in found.recipes}
    if st.session_state.get(RECIPE_KEY) not in names:
        st.session_state[RECIPE_KEY] = next(iter(names))
    st.selectbox(
        page.text("studio.recipe"),
        list(names),
        format_func=lambda one: page.text(
            "studio.recipe_named", name=names[one].name, version=names[one].version
        ),
        key=RECIPE_KEY,
    )
    return names[st.session_state[RECIPE_KEY]]


def _render_prompt_preview(
    page: PageContext, spec: RecipeSpec, seed: int, count: int, given: Mapping[str, ParameterValue]
) -> bool:
    """Draw the exact prompt of each image. Return True if the run may start."""
    try:
        shots = specs.plan_pictures(spec, seed=seed, count=count, given=given)
        rating = page.read(lambda scope: prompt_rating.rate_prompts(scope, spec, shots, given))
    except (BadInput, Refused) as wrong:
        st.error(page.localizer.message_text(wrong.message))
        return False
    draw_template(
        "pages/studio/templates/prompt_preview.html",
        shots=shots,
        spec=spec,
        rating=str(rating),
        word=page.text,
    )
    return True


@dataclass(frozen=True)
class _Order:
    """A run as drawn. Its key makes repeated presses start it only once."""

    creator_id: UUID
    recipe_id: UUID
    seed: int
    count: int
    key: str
    given: Mapping[str, ParameterValue]


def _start_generation(page: PageContext, order: _Order, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, order.creator_id)
    if order.recipe_id not in {one.id for one in list_recipes(scope, order.creator_id)}:
        raise NotFound("recipe.unknown")
    costs.require_within_cap(scope, specs.get_spec(scope, order.recipe_id), order.count)
    runner.start_run(
        scope,
        creator_id=order.creator_id,
        recipe_id=order.recipe_id,
        seed=order.seed,
        key=order.key,
        count=order.count,
        by=page.viewer.actor,
        given=order.given,
    )
    st.session_state[RUN_ID] = str(uuid7())  # The next press starts another run.
    return Message(
        "studio.started" if order.count > 1 else "studio.started_one", {"count": order.count}
    )


def _start_sample_run(page: PageContext, creator_id: UUID, scope: Scope, press: UUID) -> Message:
    page.get_creator(scope, creator_id)
    sample = examples.list_examples(page.localizer.language)[0]
    recipe_id = specs.save_recipe(scope, creator_id, sample)
    seed = secrets.randbelow(10_000)
    by = page.viewer.actor
    runner.start_run(
        scope,
        creator_id=creator_id,
        recipe_id=recipe_id,
        seed=seed,
        key=f"dashboard:{press}",
        by=by,
    )
    return Message("studio.started", {"count": sample.variants})


def render_run_progress(page: PageContext, found: StudioView) -> None:
    """Draw runs and uploads. This part of the page polls only while something is in progress."""
    draw_template(
        "pages/studio/library/templates/section.html",
        title=page.text("studio.under_way"),
        note=generation_limits.describe_output(page, found.output),
    )
    state = found.progress
    if state.is_active:
        st.fragment(_poll_run_progress, run_every=TICK)(page, found.creator.id)
    else:
        _render_progress_lines(page, state, found.creator.id)


def _poll_run_progress(drawn: PageContext, creator_id: UUID) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    state = page.read(lambda scope: load_progress(scope, page.get_creator(scope, creator_id).id))
    if not state.is_active:
        st.rerun()  # Everything is finished; a full redraw shows it in the library.
    actions.show_notices(page, "studio:going")
    _render_progress_lines(page, state, creator_id)


def _render_progress_lines(page: PageContext, state: StudioProgress, creator_id: UUID) -> None:
    if not state.runs and not state.uploads and not state.copies:
        draw_template("shell/templates/empty.html", code="studio.nothing_under_way", word=page.text)
    for run in state.runs:
        _render_run(page, run, creator_id, state)
    if state.uploads:
        draw_template(
            "pages/studio/templates/uploads.html",
            uploads=state.uploads,
            voice=page.localizer,
            word=page.text,
        )
    if state.copies:
        picture_copies.render_picture_copy_progress(page, state.copies)


def _render_run(
    page: PageContext, run: RunSummary, creator_id: UUID, state: StudioProgress
) -> None:
    going = run.state in ACTIVE_RUN_STATES
    labelled = run.id in state.labelled
    left = _format_seconds(page, state.left[run.id]) if run.id in state.left else ""
    with st.container(border=True, gap="small"):
        about = {"left": left, "going": going, "now": state.now, "spent": state.spent.get(run.id)}
        about["labelled"] = labelled
        about["lists"] = ", ".join(
            f"{name} {version}" for name, version in state.lists.get(run.id, {}).items()
        )
        draw_template(
            "pages/studio/templates/run.html",
            run=run,
            voice=page.localizer,
            word=page.text,
            **about,
        )
        with st.container(horizontal=True, gap="small"):
            if going:
                actions.action_button(
                    page,
                    "studio.stop",
                    partial(_stop_run, page, creator_id, run.id),
                    right=Right.RUN,
                    key=f"stop:{run.id}",
                )
            if run.state is JobState.FAILED:
                act = partial(_resume_run, page, creator_id, run.id)
                actions.action_button(
                    page, "studio.resume", act, right=Right.RUN, key=f"resume:{run.id}"
                )
            if run.done:
                compare = partial(_compare_run, page, creator_id, run.id, labelled)
                st.button(page.text("studio.compare"), key=f"compare:{run.id}", on_click=compare)


def _compare_run(page: PageContext, creator_id: UUID, run_id: UUID, labelled: bool) -> None:
    """Compare the images of a run, and show the same kind of images in the library. Called before
    the library is drawn, whose filter cannot be changed after it."""
    st.session_state[COMPARED_RUN_KEY] = str(run_id)
    if page.read(lambda scope: assets.needs_label_separation(scope, creator_id)):
        st.session_state[MEDIA_SOURCE_KEY] = DEMO_PICTURES if labelled else OWN_PICTURES


def _resume_run(
    page: PageContext, creator_id: UUID, job_id: UUID, scope: Scope, _: UUID
) -> Message:
    if page.get_creator(scope, creator_id).id != get_run(scope, job_id).creator_id:
        raise NotFound("job.unknown")
    left = runner.resume_run(scope, job_id)
    return Message("studio.resumed" if left > 1 else "studio.resumed_one", {"count": left})


def _stop_run(page: PageContext, creator_id: UUID, job_id: UUID, scope: Scope, _: UUID) -> Message:
    if page.get_creator(scope, creator_id).id != get_run(scope, job_id).creator_id:
        raise NotFound("job.unknown")
    runner.stop_run(scope, job_id)
    return Message("studio.stopped")
