"""The content of screens as plain values: no widget, and nothing of textual."""
