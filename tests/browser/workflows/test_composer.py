"""The composer in a real browser: counters while typing, limits, snippets, pasted images, a reload,
a second window, and a submission by keyboard alone."""

from tests.browser.chromium import Chromium, Visitor
from tests.browser.test_dashboard import enter
from tests.browser.test_every_page import axe, picture
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected

COUNT_AT_ONCE = """
(added) => {
  const field = document.querySelector('.st-key-compose-body textarea');
  const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
  set.call(field, field.value + added);
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
  return document.querySelector('.gr-counters').innerText;
}
"""
PASTE = """
() => fetch('/healthz').then(() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  return new Promise((done) => canvas.toBlob(done, 'image/png'));
}).then((blob) => {
  const data = new DataTransfer();
  data.items.add(new File([blob], 'collée.png', { type: 'image/png' }));
  document.body.dispatchEvent(
    new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
  );
})
"""


SUBMIT_IN_VIEW = """
document.querySelector('.st-key-gr_submit button').getBoundingClientRect().bottom
  <= window.innerHeight
"""


def opened(visitor: Visitor, door: Door) -> None:
    visitor.go(f"{door.url}/calendar?new=1")
    visitor.shows("Hashtags et extraits")
    visitor.rest()


def test_draft_is_counted_while_typing_and_shared_by_windows(
    chromium: Chromium, door: Door, lumiere: Agency
) -> None:
    connected(lumiere, "Fil", "sandbox", "sandbox.as_x")
    connected(lumiere)
    with chromium.visitor() as visitor:
        enter(visitor, door, lumiere)
        opened(visitor, door)
        visitor.press("Fil")
        visitor.press("Sandbox")
        visitor.shows("0 / 280")
        visitor.page.get_by_label("Texte", exact=True).click()
        visitor.page.keyboard.type("Bonsoir à toutes et à tous")
        visitor.shows("26 / 280")
        visitor.rest()
        counted = visitor.page.evaluate(COUNT_AT_ONCE, " !" * 140)
        assert "Fil 306 / 280 · 26 de trop" in counted
        assert "Sandbox 306 / 4 096" in counted.replace("\u202f", " ").replace("\xa0", " ")
        visitor.page.get_by_label("Texte", exact=True).click()
        visitor.page.keyboard.press("End")
        visitor.page.keyboard.type("!")
        visitor.shows("Fil : le texte contient 307 caractères, soit 27 de plus")
        visitor.rest()
        picture(visitor, "composer_limit", 1440, 900)
        assert visitor.run(SUBMIT_IN_VIEW)  # however long the previews are
        visitor.press("Soumettre pour validation")
        visitor.shows("soit 27 de plus que la limite de 280. Raccourcissez-le")
        visitor.rest()
        visitor.press("Retirer Fil")
        visitor.hides("À corriger avant de programmer")
        visitor.rest()
        visitor.page.reload()
        visitor.shows("Hashtags et extraits")
        visitor.rest()
        body = visitor.page.get_by_label("Texte", exact=True)
        assert body.input_value().startswith("Bonsoir à toutes et à tous")
        second = Visitor(visitor.page.context.new_page())
        opened(second, door)
        assert second.page.get_by_label("Texte", exact=True).input_value() == body.input_value()
        second.page.get_by_label("Texte", exact=True).fill("Une version plus courte")
        visitor.shows("Mis à jour avec les modifications de votre autre fenêtre.")
        visitor.rest()
        assert body.input_value() == "Une version plus courte"
        second.page.close()
        visitor.page.evaluate(PASTE)
        visitor.shows("collée.png")
        assert [one for one in visitor.complaints if "Content Security" in one] == []


def test_snippet_and_submission_by_keyboard(
    chromium: Chromium, door: Door, lumiere: Agency
) -> None:
    connected(lumiere)
    with chromium.visitor() as visitor:
        enter(visitor, door, lumiere)
        opened(visitor, door)
        visitor.press("Hashtags et extraits")
        visitor.page.get_by_role("tab", name="Nouveau").click()
        visitor.page.get_by_label("Nom", exact=True).fill("Signature")
        visitor.page.get_by_label("Contenu de l’extrait").first.fill("À demain !")
        visitor.press("Enregistrer l’extrait")
        visitor.shows("Extrait enregistré.")
        visitor.page.keyboard.press("Escape")
        visitor.rest()
        visitor.press("Sandbox")
        visitor.rest()
        visitor.page.get_by_label("Texte", exact=True).click()
        visitor.page.keyboard.type("Bonne nuit.")
        visitor.press("Signature")
        visitor.until(
            "() => document.querySelector('.st-key-compose-body textarea').value"
            " === 'Bonne nuit.\\n\\nÀ demain !'"
        )
        visitor.rest()
        for width in (1440, 390):
            visitor.size(width)
            visitor.rest()
            picture(visitor, f"composer_{width}", width, 900)
            assert visitor.overflow <= 0, width
        assert axe(visitor) == []
        visitor.size(1440)
        visitor.page.get_by_label("Texte", exact=True).click()
        visitor.page.keyboard.press("Control+Enter")
        visitor.shows("Sandbox — En attente de validation")
