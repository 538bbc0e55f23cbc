"""The Consent & models page: profiles, shoot cards, portals and bans."""
