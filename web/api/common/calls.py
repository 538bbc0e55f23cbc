"""One request of the API as its route sees it: read as the key's member, or change something once.

A change and the memory of its answer are one transaction: whoever asks again under the same name,
at the same moment or after a crash, gets the first answer, and nothing is done twice. What was
refused did nothing, and is not remembered.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Header, Request, Security
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from schedules.calendar import listings
from schedules.calendar.versioned_actions import StaleVersion
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, has_right
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.authentication import AdmittedRequest
from web.api.common.errors import ApiError

T = TypeVar("T")
ANSWER_LIFETIME = timedelta(hours=24)
MAX_IDEMPOTENCY_KEY = 255
STATE_TAG_LENGTH = 20
"""Hexadecimal digits of a tag."""

SCOPE_RIGHTS: Mapping[ApiKeyScope, tuple[Right, ...]] = {
    ApiKeyScope.POSTS_READ: (Right.RUN, Right.APPROVE),
    ApiKeyScope.POSTS_WRITE: (Right.RUN,),
    ApiKeyScope.APPROVE: (Right.APPROVE,),
    ApiKeyScope.DELIVERIES_WRITE: (Right.RUN,),
    ApiKeyScope.CALENDAR_WRITE: (Right.RUN,),
    ApiKeyScope.GENERATE: (Right.RUN,),
    ApiKeyScope.COMMENTS_WRITE: (Right.RUN, Right.APPROVE),
    ApiKeyScope.STOP: (Right.STOP,),
    ApiKeyScope.HOOKS_WRITE: (Right.STAFF,),
    ApiKeyScope.RATINGS_WRITE: (Right.REVIEW,),
    ApiKeyScope.KEYS_WRITE: (Right.RUN,),
}
"""What the key's member must be able to do, too; any of them."""

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="An API key created on the System page: `grk_…`.",
)


@dataclass(frozen=True)
class Caller:
    """Who asks, and the creators they may see by id: the member's, narrowed by the key's."""

    member: Member
    creators: Mapping[UUID, Creator]
    narrowed: bool = False
    """Whether these are some creators only, by what is said of the member or of the key."""

    def get_creator(self, creator_id: UUID) -> Creator:
        """One of them. Raises NotFound for anybody else's, just as for nobody's."""
        found = self.creators.get(creator_id)
        if found is None:
            raise NotFound("creator.unknown", creator=str(creator_id))
        return found


@dataclass(frozen=True)
class ChangeResult:
    """What a change answers, what it did, and to what (`kind:id`), for the audit."""

    body: BaseModel
    did: str
    about: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    remembered: BaseModel | None = None
    """What is stored to answer a repeated request with, where `body` holds a secret."""


ApiChange = Callable[[Scope, Caller], ChangeResult]
ConflictStates = Callable[[Scope, Caller], Mapping[str, str]]
"""Where things stand now, by id: what a conflict names."""


