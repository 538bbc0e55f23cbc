"""The part of the API about creators: list, add, edit, deactivate, reactivate and archive them."""
