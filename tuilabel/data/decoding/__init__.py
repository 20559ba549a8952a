"""Decoding of image files, hostile or not, in processes that may die."""

from tuilabel.data.decoding.service import DecodeService
from tuilabel.data.decoding.values import WHOLE, Decoded, Refused, Region

__all__ = ["WHOLE", "DecodeService", "Decoded", "Refused", "Region"]
