"""Threads in the composer: previewed part by part, with parts omitted or changed for single
accounts."""

from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.db.database import OpenScope
from foundation.ops.wall_time import to_wall_time
from foundation.storage.object_store import FileStore
from gate.contract.units import Rating
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.thread_parts import ThreadPart
from studio.ingest import uploads
from studio.ingest.events import UploadDue
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.compose.test_page import connected, nobody_is_asked, posts, written
from tests.dashboard.streamlit_client import stream
from tests.generators.builders import a_picture, encoded


def test_thread_is_written_counted_and_previewed_by_part(door: Door, lumiere: Agency) -> None:
    connected(lumiere, "Réseau court", surface="sandbox.as_x")
    connected(lumiere, "Ma page", "own_page", "own_page.public")
    nobody_is_asked(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Réseau court", "Ma page", words="Bonsoir à tous.")
        page.press("Ajouter au fil")
        page.type("Partie 2", "La boutique est ouverte.")
        page.press("Ajouter au fil")
        said = page.type("Partie 3", "é" * 300)
        assert "300 / 280 caractères" in said
        assert "24 / 280 caractères" in said
        assert "Publication impossible sur Réseau court" in said
        assert "une seule publication" in said, "the creator page shows them as one post"
        page.type("Partie 3", "À demain.")
        page.press("Ajouter un premier commentaire")
        said = page.type("Premier commentaire", "Merci à tous !")
        assert "Prêt à publier sur Réseau court" in said
        page.press("Programmer")
    (post,) = posts(lumiere)
    assert [(one.body, one.comment) for one in post.parts] == [
        ("La boutique est ouverte.", False),
        ("À demain.", False),
        ("Merci à tous !", True),
    ]


def test_account_omits_a_part_and_customizes_another(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    second = connected(lumiere, "Autre")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", "Autre", words="Bonsoir à tous.")
        page.press("Ajouter au fil")
        page.type("Partie 2", "La boutique est ouverte.")
        page.press("Ajouter un premier commentaire")
        page.type("Premier commentaire", "Merci à tous !")
        page.choose("Adapter par compte", "Autre")
        page.choose("Ne pas publier sur Autre", "Premier commentaire")
        assert "La boutique, demain." in page.type("Partie 2 pour Autre", "La boutique, demain.")
        page.press("Ajouter au fil")
        page.type("Partie 3", "À demain.")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    ((place, parts),) = [(one.place, one.parts) for one in post.others]
    assert place == str(second)
    assert parts is not None
    assert [(one.body, one.comment) for one in parts] == [
        ("La boutique, demain.", False),
        ("À demain.", False),
    ]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post.id)
        page.press("Modifier")
        assert page.find("Partie 2 pour Autre", "text_area").drawn.value == "La boutique, demain."
        assert page.find("Partie 3 pour Autre", "text_area").drawn.value == "", (
            "the part follows the post"
        )
        page.press("Retirer la partie 2")
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert [one.body for one in post.parts] == ["À demain.", "Merci à tous !"]
    assert [[part.body for part in one.parts or ()] for one in post.others] == [["À demain."]]


def test_parts_customized_elsewhere_are_shown_and_changed(door: Door, lumiere: Agency) -> None:
    there = connected(lumiere)
    more = (
        *(ThreadPart(f"Suite {number}") for number in (1, 2, 3)),
        ThreadPart("Merci", comment=True),
    )
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        others = (ChannelOverride(str(there), parts=more),)
        draft = Draft(
            lumiere.creator_id,
            "",
            "Bonjour",
            (),
            (there,),
            parts=(ThreadPart("Une suite"),),
            others=others,
        )
        planned = drafts.plan_draft(
            scope, draft, key=UUID(int=7), at=to_wall_time(scope.now, ZONE), author=scope.actor
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=planned.post_id)
        page.press("Modifier")
        page.type("Texte", "Bonsoir")
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert (post.body, [one.parts for one in post.others]) == ("Bonsoir", [more])
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=planned.post_id)
        page.press("Modifier")
        page.type("Partie adaptée 1 pour Sandbox", "Suite 2, en mieux")
        page.press("Retirer « Partie adaptée 2 » sur Sandbox")
        page.press("Ajouter au fil sur Sandbox seulement")
        page.type("Partie adaptée 2 pour Sandbox", "La fin")
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert [[(one.body, one.comment) for one in other.parts or ()] for other in post.others] == [
        [("Suite 1", False), ("Suite 2, en mieux", False), ("La fin", False), ("Merci", True)]
    ]


