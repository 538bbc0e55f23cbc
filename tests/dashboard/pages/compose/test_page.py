"""The composer: what each account would show and refuse, and that one click creates one post."""

from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from channels.accounts import lifecycle
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message, load_catalogue, render_message
from foundation.ops.clock import wall_now
from foundation.storage.object_store import FileStore
from gate.contract.units import Rating
from gate.policy import emergency_stops
from gate.policy.bundle import shipped_bundle
from schedules.approvals import decisions
from schedules.drafts.previews import rules_of_destination
from schedules.posts import deliveries
from schedules.posts import queries as schedule_reads
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.lateness import LateLimit
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.rescheduling import priority
from studio.ingest import uploads
from studio.ingest.events import UploadDue
from studio.packs import packs
from studio.packs.states import PackState
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.streamlit_client import Stream, stream
from tests.generators.builders import a_picture, encoded


def connected(
    who: Agency, name: str = "Sandbox", platform: str = "sandbox", surface: str = "sandbox.post"
) -> UUID:
    with who.scope() as scope:
        return lifecycle.connect_account(
            scope,
            creator_id=who.creator_id,
            platform=platform,
            surface=surface,
            account=f"mia-{name.lower()}-{str(who.tenant_id)[-6:]}",
            name=name,
            base_url="http://127.0.0.1:9",
            token=None,
            zone=ZONE,
            app_key=f"app-{who.tenant_id}",
        )


def nobody_is_asked(who: Agency) -> None:
    with who.scope() as scope:
        scope.run("UPDATE creators SET approval_tiers = 0 WHERE id = :id", id=who.creator_id)


def posts(who: Agency) -> list[schedule_reads.StoredPost]:
    with who.scope() as scope:
        found = (
            scope.run("SELECT id FROM posts WHERE origin = 'dashboard' ORDER BY created_at")
            .scalars()
            .all()
        )
        return [schedule_reads.get_stored_post(scope, one) for one in found]


def written(page: Stream, *accounts: str, words: str = "Bonjour") -> None:
    """Open the composer with this text and these accounts."""
    page.open("/calendar", new=1)
    page.type("Texte", words)
    page.choose("Comptes", *accounts)


