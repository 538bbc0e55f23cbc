"""The composer: content, media, accounts, previews and timing of a new post, and changes of a
scheduled post. Drafts are stored by `schedules.drafts`; the page of a stored post is `post_detail`.
"""
