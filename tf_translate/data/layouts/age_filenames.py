"""Reads ages from the file names of UTKFace and IMDB-Wiki."""

import re
from pathlib import Path, PurePosixPath

from tf_translate.data.layouts.attribute_table import AttributeTable
from tf_translate.data.layouts.folders import split_folders
from tf_translate.errors import DataError
from tf_translate.image_files import LeftOut, find_images

# UTKFace: age_gender_race_date.jpg.chip.jpg; gender 0 male, 1 female; race 0 to 4.
_UTKFACE = re.compile(r"(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_\d+")
# IMDB-Wiki: PERSON[_rm...]_BIRTH-MONTH-DAY_YEAR.jpg, where day or month of birth may be 00.
_BIRTHDAY = re.compile(r"(?P<person>.+)_(?P<born>\d{4})-\d{1,2}-\d{1,2}_(?P<photographed>\d{4})$")
OLDEST = 116


def read_ages(folder: Path) -> AttributeTable:
    """Reads a folder of images, of any depth, whose file names hold ages.

    If there is a folder train, folders are splits, as in `split_folders`.

    Returns:
        A table with the columns image and age, in years, and person (IMDB-Wiki), or gender
        and race (UTKFace, as its codes). Images without an age in their name are skipped.

    Raises:
        DataError: If no name holds an age, or names of both forms are mixed.
    """
    found = find_images(folder)
    parsed = [(name, _parse_name(PurePosixPath(name))) for name in found.names]
    rows = [
        (PurePosixPath(name).name, {"image": name, **attributes})
        for name, attributes in parsed
        if attributes
    ]
    if not rows:
        raise DataError(
            f"no image in {folder} has an age in its file name, such as 25_0_1_2017.jpg (UTKFace) "
            "or nm0000001_1899-5-10_1968.jpg (IMDB-Wiki)"
        )
    columns = tuple(rows[0][1])
    other_form = [name for name, row in rows if tuple(row) != columns]
    if other_form:
        raise DataError(
            f"{folder} mixes names of UTKFace and IMDB-Wiki: {other_form[0]}; "
            "use one folder for each"
        )
    ageless = [name for name, attributes in parsed if not attributes]
    splits, notes = split_folders(folder, [row["image"] for _, row in rows])
    if splits:
        columns = (*columns, "split")
        rows = [
            (name, row | {"split": split}) for (name, row), split in zip(rows, splits, strict=True)
        ]
    return AttributeTable(
        folder,
        columns,
        rows,
        folder,
        skipped=tuple(f"{folder / name}: its file name holds no age" for name in ageless),
        left_out=found.left_out + LeftOut.of("without an age in the name", ageless),
        notes=(*found.notes(), *notes),
    )


def _parse_name(path: PurePosixPath) -> dict[str, str]:
    """Reads attributes from a name; empty if it holds no age, or an impossible one."""
    if face := _UTKFACE.match(path.name):
        attributes = {name: str(int(face[name])) for name in ("age", "gender", "race")}
    elif person := _BIRTHDAY.match(path.stem):
        age = int(person["photographed"]) - int(person["born"])
        attributes = {"age": str(age), "person": person["person"].partition("_")[0]}
    else:
        return {}
    return attributes if 0 <= int(attributes["age"]) <= OLDEST else {}
