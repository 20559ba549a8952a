"""Which key means what, as data: presets, a person's own keys, and what is wrong with them.

Nothing here knows a terminal or a screen.
"""
