"""The only way out: HTTP and SMTP requests, each checked against the permit it carries."""
