"""Print what checks the code: the extra `dev` of pyproject.toml without tuilabel itself."""

import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]

for requirement in PROJECT["optional-dependencies"]["dev"]:
    if not requirement.startswith(PROJECT["name"]):
        print(requirement)
