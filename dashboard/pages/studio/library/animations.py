"""Animations: turn an image into a video with an AI model, or list what is missing for it."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.library import clips
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from foundation.ops import settings
from generators.contract import video
from generators.engines.video import video_models
from generators.engines.video.video_models import VideoModel
from studio.library.queries import AssetCard
from studio.video import animations
from studio.video.animations import AnimationRequest
from tenants.agencies.rights import Right

USUAL_SECONDS = 3
USUAL_MOTION = 50


def render_animation_form(page: PageContext, creator_id: UUID, card: AssetCard) -> None:
    """Draw the fields for model, duration and motion.

    Without a model, list the missing requirements and the features that work without one. Draw
    nothing for videos.
    """
    if card.seconds:
        return
    with st.popover(page.text("film.move"), icon=":material/animation:"):
        able = video_models.video_capabilities(settings.load_settings().generators)
        if able.lacks is not None:
            draw_template(
                "shell/templates/note.html", note=page.localizer.message_text(able.lacks.message)
            )
            draw_template("shell/templates/note.html", note=page.text("film.stills_work"))
            return
        _render_animation_fields(
            page, creator_id, card.asset_id, {one.model.name: one for one in able.movers}
        )


def _render_animation_fields(
    page: PageContext, creator_id: UUID, asset_id: UUID, movers: dict[str, VideoModel]
) -> None:
    key = f"film:{asset_id}"
    with forms.open_fields(page, key):
        draw_template("shell/templates/note.html", note=page.text("film.how"))
        name = st.selectbox(page.text("film.model"), list(movers), key=f"{key}:model") or next(
            iter(movers)
        )
        family = movers[name].family
        most = max(family.seconds, video.MIN_SECONDS + 1)
        seconds = st.slider(
            page.text("film.seconds"),
            video.MIN_SECONDS,
            most,
            min(USUAL_SECONDS, family.seconds),
            key=f"{key}:seconds:{name}",
        )
        clips.render_length_warning(page, creator_id, round(seconds))
        if family.words:
            st.text_area(
                page.text("film.words"),
                max_chars=animations.MAX_PROMPT_LENGTH,
                height=80,
                key=f"{key}:words",
            )
            forms.show_field_error("words")
        if family.motion:
            st.slider(
                page.text("film.motion"),
                video.MIN_MOTION,
                video.MAX_MOTION,
                USUAL_MOTION,
                key=f"{key}:motion",
            )
        act = partial(_request_animation, page, creator_id, asset_id)
        actions.action_button(page, "film.ask", act, right=Right.RUN, key=key, kind="primary")


def _request_animation(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    key = f"film:{asset_id}"
    able = video_models.video_capabilities(settings.load_settings().generators)
    if able.lacks is not None:
        raise Refused(able.lacks.message.code, **able.lacks.message.params)
    movers = {one.model.name: one for one in able.movers}
    chosen = movers.get(str(actions.typed_value(f"{key}:model"))) or able.movers[0]
    words = str(actions.typed_value(f"{key}:words") or "").strip() if chosen.family.words else ""
    wanted = AnimationRequest(
        asset_id,
        chosen.model.name,
        seconds=float(actions.typed_value(f"{key}:seconds:{chosen.model.name}") or USUAL_SECONDS),
        words=words,
        motion=int(actions.typed_value(f"{key}:motion") or USUAL_MOTION)
        if chosen.family.motion
        else None,
        seed=press.int % 2**31,
    )
    animations.request_animation(
        scope, creator_id=creator_id, wanted=wanted, key=f"film:{press}", by=page.viewer.actor
    )
    return Message("film.asked")
