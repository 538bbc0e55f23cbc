"""The languages in which texts are suggested."""

WRITABLE_LANGUAGES = ("fr", "en", "de", "es", "it", "pt", "nl", "pl", "ro", "ja")
"""Languages that members may request texts in (ISO 639-1)."""

LANGUAGE_NAMES = {
    "fr": "French",
    "en": "English",
    "de": "German",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "nl": "Dutch",
    "pl": "Polish",
    "ro": "Romanian",
    "ja": "Japanese",
}
"""Names of the languages in prompts. Instructions are always in English."""
