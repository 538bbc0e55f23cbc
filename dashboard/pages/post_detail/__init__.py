"""The page of one post: content, timeline and actions for each account. Components shared with
other pages are in `posts`; new posts are written in `compose`."""
