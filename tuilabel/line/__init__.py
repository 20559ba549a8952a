"""Labelling without a screen: plain lines of text, one prompt for each image.

For screen readers, serial lines and terminals that can do nothing but print. What is written is
text and line ends, nothing else: no colours, no cursor movement, no other control character.
"""
