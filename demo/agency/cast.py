"""The cast of the demo: two agencies with their members, creators, accounts, pictures and packs.
Data only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from foundation.ids import derived_uuid
from foundation.money import Money
from gate.contract.units import Rating
from studio.recipes.specs import RecipeSpec
from subscribers.replies.persona import PersonaExample, PersonaVersion
from tenants.agencies.rights import Role

RAIL = "sandbox"
CURRENCY = "XTS"
"""The currency of test money: nothing in the demo has real value."""

DrawingMethod = Literal["scene", "placeholder", "tile"]
"""Ways to draw a picture: a scene, a scene with the mark of a placeholder, or a tile instead of
adult content."""


@dataclass(frozen=True)
class MemberProfile:
    """A member with a login."""

    name: str
    email: str
    role: Role


@dataclass(frozen=True)
class SandboxAccountProfile:
    """An account on the test network. Its name there enables features: `…+key` supports idempotency
    keys."""

    name: str
    account: str
    surface: str
    chat_surface: str = ""


@dataclass(frozen=True)
class PictureProfile:
    """A picture to draw; `key` identifies it. Sizes are in pixels; `days_ago` dates an upload, None
    leaves it undated."""

    key: str
    drawing_method: DrawingMethod
    prompt: str
    alt: str
    seed: int
    rating: Rating = Rating.G
    width: int = 1600
    height: int = 1200
    upload: bool = False
    days_ago: int | None = None


@dataclass(frozen=True)
class PackProfile:
    """A pack for sale: the keys of its pictures and its price in test money."""

    slug: str
    title: str
    description: str
    shots: tuple[str, ...]
    price: Money


FOLLOWERS_PER_FAN = 21


@dataclass(frozen=True)
class SalesProfile:
    """The size of a creator's history: days, fans and the percentage of buyers; and the number of
    scheduled posts."""

    days: int
    fans: int
    buyers_percent: int
    slots: tuple[str, ...] = ("10:00", "15:00", "20:00")
    subscribers_percent: int = 0
    """Percentage of fans who subscribed."""
    tested_slot: str = ""
    """Slot whose posts were an A/B test of two texts."""
    opening: int = 0
    """Number of posts published at the first start."""
    ahead_days: int = 0
    """Number of days ahead with one scheduled post each."""

    @property
    def followers(self) -> int:
        """Number of followers of the first account on the day after the history; one in
        `FOLLOWERS_PER_FAN` of them writes."""
        return self.fans * FOLLOWERS_PER_FAN


@dataclass(frozen=True)
class CreatorProfile:
    """A creator of the demo; the first account has the chat."""

    slug: str
    name: str
    kind: str
    languages: tuple[str, ...]
    ceiling: Rating
    about: str
    accounts: tuple[SandboxAccountProfile, ...]
    persona: PersonaVersion
    pictures: tuple[PictureProfile, ...]
    packs: tuple[PackProfile, ...]
    sales: SalesProfile
    approval_tiers: int = 1
    manual_accounts: tuple[SandboxAccountProfile, ...] = ()
    """Accounts for manual posting: `account` is the site and the name there, `surface` the site."""


@dataclass(frozen=True)
class AgencyProfile:
    """An agency of the demo."""

    key: str
    name: str
    language: str
    zone: str
    members: tuple[MemberProfile, ...]
    creators: tuple[CreatorProfile, ...]

    @property
    def tenant_id(self) -> UUID:
        """The tenant, the same on every machine."""
        return derived_uuid("greenroom", "demo", self.key)


def _demo_money(amount: int) -> Money:
    return Money(amount, CURRENCY)


def _sandbox_account(slug: str) -> SandboxAccountProfile:
    return SandboxAccountProfile("Sandbox", f"{slug}+key", "post", "chat")


def _build_pictures(
    slug: str, how: DrawingMethod, rows: Sequence[tuple[str, str, str]], *, width: int, seed: int
) -> tuple[PictureProfile, ...]:
    return tuple(
        PictureProfile(
            f"demo:{slug}:{name}",
            how,
            prompt,
            alt,
            seed + number,
            width=width,
            height=width * 3 // 4,
        )
        for number, (name, prompt, alt) in enumerate(rows)
    )


def _picture_keys(slug: str, *names: str) -> tuple[str, ...]:
    return tuple(f"demo:{slug}:{name}" for name in names)


HANGING_CHANNEL_NAME = "X (sandbox)"
"""Mia's account that accepts a post and does not respond, in the scene on Home."""

