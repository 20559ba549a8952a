"""Labelling without a screen: plain lines of text, one prompt for each image.

For screen readers, serial lines and terminals that can only print. The output is text and line
ends: no colours, no cursor movement, no other control character.
"""
