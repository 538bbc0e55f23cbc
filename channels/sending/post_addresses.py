"""URLs of published posts, requested afterwards from platforms that do not return them at
publication.

A post that is not visible yet has no URL: the request is repeated with growing delays and ends
after some days. A manual removal needs the URL.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.attempts import attempts, request_loop
from channels.sending.events import CopyAddressed
from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult
from connectors.contract.destination import PostAddress, SupportsAddressQuery
from connectors.contract.outcomes import Published
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope, Scope
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder
from gate.contract.units import Subject
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy

SOON = timedelta(seconds=30)
AT_LAST = timedelta(hours=3)
"""Minimum and maximum delay between two requests; the delay grows with the age of the post."""

GIVEN_UP = timedelta(days=3)
"""Age at which a post without a URL will never get one, for example on a private account."""


def copy_address(scope: Scope, copy: LiveCopy) -> str:
    """Return the URL of a copy, or "" if unknown."""
    if copy.url:
        return copy.url
    sent = (
        row
        for row in attempts.list_attempts(scope, copy.subject, None)
        if attempts.publish_permit(row) == copy.jti
    )
    stands = next((attempts.binding_outcome(row) for row in sent), None)
    return stands.url if isinstance(stands, Published) else ""


def copies_without_address(
    scope: Scope, subject: Subject, connectors: Mapping[str, Connector]
) -> list[tuple[LiveCopy, Channel]]:
    """Return the copies of a subject that have no URL, on platforms that may report one."""
    found = []
    for copy in live_copies.list_copies(scope, subject):
        if (
            copy.removed_at is not None
            or scope.now > (copy.visible_at or copy.minted_at) + GIVEN_UP
        ):
            continue
        channel = queries.get_channel(scope, copy.channel_id)
        if isinstance(
            account_connectors.connector_for(connectors, channel), SupportsAddressQuery
        ) and not copy_address(scope, copy):
            found.append((copy, channel))
    return found


def request_addresses(
    tenant_id: UUID,
    subject: Subject,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> timedelta | None:
    """Request the missing URLs of a subject and record them.

    Return the delay before the next request, or None if none are missing. No transaction is open
    during requests.
    """
    with tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        left = copies_without_address(scope, subject, connectors)
    waits = []
    for copy, channel in left:
        told = _fetch_post_address(
            copy, channel, tenant=tenant, transport=transport, connectors=connectors
        )
        with tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
            if told is not None:
                _record_post_address(scope, copy, told)
            else:
                waits.append(
                    max(SOON, min(scope.now - (copy.visible_at or copy.minted_at), AT_LAST))
                )
    return min(waits, default=None)


def _fetch_post_address(
    copy: LiveCopy,
    channel: Channel,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> PostAddress | None:
    connector = account_connectors.connector_for(connectors, channel)
    if not isinstance(connector, SupportsAddressQuery):
        return None
    place = PlatformCopy(copy.native_ids[-1], copy.account, copy.viewer)

    def question(answers: tuple[StepResult, ...]) -> Send | PostAddress | None:
        return connector.find_address(place, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(channel.tenant_id, channel.id, action)

    end = question(
        request_loop.run_requests(channel, question, order, tenant=tenant, transport=transport)
    )
    return end if isinstance(end, PostAddress) and end.url else None


def _record_post_address(scope: Scope, copy: LiveCopy, told: PostAddress) -> None:
    live_copies.record_url(scope, copy.jti, told.url)
    native_id = told.native_id or copy.native_ids[-1]
    if native_id not in copy.native_ids:
        live_copies.record_copy(scope, copy.jti, native_id, copy.visible_at or scope.now)
    fact = CopyAddressed(
        scope.tenant_id,
        copy.jti,
        copy.subject.kind,
        copy.subject.id,
        copy.native_ids[0],
        native_id,
        told.url,
    )
    outbox.put(scope, fact, dedupe=f"addressed:{copy.jti}")
