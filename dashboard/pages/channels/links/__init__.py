"""Links of creators on the Channels page: link targets, tagging, and posts on hold because of a
link. Short links are in `channels.links`, the checks of targets in `gate.reviews`."""
