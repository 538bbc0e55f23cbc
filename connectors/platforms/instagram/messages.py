"""Messages of an Instagram account with Instagram Login. The requests are in
`connectors/platforms/meta/messages.py`.

Source: `instagram-api-with-instagram-login/messaging-api` of
https://developers.facebook.com/docs/instagram-platform/
"""

from connectors.platforms.meta.messages import MessagingNetwork

CHAT_SURFACE = "instagram.message"
MESSAGE_PERMISSION = "instagram_business_manage_messages"
"""The permission for messages, requested only if the agency wants to read and answer them."""

MAX_BYTES = 1000

MESSAGING_NETWORK = MessagingNetwork(
    name="instagram",
    me="/me?fields=user_id,username",
    who=("user_id",),
    fields="id,created_time,from,to,message,attachments,shares,story",
    most_bytes=MAX_BYTES,
    extra={},
)