@dataclass(frozen=True)
class ApiCall:
    """A request that was let in, with the scope of its route checked."""

    tenant: OpenScope
    asked: AdmittedRequest
    needs: ApiKeyScope
    name: str | None = None
    """The `Idempotency-Key`."""
    if_match: str | None = None

    @property
    def expected_version(self) -> int:
        """What the caller saw. Raises ApiRefused: 428 where none is said, 412 for what is no
        version of ours."""
        if self.if_match is None:
            raise ApiError(428, Message("api.no_version"))
        said = self.if_match.strip().strip('"')
        if not (said.isascii() and said.isdigit() and len(said) <= 9):
            raise ApiError(412, Message("api.other_version"))
        return int(said)

    def check_state_tag(self, *now: object) -> None:
        """Check that the caller saw a thing without versions as it stands `now`: `If-Match` is the
        tag of that.

        Call it where nobody else changes the thing any more. Raises ApiRefused (428) where none is
        said, Stale (412).
        """
        if self.if_match is None:
            raise ApiError(428, Message("api.no_version"))
        if self.if_match.strip().strip('"') != state_tag(*now):
            raise StaleVersion("api.other_version")

    def read(self, ask: Callable[[Scope, Caller], T]) -> T:
        """What `ask` reads, as the key's member."""
        entered = self.asked.entered
        with self.tenant(entered.tenant_id, f"member:{entered.member_id}") as scope:
            return ask(scope, self._resolve_caller(scope))

    def apply(
        self,
        act: ApiChange,
        *,
        post: UUID | None = None,
        delivery: UUID | None = None,
        where: ConflictStates | None = None,
    ) -> Response:
        """Do `act`; a conflict names where the deliveries of the post, the delivery, or the things
        of `where` stand."""
        return self._raise_with_states(
            lambda: self.read(
                lambda scope, sight: _build_json_response(
                    self._record_call(scope, act(scope, sight))
                )
            ),
            where or _delivery_conflict_states(post, delivery),
        )

    def apply_once(
        self,
        act: ApiChange,
        *,
        post: UUID | None = None,
        delivery: UUID | None = None,
        where: ConflictStates | None = None,
    ) -> Response:
        """The same, once for each name. Raises ApiRefused: 400 without one, 422 for one that meant
        something else."""
        if not self.name or len(self.name) > MAX_IDEMPOTENCY_KEY:
            raise ApiError(400, Message("api.no_name", {"most": MAX_IDEMPOTENCY_KEY}))
        name = hashlib.sha256(self.name.encode()).hexdigest()
        return self._raise_with_states(
            lambda: self.read(lambda scope, sight: self._replay_or_apply(scope, sight, act, name)),
            where or _delivery_conflict_states(post, delivery),
        )

    def _replay_or_apply(self, scope: Scope, sight: Caller, act: ApiChange, name: str) -> Response:
        key_id = self.asked.entered.key_id
        scope.lock(f"api:{key_id}:{name}")
        which = {"tenant": scope.tenant_id, "key": key_id, "name": name}
        known = scope.run(_KNOWN, since=scope.now - ANSWER_LIFETIME, **which).first()
        if known is not None:
            if known.request != self.asked.digest:
                raise ApiError(422, Message("api.name_taken"))
            headers = {**known.headers, "idempotent-replayed": "true"}
            return Response(known.body, known.status, headers, "application/json")
        done = self._record_call(scope, act(scope, sight))
        answered = _build_json_response(done)
        scope.run(
            _REMEMBER,
            id=uuid7(),
            request=self.asked.digest,
            status=done.status,
            body=bytes(_build_json_response(done, done.remembered).body).decode(),
            headers=canonical_json(dict(done.headers)).decode(),
            now=scope.now,
            **which,
        )
        return answered

    def _record_call(self, scope: Scope, done: ChangeResult) -> ChangeResult:
        entered = self.asked.entered
        audit.record(
            scope,
            "api.called",
            done.about,
            did=done.did,
            key=entered.name,
            key_id=str(entered.key_id),
        )
        return done

    def _resolve_caller(self, scope: Scope) -> Caller:
        entered = self.asked.entered
        member = queries.get_member(scope, entered.member_id)
        rights = SCOPE_RIGHTS[self.needs]
        if not any(has_right(member.role, right) for right in rights):
            raise Refused(f"role.forbidden.{rights[0]}")
        narrowed = (member.creators, entered.creators)
        seen = (
            one
            for one in queries.list_creators(scope)
            if all(not few or one.slug in few for few in narrowed)
        )
        return Caller(member, {one.id: one for one in seen}, any(narrowed))

    def _raise_with_states(self, do: Callable[[], Response], where: ConflictStates) -> Response:
        try:
            return do()
        except Conflict as conflict:
            status = 412 if isinstance(conflict, StaleVersion) else 409
            try:
                states = self.read(where)
            except NotFound:
                states = {}
            raise ApiError(status, conflict.message, states=states) from conflict


