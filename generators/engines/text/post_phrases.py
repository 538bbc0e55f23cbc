"""The sentences of template captions, in French and English, by tone.

They follow any topic: they state no fact about it, contain no price and no promise, and agree with
no gender. Each list has at least ten sentences, so that ten consecutive captions differ.
"""

import re

DEFAULT_TONE = "warm"

TONE_WORDS: dict[str, tuple[str, ...]] = {
    "playful": (
        "playful",
        "fun",
        "funny",
        "cheeky",
        "humorous",
        "teasing",
        "witty",
        "light",
        "joueur",
        "joueuse",
        "drole",
        "espiegle",
        "taquin",
        "taquine",
        "humour",
        "leger",
        "legere",
    ),
    "elegant": (
        "elegant",
        "chic",
        "refined",
        "poetic",
        "sensual",
        "sophisticated",
        "classy",
        "dreamy",
        "elegante",
        "raffine",
        "raffinee",
        "poetique",
        "sensuel",
        "sensuelle",
        "reveur",
        "reveuse",
    ),
    "direct": (
        "direct",
        "short",
        "factual",
        "sober",
        "professional",
        "cool",
        "bold",
        "edgy",
        "directe",
        "factuel",
        "factuelle",
        "sobre",
        "professionnel",
        "franc",
        "franche",
        "audacieux",
    ),
    "calm": (
        "calm",
        "quiet",
        "soft",
        "gentle",
        "slow",
        "nostalgic",
        "peaceful",
        "intimate",
        "calme",
        "doux",
        "douce",
        "tranquille",
        "nostalgique",
        "paisible",
        "intime",
        "serein",
    ),
    "warm": (
        "warm",
        "friendly",
        "kind",
        "tender",
        "cosy",
        "caring",
        "chaleureux",
        "chaleureuse",
        "amical",
        "amicale",
        "tendre",
        "bienveillant",
        "proche",
    ),
}
"""Words of a tone, without accents. The first that occurs in a description selects the tone."""

AFTER_STATEMENT: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "warm": (
            "I wanted to share it with you.",
            "It made my day.",
            "These are the moments I like best.",
            "A small thing, and a big smile.",
            "More of this, please.",
            "I will remember it.",
            "A word from you, and it is perfect.",
            "A little moment to keep.",
            "It is simple, and that is enough.",
            "Thank you for being here.",
            "I thought of you.",
            "It does me good.",
        ),
        "playful": (
            "No regrets.",
            "Guess who is smiling.",
            "Yes, it was my idea.",
            "Nothing serious here, as planned.",
            "I would do it again.",
            "Spoiler: I loved it.",
            "Do not try to stop me.",
            "Yes, again.",
            "Ten out of ten.",
            "My mood in one line.",
            "That is how it goes here.",
            "Call it talent.",
        ),
        "elegant": (
            "Nothing more was needed.",
            "The details do the rest.",
            "Less is more.",
            "Softly, as I like it.",
            "All in nuance.",
            "Every detail counts.",
            "A certain idea of simplicity.",
            "Understated, on purpose.",
            "The rest needs no words.",
            "Time well spent.",
            "A moment kept as it was.",
            "Light, calm, and nothing in excess.",
        ),
        "direct": (
            "Here it is.",
            "No filter, no detour.",
            "It is as simple as that.",
            "Straight to the point.",
            "Now you know everything.",
            "Just as it is.",
            "Nothing to hide.",
            "Short and clear.",
            "It deserved a post.",
            "There, I said it.",
            "And that is all.",
            "Judge for yourself.",
        ),
        "calm": (
            "I took my time.",
            "Breathe in, breathe out.",
            "There is no hurry.",
            "Silence does the rest.",
            "Slowly does it.",
            "A pause, at last.",
            "Time passes differently.",
            "Just this, and some quiet.",
            "Nothing else on the list.",
            "A moment of my own.",
            "The rest can wait.",
            "Softly, and without a plan.",
        ),
    },
    "fr": {
        "warm": (
            "J'avais envie de le partager avec vous.",
            "Ça a embelli ma journée.",
            "Ce sont les moments que je préfère.",
            "Un petit rien, un grand sourire.",
            "Encore, s'il vous plaît.",
            "Je m'en souviendrai.",
            "Un mot de vous, et c'est parfait.",
            "Un petit moment à garder.",
            "C'est simple, et ça suffit.",
            "Merci d'être là.",
            "J'ai pensé à vous.",
            "Ça fait du bien.",
        ),
        "playful": (
            "Aucun regret.",
            "Devinez qui sourit.",
            "Oui, c'était mon idée.",
            "Rien de sérieux, comme prévu.",
            "Je recommence quand vous voulez.",
            "Spoiler : j'ai adoré.",
            "N'essayez pas de m'arrêter.",
            "Oui, encore.",
            "Dix sur dix.",
            "Mon humeur en une ligne.",
            "Ici, c'est comme ça.",
            "Appelons ça du talent.",
        ),
        "elegant": (
            "Il n'en fallait pas plus.",
            "Les détails font le reste.",
            "Moins, c'est mieux.",
            "En douceur, comme j'aime.",
            "Tout en nuances.",
            "Chaque détail compte.",
            "Une certaine idée de la simplicité.",
            "De la sobriété, et c'est voulu.",
            "Le reste se passe de mots.",
            "Du temps bien employé.",
            "Un instant gardé tel quel.",
            "De la lumière, du calme, rien de trop.",
        ),
        "direct": (
            "Voilà.",
            "Sans filtre, sans détour.",
            "C'est aussi simple que ça.",
            "Droit au but.",
            "Vous savez tout.",
            "Rien de plus, rien de moins.",
            "Rien à cacher.",
            "En bref, et en clair.",
            "Ça méritait un post.",
            "C'est dit.",
            "Et c'est tout.",
            "À vous de juger.",
        ),
        "calm": (
            "J'ai pris mon temps.",
            "On respire.",
            "Rien ne presse.",
            "Le silence fait le reste.",
            "Tout doucement.",
            "Une pause, enfin.",
            "Le temps passe autrement.",
            "Juste ça, et un peu de calme.",
            "Rien d'autre au programme.",
            "Un moment à moi.",
            "Le reste peut attendre.",
            "En douceur, et sans plan.",
        ),
    },
}
"""Sentences after a topic that is a statement or a noun phrase."""

