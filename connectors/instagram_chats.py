"""Messages of an Instagram account (`connectors/meta_chats.py`), by the login of Instagram itself. Pure.

Source: https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api
"""

from connectors.meta_chats import Network

SURFACE = "instagram.message"
RIGHT = "instagram_business_manage_messages"
"""Only asked for where the agency wants to read and answer messages."""

MOST_BYTES = 1000

NETWORK = Network(
    name="instagram",
    me="/me?fields=user_id,username",
    who=("user_id",),
    fields="id,created_time,from,to,message,attachments,shares,story",
    most_bytes=MOST_BYTES,
    extra={},
)
