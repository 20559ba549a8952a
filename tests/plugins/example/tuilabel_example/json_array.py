"""An export format: one JSON array."""

import json


def write_json(rows, file):
    json.dump(list(rows), file, indent=1)
