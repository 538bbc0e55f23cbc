"""An agency with face comparison: the real ingest, comparison and keys with a fake classifier."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO
from itertools import count
from typing import Any
from uuid import UUID

from PIL import Image

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.storage.object_store import bytes_digest
from gate.assets import asset_records
from gate.consent import face_consent
from gate.consent.events import RevocationRequested
from gate.consent.face_consent import FaceConsentGiven
from gate.consent.grants import FACE_CONSENT, grant_consent
from gate.consent.handlers import handle_revocation
from gate.contract.units import Medium, Rating
from gate.faces import known_faces
from gate.faces.known_faces import FaceComparisonDue, FaceEnrolmentDue
from gate.permits import issuance
from gate.ratings import ratings
from gate.reviews import resemblance_reviews
from gate.reviews.face_bans import FaceBanRequested, request_face_ban
from gate.reviews.resemblance_reviews import ResemblanceJudged
from generators.contract.engines import GeneratedPicture, OriginLabel
from generators.engines.vision.http_classifier import HttpClassifier as Client
from studio.ingest import face_comparison, pipeline
from studio.ingest.face_comparison import FaceComparison
from studio.library import assets
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.vault import unseal
from tests.fakes.generators.classifier import FakeClassifier, draw_tile, serving
from tests.gate.answers import rate_and_answer
from tests.gate.builders import World, real_person, synthetic_person, unit, world
from tests.studio.builders import CREDENTIAL

DAY = timedelta(days=1)
MODEL = "tiles-faces@1"
_seeds = count(1)


class MemoryStore:
    """An object store in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[UUID, str], bytes] = {}

    def put(self, tenant_id: UUID, data: bytes) -> str:
        self.kept[tenant_id, bytes_digest(data)] = data
        return bytes_digest(data)

    def get(self, tenant_id: UUID, sha256: str) -> bytes:
        try:
            return self.kept[tenant_id, sha256]
        except KeyError as error:
            raise NotFound("storage.missing") from error

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        self.kept.pop((tenant_id, sha256), None)

    def exists(self, tenant_id: UUID, sha256: str) -> bool:
        return (tenant_id, sha256) in self.kept

    def delete_all(self, tenant_id: UUID) -> int:
        raise NotImplementedError


