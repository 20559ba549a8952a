"""A format for import and export: one JSON array."""

import json


def read_json(lines):
    return json.loads("".join(lines))


def write_json(rows, file):
    json.dump(list(rows), file, indent=1)
