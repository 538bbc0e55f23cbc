"""The page Consent & models: profiles, shoot cards, portals and bans."""
