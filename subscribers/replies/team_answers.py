"""Texts of a creator's team for fans: answers about delivery, discounts and support, and the
introduction of members.

Every topic has a default answer, which describes what the code does. A member may replace it in
each language.
"""

from collections.abc import Mapping
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import UniqueConstraint

from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.i18n.visible_text import remove_invisible
from foundation.ids import uuid7
from subscribers.replies.speaker_notices import check_no_impersonation
from tenants import audit

Topic = Literal["delivery", "discounts", "support"]
TOPICS: tuple[Topic, ...] = get_args(Topic)

MAX_ANSWER_LENGTH = 600


class TeamAnswer(CreatorOwnedRow, table=True):
    """An answer of a creator's team, in one language, that replaces the default answer."""

    __tablename__ = "team_answers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "topic", "language", name="team_answers_once"),
        about="creator",
        keep="while the tenant exists",
    )
    topic: str
    language: str
    body: str


class TeamIntroduction(CreatorOwnedRow, table=True):
    """The introduction of a creator's team to fans."""

    __tablename__ = "team_introductions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", name="team_introductions_once"),
        about="creator",
        keep="while the tenant exists",
    )
    by_first_name: bool
    """True if a hand-off notice names the member who will answer, if there is one."""


def list_team_answers(scope: Scope, creator_id: UUID) -> Mapping[tuple[Topic, str], str]:
    """Return the answers that members wrote, by topic and language."""
    rows = scope.run(
        "SELECT topic, language, body FROM team_answers WHERE tenant_id = :tenant"
        " AND creator_id = :creator",
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    return {(row.topic, row.language): row.body for row in rows}


def default_answer(topic: Topic, language: str) -> str:
    """Return the answer to a topic if the members wrote none."""
    return render_message(Message(f"service.answer.{topic}"), language)


def set_team_answer(scope: Scope, creator_id: UUID, topic: Topic, language: str, body: str) -> None:
    """Store the answer to a topic in a language; an empty text restores the default.

    Raises BadInput for an unknown topic or language or a text that is too long, and Refused for a
    text that poses as the creator.
    """
    words = remove_invisible(body.replace("\x00", "")).strip()
    if topic not in TOPICS or language not in LANGUAGES:
        raise BadInput("answers.bad_topic")
    if len(words) > MAX_ANSWER_LENGTH:
        raise BadInput("answers.too_long", most=MAX_ANSWER_LENGTH, count=len(words)).about("body")
    check_no_impersonation(words)
    params = {
        "tenant": scope.tenant_id,
        "creator": creator_id,
        "topic": topic,
        "language": language,
    }
    if words in ("", default_answer(topic, language)):
        scope.run(
            "DELETE FROM team_answers WHERE tenant_id = :tenant AND creator_id = :creator"
            " AND topic = :topic AND language = :language",
            **params,
        )
    else:
        scope.run(
            "INSERT INTO team_answers (tenant_id, id, creator_id, topic, language, body)"
            " VALUES (:tenant, :id, :creator, :topic, :language, :body)"
            " ON CONFLICT (tenant_id, creator_id, topic, language)"
            " DO UPDATE SET body = EXCLUDED.body, updated_at = house_now()",
            id=uuid7(),
            body=words,
            **params,
        )
    audit.record(scope, "answers.changed", f"creator:{creator_id}", topic=topic, language=language)


def has_first_names(scope: Scope, creator_id: UUID) -> bool:
    """Return True if hand-off notices may name the member who will answer."""
    return bool(
        scope.run(
            "SELECT by_first_name FROM team_introductions WHERE tenant_id = :tenant"
            " AND creator_id = :creator",
            tenant=scope.tenant_id,
            creator=creator_id,
        ).scalar()
    )


def set_first_names(scope: Scope, creator_id: UUID, *, by_first_name: bool) -> None:
    """Choose whether hand-off notices may name the member who will answer."""
    before = has_first_names(scope, creator_id)
    scope.run(
        "INSERT INTO team_introductions (tenant_id, id, creator_id, by_first_name)"
        " VALUES (:tenant, :id, :creator, :names) ON CONFLICT (tenant_id, creator_id)"
        " DO UPDATE SET by_first_name = EXCLUDED.by_first_name, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        names=by_first_name,
    )
    audit.record(
        scope,
        "answers.introduction",
        f"creator:{creator_id}",
        before=int(before),
        after=int(by_first_name),
    )
