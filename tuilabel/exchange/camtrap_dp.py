"""Camtrap DP 1.0: a data package of deployments, media and observations of camera traps."""

from __future__ import annotations

import csv
import json
import mimetypes
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from tuilabel.errors import ExportError, UsageError
from tuilabel.exchange.choosing import About, Rows
from tuilabel.exchange.csv_format import marked
from tuilabel.exchange.foreign import classes_of, writes
from tuilabel.exchange.pictured import Picture, Pictures
from tuilabel.exchange.rows import LabelRow
from tuilabel.small_files import read_small
from tuilabel.text import counted, inert, shown_path

_LARGEST = 2**24
_SCHEMAS = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/"
_NEEDED = ("contributors", "project")
# Readers take columns by their places: all are there, in the order of the schemas.
_DEPLOYMENT = (
    *("deploymentID", "locationID", "locationName", "latitude", "longitude"),
    *("coordinateUncertainty", "deploymentStart", "deploymentEnd", "setupBy", "cameraID"),
    *("cameraModel", "cameraDelay", "cameraHeight", "cameraDepth", "cameraTilt"),
    *("cameraHeading", "detectionDistance", "timestampIssues", "baitUse", "featureType"),
    *("habitat", "deploymentGroups", "deploymentTags", "deploymentComments"),
)
_MEDIA = (
    *("mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic"),
    *("fileName", "fileMediatype", "exifData", "favorite", "mediaComments"),
)
_OBSERVATION = (
    *("observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd"),
    *("observationLevel", "observationType", "cameraSetupType", "scientificName", "count"),
    *("lifeStage", "sex", "behavior", "individualID", "individualPositionRadius"),
    *("individualPositionAngle", "individualSpeed", "bboxX", "bboxY", "bboxWidth"),
    *("bboxHeight", "classificationMethod", "classifiedBy", "classificationTimestamp"),
    *("classificationProbability", "observationTags", "observationComments"),
)
_REQUIRED = ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd")
_TYPES = {
    "blank": ("blank", "empty", "nothing", "no animal"),
    "human": ("human", "person", "people", "homo sapiens"),
    "vehicle": ("vehicle", "car"),
    "unknown": ("unknown", "unidentifiable", "animal"),
}
"""The types of observations that are no animal of a name, and what classes of them are called."""

# What Camtrap DP takes for a path: relative, without dots at its start or two in a row.
_PATH = re.compile(r"(?![./~])(?!.*\.\.).+", re.DOTALL)

_Record = dict[str, Any]


class Package(NamedTuple):
    """What the person says about a camera trap project.

    Attributes
    ----------
    about : dict
        The content of ``datapackage.json``.
    deployments : dict of str to dict
        The rows of ``deployments.csv`` by their id.
    """

    about: _Record
    deployments: Mapping[str, Mapping[str, str]]

    def deployment_of(self, reference: str) -> Mapping[str, str] | None:
        """Return the deployment of an image: the one that its innermost such folder is named like.

        One alone is that of all images.
        """
        for folder in reversed(reference.split("/")[:-1]):
            if folder in self.deployments:
                return self.deployments[folder]
        only = len(self.deployments) == 1
        return next(iter(self.deployments.values())) if only else None

    @property
    def taxa(self) -> dict[str, _Record]:
        """The entries of ``taxonomic`` by their scientific names."""
        given = self.about.get("taxonomic")
        every = given if isinstance(given, list) else []
        return {
            taxon["scientificName"]: taxon
            for taxon in every
            if isinstance(taxon, dict) and isinstance(taxon.get("scientificName"), str)
        }

    @property
    def scientific(self) -> dict[str, str]:
        """The scientific names by common ones, folded."""
        common = {name: taxon.get("vernacularNames") for name, taxon in self.taxa.items()}
        return {
            str(own).casefold(): name
            for name, names in common.items()
            if isinstance(names, dict)
            for own in names.values()
        }


