"""Texts of the demo's history in French and English: fans' names, messages, replies and
captions."""

from collections.abc import Mapping, Sequence

from subscribers.conversations.states import Sentiment

FIRST_NAMES = (
    "Adam", "Agathe", "Alba", "Alice", "Anaïs", "Antoine", "Arthur", "Axel", "Basile", "Bianca",
    "Bruno", "Camille", "Chloé", "Clara", "Clément", "Diane", "Elena", "Eliott", "Emma", "Enzo",
    "Esteban", "Eva", "Fanny", "Félix", "Gabriel", "Hanna", "Hugo", "Inès", "Iris", "Jade",
    "Jeanne", "Jonas", "Julie", "Karim", "Lana", "Laura", "Leïla", "Liam", "Lina", "Louis", "Lucie",
    "Maël", "Malik", "Manon", "Marco", "Marius", "Maya", "Mila", "Nadia", "Nina", "Noah", "Nora",
    "Olivia", "Oscar", "Paul", "Rachel", "Robin", "Romane", "Salomé", "Samir", "Sarah", "Simon",
    "Sofia", "Théo", "Tom", "Victor", "Yanis", "Zoé",
)  # fmt: skip
TESTED_ENDING = "Dites-moi en commentaire laquelle vous préférez ?"
"""Sentence that version B of the A/B test adds."""

PLAN = ("Coulisses", "Les coulisses de chaque série, un mois à la fois.")
"""Title and description of the plan."""

MANUAL_POST_REASON = "Démonstration : publication manuelle, préparée mais jamais mise en ligne."
"""Reason for allowing a drawn picture in a manual post."""

INITIALS = "ABCDEFGHLMNPRSTV"

Exchange = tuple[str, str]
"""A fan's message and its reply."""

OPENING_EXCHANGES: Mapping[str, Sequence[Exchange]] = {
    "fr": (
        ("Bonjour ! Je découvre ta page.", "Bienvenue ! Qu’est-ce qui t’a plu ?"),
        (
            "Salut, c’est toi qui réponds ?",
            "Je suis une IA, je réponds pour l’équipe. De quoi veux-tu parler ?",
        ),
        ("Coucou, superbe série hier.", "Merci ! Tu préfères la ville ou la mer ?"),
        (
            "Bonsoir, les couleurs sont magnifiques.",
            "Merci beaucoup. Il y en a d’autres, si tu veux voir.",
        ),
    ),
    "en": (
        ("Hi! I just found your page.", "Welcome! What caught your eye?"),
        (
            "Hello, are you answering yourself?",
            "I am an AI, I answer for the team. What would you like to talk about?",
        ),
        ("Hey, lovely set yesterday.", "Thank you! Do you prefer the city or the sea?"),
        (
            "Good evening, those colours are beautiful.",
            "Thank you so much. There are more, if you want to see.",
        ),
    ),
}
FOLLOWING_EXCHANGES: Mapping[str, Sequence[Exchange]] = {
    "fr": (
        ("C’était où, la dernière ?", "Un bord de mer, très tôt, sans personne."),
        ("Tu publies quand d’habitude ?", "Le matin, l’après-midi et le soir."),
        ("La pluie te va bien.", "Les reflets font la moitié du travail."),
        ("J’adore la lumière sur la troisième.", "C’est la dernière minute du soleil."),
        ("Bonne journée à toi !", "À toi aussi, à bientôt."),
    ),
    "en": (
        ("Where was the last one?", "By the sea, very early, nobody around."),
        ("When do you usually post?", "Morning, afternoon and evening."),
        ("Rain suits you.", "Reflections do half of the work."),
        ("I love the light in the third one.", "That was the last minute of sun."),
        ("Have a nice day!", "You too, see you soon."),
    ),
}
INSULTS = frozenset(("Quelle idiote, tais-toi.", "What an idiot, shut up."))
"""Comments with a high estimate of toxicity."""

