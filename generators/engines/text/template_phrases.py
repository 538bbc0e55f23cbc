"""The sentences of the template engine, in French and English. They contain no prices and no
promises."""

PLAIN_CAPTIONS: dict[str, tuple[str, ...]] = {
    "fr": (
        "Celle-ci, je la garde.",
        "Je l'ai prise sans réfléchir, et je l'aime bien.",
        "Rien à ajouter, tout est dedans.",
        "Une de mes préférées de la semaine.",
    ),
    "en": (
        "I am keeping this one.",
        "Took it without thinking, and I like it.",
        "Nothing to add, it is all in there.",
        "One of my favourites this week.",
    ),
}
"""Captions for a picture without a known place."""

PLACE_CAPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "fr": {
        "beach": (
            "Le bruit des vagues, et rien d'autre à faire.",
            "Les pieds dans le sable, la tête ailleurs.",
            "La mer n'a jamais la même couleur deux fois.",
        ),
        "city": (
            "La ville a son propre rythme, je l'ai suivi.",
            "Un coin de rue, une lumière, et tout s'arrête.",
            "Je pourrais marcher des heures au bord de l'eau.",
        ),
        "mountain": (
            "Là-haut, on respire autrement.",
            "Le lac était si calme qu'on aurait dit un miroir.",
            "Le chemin était long, la vue l'était plus encore.",
        ),
        "forest": (
            "La forêt sent le bois et la pluie d'hier.",
            "J'ai suivi la lumière entre les arbres.",
            "On n'entendait que les feuilles.",
        ),
        "studio": (
            "Un fond, une lumière, et le temps de chercher.",
            "Journée de studio : on déplace une lampe, tout change.",
            "J'aime quand le décor reste simple.",
        ),
        "cafe": (
            "Un café, une fenêtre, et le monde qui passe.",
            "La meilleure table, c'est celle près de la vitre.",
            "Petit rituel avant de commencer la journée.",
        ),
        "desert": (
            "Rien à perte de vue, et c'est tout l'intérêt.",
            "Le sable garde la chaleur bien après le soleil.",
            "Le silence, ici, prend toute la place.",
        ),
        "field": (
            "Des rangs jusqu'à l'horizon, et ce parfum.",
            "La campagne n'a besoin d'aucun filtre.",
            "J'ai pris le chemin du milieu.",
        ),
    },
    "en": {
        "beach": (
            "The sound of the waves, and nothing else to do.",
            "Feet in the sand, head somewhere else.",
            "The sea never wears the same colour twice.",
        ),
        "city": (
            "The city keeps its own time, so I followed it.",
            "One corner, one light, and everything stops.",
            "I could walk along the water for hours.",
        ),
        "mountain": (
            "You breathe differently up there.",
            "The lake was so still it looked like glass.",
            "A long way up, and an even longer view.",
        ),
        "forest": (
            "The woods smell of bark and yesterday's rain.",
            "I followed the light between the trees.",
            "Nothing to hear but leaves.",
        ),
        "studio": (
            "One backdrop, one light, and time to look.",
            "Studio day: move one lamp and everything changes.",
            "I like it when the set stays simple.",
        ),
        "cafe": (
            "A coffee, a window, and the world going by.",
            "The best table is the one by the window.",
            "A small ritual before the day begins.",
        ),
        "desert": (
            "Nothing as far as you can see, which is the point.",
            "The sand stays warm long after the sun.",
            "Silence takes up all the room here.",
        ),
        "field": (
            "Rows to the horizon, and that scent.",
            "The countryside needs no filter.",
            "I took the path down the middle.",
        ),
    },
}
HOUR_CAPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "fr": {
        "night": ("Il était tard, et tant mieux.", "La nuit va bien à cet endroit."),
        "sunset": ("Dix minutes de cette lumière, pas une de plus.", "Le soir a fait le reste."),
        "dawn": ("Il fallait se lever tôt ; je ne regrette rien.", "Le matin était à moi."),
        "day": ("Une journée comme je les aime.", "Plein soleil, aucune hâte."),
    },
    "en": {
        "night": ("It was late, and all the better for it.", "Night suits this place."),
        "sunset": ("Ten minutes of this light and not one more.", "The evening did the rest."),
        "dawn": ("It took an early start, and I regret nothing.", "The morning was all mine."),
        "day": ("My kind of day.", "Full sun, no hurry."),
    },
}
CLOSING_QUESTIONS: dict[str, tuple[str, ...]] = {
    "fr": (
        "Et vous, quel est votre endroit ?",
        "Vous seriez resté combien de temps ?",
        "On garde celle-ci ?",
    ),
    "en": ("Where is your place?", "How long would you have stayed?", "Shall we keep this one?"),
}
CHAT_REPLIES: dict[str, dict[str, tuple[str, ...]]] = {
    "fr": {
        "truth": (
            "Oui : je suis {name}, un personnage virtuel, et c'est une intelligence artificielle "
            "qui vous répond.",
            "Je ne vais pas vous mentir : je suis une intelligence artificielle. {name} est un "
            "personnage virtuel.",
        ),
        "truth_human": ("Vous discutez avec un assistant automatique de l'équipe de {name}.",),
        "greeting": (
            "Bonjour ! Contente de vous lire. Comment se passe votre journée ?",
            "Bonjour ! Qu'est-ce qui vous amène aujourd'hui ?",
        ),
        "thanks": (
            "Merci à vous, cela me fait plaisir.",
            "Avec plaisir ! Dites-moi si vous voulez voir autre chose.",
        ),
        "offer": (
            "J'ai justement quelque chose qui peut vous plaire : « {title} ». La carte est juste "
            "en dessous.",
            "Vous pourriez aimer « {title} ». Tout est indiqué sur la carte.",
        ),
        "offer_soft": (
            "Au fait, « {title} » vient d'arriver, si cela vous dit.",
            "Si vous êtes curieux, il y a aussi « {title} ».",
        ),
        "no_offer": (
            "Je n'ai rien de nouveau à montrer pour l'instant, mais cela ne va pas tarder.",
        ),
        "question": (
            "Bonne question ! Je préfère ne pas répondre au hasard. Et vous, qu'en pensez-vous ?",
        ),
        "memory": ("Oui ! {remembered} C'est toujours exact ?", "Bien sûr. {remembered}"),
        "memory_none": (
            "Je n'ai encore rien noté à votre sujet. Dites-moi votre prénom et ce que vous aimez !",
        ),
        "introduction": (
            "Bonjour {fan} ! Qu'est-ce qui vous amène ?",
            "Bienvenue, {fan} ! Comment se passe votre journée ?",
        ),
        "compliment": (
            "Merci, c'est gentil ! Qu'est-ce qui vous a plu ?",
            "Vous savez trouver les mots. Merci !",
        ),
        "small_talk": (
            "Racontez-moi un peu plus.",
            "Je vous écoute. Qu'est-ce que vous aimeriez voir la prochaine fois ?",
        ),
        "asked": ("Je transmets votre message à un membre de l'équipe, qui vous répondra ici.",),
        "upset": ("Je suis désolée. Un membre de l'équipe va reprendre la conversation.",),
        "unsafe": ("Je m'arrête ici : un membre de l'équipe va lire ce message.",),
    },
    "en": {
        "truth": (
            "Yes: I am {name}, a virtual character, and my replies are written by an artificial "
            "intelligence.",
            "I will not lie to you: I am an artificial intelligence. {name} is a virtual "
            "character.",
        ),
        "truth_human": ("You are chatting with an automatic assistant of {name}'s team.",),
        "greeting": (
            "Hello! Good to hear from you. How is your day going?",
            "Hello! What brings you here today?",
        ),
        "thanks": (
            "Thank you, that makes my day.",
            "You are welcome! Let me know if you would like to see something else.",
        ),
        "offer": (
            "I have something you may like: “{title}”. The card is just below.",
            "You might enjoy “{title}”. Everything is on the card.",
        ),
        "offer_soft": (
            "By the way, “{title}” is brand new, if you feel like it.",
            "If you are curious, there is also “{title}”.",
        ),
        "no_offer": ("I have nothing new to show right now, but there will be more soon.",),
        "question": ("Good question! I would rather not guess. What do you think?",),
        "memory": ("Yes! {remembered} Is that still right?", "Of course. {remembered}"),
        "memory_none": (
            "I have not noted anything about you yet. Tell me your name and what you like!",
        ),
        "introduction": (
            "Nice to meet you, {fan}! What brings you here?",
            "Welcome, {fan}! How is your day going?",
        ),
        "compliment": (
            "Thank you, that is kind! What did you like about it?",
            "You do have a way with words. Thank you!",
        ),
        "small_talk": (
            "Tell me a little more.",
            "I am all ears. What would you like to see next time?",
        ),
        "asked": ("I am passing your message on to a member of the team, who will reply here.",),
        "upset": ("I am sorry about this. A member of the team will take over.",),
        "unsafe": ("I will stop here: a member of the team will read this message.",),
    },
}

MEMORY_PHRASES: dict[str, dict[str, str]] = {
    "fr": {
        "name": "Vous vous appelez {values}.",
        "like": "Ce que vous aimez : {values}.",
        "dislike": "Ce que vous n'aimez pas : {values}.",
        "pet": "Votre animal : {values}.",
        "work": "Votre travail : {values}.",
        "birthday": "Votre anniversaire : le {values}.",
        "date": "À retenir : {values}.",
    },
    "en": {
        "name": "Your name is {values}.",
        "like": "You like {values}.",
        "dislike": "You do not like {values}.",
        "pet": "Your pet: {values}.",
        "work": "Your work: {values}.",
        "birthday": "Your birthday is {values}.",
        "date": "To remember: {values}.",
    },
}
"""Sentences about what a fan stated, by kind."""

LAST_ITEM = {"fr": "et", "en": "and"}
"""The word before the last item of an enumeration."""
