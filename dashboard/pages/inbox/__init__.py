"""The inbox: conversations, comments and saved replies. Reply generation and message delivery are
in `subscribers`; this package renders and records members' actions."""
