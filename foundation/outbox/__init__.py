"""The outbox: events stored with the rows they are about, leased and handled once."""
