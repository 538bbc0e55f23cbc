"""Review workload of a day with twelve creators and 190 posts, under the current rules.

Nothing is computed by a formula: files are uploaded and ingested, review sheets are read, shown,
rated and reviewed by the functions of the page, and each post is judged by the gate. The benchmark
counts the decisions that a member must make: each sheet, each single picture, each post that is
held or blocked, and each post that is read afterwards.

Measured inputs: the captions are real texts of `tests/gate/text/ordinary/check` in six languages,
chosen by the seed, so that the text rules and the language check hold as many of them as in that
corpus; the verdicts of surfaces are the shipped rules. Given: 12 creators, 190 posts. Assumed,
because there are no records: the numbers of `ReviewDay`. No classifier is included with Greenroom,
so members rate everything. Depicted persons are named at the upload, not during the review. Not
counted: the agency's own approvals of posts (none to two, as each agency chooses), chats, removal
requests, and uncertain deliveries.
"""

import hashlib
import io
import random
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import ExifTags, Image

from benchmarks.measurement import BENCHMARK_SEED
from benchmarks.servers import run_servers
from benchmarks.text_corpus import sample_captions, unread_language_texts
from foundation.db.database import Database, OpenScope, Scope
from foundation.ids import uuid7
from foundation.storage.object_store import FileStore
from gate.assets import viewings
from gate.consent.grants import CONSENT_SCOPES, grant_consent
from gate.contract.units import Medium, Rating, Subject, Text, Unit
from gate.log import queries
from gate.people import persons
from gate.permits import issuance
from gate.ratings import ratings
from gate.reviews import spot_checks
from gate.reviews.events import RatingRequested
from gate.reviews.handlers import handle_rating_request
from studio.ingest import uploads
from studio.ingest.events import UploadDue
from studio.library import assets, review_sheets
from studio.library.queries import AssetCard, list_asset_cards
from studio.library.review_sheets import PictureVerdict, ReviewKind, ReviewSheet
from studio.library.states import ShelfState
from tenants.agencies import agencies
from tenants.agencies.queries import get_member
from tenants.agencies.rights import Role

ACTOR = "system:bench"
KEY = Ed25519PrivateKey.generate()

YEAR = timedelta(days=365)
EDGE = 48
"""Length of a photo's side in pixels."""

PATTERN = (
    *(("as_fanvue", Rating.N),) * 5,
    *(("as_x", Rating.N),) * 3,
    *(("as_x", Rating.S),) * 2,
    *(("post", Rating.S),) * 2,
    *(("as_instagram", Rating.G),) * 3,
    ("as_x", None),
)
"""A creator's sixteen posts: surface on the test network, which has the rules of the platform in
its name, and the content of the picture, or None for text only. Assumed."""


@dataclass(frozen=True)
class ReviewDay:
    """The assumptions about a day. `raised` and the last three mean "one in this number"."""

    creators: int = 12
    posts: int = 190
    nude: int = 40
    """Pictures of the set that each creator uploads for adult surfaces, in addition to the
    `explicit` ones."""
    explicit: int = 2
    refused: int = 1
    """Pictures of that set that the second reviewer rejects."""
    plain: int = 20
    """Pictures uploaded for public surfaces, of which `suggestive` are suggestive."""
    suggestive: int = 8
    raised: int = 4
    """Creators: for one in this number, the second reviewer raises the rating of a picture, which
    is then reviewed again alone."""
    link: int = 50
    """Posts: one in this number has a URL that is not registered."""
    strange: int = 95
    """Posts: one in this number is in a language that the gate cannot check."""
    slip: int = 10
    """Posts for Instagram: one in this number has a suggestive picture."""


def measure_review_workload() -> dict[str, float]:
    """Run a day on a temporary server. Takes a minute or two."""
    with run_servers() as found, tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder:
        database = Database(found.work_url, pool_size=2)
        try:
            return simulate_day(database.scope, FileStore(Path(folder)), ReviewDay())
        finally:
            database.close()


def simulate_day(tenant: OpenScope, store: FileStore, day: ReviewDay) -> dict[str, float]:
    """Run a day in a new agency and count the decisions.

    desk_items_per_day: all of the following; desk_read_per_day: posts that passed by rules alone
    and were sampled; desk_sheets_per_day, desk_pictures_per_day: decisions about sheets and about
    single pictures; desk_held_per_day: posts; desk_single_per_day: the number of decisions on the
    same day if each picture were decided alone.
    """
    house = _create_agency(tenant, store)
    creators = [_Creator(house, number, day) for number in range(day.creators)]
    for one in creators:
        one.hands_in()
    house.rate(day)
    house.look(day)
    written = sample_captions()
    house.drawn.shuffle(written)
    for number in range(day.posts):
        house.post(creators[number % day.creators], number, written[number % len(written)], day)
    return {
        "desk_items_per_day": house.sheets + house.alone + house.held + house.read(),
        "desk_read_per_day": house.read(),
        "desk_sheets_per_day": house.sheets,
        "desk_pictures_per_day": house.alone,
        "desk_held_per_day": house.held,
        "desk_single_per_day": house.single + house.held + house.read(),
    }


