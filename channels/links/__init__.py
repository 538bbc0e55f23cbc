"""Short links of posts, and temporary URLs under which platforms fetch media.

The pages that serve them are in `web/links`.
"""