def encode_png(image: Image.Image) -> bytes:
    """Encode an image as a PNG file."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class FaceAgency:
    """One tenant with a classifier that compares faces."""

    world: World
    eyes: FakeClassifier
    files: MemoryStore = field(default_factory=MemoryStore)
    master: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    alike: int = 40

    @property
    def tenant_id(self) -> UUID:
        return self.world.tenant_id

    @property
    def by(self) -> FaceComparison:
        """Build the comparison with the current name of the classifier."""
        client = Client(self.eyes.url, frozenset({self.eyes.who}), seconds=2.0)
        reveal, seal = unseal.vault_functions(self.world.open, self.master)
        return FaceComparison(self.world.open, self.files, client, reveal, seal, alike=self.alike)

    def bring(self, prepared: pipeline.PreparedAsset, rating: Rating | None = Rating.G) -> Medium:
        """Ingest a picture, then have two people rate it."""
        by = self.by
        asset = pipeline.ingest_asset(
            self.world.open,
            self.files,
            tenant_id=self.tenant_id,
            creator_id=self.world.creator_id,
            prepared=prepared,
            classifier=by.classifier,
            compare=by,
        )
        with self.world.scope() as scope:
            medium = assets.get_rendition(scope, asset, "sandbox")
            for rater in ("8", "9") if rating is not None else ():
                rate_and_answer(scope, medium.sha256, rating, source=f"member:{rater}")
        return medium

    def photo(
        self, who: str, kind: str = "G", image: Image.Image | None = None, **more: Any
    ) -> Medium:
        """Add a photograph of these people."""
        shown = image or draw_tile(kind, who=who, bright=255 - next(_seeds) % 40, **more)
        return self.bring(pipeline.prepare_upload(encode_png(shown), name="a.png"), Rating(kind))

    def made(self, who: str, kind: str = "G", image: Image.Image | None = None) -> Medium:
        """Add a generated picture."""
        shown = image or draw_tile(kind, who=who, bright=255 - next(_seeds) % 40)
        key, size = f"made:{uuid7()}", shown.size
        picture = GeneratedPicture(
            encode_png(shown), "image/png", *size, "diffusion", "m", OriginLabel.NONE, 1, "a person"
        )
        return self.bring(
            pipeline.prepare_generated_picture(
                picture, key=key, alt="a person", credential=CREDENTIAL
            ),
            Rating(kind),
        )

    def asset(self, medium: Medium) -> UUID:
        with self.world.scope() as scope:
            return asset_records.find_rendition_by_digest(scope, medium.sha256).asset_id

    def depict(self, medium: Medium, person: UUID, by: str = "") -> None:
        with self.world.scope() as scope:
            asset = asset_records.find_rendition_by_digest(scope, medium.sha256).asset_id
            ratings.record_depiction(
                scope, asset, person, how="face", confirmed_by=by or f"member:{self.world.rob}"
            )

    def real(self, letter: str, *, agree: bool = True, **papers: Any) -> UUID:
        """Add a real person with a photograph who agreed on their own page to face comparison."""
        with self.world.scope() as scope:
            person = real_person(scope, display_ref=f"Real {letter}", **papers)
        self.depict(self.photo(f"{letter}9"), person)
        if agree:
            self.agree(person)
        return person

    def agree(self, person: UUID) -> None:
        with self.world.open(self.tenant_id, f"person:{person}") as scope:
            face_consent.submit_face_consent(scope, person)
        face_consent.handle_face_consent(
            FaceConsentGiven(self.tenant_id, person, f"person:{person}"), tenant=self.world.open
        )
        self.enrol(person)

    def enrol(self, person: UUID) -> None:
        with self.world.scope() as scope:
            subject = known_faces.find_face_consent(scope, person)
        assert subject is not None
        face_comparison.create_face_template(
            FaceEnrolmentDue(self.tenant_id, subject.id), by=self.by
        )

    def revoke(self, person: UUID, what: str = FACE_CONSENT) -> None:
        event = RevocationRequested(self.tenant_id, person, scope=what, by=f"person:{person}")
        handle_revocation(event, tenant=self.world.open)

    def bar(self, who: str) -> UUID:
        """Ban the face of a person without a record here."""
        return self.bar_bytes(encode_png(draw_tile("G", who=who)))

    def bar_bytes(self, data: bytes) -> UUID:
        """Ban the face in these bytes."""
        sha256 = self.files.put(self.tenant_id, data)
        by = f"member:{self.world.ann}"
        with self.world.scope(by) as scope:
            subject = request_face_ban(scope, sha256, why="asked us not to")
        face_comparison.add_barred_face(
            FaceBanRequested(self.tenant_id, subject, sha256, "asked us not to", by), by=self.by
        )
        return subject

    def photo_of(self, person: UUID, who: str) -> Medium:
        """Add a photograph that shows a person, confirmed by another."""
        medium = self.photo(who)
        self.depict(medium, person)
        return medium

    def allow(self, person: UUID, what: str) -> None:
        with self.world.scope() as scope:
            grant_consent(
                scope,
                person,
                what=what,
                surfaces=["sandbox"],
                max_rating=Rating.E,
                valid_from=scope.now - DAY,
                valid_until=scope.now + DAY,
                evidence_digest="e" * 64,
                signed_by=person,
            )

    def nova(self, *references: Medium) -> UUID:
        """Add a synthetic person with these reference pictures."""
        with self.world.scope() as scope:
            person = synthetic_person(scope, self.world)
            if references:
                known_faces.set_reference_pictures(
                    scope, person, [one.sha256 for one in references]
                )
        return person

    def compare(self) -> None:
        """Run the comparison of uncompared pictures."""
        face_comparison.compare_again(FaceComparisonDue(self.tenant_id, self.tenant_id), by=self.by)

    def waiting(self) -> list[resemblance_reviews.FaceComparisonTask]:
        with self.world.scope() as scope:
            return resemblance_reviews.list_face_comparisons(scope, [self.world.creator_id])

    def judge(
        self,
        one: resemblance_reviews.FaceComparisonTask,
        answer: str,
        member: UUID,
        *,
        because: str = "",
        maker: str = "",
    ) -> None:
        """Record a member's decision through the workers."""
        said = ResemblanceJudged(
            self.tenant_id, one.id, one.digest, answer, because, maker, f"member:{member}"
        )
        with self.world.scope(said.by) as scope:
            resemblance_reviews.record_face_judgement(scope, said)

    def count(self, table: str) -> int:
        with self.world.scope() as scope:
            found = scope.run(
                f"SELECT count(*) FROM {table} WHERE tenant_id = :t", t=self.tenant_id
            )
            return int(found.scalar_one())


@contextmanager
def faced(tenant: OpenScope, *, at: World | None = None) -> Iterator[FaceAgency]:
    """Open an agency of two members, or use the world in `at`."""
    with serving(FakeClassifier(faces=MODEL)) as eyes:
        yield FaceAgency(at or world(tenant, uuid7()), eyes)


def judge_post(
    house: FaceAgency, medium: Medium, *, author: UUID | None = None
) -> tuple[str, set[str]]:
    """Judge a post of a picture, without the reasons for a missing review."""
    with house.world.scope() as scope:
        whole = unit(house.world, media=[medium])
        marked = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
        said = issuance.preview_decision(
            scope, marked, author=f"member:{author or house.world.ann}"
        )
    return str(said.verdict), set(map(str, said.reasons)) - {"REVIEW_MISSING"}


def add_synthetic_picture(
    house: FaceAgency, person: UUID, who: str, kind: str = "E", **more: Any
) -> Medium:
    """Add a generated picture with this face, depicting a synthetic person."""
    medium = house.made(who, kind, **more)
    house.depict(medium, person, "generation")
    return medium


def add_managers(house: FaceAgency, count: int = 1) -> list[UUID]:
    """Add members who were not involved so far."""
    with house.world.scope() as scope:
        return [
            agencies.add_member(
                scope,
                name=f"m{number}",
                email=f"m{number}-{house.tenant_id}@example.test",
                role=Role.MANAGER,
                language="en",
                zone="UTC",
            )
            for number in range(count)
        ]


def view_all_pictures(house: FaceAgency, *members: UUID) -> None:
    """Record that these members saw all pictures."""
    with house.world.scope() as scope:
        scope.run(
            "INSERT INTO showings (tenant_id, id, principal_id, sha256)"
            " SELECT r.tenant_id, gen_random_uuid(), m.principal_id, r.sha256 FROM renditions r "
            "JOIN members m"
            " ON m.tenant_id = r.tenant_id AND m.id = ANY(:members) WHERE r.tenant_id = :t",
            t=house.tenant_id,
            members=list(members),
        )
