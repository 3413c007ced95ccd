"""Finds pupils and mouths on the ORL photographs with MediaPipe; see scripts/make eye_positions.

python scripts/datasets/eye_positions.py FOLDER

FOLDER holds the photographs as `data fetch orl` writes them. Writes
tf_translate/data/fetch/orl_eyes.csv.
"""

import csv
import sys
from pathlib import Path

import mediapipe
import numpy as np
from PIL import Image

OUT = Path(__file__).parents[2] / "tf_translate" / "data" / "fetch" / "orl_eyes.csv"
COLUMNS = ("subject", "image", "left_x", "left_y", "right_x", "right_y", "mouth_x", "mouth_y")
IRISES, LIPS = (468, 473), (13, 14)  # indices in the mesh
BORDERS = (40, 20, 60, 0)  # grey border: faces that fill the photograph are not found
ENLARGEMENT, GREY = 4, 90


def main(folder: Path) -> None:
    """Finds the points on all photographs and writes the table."""
    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, refine_landmarks=True, min_detection_confidence=0.2
    )
    rows = []
    for path in folder.glob("s*.png"):
        person, number = path.stem[1:].split("-")
        points = find_points(mesh, Image.open(path))
        rows.append((int(person), int(number), *points.ravel().round(1)))
    with OUT.open("w", newline="", encoding="utf-8") as written:
        csv.writer(written, lineterminator="\n").writerows([COLUMNS, *sorted(rows)])
    print(f"{len(rows)} photographs: {OUT}")


def find_points(mesh, photograph: Image.Image) -> np.ndarray:
    """Finds left pupil, right pupil (in the image) and mouth: `(3, 2)`, x and y in pixels."""
    for border in BORDERS:
        paper = Image.new("L", [side + 2 * border for side in photograph.size], GREY)
        paper.paste(photograph, (border, border))
        large = paper.resize([ENLARGEMENT * side for side in paper.size], Image.Resampling.BICUBIC)
        faces = mesh.process(np.asarray(large.convert("RGB"))).multi_face_landmarks
        if faces:
            marks = faces[0].landmark
            points = np.array([(marks[i].x, marks[i].y) for i in (*IRISES, *LIPS)])
            points = points * paper.size - border
            pupils = points[:2][points[:2, 0].argsort()]
            return np.array([*pupils, points[2:].mean(0)])
    raise SystemExit("no face was found on a photograph: add more BORDERS")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
