"""Comments under posts: intake, moderation by members, answers, and AI suggestions for them.

Comments as rows are in `subscribers.conversations.comment_rows`; platforms are read by
`channels.listening`.
"""