def test_emergency_stop_is_reported_once_and_not_as_a_fault(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with lumiere.scope() as scope:
        emergency_stops.close_switch(scope, "tenant", "", "sending", reason="essai")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        assert "Un arrêt d’urgence" not in page.type("Texte", "Bonjour")
        text = page.choose("Comptes", "Sandbox")
        assert text.count("arrêt d’urgence") == 1
        assert "Publication impossible" not in text
        assert "Prêt à publier" not in text


def test_new_post_is_pending_approval_by_another_member(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        said = page.press("Soumettre pour validation")
    assert "en attente de validation par" in said
    assert "Manager" in said
    assert "Owner" not in said.split("validation par")[1].split("\n")[0]
    (post,) = posts(lumiere)
    assert (post.body, post.author) == ("Bonjour", lumiere.act_as(Role.OWNER))
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        (row,) = deliveries_of_post(scope, post.id)
        assert row.state == DeliveryState.DRAFT
        decisions.approve_post(scope, post.id, member_id=lumiere.members[Role.MANAGER])
        assert deliveries_of_post(scope, post.id)[0].state in (
            DeliveryState.APPROVED,
            DeliveryState.SCHEDULED,
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_post_now_states_the_deadline_of_its_approval_in_the_zone_of_the_member(
    door: Door, tenant: OpenScope, language: str
) -> None:
    agency = create_agency(tenant, language=language)
    connected(agency)
    with agency.scope(agency.act_as(Role.OWNER)) as scope:
        members.set_member_zone(scope, agency.members[Role.OWNER], "Asia/Kathmandu")

    def word(code: str, **params: str) -> str:
        return render_message(Message(code, params), language)

    with stream(door.url, door.cookie(agency)) as page:
        page.open("/approvals")
        page.choose(word("rule.time"), "4")
        page.press(word("rule.time_keep"))
        page.open("/calendar", new=1)
        page.type(word("compose.body"), "Bonjour")
        page.choose(word("compose.accounts"), "Sandbox")
        shown = page.choose(word("compose.when"), word("compose.when.soon"))
        assert word("compose.soon_asks", length="|").partition("|")[0] + "4" in shown
        said = page.press(word("compose.submit"))
    (post,) = posts(agency)
    with agency.scope() as scope:
        (row,) = deliveries_of_post(scope, post.id)
    assert row.late_until is not None
    assert row.late_until - row.due_at >= timedelta(hours=4)
    clock = f"{row.late_until.astimezone(ZoneInfo('Asia/Kathmandu')):%H:%M}"
    assert clock in said.split(word("compose.waits_soon", who="|", until="").partition("|")[0])[1]


def test_post_without_approval_is_published_in_fifteen_seconds(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    nobody_is_asked(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Programmation", "Publier maintenant")
        said = page.press("Programmer")
    assert "Programmé le" in said
    assert "Publication automatique à" in said  # the post page is open
    (post,) = posts(lumiere)
    with lumiere.scope() as scope:
        (row,) = deliveries_of_post(scope, post.id)
        assert row.state == DeliveryState.SCHEDULED
        assert scope.now < row.due_at <= scope.now + timedelta(seconds=16)
        kinds = (
            scope.run("SELECT kind FROM outbox WHERE subject_id = :id", id=row.id).scalars().all()
        )
    assert "delivery.publish" in kinds


def test_post_over_a_limit_is_refused_with_the_channel_and_the_excess(
    door: Door, lumiere: Agency
) -> None:
    connected(lumiere)
    nobody_is_asked(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="a" * 10_000)
        said = page.press("Programmer")
        assert "Sandbox : le texte contient 10000 caractères, soit 5904 de plus" in said
        assert "Programmer" in page.labels()  # nothing that was typed is lost
        assert posts(lumiere) == []
        page.type("Texte", "a" * 4096)
        assert "Programmé le" in page.press("Programmer")


def test_double_click_creates_one_post(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.press_twice("Soumettre pour validation")
        page.again()
    assert len(posts(lumiere)) == 1


def test_platform_limits_are_shown_before_scheduling(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    connected(lumiere, "Ma page", "own_page", "own_page.public")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.type("Texte", "é" * 5000)
        text = page.choose("Comptes", "Sandbox", "Ma page")
    assert "5000 / 4096 caractères" in text
    assert "5000 / 20000 caractères" in text
    assert "Publication impossible sur Sandbox" in text
    assert "Prêt à publier sur Ma page" in text


def test_policy_is_named_with_its_review_date(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.type("Texte", "voir https://example.test/inconnu")
        text = page.choose("Comptes", "Sandbox")
    assert "n’est pas dans votre liste de liens" in text
    assert "publications sur le réseau de test" in text
    assert "Tout public : autorisé" in text
    assert "Règle sandbox" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_policy_row_has_a_name_in_the_catalogue(language: str) -> None:
    rules = (row.id for row in shipped_bundle().rows.values() if not row.same_as)
    assert {f"place.{name}" for name in rules} == {
        code for code in load_catalogue(language) if code.startswith("place.")
    }


def test_destination_with_two_policies_shows_both() -> None:
    real, virtual = rules_of_destination(
        shipped_bundle(), "byhand", "onlyfans", shipped_bundle().read_on
    ).said
    assert (real.name, dict(real.verdicts)[Rating.G]) == ("export.onlyfans_real", "A")
    assert (virtual.name, dict(virtual.verdicts)[Rating.G]) == ("export.onlyfans_synthetic", "B")
    assert (
        rules_of_destination(shipped_bundle(), "nowhere", "at_all", shipped_bundle().read_on).said
        == ()
    )


@pytest.mark.parametrize(
    ("words", "accounts", "said"),
    [("", ("Sandbox",), "Saisissez un texte ou choisissez une image"), ("x", (), "au moins un")],
)
def test_missing_input_is_explained(
    door: Door, lumiere: Agency, words: str, accounts: tuple[str, ...], said: str
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.type("Texte", words)
        page.choose("Comptes", *accounts)
        assert said in page.press("Soumettre pour validation")
        assert "Soumettre pour validation" in page.labels()  # the input is still there
    assert posts(lumiere) == []


def test_nonexistent_local_time_is_explained(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    nobody_is_asked(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Programmation", "Choisir la date et l’heure")
        march = date(wall_now().year + 1, 3, 31)
        page.type("Date (JJ/MM/AAAA)", f"{march - timedelta(days=march.isoweekday() % 7):%d/%m/%Y}")
        assert "La publication aura lieu à 03:30" in page.type("Heure (HH:MM)", "02:30")
        assert "02:30 n’existe pas ce jour-là" in page.press("Programmer")


def test_manual_posting_uses_the_limits_of_its_site(door: Door, lumiere: Agency) -> None:
    connected(lumiere, "Instagram (à la main)", "byhand", "instagram")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Instagram (à la main)", words="x" * 2300)
        text = page.again()
    assert "2300 / 2200 caractères · 0 / 10 images" in text
    assert "Publication impossible" in text


def test_past_and_distant_times_are_refused(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Programmation", "Choisir la date")
        page.type("Date (JJ/MM/AAAA)", "01/01/2020")
        assert "Cette heure est passée" in page.press("Soumettre pour validation")
        page.type("Date (JJ/MM/AAAA)", "01/01/2999")
        assert "deux ans à l’avance" in page.press("Soumettre pour validation")
        assert posts(lumiere) == []
        day = f"29/03/{wall_now().year + 1}"
        page.type("Date (JJ/MM/AAAA)", day)
        page.type("Heure (HH:MM)", "9h05")
        assert f"{day} à 09:05" in page.press("Soumettre pour validation")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("day", "clock", "said"),
    [
        ("31/02/2027", "10:00", "« 31/02/2027 » n’est pas une date valide"),
        ("", "10:00", "n’est pas une date valide"),
        ("24/12/2026", "25:99", "L’heure « 25:99 » n’est pas valide"),
        ("01/01/2020", "10:00", "Cette heure est passée"),
        ("01/01/2999", "10:00", "deux ans à l’avance"),
        ("01/01/0001", "00:05", "« 01/01/0001 » n’est pas une date valide"),
        ("31/12/9999", "23:59", "« 31/12/9999 » n’est pas une date valide"),
    ],
)
def test_invalid_time_is_explained_next_to_it(
    door: Door, lumiere: Agency, day: str, clock: str, said: str
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Programmation", "Choisir la date")
        assert said not in page.again()
        page.type("Date (JJ/MM/AAAA)", day)
        assert said in page.type("Heure (HH:MM)", clock)
        assert said in page.press("Soumettre pour validation")
    assert posts(lumiere) == []


def test_text_of_a_scheduled_post_is_changed(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("avant")
    with lumiere.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.press("Modifier")
        page.type("Texte", "après")
        said = page.press("Enregistrer")
    assert "Une nouvelle validation est requise" in said
    with lumiere.scope() as scope:
        assert schedule_reads.get_stored_post(scope, post_id).body == "après"
        assert schedule_reads.get_stored_post(scope, post_id).author == lumiere.act_as(Role.OWNER)
        (row,) = deliveries_of_post(scope, post_id)
        assert row.state == DeliveryState.DRAFT
        assert not decisions.is_approved(scope, deliveries.get_post(scope, post_id), scope.now)


def test_account_text_is_customized_and_changed_with_the_post(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    second = connected(lumiere, "Autre")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", "Autre", words="Bonjour")
        page.choose("Adapter par compte", "Autre")
        said = page.type("Texte pour Autre", "Bonjour, autrement")
        assert "Bonjour, autrement" in said
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert [(one.place, one.body) for one in post.others] == [(str(second), "Bonjour, autrement")]
    with stream(door.url, door.cookie(lumiere)) as page:
        opened = page.open("/calendar", post=post.id)
        assert "Texte pour Autre" in opened
        assert "Bonjour, autrement" in opened
        page.press("Modifier")
        page.type("Texte pour Autre", "Encore autrement")
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert (post.body, [one.body for one in post.others]) == ("Bonjour", ["Encore autrement"])


def test_account_text_follows_the_post_until_customized(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    connected(lumiere, "Autre")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", "Autre", words="")
        page.choose("Adapter par compte", "Autre")
        page.type("Texte", "Bonjour à tous")
        assert page.find("Texte pour Autre", "text_area").drawn.value == "Bonjour à tous"
        page.type("Texte pour Autre", "Bonjour, vous")
        page.type("Texte", "Bonsoir à tous")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert (post.body, [one.body for one in post.others]) == ("Bonsoir à tous", ["Bonjour, vous"])


def test_duplicate_creates_another_post(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("encore", state="published", minutes=-5)
    with lumiere.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        assert "Modifier" not in page.labels()
        page.press("Dupliquer")
        page.press("Soumettre pour validation")
    (copy,) = posts(lumiere)
    assert copy.body == "encore"
    assert copy.id != post_id


def test_duplicate_keeps_priority_and_late_limit(door: Door, lumiere: Agency) -> None:
    """Regression: both were lost, so that an urgent post was published like any other."""
    delivery_id = lumiere.post("urgent", minutes=90)
    with lumiere.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
        priority.set_priority(
            scope, delivery_id, 1, version=get_delivery(scope, delivery_id).version
        )
        priority.set_late_limit(
            scope, post_id, LateLimit.DAY, version=deliveries.get_post(scope, post_id).version
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.press("Dupliquer")
        page.press("Soumettre pour validation")
    (copy,) = posts(lumiere)
    with lumiere.scope() as scope:
        assert (copy.late, deliveries.get_post(scope, copy.id).priority) == (LateLimit.DAY, 1)


def test_uploaded_photo_joins_the_post(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    jpeg, store = encoded(a_picture(seed=7), "JPEG"), FileStore(door.log.parent / "objects")
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        shown = page.attach("Importer des images", {"plage.jpg": jpeg})
        assert "plage.jpg" in shown
        assert page.find("Soumettre pour validation", "button").drawn.disabled
        with lumiere.scope() as scope:
            (upload,) = scope.run("SELECT id FROM uploads").scalars().all()
        uploads.ingest_upload(UploadDue(lumiere.tenant_id, upload), tenant=tenant, store=store)
        arrived = page.tick()
        assert "1 / 10 images" in arrived
        assert "Une image n’est pas classée" in arrived
        assert "Classé" not in page.press("Tout public")  # Nobody said who is shown.
        page.choose("Qui est montré ?", "Personne")
        assert "Classé" in page.press("Tout public")
        page.type("Texte alternatif de l’image 1", "La mer, un matin")
    with lumiere.scope() as scope:
        assert scope.run("SELECT count(*) FROM outbox WHERE kind = 'rating.set'").scalar_one() == 1
        assert scope.run("SELECT alt FROM creations").scalar_one() == "La mer, un matin"


def test_pictures_and_accounts_of_others_are_not_found(
    door: Door, tenant: OpenScope, lumiere: Agency
) -> None:
    connected(lumiere)
    other = create_agency(tenant, mark="canary")
    other.post("canary-post")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", new=1, asset=UUID(int=5), creator="mia")
        assert "n’est pas dans la bibliothèque" in text
        assert "canary" not in page.open("/calendar", new=1)


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_roles_without_planning_rights_get_no_composer(
    door: Door, lumiere: Agency, role: Role
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        page.open("/calendar", new=1)
        assert "Soumettre pour validation" not in page.labels()


def test_chat_only_account_is_no_destination(door: Door, lumiere: Agency) -> None:
    connected(lumiere, "Canal", "sandbox", "sandbox.post")
    connected(lumiere, "@mia_bot", "telegram", "")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", new=1)
        assert "Canal" in text
        assert "@mia_bot" not in text
        assert "avec un nom de canal" in page.open("/channels")


def test_selected_image_is_shown_with_its_alt_text_and_can_be_removed(
    door: Door, lumiere: Agency
) -> None:
    one = picture(door, lumiere, rating=Rating.G)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1, asset=one)
        assert page.find("Texte alternatif de l’image 1", "text_input").drawn.default == "la mer"
        page.press("Retirer l’image 1")
        assert "Retirer l’image 1" not in page.labels()


def test_account_over_its_limit_is_removed_with_a_click(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    connected(lumiere, "Fil", "sandbox", "sandbox.as_x")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", "Fil", words="a" * 300)
        assert "soit 20 de plus que la limite de 280" in page.press("Soumettre pour validation")
        assert "À corriger avant de programmer" not in page.press("Retirer Fil")
        page.press("Soumettre pour validation")
    assert len(posts(lumiere)) == 1


def test_composer_warns_of_a_picture_that_is_sold_in_a_pack(door: Door, lumiere: Agency) -> None:
    sea = picture(door, lumiere, seed=1, rating=Rating.G, alt="la mer")
    picture(door, lumiere, seed=2, rating=Rating.G, alt="le bois")
    with lumiere.scope() as scope:
        pack = packs.create_pack(
            scope,
            creator_id=lumiere.creator_id,
            slug="plage",
            title="Plage",
            description="",
            assets=[sea],
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        assert "Plage" not in page.check("le bois")
        assert "« la mer » est en vente dans le pack Plage." in page.check("la mer")
    with lumiere.scope() as scope:
        packs.set_pack_state(scope, pack, PackState.PAUSED)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        assert "Plage" not in page.check("la mer")
