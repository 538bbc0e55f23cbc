"""YAML download and import of a prompt template, and its versions with their changes."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from studio.recipes import specs, wildcards, yaml_files
from studio.recipes.queries import RecipeSummary, list_recipe_versions
from tenants.agencies.rights import Right


def render_recipe_versions(page: PageContext, creator_id: UUID, chosen: RecipeSummary) -> None:
    """Draw the YAML text and the versions of a template."""
    _render_recipe_file(page, creator_id, chosen)
    found = page.read(lambda scope: list_recipe_versions(scope, creator_id, chosen.name))
    with st.container(border=True, gap="small"):
        draw_template("shell/templates/note.html", note=page.text("studio.versions"))
        for one in found:
            changed = ", ".join(page.text(f"studio.field.{name}") for name in one.changed)
            with st.container(horizontal=True, gap="small"):
                said = page.text("studio.version", version=one.version, changed=changed or "—")
                draw_template(
                    "shell/templates/note.html",
                    note=f"{said} · {page.localizer.format_day_of_month(one.at)}",
                )
                if one.id != chosen.id:
                    back = partial(_restore_recipe_version, page, creator_id, one.id)
                    actions.action_button(
                        page,
                        "studio.go_back",
                        back,
                        right=Right.RUN,
                        key=f"back:{chosen.id}:{one.id}",
                    )


def _render_recipe_file(page: PageContext, creator_id: UUID, chosen: RecipeSummary) -> None:
    lists = page.read(
        lambda scope: wildcards.current_wildcards(scope, creator_id, chosen.spec.prompt)
    )
    text = yaml_files.export_recipe(chosen.spec, lists).encode()
    if len(text) > yaml_files.MAX_FILE_BYTES:
        draw_template(
            "shell/templates/note.html",
            note=page.text("studio.text_too_long", most=yaml_files.MAX_FILE_BYTES // 1024),
        )
    st.download_button(
        page.text("studio.take_text"),
        text,
        yaml_files.EXPORT_FILE_NAME,
        "application/yaml",
        key=f"yaml:{chosen.id}",
        on_click="ignore",
    )
    with forms.open_form(page, f"text:{chosen.id}"):
        key = f"text:in:{chosen.id}"
        st.text_area(page.text("studio.bring_text"), key=key, max_chars=yaml_files.MAX_FILE_BYTES)
        file = f"text:file:{chosen.id}"
        st.file_uploader(
            page.text("studio.bring_file"), ["yaml", "yml"], key=file, max_upload_size=1
        )
        keep = partial(_import_recipe, page, creator_id, key, file)
        actions.submit_button(
            page,
            "studio.keep_text",
            keep,
            right=Right.RUN,
            key=f"text:keep:{chosen.id}",
            kind="secondary",
        )


def _import_recipe(
    page: PageContext, creator_id: UUID, key: str, file: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    handed = actions.typed_value(file)
    raw = bytes(handed.getvalue()) if handed is not None else str(actions.typed_value(key) or "")
    wanted = yaml_files.import_recipe(scope, creator_id, raw)
    return Message("studio.recipe_kept", {"name": wanted.name})


def _restore_recipe_version(
    page: PageContext, creator_id: UUID, recipe_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    spec = specs.restore_version(scope, creator_id, recipe_id)
    return Message("studio.recipe_kept", {"name": spec.name})
