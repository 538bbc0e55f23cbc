"""Forms, languages and responses of the public pages."""
