"""A picture that does not fill what its post is shown on: a copy of that shape, asked for where the post is written."""

from functools import partial
from uuid import UUID

from dashboard import acting, files
from dashboard.frame import Page
from foundation.database import Scope
from foundation.words import Message
from generators import forms
from generators.finishing import Finish
from generators.forms import Form
from schedules.previewing import Preview
from studio import finishing
from studio import reads as studio_reads
from tenants.roles import Right

NEAR = 0.01
"""By so much a shape, width by height, may be off."""


def offer(page: Page, one: Preview) -> None:
    """Draw the press that asks for the copy, where a picture stands alone and has another shape."""
    form = next((form for form in forms.FORMS if abs(form.wide / form.high - one.showing.fills) < NEAR), None)
    if form is None or not _is_off(one):
        return
    (asset,) = one.said.media
    words: dict[str, str | int] = {"form": page.word(f"copy.form.{form.name}")}
    act, key = partial(_asked, page, asset, form), f"shape:{one.channel_id}:{asset}"
    acting.button(page, "compose.shape", act, right=Right.RUN, key=key, params=words, icon=":material/crop:")


def _is_off(one: Preview) -> bool:
    """Whether it shows one picture that is known to have another shape; films are not cut."""
    if len(one.said.media) != 1 or len(one.media) != 1 or not one.media[0].mime.startswith("image/"):
        return False
    wide, high = one.media[0].width, one.media[0].height
    return bool(wide and high) and abs(wide / high - one.showing.fills) > NEAR


def _asked(page: Page, asset_id: UUID, form: Form, scope: Scope, _: UUID) -> Message:
    page.my(scope, studio_reads.shown(scope, asset_id).creator_id)
    finishing.ask(scope, asset_id, Finish(form=form.name), by=page.who.actor, store=files.store())
    return Message("compose.shape_asked")
