"""A real person from the record to the published picture: the consent link, the identity check, the
depiction and the revocation."""

import io
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from PIL import ExifTags, Image

from gate.consent import consent_offers, subject_portal
from gate.consent.consent_offers import OfferTerms
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.evidence import person_dossiers
from gate.people import age_proofs, age_requests, persons
from gate.people.age_proofs import AgeConfirmation
from gate.reviews import content_reviews as gate_desk
from gate.reviews import depicted_people
from schedules.approvals.release import release_post
from schedules.posts.states import DeliveryState
from studio.ingest import pipeline
from studio.library import assets
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.gate.person_actions import add_custodian, confirm_contact_address
from tests.schedules.builders import ZONE, SandboxAgency, jpeg

OWN = {"sec-fetch-site": "same-origin", "accept-language": "fr"}
FORM = re.compile(r'name="what" value="(\w+)"><input type="hidden" name="offer" value="([\w-]+)">'
                  r'<input type="hidden" name="digest" value="(\w+)"')  # fmt: skip
DAY = timedelta(days=1)


@dataclass
class Agency:
    """Léa's agency and its members. `second` depicts no person and reviews everything."""

    lea: SandboxAgency
    pages: str
    second: UUID
    link: str = ""
    person: UUID = field(default_factory=lambda: UUID(int=0))

    def by(self, member: UUID):  # type: ignore[no-untyped-def]  # the return type is a scope
        return self.lea.scope(f"member:{member}")

    def write_down(self) -> None:
        """Add Ida as the author and create her portal link."""
        with self.by(self.lea.author) as scope:
            self.person = persons.add_person(scope, kind="real", display_ref="Ida")
            token = subject_portal.create_portal_link(scope, self.person)
            confirm_contact_address(scope, self.person)
        self.link = f"{self.pages}{subject_portal.PORTAL_PATH}{token}"

    def ask(self, rating: Rating = Rating.N) -> None:
        with self.by(self.lea.author) as scope:
            days = scope.now - DAY, scope.now + 300 * DAY
            consent_offers.create_consent_offer(
                scope, self.person, OfferTerms(("depict", "publish"), ("sandbox",), rating, *days)
            )

    def sign(self, what: str = "signed") -> None:
        """Answer the consent offer in Ida's portal and run the workers."""
        with httpx.Client(headers=OWN) as browser:
            forms = {
                said: (offer, digest)
                for said, offer, digest in FORM.findall(browser.get(self.link).text)
            }
            offer, digest = forms[what]
            typed = {"what": what, "offer": offer, "digest": digest}
            assert browser.post(self.link, data=typed).status_code == 303
        self.lea.run()

    def prove(self, *, ago: timedelta = 60 * DAY) -> None:
        """Confirm Ida's age as an external custodian."""
        roux = add_custodian(self.lea)
        with self.by(self.lea.author) as scope:
            asked = age_requests.request_person_check(scope, self.person, reference="dossier 12")
        with self.by(roux) as scope:
            said = AgeConfirmation("document", "dossier 12", scope.now - ago)
            age_proofs.submit_age_proof(scope, asked, said)
        self.lea.run()

    def picture(self, number: int) -> UUID:
        """Add a photo of thirty days ago, rated Nudity, with its capture date in EXIF."""
        image, exif, out = Image.open(io.BytesIO(jpeg(number))), Image.Exif(), io.BytesIO()
        taken = (self.lea.now() - 30 * DAY).astimezone(ZoneInfo(ZONE))
        exif.get_ifd(ExifTags.IFD.Exif)[0x9003] = f"{taken:%Y:%m:%d %H:%M:%S}"
        image.save(out, "JPEG", quality=90, exif=exif)
        prepared = pipeline.prepare_upload(out.getvalue(), name=f"{number}.jpg")
        asset = pipeline.ingest_asset(
            self.lea.services.tenant,
            self.lea.services.store,
            tenant_id=self.lea.tenant_id,
            creator_id=self.lea.creator_id,
            prepared=prepared,
        )
        with self.by(self.second) as scope:
            digest = assets.get_asset(scope, asset).sha256
            gate_desk.submit_rating(scope, asset, digest, Rating.N, shown=DepictionAnswer.OTHERS)
        self.lea.run()
        with self.by(self.second) as scope:
            gate_desk.review_bytes(scope, digest, verdict="approve")
        return asset

    def propose(self, asset: UUID) -> None:
        with self.by(self.lea.author) as scope:
            depicted_people.propose_people(scope, asset, [self.person])
        self.lea.run()

    def confirm(self, asset: UUID) -> None:
        with self.by(self.second) as scope:
            depicted_people.submit_people_confirmation(
                scope, asset, [self.person], maker=f"member:{self.lea.author}"
            )
        self.lea.run()

    def send(self, asset: UUID) -> UUID:
        """Create a post with the picture that is due now."""
        sent = self.lea.delivery("Bonsoir", media=(asset,))
        self.lea.run()
        return sent