@pytest.mark.heavy
def test_account_has_other_pictures_for_post_and_part(door: Door, lumiere: Agency) -> None:
    alts = ("la mer", "le bois", "la neige")
    sea, wood, snow = (
        picture(door, lumiere, seed=seed, rating=Rating.G, alt=alt)
        for seed, alt in enumerate(alts, start=1)
    )
    connected(lumiere)
    second = connected(lumiere, "Autre")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", "Autre", words="Bonsoir à tous.")
        page.press("Ajouter au fil")
        page.type("Partie 2", "La suite")
        page.check("la mer")
        page.choose("Adapter par compte", "Autre")
        page.choose("Images pour", "Partie 1 · Autre")
        assert page.find("la mer", "checkbox").drawn.value, (
            "the pictures of the post are preselected"
        )
        page.check("la mer", on=False)
        page.check("le bois")
        page.choose("Images pour", "Partie 2 · Autre")
        page.check("la neige")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert (post.media, [one.media for one in post.parts]) == ((sea,), [()])
    assert [
        (one.place, one.media, [part.media for part in one.parts or ()]) for one in post.others
    ] == [(str(second), (wood,), [(snow,)])]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post.id)
        page.press("Modifier")
        page.choose("Images pour", "Publication (partie 1)")
        page.check("la neige")
        page.choose("Images pour", "Partie 2 · Autre")
        page.check("la neige", on=False)
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert (post.media, [(one.media, one.parts) for one in post.others]) == (
        (sea, snow),
        [((wood,), None)],
    )


def test_account_without_customization_has_no_separate_pictures(
    door: Door, lumiere: Agency
) -> None:
    picture(door, lumiere, rating=Rating.G)
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Bonsoir à tous.")
        page.choose("Adapter par compte", "Sandbox")
        page.choose("Images pour", "Partie 1 · Sandbox")
        page.check("la mer")
        page.choose("Adapter par compte")
        assert "Images pour" not in page.labels("selectbox")
        page.choose("Adapter par compte", "Sandbox")
        page.choose("Images pour", "Partie 1 · Sandbox")
        assert not page.find("la mer", "checkbox").drawn.value
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert (post.media, post.others) == ((), ())


def test_part_is_removed_and_platform_without_threads_warns(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        lifecycle.connect_account(
            scope,
            creator_id=lumiere.creator_id,
            platform="byhand",
            surface="x",
            account=f"x/mia-{str(lumiere.tenant_id)[-6:]}",
            name="X à la main",
            base_url="http://127.0.0.1:9",
            token=None,
            zone=ZONE,
            options={"hand_over": True},
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "X à la main", words="Bonsoir à tous.")
        page.press("Ajouter au fil")
        said = page.type("Partie 2", "La boutique est ouverte.")
        assert "Cette plateforme n’accepte ni fil ni premier commentaire" in said
        said = page.press("Retirer la partie 2")
        assert "Cette plateforme n’accepte ni fil" not in said
        assert "Partie 2" not in page.labels("text_area")


def test_uploaded_photo_joins_its_part(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    jpeg, store = encoded(a_picture(seed=8), "JPEG"), FileStore(door.log.parent / "objects")
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.press("Ajouter au fil")
        page.type("Partie 2", "La suite")
        page.choose("Images pour", "Partie 2")
        page.attach("Importer des images", {"suite.jpg": jpeg})
        with lumiere.scope() as scope:
            (upload,) = scope.run("SELECT id FROM uploads").scalars().all()
        uploads.ingest_upload(UploadDue(lumiere.tenant_id, upload), tenant=tenant, store=store)
        arrived = page.tick()
        assert "0 / 10 images" in arrived, "the post itself has no picture"
        assert "1 / 10 images" in arrived
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert (len(post.media), [len(part.media) for part in post.parts]) == (0, [1])
