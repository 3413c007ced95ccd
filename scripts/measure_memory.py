"""Memory of a training process over its steps; see measure_memory."""

import argparse
import datetime
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from kill_runs_jobs import JOBS, write_job, write_pictures
from machine import machine, versions
from PIL import Image, ImageDraw
from whole_number import whole_number

COMMAND = (sys.executable, "-c", "from tf_translate.cli.main import run; run()")
EVERY = 500  # steps between checkpoints and sample pictures
WARM = 0.1  # share of the steps that is left out of the slope: caches fill, graphs are traced
WIDTH, HEIGHT, EDGE = 720, 300, 40  # of the plot


def main(asked: argparse.Namespace) -> None:
    """Trains, watches and writes."""
    if asked.folder.exists():
        sys.exit(f"--folder must be new, {asked.folder} is there already: choose another")
    asked.folder.mkdir(parents=True)
    write_pictures(asked.folder)
    source = write_job(asked.method, asked.folder, 0)
    settings = {
        "steps": asked.steps, "log_every": 10, "sample_every": EVERY, "checkpoint_every": EVERY,
    }  # fmt: skip
    changed = [f"--set=training.{key}={value}" for key, value in settings.items()]
    run = asked.folder / "run"
    log = (asked.folder / "run.log").open("w")
    process = subprocess.Popen(
        [*COMMAND, "train", source, "--run", run, *changed], stdout=log, stderr=subprocess.STDOUT
    )
    seen = list(watch(process, run / "history.jsonl"))
    if process.returncode:
        sys.exit(f"the run failed, see {log.name}")
    result = {
        "command": shlex.join(["scripts/measure_memory", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(("tensorflow", "keras", "numpy")),
        "memory": {"method": asked.method, "steps": asked.steps, **figures(np.array(seen))},
        "rows": [{"step": step, "kib": kib} for step, kib in seen],
    }
    (asked.folder / "measure_memory.json").write_text(json.dumps(result, indent=1) + "\n")
    plot(np.array(seen)).save(asked.folder / "measure_memory.png")
    print(json.dumps(result["memory"]))


def watch(process: subprocess.Popen, history: Path):
    """Step and resident memory in KiB, about once a second, from the first row on."""
    with_rows = 0
    while process.poll() is None:
        if history.exists():
            lines = history.read_text().splitlines()
            kib = resident(process.pid)
            if len(lines) > with_rows and kib:
                with_rows = len(lines)
                yield int(json.loads(lines[-1])["step"]), kib
        time.sleep(1)


def resident(process: int) -> int | None:
    """KiB of memory that a process holds, or None if it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(found[0]) if found else None


def figures(seen: np.ndarray) -> dict[str, float]:
    """Least squares' slope in KiB a step after warming up, and first, last and greatest MiB."""
    warm = seen[seen[:, 0] >= WARM * seen[-1, 0]]
    slope, _ = np.polyfit(warm[:, 0], warm[:, 1], 1)
    return {
        "slope_kib_per_step": round(float(slope), 4),
        "mib_after_warming_up": round(warm[0, 1] / 1024, 1),
        "mib_at_the_end": round(warm[-1, 1] / 1024, 1),
        "mib_at_most": round(seen[:, 1].max() / 1024, 1),
        "measurements": len(seen),
    }


def plot(seen: np.ndarray) -> Image.Image:
    """Memory over steps, from 0 on."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    steps, mib = seen[:, 0], seen[:, 1] / 1024
    top = mib.max() * 1.1
    x = EDGE + steps / steps.max() * (WIDTH - 2 * EDGE)
    y = HEIGHT - EDGE - mib / top * (HEIGHT - 2 * EDGE)
    draw.line([(EDGE, EDGE), (EDGE, HEIGHT - EDGE), (WIDTH - EDGE, HEIGHT - EDGE)], fill="black")
    draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill="blue", width=2)
    draw.text((EDGE, EDGE - 20), f"MiB of memory, at most {mib.max():.0f}", fill="black")
    draw.text((WIDTH // 2, HEIGHT - EDGE + 10), f"steps, to {int(steps.max())}", fill="black")
    return picture


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=sorted(JOBS), default="cyclegan")
    parser.add_argument("--steps", type=whole_number, default=10_000)
    parser.add_argument("--folder", type=Path, default=Path("runs/memory"))
    main(parser.parse_args())