COMMENTS: Mapping[str, Mapping[Sentiment, Sequence[str]]] = {
    "fr": {
        Sentiment.POSITIVE: (
            "Magnifique, comme toujours !",
            "Quelle lumière, bravo !",
            "Ma préférée de la semaine 😍",
            "Superbe série, merci.",
            "J’adore ces couleurs.",
        ),
        Sentiment.NEUTRAL: (
            "C’était où ?",
            "La suite sort quand ?",
            "Avec quel appareil ?",
            "Il y a combien d’images ?",
        ),
        Sentiment.NEGATIVE: (
            "Encore la même chose que le mois dernier.",
            "Très déçu de ce pack.",
            "Toujours aucune réponse, c’est lamentable.",
            "Trop cher pour ce que c’est.",
            "Quelle idiote, tais-toi.",
        ),
        Sentiment.UNCLEAR: ("Ah oui, quand même.", "Je ne sais pas trop."),
        Sentiment.UNKNOWN: ("Qué fotos tan bonitas.",),
    },
    "en": {
        Sentiment.POSITIVE: (
            "Stunning, as always!",
            "What a light, well done!",
            "My favourite of the week 😍",
            "Gorgeous set, thank you.",
            "I love these colours.",
        ),
        Sentiment.NEUTRAL: (
            "Where was this?",
            "When is the next part out?",
            "Which camera did you use?",
            "How many pictures are there?",
        ),
        Sentiment.NEGATIVE: (
            "Same old stuff as last month.",
            "Very disappointed with this pack.",
            "Still no answer, this is pathetic.",
            "Far too expensive for what it is.",
            "What an idiot, shut up.",
        ),
        Sentiment.UNCLEAR: ("Well, that is something.", "Not sure about this one."),
        Sentiment.UNKNOWN: ("Was für ein schönes Bild.",),
    },
}
SENTIMENTS_OF_CHATS: Mapping[str, Mapping[Sentiment, Sequence[str]]] = {
    "fr": {
        Sentiment.POSITIVE: (
            "Coucou, superbe série hier.",
            "Bonsoir, les couleurs sont magnifiques.",
            "La pluie te va bien.",
            "J’adore la lumière sur la troisième.",
            "Bonne journée à toi !",
        ),
        Sentiment.NEUTRAL: (
            "Bonjour ! Je découvre ta page.",
            "Salut, c’est toi qui réponds ?",
            "C’était où, la dernière ?",
            "Tu publies quand d’habitude ?",
        ),
    },
    "en": {
        Sentiment.POSITIVE: (
            "Hey, lovely set yesterday.",
            "Good evening, those colours are beautiful.",
            "Rain suits you.",
            "I love the light in the third one.",
            "Have a nice day!",
        ),
        Sentiment.NEUTRAL: (
            "Hi! I just found your page.",
            "Hello, are you answering yourself?",
            "Where was the last one?",
            "When do you usually post?",
        ),
    },
}
"""Sentiments of the messages of `OPENING_EXCHANGES` and `FOLLOWING_EXCHANGES`."""

Caption = tuple[str, str]
"""The title and the first sentence of a caption."""

CAPTIONS: Mapping[str, Caption] = {
    "demo:mia:plage-matin": (
        "La mer avant tout le monde",
        "La plage était à nous, et la brume aussi.",
    ),
    "demo:mia:toits-paris": ("Un toit, une lumière", "Paris vu d’en haut, à l’heure où il rougit."),
    "demo:mia:rue-pluie": ("Reflets", "La pluie avait vidé la rue, il restait les couleurs."),
    "demo:mia:lac-alpes": ("Midi pile", "Le lac ne bougeait pas, nous non plus."),
    "demo:mia:foret-automne": ("Le sentier", "Le brouillard a gardé le chemin pour nous."),
    "demo:mia:cafe-terrasse": ("Premier café dehors", "La terrasse avait attendu tout l’hiver."),
    "demo:mia:lavande": ("Le champ", "On entendait encore les abeilles."),
    "demo:mia:dunes": ("Avant la chaleur", "Le sable était froid, le ciel pas encore."),
    "demo:nova:neons": ("Nuit de néons", "Il a plu juste assez pour que tout brille."),
    "demo:nova:studio": ("Fond rose", "Une couleur, une lumière, rien d’autre."),
    "demo:nova:plage": ("Retour de plage", "Je suis restée jusqu’à ce que la mer devienne orange."),
    "demo:nova:loft": ("Le matin au loft", "La lumière est entrée avant moi."),
    "demo:nova:dunes": ("Les dunes", "Une ligne, une ombre, et le silence."),
    "demo:nova:neige": ("Premier hiver", "Personne n’avait marché là."),
    "demo:aurore:lac": ("Le lac gelé", "Il faut attendre le jour sans bouger."),
}
UNTITLED: Caption = ("Entre deux prises", "Un moment que personne n’avait prévu.")
ENDINGS = (
    "La lumière a tenu dix minutes, pas une de plus.",
    "On est restés jusqu’à ce que le vent tombe.",
    "Rien de prévu, et puis ce ciel.",
    "Celle-ci, je la garde pour l’hiver.",
    "Une image pour finir la journée.",
    "Vous y seriez restés combien de temps ?",
)


def caption_for(key: str, ending: int) -> Caption:
    """Return the title and the text of a post with a picture; `ending` selects the last
    sentence."""
    title, first = CAPTIONS.get(key, UNTITLED)
    return title, f"{first} {ENDINGS[ending % len(ENDINGS)]}"