MIA = CreatorProfile(
    slug="mia",
    name="Mia Laurent",
    kind="human",
    languages=("fr", "en"),
    ceiling=Rating.G,
    about="Photographe. Lumières du matin, villes sous la pluie, bords de mer hors saison.",
    accounts=(
        _sandbox_account("mia"),
        SandboxAccountProfile("Instagram (sandbox)", "mia-instagram", "as_instagram"),
        SandboxAccountProfile(HANGING_CHANNEL_NAME, "mia-x", "as_x"),
    ),
    manual_accounts=(
        SandboxAccountProfile("Instagram (manuel)", "instagram/mia.laurent", "instagram"),
    ),
    persona=PersonaVersion(
        name="L’assistante de Mia",
        virtual=False,
        card="Assistante IA de l’équipe de Mia Laurent, photographe. Parle de ses séries et de "
        "ses voyages.",
        voice="Chaleureuse et brève, tutoie, une idée par message, jamais d’emphase.",
        languages=("fr", "en"),
        level="autopilot",
        examples=(
            PersonaExample(
                "Salut ! Où as-tu pris la photo de la plage ?",
                "En Bretagne, un matin de mars. Tu aimes la mer hors saison ?",
            ),
            PersonaExample(
                "Do you sell your photos?",
                "Yes, in small sets. Tell me what you like and I will show you one.",
            ),
        ),
        rules=(
            "Ne promet jamais de rencontre.",
            "Ne parle que de photographie et de ce que l’on peut acheter ici.",
        ),
    ),
    pictures=_build_pictures(
        "mia",
        "scene",
        (
            (
                "plage-matin",
                "beach at dawn, mist, spring",
                "Une plage au lever du jour, sous une brume légère",
            ),
            ("toits-paris", "paris rooftops at sunset", "Les toits de Paris au soleil couchant"),
            (
                "rue-pluie",
                "city street in the rain at night",
                "Une rue sous la pluie, la nuit, les vitrines allumées",
            ),
            (
                "lac-alpes",
                "mountain lake at noon, clear, summer",
                "Un lac de montagne à midi, l’été",
            ),
            (
                "foret-automne",
                "forest trail in the mist, autumn",
                "Un sentier de forêt dans la brume d’automne",
            ),
            (
                "cafe-terrasse",
                "cafe terrace in the morning, spring",
                "Une terrasse de café, un matin de printemps",
            ),
            (
                "lavande",
                "lavender field in provence at sunset",
                "Un champ de lavande au soleil couchant",
            ),
            ("dunes", "desert dunes at dawn, clear", "Des dunes à l’aube, le sable encore froid"),
        ),
        width=1600,
        seed=11,
    ),
    packs=(
        PackProfile(
            "bord-de-mer",
            "Bord de mer",
            "La côte hors saison, trois vues.",
            _picture_keys("mia", "plage-matin", "dunes", "lac-alpes"),
            _demo_money(500),
        ),
        PackProfile(
            "villes",
            "Villes sous la pluie",
            "Paris et ses reflets.",
            _picture_keys("mia", "toits-paris", "rue-pluie", "cafe-terrasse"),
            _demo_money(500),
        ),
        PackProfile(
            "saisons",
            "Quatre saisons",
            "Un sentier, une terrasse, un champ, un lac.",
            _picture_keys("mia", "foret-automne", "cafe-terrasse", "lavande", "lac-alpes"),
            _demo_money(700),
        ),
        PackProfile(
            "provence",
            "Provence",
            "La lavande et le soir.",
            _picture_keys("mia", "lavande", "toits-paris"),
            _demo_money(400),
        ),
        PackProfile(
            "fonds",
            "Fonds d’écran",
            "Trois images à garder sous les yeux.",
            _picture_keys("mia", "dunes", "foret-automne", "plage-matin"),
            _demo_money(300),
        ),
    ),
    sales=SalesProfile(
        days=120, fans=450, buyers_percent=38, subscribers_percent=16, opening=3, ahead_days=21
    ),
    approval_tiers=0,  # she publishes pictures of herself, which need no other approver
)