@writes(
    *("item_id", "reference", "class", "annotator", "time", "origin", "probability", "note"),
    "group",
    answers=False,
    into="folder",
    images=True,
)
def write_camtrap_dp(rows: Iterable[LabelRow], folder: Path) -> Sequence[str]:
    """Write a data package into a folder; return sentences about what was left out.

    What is said about the project and where its cameras stood comes from `About.package`. An
    observation is about an image, or a box in it; its time is that of the camera's clock, in the
    zone of the deployment's start.
    """
    about = rows.about if isinstance(rows, Rows) else About()
    if about.paths == "absolute":
        raise UsageError("Camtrap DP has relative paths only: use --paths relative or name.")
    package = read_package(about.package)
    pictures = Pictures(rows, about.progress)
    left_out: Counter[str] = Counter()
    media: list[_Record] = []
    observations: list[_Record] = []
    names, numbers, newest = package.scientific, Counter[str](), ""
    for picture in pictures:
        deployment = package.deployment_of(picture.path)
        reason = _why_not(picture, deployment)
        if reason:
            left_out[reason] += 1
            continue
        assert deployment is not None
        digest = f"f1:{picture.found.digest.hex()}"
        numbers[digest] += 1
        id_ = digest if numbers[digest] == 1 else f"{digest}-{numbers[digest]}"
        time = _taken(picture, deployment["deploymentStart"])
        deployment_id = deployment["deploymentID"]
        kind = mimetypes.guess_type(picture.reference)[0] or ""
        media.append(
            {
                "mediaID": id_,
                "deploymentID": deployment_id,
                "timestamp": time,
                "filePath": picture.reference,
                "filePublic": "false",
                "fileName": picture.reference.rpartition("/")[2],
                "fileMediatype": kind if kind.startswith("image/") else _media_type(picture),
            }
        )
        start = {"deploymentID": deployment_id, "mediaID": id_, "eventStart": time}
        for found in _observations(picture, names):
            number = f"{id_}-{len(observations) + 1}"
            observations.append({"observationID": number, **start, "eventEnd": time, **found})
        newest = max([newest, *(row["time"] for row, _ in picture.rows)])
    used = {one["deploymentID"] for one in media}
    _write(folder / "media.csv", _MEDIA, media)
    _write(folder / "observations.csv", _OBSERVATION, observations)
    stood = [row for id_, row in package.deployments.items() if id_ in used]
    _write(folder / "deployments.csv", _DEPLOYMENT, stood)
    content = _described(package, stood, observations, newest)
    (folder / "datapackage.json").write_text(json.dumps(content, indent=2) + "\n", encoding="ascii")
    return [*pictures.notes(), *(_left_out(reason, n) for reason, n in left_out.items())]


def read_package(folder: Path | None) -> Package:
    """Return what a folder says about a project, in ``datapackage.json`` and ``deployments.csv``.

    Raises
    ------
    ExportError
        There is no folder, or something is missing that Camtrap DP requires.
    """
    what = "a Camtrap DP datapackage.json (contributors, project) and deployments.csv"
    if folder is None:
        raise ExportError(
            f"--format camtrap-dp needs to know where the cameras stood: name a folder that has "
            f"{what} with --package FOLDER."
        )
    place = folder / "datapackage.json"
    try:
        about = json.loads(read_small(place, _LARGEST))
        place = folder / "deployments.csv"
        text = read_small(place, _LARGEST).decode("utf-8-sig")
        found = list(csv.DictReader(text.splitlines(), strict=True))
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or inert(str(error), 120)
        raise ExportError(f"{shown_path(place)} cannot be read ({reason}): expected {what}.") from (
            error
        )
    if not isinstance(about, dict) or any(not about.get(name) for name in _NEEDED):
        raise ExportError(
            f"{shown_path(folder / 'datapackage.json')} has no {' or no '.join(_NEEDED)}: Camtrap "
            "DP requires both."
        )
    for number, row in enumerate(found, start=1):
        if lacks := _lacking(row):
            raise ExportError(f"Row {number:,} of {shown_path(place)} has {lacks}: correct it.")
    deployments = {row["deploymentID"]: row for row in found}
    if not deployments:
        raise ExportError(f"{shown_path(place)} has no deployment: add a row for each.")
    return Package(about, deployments)


def _lacking(row: Mapping[str, str]) -> str:
    """Return what a deployment does not have as Camtrap DP requires it."""
    if missing := [name for name in _REQUIRED if not row.get(name)]:
        return f"no {', '.join(missing)}"
    for name in ("deploymentStart", "deploymentEnd"):
        if _zone(row[name]) is None:
            return f"a {name} that is not like 2024-03-01T00:00:00Z"
    for name in ("latitude", "longitude"):
        if _number(row[name]) is None:
            return f"a {name} that is not a number"
    return "a cell too many" if None in row else ""


