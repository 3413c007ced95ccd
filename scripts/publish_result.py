"""Puts an evaluated run into assets/results: figures, how they were made, and a grid.

python scripts/publish_result.py RUN NAME "COMMAND ..."
"""

import json
import sys
from pathlib import Path

from tf_translate.images import read, write

ROOT = Path(__file__).parents[1]


def publish(run: Path, name: str, command: str) -> None:
    """Writes assets/results/NAME.json and NAME_DIRECTION.png."""
    (figures,) = sorted((run / "evaluation").glob("*.json"))
    sessions = [json.loads(line) for line in (run / "sessions.jsonl").read_text().splitlines()]
    result = {
        "command": command,
        "config": json.loads((run / "config.json").read_text()),
        "sessions": sessions,
        "training_minutes": round(sum(session["seconds"] for session in sessions) / 60, 1),
        "evaluation": json.loads(figures.read_text()),
    }
    folder = ROOT / "assets" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    for direction in result["evaluation"]["directions"]:
        write(folder / f"{name}_{direction}.png", read(run / "evaluation" / f"{direction}.png"))


if __name__ == "__main__":
    publish(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
