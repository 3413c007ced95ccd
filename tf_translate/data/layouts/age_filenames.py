"""Ages that are written in the names of images: UTKFace and IMDB-Wiki."""

import re
from pathlib import Path

from tf_translate.data.layouts.attribute_table import Table
from tf_translate.errors import DataError
from tf_translate.images import EXTENSIONS

# UTKFace: age_gender_race_date.jpg.chip.jpg; gender 0 male, 1 female; race 0 to 4.
_UTKFACE = re.compile(r"(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_\d+")
# IMDB-Wiki: PERSON[_rm...]_BIRTH-MONTH-DAY_YEAR.jpg, where a part of the birthday may be 00.
_BIRTHDAY = re.compile(r"(?P<person>.+)_(?P<born>\d{4})-\d{1,2}-\d{1,2}_(?P<taken>\d{4})$")
OLDEST = 116


def read_ages(folder: Path) -> Table:
    """Reads a folder of images, of any depth, whose names say ages.

    Returns:
        A table with the columns image and age, in years, and person (IMDB-Wiki), or gender
        and race (UTKFace, as its numbers). It skips images whose names say no age.

    Raises:
        DataError: If no name says an age, or names of both forms are mixed.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)
    found = [(path, _said(path)) for path in files]
    rows = [
        (path.name, {"image": path.relative_to(folder).as_posix(), **said})
        for path, said in found
        if said
    ]
    if not rows:
        raise DataError(
            f"no image in {folder} has a name that says an age, as 25_0_1_2017.jpg (UTKFace) "
            "or nm0000001_1899-5-10_1968.jpg (IMDB-Wiki)"
        )
    columns = tuple(rows[0][1])
    odd = [name for name, row in rows if tuple(row) != columns]
    if odd:
        raise DataError(f"{folder} mixes names of UTKFace and IMDB-Wiki: {odd[0]}; split it up")
    ageless = tuple(f"{path}: its name says no age" for path, said in found if not said)
    return Table(folder, columns, rows, folder, skipped=ageless)


def _said(path: Path) -> dict[str, str]:
    """What a name says; nothing where it says no age, or an impossible one."""
    if face := _UTKFACE.match(path.name):
        said = {name: str(int(face[name])) for name in ("age", "gender", "race")}
    elif person := _BIRTHDAY.match(path.stem):
        age = int(person["taken"]) - int(person["born"])
        said = {"age": str(age), "person": person["person"].partition("_")[0]}
    else:
        return {}
    return said if 0 <= int(said["age"]) <= OLDEST else {}
