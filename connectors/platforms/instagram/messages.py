"""Messages of an Instagram account (`connectors/platforms/meta/messages.py`), by the login of
Instagram itself. Pure.

Source:
https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api
"""

from connectors.platforms.meta.messages import MessagingNetwork

CHAT_SURFACE = "instagram.message"
MESSAGE_PERMISSION = "instagram_business_manage_messages"
"""Only asked for where the agency wants to read and answer messages."""

MAX_BYTES = 1000

MESSAGING_NETWORK = MessagingNetwork(
    name="instagram",
    me="/me?fields=user_id,username",
    who=("user_id",),
    fields="id,created_time,from,to,message,attachments,shares,story",
    most_bytes=MAX_BYTES,
    extra={},
)
