"""The tables that pages show of results: one function a kind of result."""

METRICS = {
    "content/retrieval@1": "retrieval@1 ↑",
    "content/label": "label ↑",
    "content/skill": "skill ↑",
    "content/outside": "outside ↓",
    "content/ssim": "SSIM ↑",
    "domain/accuracy": "accuracy ↑",
    "domain/kid/judge@64": "KID ↓",
    "completeness": "completeness ↑",
}


def table(result: dict) -> str:
    """What is shown of a result, by what it holds; an evaluated run otherwise."""
    for key, made in TABLES.items():
        if key in result:
            return made(result)
    return _evaluation_table(result)


def _evaluation_table(result: dict) -> str:
    """A table a direction: the rows of an evaluation, the metrics that are shown."""
    minutes = result["training_minutes"]
    lines = [f"`{result['command']}`, {minutes:.0f} minutes of training on a two-core machine:", ""]
    for name, direction in result["evaluation"]["directions"].items():
        shown = [metric for metric in METRICS if metric in direction["rows"]["output"]]
        lines.append(f"| {name} | " + " | ".join(METRICS[metric] for metric in shown) + " |")
        lines.append("|---" * (len(shown) + 1) + "|")
        for row, values in direction["rows"].items():
            cells = ["–" if values[f] is None else f"{values[f]:.3f}" for f in shown]
            bold = "**" if row == "output" else ""
            lines.append(f"| {bold}{row}{bold} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _ablation_table(result: dict) -> str:
    rows = result["ablation"]
    shown = list(next(iter(rows.values())))
    lines = [f"`{result['command']}`:", ""]
    lines.append("| | " + " | ".join(METRICS.get(metric, metric) for metric in shown) + " |")
    lines.append("|---" * (len(shown) + 1) + "|")
    for row, values in rows.items():
        cells = ["–" if values.get(f) is None else f"{values[f]:.3f}" for f in shown]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _benchmark_table(result: dict) -> str:
    about = f"{result['network']}, {result['threads']} threads, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", ""]
    lines.append(f"| | ms | × {result['reference']} | largest difference | peak MB | on XNNPACK |")
    lines.append("|---" * 6 + "|")
    for row, values in result["benchmark"].items():
        share = values["on XNNPACK"]
        ratio = f"{values['ratio']:.3f} ({values['ratio p10']:.3f} to {values['ratio p90']:.3f})"
        cells = [f"{values['ms']:.1f}", ratio, f"{values['difference']:.1g}"]
        cells += [f"{values['peak MB']:.0f}", "–" if share is None else f"{share:.0%}"]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _side_by_side_table(result: dict) -> str:
    """Our training steps beside PyTorch's: a row a step and precision."""
    with_torch = f"PyTorch {result['versions']['torch']}"
    about = f"batch {result['batch']}, {result['threads']} threads, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", ""]
    lines.append(
        f"| step | ms | {with_torch}, ms | ratio (p10 to p90) | GMAC | share of peak | PyTorch's |"
    )
    lines.append("|---" * 7 + "|")
    for row, values in result["side_by_side"].items():
        layout = values["PyTorch layout"].replace("_", " ")
        cells = [f"{values['ms']:.0f}", f"{values['PyTorch ms']:.0f} ({layout})"]
        spread = f"{values['ratio p10']:.3f} to {values['ratio p90']:.3f}"
        cells += [f"{values['ratio']:.3f} ({spread})", f"{values['GMAC']:.1f}"]
        cells += [f"{values['share of peak']:.0%}", f"{values['PyTorch share of peak']:.0%}"]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_conditions(result), ""])


