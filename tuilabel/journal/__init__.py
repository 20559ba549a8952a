"""A session on disk: a folder of append-only logs, and the only code that writes them."""
