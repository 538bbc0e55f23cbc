"""Recognition of generators by what they write: their names, and statements that a file was
generated.

Names of models and services change every month, so that no list is complete. Three rules decide:
names of families of models in the fields for programs; a statement that the file is the work of AI,
in any field; and otherwise a program that is neither a camera nor an editor, which is asked about.
"""

import re

_NAMES = (
    # Programs and services
    r"NovelAI|Invoke ?AI|ComfyUI|Midjourney|Fooocus|(?:Stable)?SwarmUI|Draw Things|DiffusionBee"
    r"|\w* ?Diffusion|AUTOMATIC1111|SD\.Next|(?:re)?Forge WebUI|stable-diffusion-webui|WanGP|Wan2GP"
    r"|Adobe Firefly|Made with Google AI|Leonardo\.? ?AI|Ideogram|Bing Image Creator|Designer Image"
    r"|ChatGPT|OpenAI|DreamStudio|Dreamina|NightCafe|Tensor\.?Art|SeaArt|Civitai|OpenArt|PixAI"
    r"|Black Forest Labs|Stability ?AI|Runway ?ML|Luma ?AI|Pika ?Labs|Kling ?AI|HailuoAI|fal\.ai"
    r"|Replicate|Higgsfield|Freepik AI|Krea ?AI|Recraft|Playground ?AI|Meta AI|Grok|xAI|Copilot"
    # Models
    r"|SDXL|SD ?[123](?:\.\d)?|FLUX|DALL[·.\- ]?E|gpt-?image|GPT-?4o|Sora|Imagen|Gemini|Veo"
    r"|Nano ?Banana|Qwen|Z-?Image|Wan ?2\.\d|Seedream|Seedance|Seededit|Hunyuan\w*|HiDream|Kolors"
    r"|CogView|CogVideo\w*|Kandinsky|PixArt|Lumina|AuraFlow|OmniGen|Janus|Chroma1|LTX|LTXV|Mochi 1"
    r"|AnimateDiff|Kling|Hailuo|MiniMax|Vidu|Pika|Gen-[34]|Reve|Luma|Dream Machine|Ray ?[23]"
    r"|Titan Image|Nova (?:Canvas|Reel)|ERNIE|Pony|Illustrious|NoobAI|Juggernaut|RealVis\w*"
)
_PROGRAMS = re.compile(rf"(?<![A-Za-z0-9])(?:{_NAMES})(?![A-Za-z])", re.IGNORECASE)
"""Names that are only looked for in the fields for programs and models."""

_PERSONAL = re.compile(
    r"(?<![A-Za-z0-9])(?:Sora|Gemini|Veo|Luma|Lumina|Pony|Reve|Pika|Grok|Janus|Kling|Copilot|Chroma1"
    r"|Illustrious|Juggernaut|Replicate|FLUX|Imagen|ERNIE|Vidu|Playground|LTX)(?![A-Za-z])",
    re.IGNORECASE,
)
"""Those of `_NAMES` that are also names of people and studios."""

_GENERATED = re.compile(
    r"(?<![A-Za-z])(?P<no>(?:not|non|never|no|without|pas|sans|nicht|nie)[\s-]+)?"
    r"(?:(?:A\.?I\.?|IA|KI|artificial intelligence|text[- ]to[- ](?:image|video))[\s_-]*"
    r"(?:generated|created|made|rendered|generiert|erstellt|generation|art(?:work)?)"
    r"|(?:generated|created|made|rendered|drawn|produced|powered|g[ée]n[ée]r[ée]e?|cr[ée][ée]e?"
    r"|generado|creado|generato|erstellt|generiert)\s+(?:by|with"
    r"|using|through|par|avec|con|von|mit)"
    r"\s+(?:an?\s+|the\s+|une\s+)?(?:A\.?I\.?|IA|KI|artificial|intelligence artif\w+|generative)"
    r"|txt2img|img2img|txt2vid|img2vid|t2v|i2v|text2image|image2image)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
"""A statement that AI made the file, in the languages of most tools."""

_CAMERAS = (
    r"apple|iphone|ipad|samsung|galaxy|google|pixel|huawei|honor|xiaomi|redmi|poco|oppo|oneplus|vivo"
    r"|realme|motorola|lenovo|nokia|hmd|lg electronics|htc|asus|zte|nothing|fairphone|tecno|infinix"
    r"|canon|nikon|sony|fuji\w*|olympus|om digital|panasonic|lumix|leica|pentax|ricoh|sigma"
    r"|hasselblad|phase ?one|mamiya|kodak|casio|minolta"
    r"|konica|polaroid|gopro|dji|insta360|parrot|autel"
    r"|yi tech|blackmagic|red digital|arri|z cam|epson"
    r"|hewlett|brother|plustek|noritsu|scan\w*|logitech"
)
_EDITORS = (
    r"adobe|photoshop|lightroom|camera raw|premiere|after ?effects|illustrator|indesign|bridge|gimp"
    r"|affinity|capture one|capture nx|dxo|darktable|rawtherapee|on1|topaz|luminar|skylum|nik"
    r"|snapseed|vsco|picasa|photos|instagram|facebook|tiktok|snapchat|whatsapp|telegram|meitu"
    r"|beautyplus|facetune|lightricks|facelab|b612|retrica|camera\w*|picsart|canva|figma|pixelmator"
    r"|acorn|sketch|procreate|krita|inkscape|clip studio|paint\w*|photopea|pixlr|polarr|afterlight"
    r"|acdsee|irfanview|xnview|faststone|imagemagick|graphicsmagick|exiftool|libjpeg|libvips|sharp"
    r"|pillow|opencv|matplotlib|quicktime|imovie|final cut|compressor|davinci|capcut|inshot"
    r"|kinemaster|handbrake|ffmpeg|lavf|vlc|obs|hdr\+|android|ios|ipados|mac ?os|os x|windows"
    r"|microsoft|linux|screenshot|gnome|kde"
    r"|mediatek|qualcomm|silkypix|digital photo professional|viewnx"
    r"|playmemories|aperture|photo mechanic|photomatix|helicon|ptgui|hugin|greenroom"
)
_KNOWN = re.compile(rf"(?<![A-Za-z])(?:{_CAMERAS}|{_EDITORS})(?![A-Za-z])", re.IGNORECASE)
_VERSION = re.compile(
    r"[\W\d_]*|(?i:v(?:er(?:sion)?)?)[.\s]*\d[\w.\-()\s]*|[\dA-Z][\dA-Z._\-/() ]*\d[\dA-Z._\-/() ]*"
)
"""A version, a build or a date without a name, as cameras and phones write them."""


def is_generator(name: str, *, may_be_person: bool = False) -> bool:
    """Return True if a field for programs names a generator or a model.

    With `may_be_person`, names that people also have are ignored: for authors and titles.
    """
    return any(
        not (may_be_person and _PERSONAL.fullmatch(found[0])) for found in _PROGRAMS.finditer(name)
    )


def states_generation(text: str) -> bool:
    """Return True if a text states that AI made the file."""
    return any(found["no"] is None for found in _GENERATED.finditer(text))


def is_known_program(name: str) -> bool:
    """Return True if a field for programs names a camera, a phone or an editor, or no program."""
    return bool(_VERSION.fullmatch(name.strip())) or _KNOWN.search(name) is not None
