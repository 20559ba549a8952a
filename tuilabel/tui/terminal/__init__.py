"""Between Textual and the terminal: driver, writer, probe, pacing, screen diff."""
