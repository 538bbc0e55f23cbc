"""A recipe as a text to take away and to bring, and its versions: what changed, and going back to one."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from studio import reads, recipe_texts, recipes, word_lists
from studio.reads import RecipeCard
from tenants.roles import Right


def show(page: Page, creator_id: UUID, chosen: RecipeCard) -> None:
    """The text and the versions of one recipe."""
    _text(page, creator_id, chosen)
    found = page.read(lambda scope: reads.versions_of(scope, creator_id, chosen.name))
    with st.container(border=True, gap="small"):
        draw("studio_note.html", note=page.word("studio.versions"))
        for one in found:
            changed = ", ".join(page.word(f"studio.field.{name}") for name in one.changed)
            with st.container(horizontal=True, gap="small"):
                said = page.word("studio.version", version=one.version, changed=changed or "—")
                draw("studio_note.html", note=f"{said} · {page.voice.day_short(one.at)}")
                if one.id != chosen.id:
                    back = partial(_back, page, creator_id, one.id)
                    acting.button(page, "studio.go_back", back, right=Right.RUN, key=f"back:{chosen.id}:{one.id}")


def _text(page: Page, creator_id: UUID, chosen: RecipeCard) -> None:
    lists = page.read(lambda scope: word_lists.in_force(scope, creator_id, chosen.spec.prompt))
    text = recipe_texts.write(chosen.spec, lists).encode()
    if len(text) > recipe_texts.MAX_BYTES:
        draw("studio_note.html", note=page.word("studio.text_too_long", most=recipe_texts.MAX_BYTES // 1024))
    st.download_button(
        page.word("studio.take_text"),
        text,
        recipe_texts.NAME,
        "application/yaml",
        key=f"yaml:{chosen.id}",
        on_click="ignore",
    )
    with st.form(f"text:{chosen.id}", border=False):
        key = f"text:in:{chosen.id}"
        st.text_area(page.word("studio.bring_text"), key=key, max_chars=recipe_texts.MAX_BYTES)
        file = f"text:file:{chosen.id}"
        st.file_uploader(page.word("studio.bring_file"), ["yaml", "yml"], key=file, max_upload_size=1)
        keep = partial(_bring, page, creator_id, key, file)
        acting.submit(page, "studio.keep_text", keep, right=Right.RUN, key=f"text:keep:{chosen.id}", kind="secondary")


def _bring(page: Page, creator_id: UUID, key: str, file: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    handed = acting.typed(file)
    raw = bytes(handed.getvalue()) if handed is not None else str(acting.typed(key) or "")
    wanted = recipe_texts.bring(scope, creator_id, raw)
    return Message("studio.recipe_kept", {"name": wanted.name})


def _back(page: Page, creator_id: UUID, recipe_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    spec = recipes.restore(scope, creator_id, recipe_id)
    return Message("studio.recipe_kept", {"name": spec.name})
