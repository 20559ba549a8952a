"""Print the lowest versions that pyproject.toml allows, as constraints for pip."""

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]

for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
    for requirement in group:
        if found := re.match(r"([\w-]+)>=([\w.]+)", requirement):
            print(f"{found[1]}=={found[2]}")