AFTER_QUESTION: dict[str, tuple[str, ...]] = {
    "en": (
        "I cannot decide.",
        "Tell me everything.",
        "I am curious about your ideas.",
        "Your turn.",
        "I am counting on you.",
        "Your opinion helps.",
        "Help me choose.",
        "Every idea is welcome.",
        "I am all ears.",
        "Surprise me.",
        "The question is open.",
        "Answer without thinking.",
    ),
    "fr": (
        "J'hésite.",
        "Dites-moi tout.",
        "Vos idées m'intéressent.",
        "À vous de jouer.",
        "Je compte sur vous.",
        "Votre avis m'aide.",
        "Aidez-moi à choisir.",
        "Toutes les idées sont bonnes.",
        "Je vous écoute.",
        "Surprenez-moi.",
        "La question est ouverte.",
        "Répondez sans réfléchir.",
    ),
}
"""Sentences after a topic that is a question."""

CLOSINGS: dict[str, tuple[str, ...]] = {
    "en": (
        "And you?",
        "What do you think?",
        "Sound familiar?",
        "Tell me in a word.",
        "Do you like it?",
        "What about you?",
        "Anyone else?",
    ),
    "fr": (
        "Et vous ?",
        "Qu'en pensez-vous ?",
        "Ça vous parle ?",
        "Dites-le-moi en un mot.",
        "Vous aimez ?",
        "Et de votre côté ?",
        "Quelqu'un d'autre ?",
    ),
}
"""Last sentences of a text that is not short."""

PICTURE_LEADS = {"en": "In the picture: {picture}", "fr": "Sur l'image : {picture}"}
LINK_IN_PROFILE = {"en": "The link is in my profile.", "fr": "Le lien est dans mon profil."}
"""Said on networks whose captions have no clickable links, if the topic contains a link."""

DETERMINERS: dict[str, frozenset[str]] = {
    "en": frozenset(re.findall(r"\w+", "a an the my our this these some two three four five")),
    "fr": frozenset(
        re.findall(
            r"\w+'?",
            "un une des le la les l' mon ma mes notre nos ce cet cette ces deux trois quatre cinq",
        )
    ),
}
"""Words after which the first letter of a text can be lower case, because it is no name."""

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about after along asleep again all almost already also always am an and another
        any are around as at away back be because been before behind being best better
        between big both but by came can cannot come could day days did do does doing done
        down each early even ever every few finally first for from full get getting give
        go going gone good got great had half has have having he her here hers him his how
        i if in into is it its just keep kind know last late less let like little long
        look looking made make makes making many maybe me mine more morning most much must
        my near never new next nice no none not nothing now of off often old on once one
        only or other our out over own part past put really right said same see seen set
        she should since small so some something soon still such take taken than thank
        thanks through throughout that the their them then there these they thing things
        think this those three time today together tomorrow tonight too took try two under
        until up us very want was way we week weeks well went were what when where which
        while who whole why will with without would year years yes yesterday yet you your
        yours pm km min abord ai merci premier premiere premiers essayer essaie court
        cours lever vue midi endormi ainsi ait alors apres assez au aucun aucune aujourd
        aussi autour autre autres aux avant avec avez avoir avons beaucoup belle bien bon
        bonne bord car ce ceci cela celle celui ces cet cette chaque chez combien comme
        comment contre dans de deja demain depuis dernier derniere derriere des deux
        devant dire dit dois donc dont du elle elles en encore enfin ensuite entre est et
        etait etais ete etre eu fait faire fais fois font grand grande gros hier hui ici
        il ils jamais je jour jours jusque la le les leur leurs loin lui ma mais matin
        meme mes mieux moi moins mois mon ne ni non nos notre nous nouveau nouvelle
        nouvelles ont ou par parce pas pendant petit petite petits peu peut plus plusieurs
        pour pourquoi pres presque puis quand que quel quelle quelles quelque quelques
        quels qui quoi rien sa sans se semaine semaines sera ses si sien soir son sont
        sous souvent sur ta tard tant te tel telle tes toi ton toujours tous tout toute
        toutes travers tres trois trop trouve trouver tu un une va vais vers veux vieux
        vieil voici voila voir vos votre vous vrai vraiment y""",
    )
)
"""Words that make no useful hashtag, without accents."""
