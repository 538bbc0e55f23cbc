"""A story in the composer: portrait preview, no text, and its rules shown."""

from tests.browser.installation import RunningAgency
from tests.browser.test_every_page import axe, picture
from tests.schedules.posts.test_channel_prices import NOWHERE


def test_story_preview_is_portrait_with_its_rules(lea: RunningAgency) -> None:
    desk = lea.desk
    desk.connect_to(
        "insta",
        account=f"insta-{str(desk.tenant_id)[-6:]}",
        token="t",
        platform="instagram",
        surface="instagram.post",
        base_url=NOWHERE,
    )
    desk.photo(1)
    with lea.visitor("/calendar", desk.author) as anne:
        anne.button("Nouvelle publication").wait_for()
        anne.rest()
        anne.page.keyboard.press("n")
        anne.shows("Sélectionnez au moins un compte")
        anne.rest()
        anne.press("insta")
        anne.page.get_by_text("Choisir dans la bibliothèque").click()
        anne.page.get_by_text("picture 1", exact=True).click()
        anne.page.get_by_text("Options de insta").click()
        anne.choose("Publier en story (24 heures, sans légende)", "Oui")
        anne.shows("Le texte n’est pas affiché ici · 1 / 1 images")
        anne.shows("L’image ne remplit pas l’écran")
        anne.rest()
        shot = anne.page.locator(".gr-as-screen .gr-shot").first.bounding_box()
        assert shot is not None
        assert abs(shot["width"] / shot["height"] - 9 / 16) < 0.02
        for width in (1280, 390):
            anne.size(width)
            anne.rest()
            picture(anne, f"story_{width}", width, 900)
            assert anne.overflow <= 0, width
        assert axe(anne) == []
