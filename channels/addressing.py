"""Where people find what was posted: asked for afterwards, where a platform does not say so when it takes a post.

What nobody sees yet has no address: it is asked for again, ever more seldom, and given up after some days. A removal by
hand begins with it.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from channels import abilities, asking, attempts, reads
from channels.events import CopyAddressed
from channels.reads import Channel
from connectors import contract
from connectors.contract import Answer, Connector, Send
from connectors.outcomes import Published
from connectors.places import Addressed, Located
from connectors.transport import Transport
from foundation import outbox
from foundation.database import OpenScope, Scope
from gate import copies
from gate.copies import Copy
from gate.permit import ControlOrder
from gate.units import Subject

SOON, AT_LAST = timedelta(seconds=30), timedelta(hours=3)
"""Between two questions: growing with how long it stands there."""

GIVEN_UP = timedelta(days=3)
"""A platform that has shown nobody a post by then never will: an account that is private, say."""


def address_of(scope: Scope, copy: Copy) -> str:
    """Where people find a copy; "" where nobody said so."""
    if copy.url:
        return copy.url
    sent = (row for row in attempts.of(scope, copy.subject, None) if attempts.publish_permit(row) == copy.jti)
    stands = next((attempts.standing(row) for row in sent), None)
    return stands.url if isinstance(stands, Published) else ""


def without(scope: Scope, subject: Subject, connectors: Mapping[str, Connector]) -> list[tuple[Copy, Channel]]:
    """The copies of a subject whose address their platforms may tell by now."""
    found = []
    for copy in copies.copies(scope, subject):
        if copy.gone_at is not None or scope.now > (copy.visible_at or copy.minted_at) + GIVEN_UP:
            continue
        channel = reads.channel(scope, copy.channel_id)
        if isinstance(abilities.of(connectors, channel), Addressed) and not address_of(scope, copy):
            found.append((copy, channel))
    return found


def seek(
    tenant_id: UUID,
    subject: Subject,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> timedelta | None:
    """Ask for every address of a subject that is not known, and keep what is told; when to ask again, None for never.

    No transaction is open while a platform is asked.
    """
    with tenant(tenant_id, asking.ACTOR) as scope:
        left = without(scope, subject, connectors)
    waits = []
    for copy, channel in left:
        told = _told(copy, channel, tenant=tenant, transport=transport, connectors=connectors)
        with tenant(tenant_id, asking.ACTOR) as scope:
            if told is not None:
                _keep(scope, copy, told)
            else:
                waits.append(max(SOON, min(scope.now - (copy.visible_at or copy.minted_at), AT_LAST)))
    return min(waits, default=None)


def _told(
    copy: Copy, channel: Channel, *, tenant: OpenScope, transport: Transport, connectors: Mapping[str, Connector]
) -> Located | None:
    connector = abilities.of(connectors, channel)
    if not isinstance(connector, Addressed):
        return None
    place = contract.Copy(copy.native_ids[-1], copy.account, copy.viewer)

    def question(answers: tuple[Answer, ...]) -> Send | Located | None:
        return connector.address(place, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(channel.tenant_id, channel.id, action)

    end = question(asking.gather(channel, question, order, tenant=tenant, transport=transport))
    return end if isinstance(end, Located) and end.url else None


def _keep(scope: Scope, copy: Copy, told: Located) -> None:
    copies.note_address(scope, copy.jti, told.url)
    native_id = told.native_id or copy.native_ids[-1]
    if native_id not in copy.native_ids:
        copies.note_copy(scope, copy.jti, native_id, copy.visible_at or scope.now)
    fact = CopyAddressed(
        scope.tenant_id, copy.jti, copy.subject.kind, copy.subject.id, copy.native_ids[0], native_id, told.url
    )
    outbox.put(scope, fact, dedupe=f"addressed:{copy.jti}")
