"""Where sessions are stored, and how source, journal and loop are opened together."""
