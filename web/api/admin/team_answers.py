"""API routes of the answers that a creator's team gives to fans, and of its introduction."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import LANGUAGES
from subscribers.replies import team_answers
from subscribers.replies.team_answers import MAX_ANSWER_LENGTH, TOPICS, Topic
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.common.schemas import RequestModel, StorableText, example_config


class AnswerIn(RequestModel):
    """The team's answer to a topic in a language. An empty text restores the default text."""

    topic: Topic
    language: Annotated[str, Field(pattern=f"^({'|'.join(LANGUAGES)})$")]
    text: Annotated[StorableText, Field(max_length=MAX_ANSWER_LENGTH)]


class TeamAnswersIn(RequestModel):
    """Answers to change; the others remain. `by_first_name` names the member who will answer."""

    model_config = example_config(
        {
            "answers": [{"topic": "delivery", "language": "en", "text": "Right here, at once."}],
            "by_first_name": True,
        }
    )

    answers: Annotated[list[AnswerIn], Field(max_length=len(TOPICS) * len(LANGUAGES))]
    by_first_name: bool


class AnswerOut(BaseModel):
    """An answer; `is_default` is true if no member wrote it."""

    topic: str
    language: str
    text: str
    is_default: bool


class TeamAnswersOut(BaseModel):
    """The answers of a creator's team in all languages."""

    answers: list[AnswerOut]
    by_first_name: bool


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes of `/creators/{creator_id}/answers`."""
    routes = APIRouter(prefix="/creators/{creator_id}/answers", tags=["personas"])

    @routes.get("", response_model=TeamAnswersOut)
    def get_team_answers(
        creator_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> TeamAnswersOut:
        """Return what the bot tells fans about delivery, discounts and support. Requires the
        `posts:read` scope."""
        found = call.read(lambda scope, sight: _load(scope, sight.get_creator(creator_id).id))
        response.headers.update(etag_header(_tag_of(found)))
        return found

    @routes.put("", response_model=TeamAnswersOut)
    def replace_team_answers(
        creator_id: UUID,
        body: TeamAnswersIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.PERSONA_WRITE))],
    ) -> Response:
        """Change answers and the introduction of the team. Requires the `persona:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(creator_id)
            scope.lock(f"answers:{creator.id}")
            call.check_state_tag(_load(scope, creator.id).model_dump_json())
            for one in body.answers:
                team_answers.set_team_answer(scope, creator.id, one.topic, one.language, one.text)
            team_answers.set_first_names(scope, creator.id, by_first_name=body.by_first_name)
            found = _load(scope, creator.id)
            return ChangeResult(
                found,
                "answers.replace",
                f"creator:{creator.id}",
                headers=etag_header(_tag_of(found)),
            )

        return call.apply(act)

    return routes


def _load(scope: Scope, creator_id: UUID) -> TeamAnswersOut:
    written = team_answers.list_team_answers(scope, creator_id)
    return TeamAnswersOut(
        answers=[
            AnswerOut(
                topic=topic,
                language=language,
                text=written.get((topic, language), team_answers.default_answer(topic, language)),
                is_default=(topic, language) not in written,
            )
            for topic in TOPICS
            for language in LANGUAGES
        ],
        by_first_name=team_answers.has_first_names(scope, creator_id),
    )


def _tag_of(found: TeamAnswersOut) -> str:
    return state_tag(found.model_dump_json())
