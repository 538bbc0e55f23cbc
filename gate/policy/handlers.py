"""The handler of emergency stops: press or end one for the member who requested it."""

from datetime import datetime
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from gate import epochs
from gate.policy import emergency_stops
from gate.policy.events import CreatorEpochDue, EmergencyStopRequested
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right
from tenants.notices import notices

REOPENING_REQUESTED = "switch.reopening"
"""Audit action of a member who requested the end of a wide stop alone."""


CREATOR_ACTOR = "system:creators"


def advance_creator_epoch(event: CreatorEpochDue, *, tenant: OpenScope) -> None:
    """Void earlier decisions about a creator whose state changed, after the claims that are in
    progress."""
    with tenant(event.tenant_id, CREATOR_ACTOR) as scope:
        epochs.lock_and_advance(scope, epochs.creator_key(scope, event.subject_id))


def handle_stop_request(event: EmergencyStopRequested, *, tenant: OpenScope) -> None:
    """Press or end a stop as the member who requested it.

    To end a wide stop at once, two members request it one after the other.
    """
    where = (event.scope, event.target, event.feature)
    about = f"switch:{event.scope}:{event.target}:{event.feature}"
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.open:
                _end_stop(scope, event, where, about)
            else:
                emergency_stops.close_switch(scope, *where, reason=event.reason)
                notices.close_all(scope, [about])  # Earlier requests were about an earlier stop.
                _tell_who_can_end(scope, where, about)
                audit.record(scope, "switch.stopped", about)
    except Refused as refused:
        # The member no longer waits for an answer on the page, so it becomes a notice.
        with tenant(event.tenant_id, event.by) as scope:
            if (
                refused.message.code == emergency_stops.NOT_PERMITTED
            ):  # The notice concerns this member only.
                alone = queries.get_acting_member(scope, emergency_stops.NOT_PERMITTED).principal_id
                notices.put(scope, refused.message, cause=f"{about}:{alone}", urgent=True, to=alone)
            else:
                anew = (
                    refused.message.code == emergency_stops.STOPPED_AGAIN
                )  # a separate notice, next to the pending one
                notices.put(
                    scope, refused.message, cause=f"{about}:anew" if anew else about, urgent=True
                )


def _end_stop(
    scope: Scope, event: EmergencyStopRequested, where: tuple[str, str, str], about: str
) -> None:
    """End a stop, or record that one member alone requested its end: the request of a second member
    then ends it.

    Reading and recording happen under one lock. Without it, two requests in the same second did not
    see each other, and the stop remained.
    """
    scope.lock(f"{scope.tenant_id}:{about}")
    second = _find_first_requester(scope, where, about)
    signed = UUID(event.signed) if event.signed else None
    since = datetime.fromisoformat(event.since) if event.since else None
    try:
        ended = emergency_stops.reopen_switch(
            scope, *where, reason=event.reason, second=second, signed=signed, since=since
        )
    except Refused as alone:
        if alone.message.code not in (
            emergency_stops.SOLO_TOO_EARLY,
            emergency_stops.PASSKEY_REQUIRED,
        ):
            raise
        notices.close_all(scope, [about])  # the text changes once the delay has passed
        notices.put(scope, alone.message, cause=about, urgent=True)
        audit.record(scope, REOPENING_REQUESTED, about)
        return
    if ended:
        audit.record(scope, "switch.reopened", about)
    notices.close_all(scope, [about, f"{about}:pressed", f"{about}:anew"])


def _tell_who_can_end(scope: Scope, where: tuple[str, str, str], about: str) -> None:
    """Notify the members with the right to end a stop if the member who pressed it lacks that
    right."""
    place, target, feature = where
    kind, _, key = scope.actor.partition(":")
    if feature != "sending" or kind != "member":
        return
    member = queries.get_member(scope, UUID(key))
    try:
        emergency_stops.check_may_reopen(scope, member, place, target)
    except Refused:
        creator = UUID(target) if place == "creator" else None
        said = Message("switch.pressed", {"who": member.name})
        notices.put(scope, said, cause=f"{about}:pressed", urgent=True, creator_id=creator)


def _find_first_requester(scope: Scope, where: tuple[str, str, str], about: str) -> UUID | None:
    """Return the member who first requested the end of this stop and still has the right, or
    None."""
    asked = audit.find_last_act(scope, REOPENING_REQUESTED, about)
    since = next(
        (
            one.since
            for one in emergency_stops.list_stops(scope)
            if (one.where, one.target, one.feature) == where
        ),
        None,
    )
    if asked is None or since is None or asked.at < since:
        return None
    members = {f"member:{member.id}": member for member in queries.list_members(scope)}
    first = members.get(asked.actor)
    return first.id if first is not None and has_right(first.role, Right.REOPEN) else None