def _conditions(result: dict) -> list[str]:
    """What the steps have in common, and what the shares are of."""
    rows = result["side_by_side"]
    exact = [v["first step differs by"] for name, v in rows.items() if name.endswith("float32")]
    peaks = {name.split(", ")[-1]: values["peak GMAC/s"] for name, values in rows.items()}
    told = ", ".join(f"{peak:.0f} in {precision}" for precision, peak in peaks.items())
    side, lines = result["matrix product"], []
    if exact:
        lines.append(
            f"From the same weights and batch the losses of the first step differ by at most "
            f"{max(exact):.1g} in float32; networks have equal parameters."
        )
    return [
        *lines,
        f"The peak is the faster of both at a product of {side}² matrices, thousand million "
        f"multiply-adds (GMAC) a second: {told}.",
    ]


def _kills_table(result: dict) -> str:
    """A row a method: where it was killed, and what became of it."""
    lines = [f"`{result['command']}`: runs of {result['steps']} steps, {result['machine']}", ""]
    lines.append(
        "| method | kills | in | as a file was written | ahead of a checkpoint | resumed "
        "| equal, bit for bit | largest difference |"
    )
    lines.append("|---" * 8 + "|")
    rows = result["kills"]
    methods = {row["method"]: [r for r in rows if r["method"] == row["method"]] for row in rows}
    for method, own in {**methods, "**all**": rows}.items():
        stages = [row["stage"] for row in own]
        told = ", ".join(f"{stage} {stages.count(stage)}" for stage in dict.fromkeys(stages))
        apart = [row["difference"] for row in own if row["difference"] is not None]
        cells = [str(len(own)), "" if own is rows else told]
        cells += [str(sum(row["writing"] is not None for row in own))]
        cells += [str(sum(not row["checkpoints"] for row in own))]
        cells += [str(sum(row["resumed"] for row in own)), str(sum(row["equal"] for row in own))]
        cells.append(f"{max(apart):.1g}" if apart else "–")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _memory_table(result: dict) -> str:
    """One row: how memory grew with the steps of a run."""
    told = result["memory"]
    lines = [f"`{result['command']}`, {result['machine']}", ""]
    lines.append("| " + " | ".join(name.replace("_", " ") for name in told) + " |")
    lines.append("|---" * len(told) + "|")
    lines.append("| " + " | ".join(str(value) for value in told.values()) + " |")
    return "\n".join([*lines, ""])


def _files_table(result: dict) -> str:
    """A row a cache: how memory grew with the files of a data set."""
    about = f"{result['method']}, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", "", *_rows("cache", result["files"], "g")]
    return "\n".join([*lines, ""])


def _startup_table(result: dict) -> str:
    """A row a method: seconds of each part of its start."""
    about = f"seconds, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", "", *_rows("method", result["startup"], ".2f")]
    parts = "; ".join(f"{part}: {words}" for part, words in result["parts"].items())
    return "\n".join([*lines, "", f"{parts}.", ""])