NOVA = CreatorProfile(
    slug="nova",
    name="Nova",
    kind="virtual",
    languages=("fr", "en"),
    ceiling=Rating.E,
    about="Personnage virtuel. Ses images sont générées par IA et signalées comme telles.",
    accounts=(
        _sandbox_account("nova"),
        SandboxAccountProfile("Instagram (sandbox)", "nova-instagram", "as_instagram"),
        SandboxAccountProfile("X (sandbox)", "nova-x", "as_x"),
        SandboxAccountProfile("Telegram (sandbox)", "nova-telegram", "as_telegram"),
        SandboxAccountProfile("Fanvue (sandbox)", "nova-fanvue", "as_fanvue"),
    ),
    manual_accounts=(SandboxAccountProfile("OnlyFans (manuel)", "onlyfans/nova", "onlyfans"),),
    persona=PersonaVersion(
        name="Nova",
        virtual=True,
        card="Nova est un personnage virtuel : une voyageuse qui collectionne les lieux et les "
        "lumières.",
        voice="Joueuse, curieuse, phrases courtes, une question en retour.",
        languages=("fr", "en"),
        level="autopilot",
        examples=(
            PersonaExample(
                "Tu es réelle ?",
                "Non, je suis une IA, et je le dis volontiers. De quoi as-tu envie de parler ?",
            ),
            PersonaExample(
                "Show me something new",
                "I just finished a set under neon lights. Shall I show you?",
            ),
        ),
        rules=("Dit qu’elle est une IA dès qu’on le demande.", "Ne promet jamais de rencontre."),
    ),
    pictures=(
        *_build_pictures(
            "nova",
            "placeholder",
            (
                ("neons", "city street at night, neon, rain", "Une rue de néons sous la pluie"),
                (
                    "studio",
                    "studio, soft light, pink backdrop",
                    "Un studio, fond rose, lumière douce",
                ),
                ("plage", "beach at sunset, summer", "Une plage au coucher du soleil"),
                ("loft", "loft interior in the morning", "Un loft, le matin"),
                ("dunes", "desert dunes at sunset", "Des dunes au soleil couchant"),
                ("neige", "mountain in winter, snow, clear", "Une montagne sous la neige"),
            ),
            width=1280,
            seed=41,
        ),
        PictureProfile(
            "demo:nova:doublure-e",
            "tile",
            "",
            "Doublure — contenu Explicite de test",
            7,
            rating=Rating.E,
        ),
    ),
    packs=(
        PackProfile(
            "neons",
            "Nuit de néons",
            "Trois images d’une nuit de pluie.",
            _picture_keys("nova", "neons", "studio", "loft"),
            _demo_money(500),
        ),
        PackProfile(
            "ete",
            "Fin d’été",
            "La plage, les dunes.",
            _picture_keys("nova", "plage", "dunes"),
            _demo_money(500),
        ),
        PackProfile(
            "studio",
            "En studio",
            "Fond rose, lumière douce.",
            _picture_keys("nova", "studio", "loft"),
            _demo_money(500),
        ),
        PackProfile(
            "grand-tour",
            "Le grand tour",
            "Six lieux, six lumières.",
            _picture_keys("nova", "neons", "studio", "plage", "loft", "dunes", "neige"),
            _demo_money(900),
        ),
        PackProfile(
            "hiver",
            "Premier hiver",
            "La neige et le matin.",
            _picture_keys("nova", "neige", "loft"),
            _demo_money(400),
        ),
        PackProfile(
            "carte-postale",
            "Carte postale",
            "Une image, pour commencer.",
            _picture_keys("nova", "plage"),
            _demo_money(200),
        ),
    ),
    sales=SalesProfile(
        days=120,
        fans=600,
        buyers_percent=46,
        subscribers_percent=20,
        tested_slot="15:00",
        opening=3,
    ),
)

DEMO_RECIPE = RecipeSpec(
    name="Terrasses et toits",
    prompt="{lieu}, {heure}, {temps}",
    words={
        "lieu": ["une terrasse de café", "les toits de Paris", "une plage", "un champ de lavande"],
        "heure": ["au lever du jour", "au coucher du soleil", "la nuit"],
        "temps": ["ciel clair", "brume légère", "sous la pluie"],
    },
    variants=8,
    width=1280,
    height=960,
)
"""The recipe of Nova's pictures in the scene on Home."""


def _build_library() -> tuple[PictureProfile, ...]:
    """Return Sacha's 40 files: 20 dated scenes, and 20 tiles of which 12 have no date."""
    places = (
        "studio",
        "loft interior",
        "cafe",
        "city rooftop",
        "garden",
        "beach",
        "forest",
        "lake",
    )
    hours = ("in the morning", "at sunset", "at night", "at noon, clear", "in the rain")
    scenes = [
        PictureProfile(
            f"demo:sacha:scene-{n:02d}",
            "scene",
            f"{places[n % len(places)]} {hours[n % len(hours)]}",
            f"Séance {n + 1}",
            70 + n,
            width=400,
            height=304,
            upload=True,
            days_ago=12 + 5 * n,
        )
        for n in range(20)
    ]
    tiles = [
        PictureProfile(
            f"demo:sacha:doublure-{n:02d}",
            "tile",
            "",
            "Doublure — contenu Suggestif de test",
            90 + n,
            rating=Rating.S,
            width=400,
            height=304,
            upload=True,
            days_ago=None if n < 12 else 9 + 7 * n,
        )
        for n in range(20)
    ]
    return (*scenes, *tiles)


