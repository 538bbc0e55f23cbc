"""Parts of posts that several pages share. It has no page of its own."""
