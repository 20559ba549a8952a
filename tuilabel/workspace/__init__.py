"""Where sessions lie, and how source, journal and loop are opened together."""
