"""The widgets, one file each. Only the board knows the session."""
