"""Messages of a Page on Messenger, with the Page's token. The requests are in
`connectors/platforms/meta/messages.py`.

A reply has the type RESPONSE and is possible for 24 hours after the user's message. Tags that
extend this period need another permission and are not used. The disclosure of automated replies,
which some laws and Meta's pages require, is added elsewhere. Source:
https://developers.facebook.com/docs/messenger-platform/reference/send-api,
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages,
https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversations
"""

from connectors.platforms.meta.messages import MessagingNetwork

CHAT_SURFACE = "facebook.message"
MESSAGE_PERMISSION = "pages_messaging"
NEEDED_PERMISSIONS = (MESSAGE_PERMISSION, "pages_manage_metadata")
"""Permissions for messages in addition to those for posts, as Meta's page about conversations lists
them."""

MAX_TEXT = 2000
"""Maximum number of UTF-8 characters, from `text` in the reference of the Send API."""

POLL_SECONDS = 60.0
"""Seconds between two reads of the conversations. A Page may send 200 requests a day for each user
it can message, so one read per minute uses the limit of eight users. Webhooks deliver messages
sooner. Source: `messenger-platform/overview/rate-limiting` of
https://developers.facebook.com/documentation/business-messaging/."""

MESSAGING_NETWORK = MessagingNetwork(
    name="messenger",
    me="/me?fields=id,name",
    who=("id",),
    fields="id,created_time,from,to,message,attachments,shares,sticker",
    most_bytes=0,
    extra={"messaging_type": "RESPONSE"},
)
