"""Removal requests and appeals for tests, through the public functions of the packages."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from foundation.ids import uuid7
from gate.assets import asset_records
from gate.copies import live_copies
from gate.permits import issuance
from gate.removal import receipts, removal_requests
from gate.removal.events import RemovalRequestDue
from gate.removal.receipts import SubmittedForm
from gate.reviews import appeals
from gate.reviews.events import AppealDue
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate.builders import KEY, Step, World, picture, unit
from tests.gate.person_actions import member_scope
from tests.gate.side_effects import list_stored_tasks

SOURCE = "s" * 64
HOUR = timedelta(hours=1)


def add_member(here: World, role: Role = Role.MANAGER) -> UUID:
    with here.scope() as scope:
        return agencies.add_member(
            scope, name="M", email=f"{uuid7()}@example.test", role=role, language="en", zone="UTC"
        )


def submit_removal_request(
    here: World,
    *digests: str,
    category: str = "other",
    source: str = SOURCE,
    given: SubmittedForm | None = None,
) -> UUID:
    with here.scope() as scope:
        receipt = removal_requests.receive_removal_request(
            scope, creator_id=here.creator_id, category=category, named="post", digests=digests, source=source,
            described=given is not None,
        )  # fmt: skip
        if given is not None:
            receipts.store_submission(scope, receipt, given, "hash")
        return removal_requests.find_status_by_receipt(scope, receipt).id


def process_removal_request(here: World, wish: UUID) -> None:
    removal_requests.handle_removal_request_due(
        RemovalRequestDue(here.tenant_id, wish), tenant=here.open
    )


def add_picture(here: World, **more: Any) -> str:
    with here.scope() as scope:
        return picture(scope, here, **more).sha256


def publish_picture(here: World) -> tuple[str, UUID]:
    """Publish a picture and return its digest and the permit ID."""
    with here.scope() as scope:
        medium = picture(scope, here)
        jti = issuance.mint_permit(
            scope, unit(here, media=(medium,)), Step(), key=KEY, author=f"member:{here.ann}"
        ).jti
    with here.scope() as scope:
        live_copies.record_copy(scope, jti, "n1", scope.now)
    return medium.sha256, jti


def get_rendition_state(here: World, sha256: str) -> str:
    with here.scope() as scope:
        return asset_records.find_rendition_by_digest(scope, sha256).state


def add_rejected_request(here: World, category: str = "shown") -> UUID:
    wish = submit_removal_request(here, add_picture(here), category=category)
    process_removal_request(here, wish)
    with member_scope(here, here.rob) as scope:
        removal_requests.reject_removal_request(scope, wish, because="agreed")
    return wish


def submit_appeal(here: World, wish: UUID, words: str = "") -> UUID:
    with here.scope() as scope:
        receipt = removal_requests.get_removal_request(scope, wish).receipt
        appeals.submit_requester_appeal(scope, receipt, creator_id=here.creator_id, words=words)
        return list_stored_tasks(scope, AppealDue.kind)[-1].subject


def list_request_digests(here: World, wish: UUID) -> list[str]:
    with here.scope() as scope:
        return list(removal_requests.get_removal_request(scope, wish).digests)
