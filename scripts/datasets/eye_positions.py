"""Pupils and mouths on the ORL photographs, by MediaPipe's face mesh; run by scripts/find_eyes.

python scripts/datasets/eye_positions.py FOLDER

FOLDER holds the photographs as `data fetch orl` writes them. Writes tf_translate/data/orl_eyes.csv.
"""

import csv
import sys
from pathlib import Path

import mediapipe
import numpy as np
from PIL import Image

OUT = Path(__file__).parents[2] / "tf_translate" / "data" / "fetch" / "orl_eyes.csv"
COLUMNS = ("subject", "image", "left_x", "left_y", "right_x", "right_y", "mouth_x", "mouth_y")
IRISES, LIPS = (468, 473), (13, 14)  # places in the mesh
BORDERS = (40, 20, 60, 0)  # grey around the photograph: faces that fill it are not found
LARGER, GREY = 4, 90


def main(folder: Path) -> None:
    """Looks at all photographs and writes the table."""
    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, refine_landmarks=True, min_detection_confidence=0.2
    )
    rows = []
    for path in folder.glob("s*.png"):
        person, number = path.stem[1:].split("-")
        points = found(mesh, Image.open(path))
        rows.append((int(person), int(number), *points.ravel().round(1)))
    with OUT.open("w", newline="", encoding="utf-8") as written:
        csv.writer(written, lineterminator="\n").writerows([COLUMNS, *sorted(rows)])
    print(f"{len(rows)} photographs: {OUT}")


def found(mesh, photograph: Image.Image) -> np.ndarray:
    """Left pupil, right pupil (in the image) and mouth, `(3, 2)` x and y in pixels."""
    for border in BORDERS:
        paper = Image.new("L", [side + 2 * border for side in photograph.size], GREY)
        paper.paste(photograph, (border, border))
        large = paper.resize([LARGER * side for side in paper.size], Image.Resampling.BICUBIC)
        faces = mesh.process(np.asarray(large.convert("RGB"))).multi_face_landmarks
        if faces:
            marks = faces[0].landmark
            places = np.array([(marks[i].x, marks[i].y) for i in (*IRISES, *LIPS)])
            places = places * paper.size - border
            pupils = places[:2][places[:2, 0].argsort()]
            return np.array([*pupils, places[2:].mean(0)])
    raise SystemExit("no face is found on a photograph: give more borders")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
