"""Comments under posts: intake, moderation and suggested answers."""
