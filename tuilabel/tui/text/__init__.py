"""Pieces of text, names, glyphs, shades and themes that views and widgets use."""
