"""Detection of media types in uploads to the fake Bluesky."""


def detect_media_type(body: bytes) -> str:
    """Return the detected type of a file, which takes precedence over the declared one, or ""."""
    if body[4:8] == b"ftyp":
        return "video/mp4"
    starts = {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    found = next((mime for start, mime in starts.items() if body.startswith(start)), "")
    return found or ("image/webp" if body[:4] == b"RIFF" and body[8:12] == b"WEBP" else "")