_PLACE, _TIME, _PATH_FORM = "deployment", "time", "path"


def _why_not(picture: Picture, deployment: Mapping[str, str] | None) -> str:
    if deployment is None:
        return _PLACE
    if picture.found.taken is None:
        return _TIME
    return "" if _PATH.fullmatch(picture.reference) else _PATH_FORM


def _left_out(reason: str, count: int) -> str:
    why = {
        _PLACE: "in a folder that is named like no deployment",
        _TIME: "without a time in the metadata",
        _PATH_FORM: "with a path that Camtrap DP does not take",
    }
    were = "was" if count == 1 else "were"
    return f"{counted(count, 'image')} {why[reason]} {were} left out."


def _observations(picture: Picture, names: Mapping[str, str]) -> Iterable[_Record]:
    width, height = picture.size
    for row, box in picture.labels():
        for name in classes_of(row):
            last = name.rpartition("/")[2]
            kind = next((kind for kind, own in _TYPES.items() if last.casefold() in own), "animal")
            species = names.get(last.casefold(), last) if kind == "animal" else ""
            found: _Record = {
                "eventID": row.get("group", ""),
                "observationLevel": "media",
                "observationType": kind,
                "scientificName": species,
                "classificationMethod": "human" if row["probability"] is None else "machine",
                "classifiedBy": row["annotator"],
                "classificationTimestamp": _utc(row["time"]),
                "classificationProbability": row["probability"],
                "observationTags": "" if species == name else f"class:{name}",
                "observationComments": row["note"],
            }
            if box is not None:
                found["count"] = 1 if kind != "blank" else ""
                found["bboxX"], found["bboxY"] = box.left / width, box.top / height
                wide, high = box.size
                found["bboxWidth"], found["bboxHeight"] = wide / width, high / height
            yield found


def _zone(start: str) -> timezone | None:
    """Return the zone of a time; None of one that has none."""
    try:
        offset = datetime.strptime(start, "%Y-%m-%dT%H:%M:%S%z").utcoffset()
    except ValueError:
        return None
    return timezone(offset or timedelta())


def _taken(picture: Picture, start: str) -> str:
    time = datetime.fromtimestamp(picture.found.taken or 0, UTC).replace(tzinfo=_zone(start))
    return _stated(time)


def _utc(text: str) -> str:
    try:
        return _stated(datetime.fromisoformat(text).astimezone(UTC))
    except ValueError:
        return ""


def _stated(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _media_type(picture: Picture) -> str:
    return f"image/{picture.found.format.lower().replace(' ', '')}"


def _write(path: Path, columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(marked, columns))
        for record in records:
            writer.writerow([_cell(record.get(name, "")) for name in columns])


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet runs; a negative number is none that it would."""
    return value if _number(value) is not None else marked(value)


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _described(
    package: Package,
    stood: Sequence[Mapping[str, str]],
    observations: Sequence[_Record],
    newest: str,
) -> _Record:
    """Return the description of a package: what is given, and what the tables say."""
    tables = ("deployments", "media", "observations")
    common = {"profile": "tabular-data-resource", "format": "csv", "mediatype": "text/csv"}
    own = [
        {
            "name": name,
            "path": f"{name}.csv",
            **common,
            "encoding": "utf-8",
            "schema": f"{_SCHEMAS}{name}-table-schema.json",
        }
        for name in tables
    ]
    points = [[float(row["longitude"]), float(row["latitude"])] for row in stood]
    days = [row[name][:10] for row in stood for name in ("deploymentStart", "deploymentEnd")]
    species = dict.fromkeys(one["scientificName"] for one in observations if one["scientificName"])
    known = package.taxa
    return {
        **package.about,
        "resources": own,
        "profile": f"{_SCHEMAS}camtrap-dp-profile.json",
        "created": _utc(newest) or _stated(datetime.now(UTC)),
        "spatial": {"type": "MultiPoint", "coordinates": points},
        "temporal": {"start": min(days, default=""), "end": max(days, default="")},
        "taxonomic": [known.get(name, {"scientificName": name}) for name in species],
    }
