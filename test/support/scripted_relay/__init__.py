"""A relay that plays a dialogue, misbehaves where it says so, and keeps a journal of all that the client did: server.py."""
