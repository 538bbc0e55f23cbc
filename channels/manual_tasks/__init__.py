"""Manual tasks: posts that a member publishes or removes by hand, and the phone used for it."""
