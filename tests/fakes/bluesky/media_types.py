"""What the fake Bluesky sees in a file that is brought to it."""


def detect_media_type(body: bytes) -> str:
    """The type that a server sees in a file, which weighs more than what its sender says; "" where
    it sees none."""
    if body[4:8] == b"ftyp":
        return "video/mp4"
    starts = {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    found = next((mime for start, mime in starts.items() if body.startswith(start)), "")
    return found or ("image/webp" if body[:4] == b"RIFF" and body[8:12] == b"WEBP" else "")