_KNOWN = """
SELECT request, status, body, headers FROM api_answers
WHERE tenant_id = :tenant AND key_id = :key AND name = :name AND created_at > :since
"""
_REMEMBER = """
INSERT INTO api_answers (tenant_id, id, key_id, name, request, status, body, headers, created_at)
VALUES (:tenant, :id, :key, :name, :request, :status, :body, CAST(:headers AS jsonb), :now)
ON CONFLICT (tenant_id, key_id, name) DO UPDATE SET request = EXCLUDED.request, status =
EXCLUDED.status,
  body = EXCLUDED.body, headers = EXCLUDED.headers, created_at = EXCLUDED.created_at, updated_at
  = house_now()
"""
"""A name that was forgotten, and whose row nobody has deleted yet, begins anew."""


def _delivery_conflict_states(post: UUID | None, delivery: UUID | None) -> ConflictStates:
    """Where the deliveries of a post, or one of them, stand."""

    def ask(scope: Scope, sight: Caller) -> Mapping[str, str]:
        if delivery is not None:
            return {
                str(delivery): str(
                    listings.get_delivery_entry(scope, sight.creators, delivery).state
                )
            }
        found = (
            listings.get_post_detail(scope, sight.creators, post).entries
            if post is not None
            else ()
        )
        return {str(one.delivery_id): str(one.state) for one in found}

    return ask


def _build_json_response(done: ChangeResult, instead: BaseModel | None = None) -> JSONResponse:
    body = done.body if instead is None else instead
    return JSONResponse(body.model_dump(mode="json"), done.status, dict(done.headers))


def etag_header(version: int | str) -> dict[str, str]:
    """The header that names a version, or a tag."""
    return {"etag": f'"{version}"'}


def state_tag(*said: object) -> str:
    """A name for how a thing without versions stands: a digest of what somebody may change about
    it."""
    return hashlib.sha256(canonical_json(list(said))).hexdigest()[:STATE_TAG_LENGTH]


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description=(
            "A unique key for this request, kept for 24 hours. A repeated request with "
            "the same key returns the stored response and has no further effect. "
            "Required for every POST."
        ),
        examples=["0198c0de-plan-monday"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The `ETag` you last read. Required for every update.",
        examples=['"1"'],
    ),
]


def read_dependency(tenant: OpenScope, needs: ApiKeyScope) -> Any:
    """What a route that reads depends on."""

    def called(request: Request, _: Annotated[object, Security(BEARER)]) -> ApiCall:
        return make_call(tenant, request, needs)

    return called


def create_dependency(tenant: OpenScope, needs: ApiKeyScope) -> Any:
    """What a route that makes something new depends on."""

    def called(
        request: Request, _: Annotated[object, Security(BEARER)], name: IdempotencyKey = None
    ) -> ApiCall:
        return make_call(tenant, request, needs, name=name)

    return called


def replace_dependency(tenant: OpenScope, needs: ApiKeyScope) -> Any:
    """What a route that replaces something depends on: the version makes it harmless to ask
    twice."""

    def called(
        request: Request, _: Annotated[object, Security(BEARER)], if_match: IfMatch = None
    ) -> ApiCall:
        return make_call(tenant, request, needs, if_match=if_match)

    return called


def action_dependency(tenant: OpenScope, needs: ApiKeyScope) -> Any:
    """What a route that does something to what is there depends on."""

    def called(
        request: Request,
        _: Annotated[object, Security(BEARER)],
        name: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> ApiCall:
        return make_call(tenant, request, needs, name=name, if_match=if_match)

    return called


def make_call(
    tenant: OpenScope, request: Request, needs: ApiKeyScope, **said: str | None
) -> ApiCall:
    """A request that was let in, for what its route needs. Raises ApiRefused for a key that was not
    made for this."""
    asked: AdmittedRequest = request.state.asked
    if needs not in asked.entered.scopes:
        raise ApiError(403, Message("api.other_scope", {"scope": str(needs)}))
    return ApiCall(tenant, asked, needs, **said)
