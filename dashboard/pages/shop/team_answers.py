"""The Answers view of the Shop page: what the bot tells fans about delivery, discounts and support,
and how hand-off notices introduce the team."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import LANGUAGES, Message
from subscribers.replies import team_answers
from subscribers.replies.team_answers import MAX_ANSWER_LENGTH, TOPICS, Topic
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

FORM = "shop:answers"


def render_team_answers(page: PageContext, creator: Creator) -> None:
    """Render one field for each topic and language, and the introduction of the team."""
    written, names = page.read(
        lambda scope: (
            team_answers.list_team_answers(scope, creator.id),
            team_answers.has_first_names(scope, creator.id),
        )
    )
    st.caption(page.text("answers.about"))
    for topic in TOPICS:
        for language, column in zip(LANGUAGES, st.columns(len(LANGUAGES)), strict=True):
            with column:
                body = written.get((topic, language))
                _render_answer(page, creator.id, topic, language, body)
    st.subheader(page.text("answers.introduction"))
    box = f"{FORM}:names:{creator.id}"
    st.checkbox(page.text("answers.by_first_name"), names, key=box)
    act = partial(save_introduction, page, creator.id, box)
    actions.action_button(page, "answers.save", act, right=Right.RUN, key=f"{box}:save")


def _render_answer(
    page: PageContext, creator_id: UUID, topic: Topic, language: str, body: str | None
) -> None:
    box = f"{FORM}:{creator_id}:{topic}:{language}"
    with forms.open_fields(page, box):
        st.text_area(
            page.text(f"answers.{topic}.{language}"),
            body or team_answers.default_answer(topic, language),
            key=box,
            height=120,
            max_chars=MAX_ANSWER_LENGTH,
        )
        forms.show_field_error("body")
        act = partial(save_answer, page, creator_id, topic=topic, language=language, box=box)
        actions.action_button(page, "answers.save", act, right=Right.RUN, key=f"{box}:save")


def save_answer(
    page: PageContext,
    creator_id: UUID,
    scope: Scope,
    _press: UUID,
    *,
    topic: Topic,
    language: str,
    box: str,
) -> Message:
    """Store the text of the field; an empty text restores the default."""
    page.get_creator(scope, creator_id)
    body = str(actions.typed_value(box) or "")
    team_answers.set_team_answer(scope, creator_id, topic, language, body)
    return Message("answers.saved")


def save_introduction(
    page: PageContext, creator_id: UUID, box: str, scope: Scope, _press: UUID
) -> Message:
    """Store whether hand-off notices may name the member who will answer."""
    page.get_creator(scope, creator_id)
    names = bool(actions.typed_value(box))
    team_answers.set_first_names(scope, creator_id, by_first_name=names)
    return Message("answers.saved")