def _rows(first: str, rows: dict[str, dict], form: str) -> list[str]:
    """A table of numbers by row and column."""
    shown = list(next(iter(rows.values())))
    lines = [f"| {first} | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for row, values in rows.items():
        lines.append(f"| {row} | " + " | ".join(f"{values[n]:{form}}" for n in shown) + " |")
    return lines


def _steps_table(result: dict) -> str:
    """A row a kind of step: its time, passes, memory and waiting, and its time once and now."""
    lines = [f"`{result['command']}`: revision {result['revision']}, {result['machine']}", ""]
    lines.append(
        "| step | s | forward passes (needed) | peak MiB | waiting for data | before, s | after, s "
        "| after / before |"
    )
    lines.append("|---" * 8 + "|")
    notes: dict[str, None] = {}
    for row in result["step_times"]:
        stage = "" if row["kind"] == "train" else f", {row['kind']}"
        precision = "" if row["precision"] == "float32" else f", {row['precision']}"
        name = f"{row['method']}{stage}{precision} ({row['side']} px, batch {row['batch']})"
        told = ", ".join(f"{network} {count}" for network, count in row["passes"].items())
        passes = f"{sum(row['passes'].values())} ({sum(row['needed'].values())}): {told}"
        cells = [f"{row['seconds']:.3f}", passes, str(row["peak_mib"]), f"{row['waiting']:.1%}"]
        if row["before"] is None:
            cells += ["-", "-", "-"]
            notes[f"{row['method']}, {row['before_revision']}: {row['before_reason']}"] = None
        else:
            cells += [f"{row[side]['seconds']:.3f}" for side in ("before", "after")]
            cells.append(f"{row['ratio']:.2f}")
            left_out = ", ".join(row.get("before_without", ()))
            without = f", both without {left_out}" if left_out else ""
            notes[f"{row['method']}, {row['before_revision']}{without}"] = None
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    about = f"{result['rounds']} rounds of {result['steps_per_round']} steps, medians"
    return "\n".join([*lines, "", f"{about}. Before: {'; '.join(notes)}.", ""])


def _input_table(result: dict) -> str:
    """A row a layout and size: images a second of training, and of each source of them."""
    rows = result["input"]
    sources = list(rows[0]["rates"])
    about = f"{result['images']} images, {result['cores']} cores, {result['machine']}"
    lines = [f"`{result['command']}`: images a second (times training), {about}", ""]
    lines.append("| layout | px | training, preset | " + " | ".join(sources) + " |")
    lines.append("|---" * (3 + len(sources)) + "|")
    for row in rows:
        rates = [f"{rate:.0f} ({rate / row['training']:.1f}×)" for rate in row["rates"].values()]
        cells = [row["layout"], f"{row['side']}", f"{row['training']:.1f}, {row['preset']}", *rates]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _verification_table(result: dict) -> str:
    """A row a model, signature of floats and output; a column a recipe: PSNR, SSIM if a image."""
    recipes = list(dict.fromkeys(row["recipe"] for row in result["verification"]))
    places: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in result["verification"]:
        if not row["signature"].endswith("_uint8"):  # theirs are in the file
            place = (row["model"], row["signature"], row["output"])
            places.setdefault(place, {})[row["recipe"]] = row
    lines = [
        f"`{result['command']}`: PSNR in dB / SSIM on held-out images; ✗ out of tolerance",
        "",
    ]
    lines.append("| model | signature | images | " + " | ".join(recipes) + " |")
    lines.append("|---" * (3 + len(recipes)) + "|")
    for (model, signature, output), by_recipe in places.items():
        count = max(row["images"] for row in by_recipe.values())
        name = signature if output == "image" else f"{signature}: {output}"
        cells = [_verified(by_recipe.get(recipe)) for recipe in recipes]
        lines.append(f"| {model} | {name} | {count} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, *_sizes(result), *_not_exported(result), ""])


def _verified(row: dict | None) -> str:
    if row is None:
        return "–"
    psnr = "equal" if row["psnr"] is None else f"{row['psnr']:.1f}"
    ssim = "" if row["ssim"] is None else f" / {row['ssim']:.4f}"
    return psnr + ssim + ("" if row["passed"] else " ✗")


def _sizes(result: dict) -> list[str]:
    sizes: dict[str, dict[str, int]] = {}
    for row in result["verification"]:
        sizes.setdefault(row["model"], {})[row["recipe"]] = row["bytes"]
    told = [
        f"{model} " + ", ".join(f"{name} {size / 1e6:.1f}" for name, size in each.items())
        for model, each in sizes.items()
    ]
    return ["", f"Megabytes: {'; '.join(told)}."]


def _not_exported(result: dict) -> list[str]:
    return [
        f"Not exported: {model}, {recipe}: {reason}"
        for model, reasons in result["not exported"].items()
        for recipe, reason in reasons.items()
    ]


TABLES = {  # by the key that tells what a result is
    "ablation": _ablation_table,
    "benchmark": _benchmark_table,
    "verification": _verification_table,
    "side_by_side": _side_by_side_table,
    "kills": _kills_table,
    "memory": _memory_table,
    "files": _files_table,
    "startup": _startup_table,
    "input": _input_table,
    "step_times": _steps_table,
}
