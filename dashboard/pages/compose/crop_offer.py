"""A picture that does not fill what its post is shown on: a copy of that shape, asked for where the
post is written."""

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
"""By so much a shape, width by height, may be off."""


def render_crop_offer(page: PageContext, one: PostPreview) -> None:
    """Draw the press that asks for the copy, where a picture stands alone and has another shape."""
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
    """Whether it shows one picture that is known to have another shape; films are not cut."""
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
