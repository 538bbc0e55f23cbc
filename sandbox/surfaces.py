"""The places a post can stand on the sandbox, each with limits after a kind of network, and the words of its pages."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SurfaceRules:
    """Limits of one place; `like` is the network it is shaped after, always shown with *sandbox* beside it."""

    modelled_on: str
    max_text: int
    max_media: int
    least_media: int = 0
    allows_adult: bool = True


SURFACES: Mapping[str, SurfaceRules] = {
    "post": SurfaceRules("", 4096, 10),
    "chat": SurfaceRules("", 4096, 10),
    "as_x": SurfaceRules("X", 280, 4),
    "as_instagram": SurfaceRules("Instagram", 2200, 10, least_media=1, allows_adult=False),
    "as_telegram": SurfaceRules("Telegram", 4096, 10),
    "as_fanvue": SurfaceRules("Fanvue", 5000, 10),
}

PAGE_TEXTS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "tagline": "Réseau de test : rien n’en sort, l’argent est fictif.",
        "accounts": "Comptes",
        "no_accounts": "Aucun compte pour l’instant. Greenroom en crée quand vous connectez un compte sandbox.",
        "timeline": "Publications",
        "chat": "Messages",
        "posts_count": "publications",
        "no_posts": "Rien n’a encore été publié ici.",
        "all_accounts": "Tous les comptes",
        "stand_in": "Doublure — contenu adulte de test",
        "made_with_ai": "Créé avec une IA",
        "adult": "Adulte",
        "views": "vues",
        "you_are": "Vous êtes",
        "your_name": "Votre prénom de test",
        "enter": "Entrer",
        "your_message": "Votre message",
        "send": "Envoyer",
        "prove_age": "Prouver mon âge (test)",
        "age_proved": "Majorité prouvée (test)",
        "age_refused": "Moins de 18 ans (test)",
        "pay": "Payer",
        "test_money": "argent fictif",
        "state_open": "Paiement en cours…",
        "state_paid": "Payé",
        "state_refunded": "Remboursé",
        "state_refused": "Paiement refusé",
        "state_expired": "Paiement refusé : pas de réponse en 10 s",
        "empty_chat": "Écrivez le premier message.",
        "automatic": "Message automatique",
        "file": "Fichier",
        "not_found": "Cette page n’existe pas.",
        "chats": "Discussions",
        "suspended": "Suspendu",
        "replies_to": "Suite de cette publication",
        "your_comment": "Votre commentaire",
        "comment": "Commenter",
    },
    "en": {
        "tagline": "A test network: nothing leaves it, the money is not real.",
        "accounts": "Accounts",
        "no_accounts": "No account yet. Greenroom makes them when you connect a sandbox account.",
        "timeline": "Posts",
        "chat": "Messages",
        "posts_count": "posts",
        "no_posts": "Nothing has been posted here yet.",
        "all_accounts": "All accounts",
        "stand_in": "Stand-in — adult test content",
        "made_with_ai": "Made with AI",
        "adult": "Adult",
        "views": "views",
        "you_are": "You are",
        "your_name": "Your test name",
        "enter": "Enter",
        "your_message": "Your message",
        "send": "Send",
        "prove_age": "Prove my age (test)",
        "age_proved": "18+ proved (test)",
        "age_refused": "Under 18 (test)",
        "pay": "Pay",
        "test_money": "test money",
        "state_open": "Paying…",
        "state_paid": "Paid",
        "state_refunded": "Refunded",
        "state_refused": "Payment refused",
        "state_expired": "Payment refused: no answer within 10 s",
        "empty_chat": "Write the first message.",
        "automatic": "Automatic message",
        "file": "File",
        "not_found": "This page does not exist.",
        "chats": "Chats",
        "suspended": "Suspended",
        "replies_to": "Goes on from this post",
        "your_comment": "Your comment",
        "comment": "Comment",
    },
}


def page_texts(accepted: str) -> tuple[str, Mapping[str, str]]:
    """Language and words after an Accept-Language header: English where it is asked for first, else French."""
    language = "en" if accepted.strip().lower().startswith("en") else "fr"
    return language, PAGE_TEXTS[language]
