"""A thin face on the session: what is drawn, and which key means what."""
