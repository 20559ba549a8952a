"""What a screen shows, as plain values."""
