"""RSS and Atom feeds whose new entries become drafts."""
