"""Links of creators: where they lead, how they are tagged, and the posts on hold for one. Part of
the page Channels."""
