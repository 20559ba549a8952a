"""Decoding of image files, hostile or not, in processes that may die."""

from tuilabel.data.decoding.service import DecodeService
from tuilabel.data.decoding.values import Decoded, Refused

__all__ = ["DecodeService", "Decoded", "Refused"]
