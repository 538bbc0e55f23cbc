"""Cropping in the composer: a copy of a picture in the aspect ratio in which the account displays
it."""

from functools import partial
from uuid import UUID

from dashboard.media import library_files
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from generators.retouch import aspect_ratios
from generators.retouch.aspect_ratios import AspectRatio
from generators.retouch.finish import CopyFinish
from schedules.drafts.previews import PostPreview
from studio.ingest import picture_copies
from studio.library import queries
from tenants.agencies.rights import Right

NEAR = 0.01
"""Tolerance when aspect ratios (width divided by height) are compared."""


def render_crop_offer(page: PageContext, one: PostPreview) -> None:
    """Render the button that requests a cropped copy of a single picture with a different aspect
    ratio."""
    form = next(
        (
            form
            for form in aspect_ratios.ASPECT_RATIOS
            if abs(form.wide / form.high - one.showing.fills) < NEAR
        ),
        None,
    )
    if form is None or not _has_other_aspect_ratio(one):
        return
    (asset,) = one.said.media
    words: dict[str, str | int] = {"form": page.text(f"copy.form.{form.name}")}
    act = partial(_request_cropped_copy, page, asset, form)
    key = f"shape:{one.channel_id}:{asset}"
    actions.action_button(
        page, "compose.shape", act, right=Right.RUN, key=key, params=words, icon=":material/crop:"
    )


def _has_other_aspect_ratio(one: PostPreview) -> bool:
    """Return True if the preview shows a single picture with a known, different aspect ratio.
    Videos are not cropped."""
    if (
        len(one.said.media) != 1
        or len(one.media) != 1
        or not one.media[0].mime.startswith("image/")
    ):
        return False
    wide = one.media[0].width
    high = one.media[0].height
    return bool(wide and high) and abs(wide / high - one.showing.fills) > NEAR


def _request_cropped_copy(
    page: PageContext, asset_id: UUID, form: AspectRatio, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, queries.get_asset_bytes(scope, asset_id).creator_id)
    picture_copies.request_copy(
        scope,
        asset_id,
        CopyFinish(form=form.name),
        by=page.viewer.actor,
        store=library_files.object_store(),
    )
    return Message("compose.shape_asked")
