"""API calls as routes see them: reads with the rights of the key's member, and idempotent changes.

A change and its stored response are written in one transaction. A repeated request with the same
`Idempotency-Key`, even a concurrent one or one after a crash, returns the stored response and
changes nothing. Failed requests change nothing and are not stored.
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
"""Time for which the response to an idempotency key is stored."""
MAX_IDEMPOTENCY_KEY = 255
STATE_TAG_LENGTH = 20
"""Number of hexadecimal digits in a state tag."""

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
    ApiKeyScope.SETTINGS_WRITE: (Right.STAFF,),
    ApiKeyScope.RATINGS_WRITE: (Right.REVIEW,),
    ApiKeyScope.CREATORS_WRITE: (Right.RUN,),
    ApiKeyScope.MONEY_READ: (Right.MONEY,),
    ApiKeyScope.REPORTS_WRITE: (Right.MONEY,),
    ApiKeyScope.MONEY_WRITE: (Right.BOOKS, Right.SPLIT),
    ApiKeyScope.AUDIT_READ: (Right.RUN,),
    ApiKeyScope.PERSONA_WRITE: (Right.RUN,),
    ApiKeyScope.KEYS_WRITE: (Right.RUN,),
}
"""Rights that a scope requires from the key's member. One of them is enough."""

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="An API key created on the Settings page: `grk_…`.",
)


@dataclass(frozen=True)
class Caller:
    """The member behind an API key, and the creators that the key may access, keyed by ID."""

    member: Member
    creators: Mapping[UUID, Creator]
    narrowed: bool = False
    """True if the member or the key is limited to some of the tenant's creators."""

    def get_creator(self, creator_id: UUID) -> Creator:
        """Return a creator. Raises NotFound for an unknown creator and for one that the key may not
        access."""
        found = self.creators.get(creator_id)
        if found is None:
            raise NotFound("creator.unknown", creator=str(creator_id))
        return found


@dataclass(frozen=True)
class ChangeResult:
    """The response of a change, and its audit entry: the action `did` and its object `about`
    (`kind:id`)."""

    body: BaseModel
    did: str
    about: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    remembered: BaseModel | None = None
    """The body to store for repeated requests, if `body` contains a secret."""


ApiChange = Callable[[Scope, Caller], ChangeResult]
ConflictStates = Callable[[Scope, Caller], Mapping[str, str]]
"""A function that returns the current states, keyed by ID, for the response to a conflict."""


@dataclass(frozen=True)
class ApiCall:
    """An authenticated request whose key has the scope of the route."""

    tenant: OpenScope
    asked: AdmittedRequest
    needs: ApiKeyScope
    name: str | None = None
    """The value of the `Idempotency-Key` header."""
    if_match: str | None = None

    @property
    def expected_version(self) -> int:
        """The version in the `If-Match` header. Raises ApiError: 428 without the header, 412 if it
        is not a version number."""
        if self.if_match is None:
            raise ApiError(428, Message("api.no_version"))
        said = self.if_match.strip().strip('"')
        # Nine digits fit into PostgreSQL's integer.
        if not (said.isascii() and said.isdigit() and len(said) <= 9):
            raise ApiError(412, Message("api.other_version"))
        return int(said)

    def check_state_tag(self, *now: object) -> None:
        """Check that `If-Match` is the state tag of `now`, for resources without version numbers.

        Call it while the resource is locked. Raises ApiError (428) without the header and
        StaleVersion (412) for another tag.
        """
        if self.if_match is None:
            raise ApiError(428, Message("api.no_version"))
        if self.if_match.strip().strip('"') != state_tag(*now):
            raise StaleVersion("api.other_version")

    def allows(self, sight: Caller, scope: ApiKeyScope) -> bool:
        """Return True if the key has a further scope and its member the right for it."""
        rights = SCOPE_RIGHTS[scope]
        return scope in self.asked.entered.scopes and any(
            has_right(sight.member.role, right) for right in rights
        )

    def read(self, ask: Callable[[Scope, Caller], T]) -> T:
        """Run a read function in a transaction with the rights of the key's member."""
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
        """Run a change and return its response. A conflict response contains the current states of
        the post's deliveries, of the delivery, or of the resources that `where` returns."""
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
        """Run a change once for each `Idempotency-Key`. Raises ApiError: 400 without a key, 422 if
        the key belongs to a different request."""
        if not self.name or len(self.name) > MAX_IDEMPOTENCY_KEY:
            raise ApiError(400, Message("api.no_name", {"most": MAX_IDEMPOTENCY_KEY}))
        name = hashlib.sha256(self.name.encode()).hexdigest()
        return self._raise_with_states(
            lambda: self.read(lambda scope, sight: self._replay_or_apply(scope, sight, act, name)),
            where or _delivery_conflict_states(post, delivery),
        )

    def _replay_or_apply(self, scope: Scope, sight: Caller, act: ApiChange, name: str) -> Response:
        key_id = self.asked.entered.key_id
        # Concurrent requests with the same idempotency key wait for the first.
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
                # The failed transaction is rolled back, so the states are read in a new one.
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
"""SQL statement that stores a response. An expired row that retention has not deleted yet is
overwritten."""


def _delivery_conflict_states(post: UUID | None, delivery: UUID | None) -> ConflictStates:
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
    """Return the ETag header of a version or state tag."""
    return {"etag": f'"{version}"'}


def state_tag(*said: object) -> str:
    """Return the tag of a resource without version numbers: a digest of the values that
    can change."""
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
    """Return the FastAPI dependency of routes that read."""

    def called(request: Request, _: Annotated[object, Security(BEARER)]) -> ApiCall:
        return make_call(tenant, request, needs)

    return called


def create_dependency(tenant: OpenScope, needs: ApiKeyScope) -> Any:
    """Return the FastAPI dependency of routes that create a resource."""

    def called(
        request: Request, _: Annotated[object, Security(BEARER)], name: IdempotencyKey = None
    ) -> ApiCall:
        return make_call(tenant, request, needs, name=name)

    return called


def replace_dependency(tenant: OpenScope, needs: ApiKeyScope) -> Any:
    """Return the FastAPI dependency of routes that replace a resource. `If-Match` makes repeated
    requests safe, so that no idempotency key is needed."""

    def called(
        request: Request, _: Annotated[object, Security(BEARER)], if_match: IfMatch = None
    ) -> ApiCall:
        return make_call(tenant, request, needs, if_match=if_match)

    return called


def action_dependency(tenant: OpenScope, needs: ApiKeyScope) -> Any:
    """Return the FastAPI dependency of routes that act on an existing resource."""

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
    """Return the call of an authenticated request. Raises ApiError (403) if the key lacks the
    scope."""
    asked: AdmittedRequest = request.state.asked
    if needs not in asked.entered.scopes:
        raise ApiError(403, Message("api.other_scope", {"scope": str(needs)}))
    return ApiCall(tenant, asked, needs, **said)
