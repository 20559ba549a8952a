"""Words, glyphs, shades and themes that every view and widget uses."""
