"""Queries and components of posts that several pages share: labels, timing, review comments, dry
runs and uncertain deliveries. It has no page; the page of one post is in `post_detail`."""