@dataclass(frozen=True)
class _Sent:
    """A request, as the gate sees it."""

    name: str = "create"

    def wire_digest(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()


SENT = _Sent()


@dataclass
class _House:
    """The agency of the day and its number of decisions; `single` counts one for each picture."""

    tenant: OpenScope
    tenant_id: UUID
    store: FileStore
    writer: UUID
    second: UUID
    drawn: random.Random
    creators: list[UUID] = field(default_factory=list)
    sheets: int = 0
    alone: int = 0
    held: int = 0
    single: int = 0

    def scope(self, member: UUID | None = None) -> AbstractContextManager[Scope]:
        return self.tenant(self.tenant_id, f"member:{member}" if member else ACTOR)

    def _list_waiting_sheets(self, wants: ReviewKind) -> tuple[list[ReviewSheet], list[AssetCard]]:
        with self.scope(self.second) as scope:
            found, alone = review_sheets.group_into_sheets(
                scope, review_sheets.list_waiting_pictures(scope, self.creators)
            )
        return [one for one in found if one.wants == wants], [
            card for card in alone if card.standing.rating
        ]

    def rate(self, day: ReviewDay) -> None:
        """Rate uploaded pictures as the second reviewer, one sheet at a time, until none
        is left."""
        while found := self._list_waiting_sheets("rating")[0]:
            for sheet in found:
                nude = len(sheet.cards) == day.nude
                usual, other, few = (
                    (Rating.N, Rating.E, day.explicit)
                    if nude
                    else (Rating.G, Rating.S, day.suggestive)
                )
                said = [
                    PictureVerdict(card.asset_id, None, rating=other if place < few else usual)
                    for place, card in enumerate(sheet.cards)
                ]
                self._record_verdicts(said)
                self.sheets += 1

    def look(self, day: ReviewDay) -> None:
        """Review pictures that may be used, as the same member, who made none of them. Pictures
        that return for a single review are approved."""
        while (found := self._list_waiting_sheets("review")) != ([], []):
            for sheet in found[0]:
                again = self.creators.index(sheet.creator_id) % day.raised == 0
                self._record_verdicts(
                    [
                        _compose_verdict(card, place, day, again)
                        for place, card in enumerate(reversed(sheet.cards))
                    ]
                )
                self.sheets += 1
            for card in found[1]:
                self._record_verdicts(
                    [PictureVerdict(card.asset_id, card.standing.rating, approve=True)]
                )
                self.alone += 1

    def _record_verdicts(self, said: list[PictureVerdict]) -> None:
        """Record each picture as seen, as the file server does, then the verdicts, and let the
        workers write the ratings."""
        with self.scope(self.second) as scope:
            member = get_member(scope, self.second)
            for one in said:
                viewings.record_viewing(scope, member, assets.get_asset(scope, one.asset_id).sha256)
        with self.scope(self.second) as scope:
            review_sheets.review_sheet(scope, self.creators, said, key=uuid7())
            digests = {one.asset_id: assets.get_asset(scope, one.asset_id).sha256 for one in said}
        self.single += len(said)
        for one in said:
            if one.rating is not None:
                wish = (digests[one.asset_id], str(one.rating), one.minor, f"member:{self.second}")
                handle_rating_request(
                    RatingRequested(self.tenant_id, one.asset_id, *wish), tenant=self.tenant
                )

    def post(self, creator: "_Creator", number: int, words: str, day: ReviewDay) -> None:
        """Judge one post; a member must decide about a held or blocked one."""
        surface, shown = PATTERN[number // day.creators % len(PATTERN)]
        if surface == "as_instagram" and number % day.slip == 0:
            shown = Rating.S
        if number % day.strange == day.strange - 1:
            words = unread_language_texts()[number % len(unread_language_texts())]
        if number % day.link == day.link - 1:
            words = f"{words} https://example.test/{number}"
        with self.scope() as scope:
            whole = Unit(
                tenant_id=self.tenant_id,
                creator_id=creator.id,
                subject=Subject("delivery", uuid7()),
                platform="sandbox",
                surface=f"sandbox.{surface}",
                channel_id=creator.channel_id,
                account=f"bench-{surface}",
                audience="public",
                texts=(Text("body", words),),
                media=creator.picture(scope, shown),
            )
            unit = issuance.with_required_marks(scope, whole, line=str)
            passed = issuance.judge_unit(scope, unit, author=f"member:{self.writer}").is_allowed
        if not passed:
            self.held += 1
            return
        # A sample is drawn with the clearance, and counts once the post is published.
        with self.scope() as scope:
            permit = issuance.mint_permit(
                scope, unit, SENT, key=KEY, author=f"member:{self.writer}"
            )
        with self.scope() as scope:
            issuance.record_copy(scope, permit.jti, str(permit.jti), scope.now)

    def read(self) -> int:
        """Return the number of posts to read afterwards."""
        with self.scope() as scope:
            return len(spot_checks.list_pending_samples(scope, self.creators))


def _compose_verdict(card: AssetCard, place: int, day: ReviewDay, again: bool) -> PictureVerdict:
    """Return the verdict on a picture of a set: the first few are rejected, then one may get a
    higher rating."""
    rating = card.standing.rating
    if place < day.refused:
        return PictureVerdict(card.asset_id, rating, approve=False)
    if again and place == day.refused and rating is Rating.N:
        return PictureVerdict(card.asset_id, rating, rating=Rating.E)
    return PictureVerdict(card.asset_id, rating, approve=True)


def _create_agency(tenant: OpenScope, store: FileStore) -> _House:
    tenant_id = uuid7()
    with tenant(tenant_id, ACTOR) as scope:
        agencies.create_agency(scope, name="Bench", language="en", zone="UTC")
        writer, second = (
            agencies.add_member(
                scope, name=name, email=f"{name}@example.test", role=role, language="en", zone="UTC"
            )
            for name, role in (("ann", Role.MANAGER), ("rob", Role.OWNER))
        )
    # chooses captions and pixels, not secrets
    drawn = random.Random(BENCHMARK_SEED)  # noqa: S311  see above
    return _House(tenant, tenant_id, store, writer, second, drawn)


class _Creator:
    """One creator, a real person with complete records, and the pictures of the day."""

    def __init__(self, house: _House, number: int, day: ReviewDay) -> None:
        self._house = house
        self._day = day
        self.channel_id = uuid7()
        self._shots: dict[Rating, list[UUID]] = {}
        with house.scope() as scope:
            self.id = agencies.add_creator(
                scope,
                slug=f"c{number}",
                name=f"Creator {number}",
                kind="human",
                zone="UTC",
                languages=["en"],
                rating_ceiling="E",
            )
            self._person = _add_person(scope, number)
        house.creators.append(self.id)

    def hands_in(self) -> None:
        """Upload the set for adult surfaces and the public pictures, and name the
        depicted person."""
        for count in (self._day.nude, self._day.plain):
            batch = uuid7()
            by = f"member:{self._house.writer}"
            for _ in range(count):
                with self._house.scope(self._house.writer) as scope:
                    upload_id = uploads.receive_upload(
                        scope,
                        creator_id=self.id,
                        name="shot.jpg",
                        data=_draw_photo(self._house.drawn, scope),
                        by=by,
                        store=self._house.store,
                        batch=batch,
                    )
                due = UploadDue(self._house.tenant_id, upload_id)
                uploads.ingest_upload(due, tenant=self._house.tenant, store=self._house.store)
                with self._house.scope(self._house.writer) as scope:
                    asset_id = uploads.get_upload(scope, upload_id).asset_id
                    if asset_id is None:
                        raise RuntimeError("a photo of our own was refused")
                    assets.set_shelf_state(scope, asset_id, ShelfState.KEPT)
                    ratings.record_depiction(
                        scope, asset_id, self._person, how="face", confirmed_by=by
                    )

    def picture(self, scope: Scope, shown: Rating | None) -> tuple[Medium, ...]:
        """Return a picture of the creator with this rating that was not rejected, chosen by the
        seed, or None for text only."""
        if shown is None:
            return ()
        if not self._shots:
            known = [
                card
                for card in list_asset_cards(scope, self.id)
                if card.standing.rating is not None
            ]
            looked = queries.review_verdicts(scope, [card.sha256 for card in known])
            for card in known:
                if card.standing.rating is not None and looked.get(card.sha256) != "refuse":
                    self._shots.setdefault(card.standing.rating, []).append(card.asset_id)
        return (
            assets.get_rendition(scope, self._house.drawn.choice(self._shots[shown]), "sandbox"),
        )


def _add_person(scope: Scope, number: int) -> UUID:
    person = persons.add_person(scope, kind="real", display_ref=f"Creator {number}")
    paper = hashlib.sha256(f"bench:{number}".encode()).hexdigest()
    persons.record_age_proof(
        scope,
        person,
        custodian="bench",
        method="test",
        verified_at=scope.now - YEAR,
        evidence_digest=paper,
    )
    for what in CONSENT_SCOPES[:3]:
        grant_consent(
            scope,
            person,
            what=what,
            surfaces=("sandbox",),
            max_rating=Rating.E,
            valid_from=scope.now - YEAR,
            valid_until=scope.now + YEAR / 2,
            evidence_digest=paper,
            signed_by=person,
        )
    return person


def _draw_photo(drawn: random.Random, scope: Scope) -> bytes:
    """Return a small, unique picture with yesterday as its capture time."""
    exif = Image.Exif()
    taken = scope.now - timedelta(days=1)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{taken:%Y:%m:%d %H:%M:%S}"
    data = io.BytesIO()
    Image.frombytes("RGB", (EDGE, EDGE), drawn.randbytes(3 * EDGE * EDGE)).save(
        data, "JPEG", exif=exif
    )
    return data.getvalue()
