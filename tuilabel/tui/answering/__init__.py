"""From keys to a class: chords, names, the paint guard."""
