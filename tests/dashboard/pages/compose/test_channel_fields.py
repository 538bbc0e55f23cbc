"""Platform options in the composer: shown where a platform has options, previewed, saved and
changed with the post."""

from schedules.approvals import decisions
from schedules.drafts import drafts
from schedules.posts import deliveries, labels
from schedules.posts.channel_overrides import ChannelOverride
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.compose.test_page import connected, nobody_is_asked, posts, written
from tests.dashboard.streamlit_client import stream

OUT = """
UPDATE deliveries SET state = 'published', native_id = '9', lasts_hours = 24,
  settled_at = house_now() - :passed * interval '1 hour' WHERE channel_id = :channel
"""


def test_options_are_chosen_previewed_saved_and_changed(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    here = connected(lumiere, "Mastodon", "mastodon", "mastodon.post")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        assert "Visibilité" not in page.choose("Comptes", "Sandbox")
        page.choose("Comptes", "Mastodon")
        page.choose("Visibilité", "Abonnés uniquement")
        page.type("Langue (fr, en…)", "FR!")
        assert "n’est pas une valeur valide pour" in page.press("Soumettre pour validation")
        assert posts(lumiere) == []
        assert "Visibilité — Abonnés uniquement" in page.type("Langue (fr, en…)", "fr")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert post.others == (
        ChannelOverride(str(here), options=(("language", "fr"), ("visibility", "private"))),
    )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post.id)
        page.press("Modifier")
        page.choose("Visibilité", "Par défaut")
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert post.others == (ChannelOverride(str(here), options=(("language", "fr"),)),)


def test_story_warns_that_its_text_is_not_shown(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    here = connected(lumiere, "Insta", "instagram", "instagram.post")
    image = picture(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1, asset=image)
        page.type("Texte", "Bonjour")
        page.choose("Comptes", "Sandbox", "Insta")
        text = page.choose("Publier en story (24 heures, sans légende)", "Oui")
        assert "Le texte n’est pas affiché ici · 1 / 1 images" in text
        assert "gr-as-screen" in text
        assert "Cette plateforme n’affiche pas de texte" in text
        refused = page.press("Soumettre pour validation")
        assert "Insta : cette plateforme n’affiche pas de texte" in refused
        page.choose("Adapter par compte", "Insta")
        text = page.type("Texte pour Insta", "")
        assert "Cette plateforme n’affiche pas de texte" not in text
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert post.others == (ChannelOverride(str(here), body="", options=(("story", True),)),)
    for passed, said in (
        (1, "La plateforme retire la publication automatiquement"),
        (25, "La story a expiré"),
    ):
        with lumiere.scope() as scope:
            scope.run(OUT, channel=here, passed=passed)
        with stream(door.url, door.cookie(lumiere)) as page:
            assert said in page.open("/calendar", post=post.id)
            assert ("Oui, retirer" in page.labels()) == (passed == 1)


def test_platform_text_applies_to_all_its_accounts(door: Door, lumiere: Agency) -> None:
    connected(lumiere, "Un")
    connected(lumiere, "Deux")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Un", "Deux")
        page.choose("Adapter par compte", "Tous sur")
        page.type("Texte pour Tous sur", "Bonsoir")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert post.others == (ChannelOverride("sandbox", body="Bonsoir"),)


def test_options_are_shown_and_changed_on_the_post_page(door: Door, lumiere: Agency) -> None:
    here = connected(lumiere, "Mastodon", "mastodon", "mastodon.post")
    other = connected(lumiere, "Toot", "mastodon", "mastodon.post")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Mastodon", "Toot")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    with lumiere.scope() as scope:
        drafts.set_channel_options(
            scope, post.id, other, (("warning", "Mer"),), author=lumiere.act_as(Role.OWNER)
        )
        decisions.approve_post(scope, post.id, member_id=lumiere.members[Role.MANAGER])
        assert decisions.is_approved(scope, deliveries.get_post(scope, post.id), scope.now)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=post.id)
        assert "<b>Toot</b> — Avertissement de contenu · Mer" in text
        assert "<summary>Mer" in text, "the preview is behind the warning"
        page.choose("Visibilité", "Abonnés uniquement")
        assert "de nouveau en attente de validation" in page.press("Enregistrer les options")
        assert "<b>Mastodon</b> — Visibilité · Abonnés uniquement" in page.again()
        assert "Aucune modification" in page.press("Enregistrer les options")
    (post,) = posts(lumiere)
    assert {one.place: one.options for one in post.others} == {
        str(here): (("visibility", "private"),),
        str(other): (("warning", "Mer"),),
    }
    with lumiere.scope() as scope:
        assert not decisions.is_approved(scope, deliveries.get_post(scope, post.id), scope.now)


def test_options_mention_approval_only_where_required(door: Door, lumiere: Agency) -> None:
    connected(lumiere, "Mastodon", "mastodon", "mastodon.post")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Mastodon")
        page.press("Soumettre pour validation")
        (post,) = posts(lumiere)
        assert "nécessite une nouvelle validation" in page.open("/calendar", post=post.id)
        nobody_is_asked(lumiere)
        text = page.open("/calendar", post=post.id)
    assert "Visibilité" in text
    assert "nécessite une nouvelle validation" not in text


def test_labels_are_chosen_in_the_composer(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with lumiere.scope() as scope:
        labels.create_label(scope, "Printemps", "green")
        labels.create_label(scope, "Autre", "red")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Étiquettes", "Printemps")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    with lumiere.scope() as scope:
        assert [one.name for one in labels.labels_of_posts(scope, [post.id])[post.id]] == [
            "Printemps"
        ]