SECOND_PERSON_PICTURE = "demo:sacha:scene-03"
"""The file that depicts a person without a name."""
CONSENTING_PARTNER_PICTURE = "demo:sacha:doublure-15"
"""The file whose depicted partner withdrew consent."""

SACHA = CreatorProfile(
    slug="sacha",
    name="Sacha",
    kind="human",
    languages=("fr",),
    ceiling=Rating.E,
    about="Modèle. Ses photos attendent d’être rangées.",
    accounts=(_sandbox_account("sacha"),),
    manual_accounts=(SandboxAccountProfile("OnlyFans (manuel)", "onlyfans/sacha", "onlyfans"),),
    persona=PersonaVersion(
        name="L’équipe de Sacha",
        virtual=False,
        card="Assistante IA de l’équipe de Sacha. Une personne relit chaque réponse.",
        voice="Polie, brève, vouvoie.",
        languages=("fr",),
        rules=("Ne promet jamais de rencontre.",),
    ),
    pictures=_build_library(),
    packs=(
        PackProfile(
            "coulisses",
            "Coulisses",
            "Trois moments entre deux prises.",
            _picture_keys("sacha", "scene-00", "scene-01", "scene-02"),
            _demo_money(300),
        ),
        PackProfile(
            "loft",
            "Au loft",
            "Deux vues du loft.",
            _picture_keys("sacha", "scene-09", "scene-17"),
            _demo_money(300),
        ),
        PackProfile(
            "jardin",
            "Au jardin",
            "Deux vues du jardin.",
            _picture_keys("sacha", "scene-04", "scene-12"),
            _demo_money(400),
        ),
    ),
    sales=SalesProfile(days=120, fans=150, buyers_percent=30),
)

AURORE = CreatorProfile(
    slug="aurore",
    name="Aurore",
    kind="human",
    languages=("fr",),
    ceiling=Rating.G,
    about="Paysages du Nord.",
    accounts=(_sandbox_account("aurore"),),
    persona=PersonaVersion(
        name="L’assistante d’Aurore",
        virtual=False,
        card="Assistante IA d’Aurore, qui photographie le Nord.",
        voice="Calme et brève.",
        languages=("fr",),
    ),
    pictures=(
        PictureProfile(
            "demo:aurore:lac",
            "scene",
            "lake at dawn in winter",
            "Un lac gelé à l’aube",
            5,
            width=800,
            height=600,
        ),
    ),
    packs=(
        PackProfile(
            "nord", "Le Nord", "Un lac gelé.", _picture_keys("aurore", "lac"), _demo_money(300)
        ),
    ),
    sales=SalesProfile(days=30, fans=25, buyers_percent=30, slots=("11:00",)),
)

LUMIERE = AgencyProfile(
    key="lumiere",
    name="Agence Lumière (démonstration)",
    language="fr",
    zone="Europe/Paris",
    members=(
        MemberProfile("Claire Fontaine", "claire@lumiere.example", Role.OWNER),
        MemberProfile("Idris Benali", "idris@lumiere.example", Role.MANAGER),
        MemberProfile("Jules Petit", "jules@lumiere.example", Role.CHATTER),
        MemberProfile("Amel Haddad", "amel@lumiere.example", Role.CHATTER),
        MemberProfile("Noé Garnier", "noe@lumiere.example", Role.CHATTER),
        MemberProfile("Hélène Roux", "helene@lumiere.example", Role.ACCOUNTANT),
        MemberProfile("Camille Weber", "camille@relecture.example", Role.GUEST),
    ),
    creators=(MIA, NOVA, SACHA),
)

BOREAL = AgencyProfile(
    key="boreal",
    name="Studio Boréal (démonstration)",
    language="fr",
    zone="America/Toronto",
    members=(
        MemberProfile("Maud Tremblay", "maud@boreal.example", Role.OWNER),
        MemberProfile("Félix Gagnon", "felix@boreal.example", Role.MANAGER),
    ),
    creators=(AURORE,),
)

DEMO_AGENCIES = (LUMIERE, BOREAL)