@pytest.fixture
def agency(lea: SandboxAgency, pages_at: str) -> Agency:
    with lea.scope() as scope:
        scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE id = :id", id=lea.creator_id)
    return Agency(lea, pages_at, lea.manager)


def alone(agency: Agency) -> Agency:
    """Reduce the agency to one member and a guest with access to Léa. No other member approves
    posts."""
    lea = agency.lea
    with lea.scope(f"member:{lea.manager}") as scope:
        guest = agencies.add_member(
            scope,
            name="Gus",
            email="gus@example.test",
            role=Role.GUEST,
            language="fr",
            zone=ZONE,
            creators=("lea",),
        )
        members.remove_member(scope, lea.author)
    return replace(agency, lea=replace(lea, author=lea.manager), second=guest)


def test_consented_picture_is_published_and_removed_on_revocation(agency: Agency) -> None:
    lea = agency.lea
    agency.write_down()
    agency.ask()
    agency.sign()
    agency.prove()
    asset = agency.picture(1)
    agency.propose(asset)
    agency.confirm(asset)
    with lea.scope() as scope:
        one = person_dossiers.list_dossiers(scope)[0]
    assert (one.general, one.adult) == ((), ())
    sent = agency.send(asset)
    assert lea.state(sent) is DeliveryState.PUBLISHED, lea.why(sent)
    assert [post["text"] for post in lea.posts()] == ["Bonsoir"]
    # Ida revokes without an account and without a reason
    with httpx.Client(headers=OWN) as browser:
        assert browser.post(agency.link, data={"what": "all"}).status_code == 303
    lea.live(seconds=60)
    assert lea.state(sent) is DeliveryState.REMOVED
    again = agency.send(asset)
    assert (lea.state(again), lea.why(again)) == (DeliveryState.HELD, "gate.CONSENT_REVOKED")
    assert len(lea.posts()) == 1


MISSING = {
    "consent": ({"sign"}, "gate.CONSENT_MISSING"),
    "proof of age": ({"prove"}, "gate.IDENTITY_MISSING"),
    "confirmation": ({"confirm"}, "gate.PERSON_UNRESOLVED"),
    "depiction": ({"propose", "confirm"}, "gate.PERSON_UNRESOLVED"),
}


@pytest.mark.parametrize("what", list(MISSING))
def test_missing_record_holds_the_post_until_it_is_added(agency: Agency, what: str) -> None:
    left_out, sentence = MISSING[what]
    lea = agency.lea
    agency.write_down()
    agency.ask()
    asset = agency.picture(2)
    steps = {
        "sign": agency.sign,
        "prove": agency.prove,
        "propose": lambda: agency.propose(asset),
        "confirm": lambda: agency.confirm(asset),
    }
    for name, step in steps.items():
        if name not in left_out:
            step()
    kept = agency.send(asset)
    assert (lea.state(kept), lea.why(kept)) == (DeliveryState.HELD, sentence)
    assert lea.posts() == []
    for name, step in steps.items():
        if name in left_out:
            step()
    assert lea.state(agency.send(asset)) is DeliveryState.PUBLISHED


@pytest.mark.parametrize(("harm", "sentence"), [
    ("declined", "gate.CONSENT_MISSING"), ("lower", "gate.CONSENT_SCOPE"), ("late", "gate.IDENTITY_AFTER_PRODUCTION"),
])  # fmt: skip
def test_insufficient_consent_or_proof_holds_the_post(
    agency: Agency, harm: str, sentence: str
) -> None:
    lea = agency.lea
    agency.write_down()
    agency.ask(Rating.S if harm == "lower" else Rating.N)
    agency.sign("declined" if harm == "declined" else "signed")
    agency.prove(ago=DAY if harm == "late" else 60 * DAY)
    asset = agency.picture(3)
    agency.propose(asset)
    agency.confirm(asset)
    kept = agency.send(asset)
    assert (lea.state(kept), lea.why(kept)) == (DeliveryState.HELD, sentence)
    assert lea.posts() == []


def test_agency_of_one_member_confirms_with_a_guest(agency: Agency) -> None:
    agency = alone(agency)
    lea = agency.lea
    agency.write_down()
    agency.ask()
    agency.sign()
    agency.prove()
    asset = agency.picture(4)
    agency.propose(asset)
    with agency.by(lea.author) as scope, pytest.raises(Exception, match=r"review\.own"):
        depicted_people.submit_people_confirmation(scope, asset, [agency.person], maker="")
    agency.confirm(asset)
    with lea.scope() as scope:
        scope.run("UPDATE creators SET approval_tiers = 0 WHERE id = :id", id=lea.creator_id)
    post = lea.write("Seule", media=(asset,))
    sent = lea.wish(post)
    with agency.by(lea.author) as scope:
        release_post(scope, post)
    lea.run()
    assert lea.state(sent) is DeliveryState.PUBLISHED, lea.why(sent)
