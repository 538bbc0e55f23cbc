"""Messages of a Page (`connectors/platforms/meta/messages.py`): Messenger, with the Page's own
token. Pure.

An answer goes out as RESPONSE, for 24 hours after the person wrote; tags that stretch that are
another right, and are not used. That a machine answers is said by the house, as the law of some
places and their own pages want it. Source:
https://developers.facebook.com/docs/messenger-platform/reference/send-api,
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages,
https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversations
"""

from connectors.platforms.meta.messages import MessagingNetwork

CHAT_SURFACE = "facebook.message"
MESSAGE_PERMISSION = "pages_messaging"
NEEDED_PERMISSIONS = (MESSAGE_PERMISSION, "pages_manage_metadata")
"""What messages take beside the rights of posts: their page of conversations names both."""

MAX_TEXT = 2000
"""Characters of UTF-8; `text` of a message in the reference of the Send API."""

POLL_SECONDS = 60.0
"""Between two looks at the list: a Page may be asked 200 times a day for each person it may
write to, so that one a minute takes eight of them. Where Meta calls, nobody waits for it.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/overview/rate-limiting"""

MESSAGING_NETWORK = MessagingNetwork(
    name="messenger",
    me="/me?fields=id,name",
    who=("id",),
    fields="id,created_time,from,to,message,attachments,shares,sticker",
    most_bytes=0,
    extra={"messaging_type": "RESPONSE"},
)
