"""The Markdown tables of published results, one function for each kind of result."""

METRICS = {
    "content/retrieval@1": "retrieval@1 ↑",
    "content/label_accuracy": "label accuracy ↑",
    "content/skill": "skill ↑",
    "content/l1_outside_edit": "outside ↓",
    "content/ssim": "SSIM ↑",
    "domain/accuracy": "accuracy ↑",
    "domain/kid/judge@64": "KID ↓",
    "completeness": "completeness ↑",
}
_SHOWN_OUTLIERS = 3  # of each stage in the parity table; the JSON file lists more


def table(result: dict) -> str:
    """The table of a result, by the keys that it holds; else it is an evaluated run."""
    for key, table_of in TABLES.items():
        if key in result:
            return table_of(result)
    return _evaluation_table(result)


def _evaluation_table(result: dict) -> str:
    """One table per direction: the results of an evaluation in the metrics of `METRICS`."""
    minutes = result["training_minutes"]
    lines = [f"`{result['command']}`, {minutes:.0f} minutes of training on a two-core machine:", ""]
    for name, direction in result["evaluation"]["directions"].items():
        shown = [metric for metric in METRICS if metric in direction["results"]["output"]]
        titles = [_title(metric, direction["metrics"]) for metric in shown]
        lines.append(f"| {name} | " + " | ".join(titles) + " |")
        lines.append("|---" * (len(shown) + 1) + "|")
        for row, values in direction["results"].items():
            cells = ["–" if values[f] is None else f"{values[f]:.3f}" for f in shown]
            bold = "**" if row == "output" else ""
            lines.append(f"| {bold}{row}{bold} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _title(metric: str, definitions: dict[str, dict]) -> str:
    """The column's title; it names the formula of completeness that was used until 2026-11-30."""
    title = METRICS[metric]
    if metric == "completeness" and "content/margin" not in definitions[metric]["protocol"]:
        return title.replace("completeness", "completeness, old formula")
    return title


def _ablation_table(result: dict) -> str:
    rows = result["ablation"]
    shown = list(next(iter(rows.values())))
    lines = [f"`{result['command']}`:", ""]
    old = {"completeness": "completeness, old formula ↑"} if result["date"] < "2026-11-30" else {}
    titles = {**METRICS, **old}
    lines.append("| | " + " | ".join(titles.get(metric, metric) for metric in shown) + " |")
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
        fraction = values["on XNNPACK"]
        ratio = f"{values['ratio']:.3f} ({values['ratio p10']:.3f} to {values['ratio p90']:.3f})"
        cells = [f"{values['ms']:.1f}", ratio, f"{values['difference']:.1g}"]
        cells += [f"{values['peak MB']:.0f}", "–" if fraction is None else f"{fraction:.0%}"]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _side_by_side_table(result: dict) -> str:
    """Our training steps beside PyTorch's: one row per step and precision."""
    with_torch = f"PyTorch {result['versions']['torch']}"
    about = f"batch {result['batch']}, {result['threads']} threads, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", ""]
    columns = f"ms | {with_torch}, ms | ratio (p10 to p90) | GMAC | fraction of peak | PyTorch's"
    lines.append(f"| step | {columns} |")
    lines.append("|---" * 7 + "|")
    for row, values in result["side_by_side"].items():
        layout = values["PyTorch layout"].replace("_", " ")
        cells = [f"{values['ms']:.0f}", f"{values['PyTorch ms']:.0f} ({layout})"]
        spread = f"{values['ratio p10']:.3f} to {values['ratio p90']:.3f}"
        cells += [f"{values['ratio']:.3f} ({spread})", f"{values['GMAC']:.1f}"]
        cells += [f"{values['fraction of peak']:.0%}", f"{values['PyTorch fraction of peak']:.0%}"]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_conditions(result), ""])


def _conditions(result: dict) -> list[str]:
    """The agreement of the first step, and what the fractions refer to."""
    rows = result["side_by_side"]
    exact = [v["first step differs by"] for name, v in rows.items() if name.endswith("float32")]
    peaks = {name.split(", ")[-1]: values["peak GMAC/s"] for name, values in rows.items()}
    listed = ", ".join(f"{peak:.0f} in {precision}" for precision, peak in peaks.items())
    side, lines = result["matrix product"], []
    if exact:
        lines.append(
            f"From the same weights and batch, the losses of the first step differ by at most "
            f"{max(exact):.1g} in float32. The networks have equal numbers of parameters."
        )
    return [
        *lines,
        f"The peak is that of the faster framework in a product of {side}² matrices, in billions "
        f"of multiply-adds (GMAC) per second: {listed}.",
    ]


def _kills_table(result: dict) -> str:
    """One row per method: where its runs were killed, and how they ended."""
    kind = "shipped presets of" if result.get("presets") else "runs of"
    lines = [f"`{result['command']}`: {kind} {result['steps']} steps, {result['machine']}", ""]
    lines.append(
        "| method | kills | stage | while writing a file | before a checkpoint | resumed "
        "| equal, bit for bit | largest difference |"
    )
    lines.append("|---" * 8 + "|")
    rows = result["kills"]
    methods = {row["method"]: [r for r in rows if r["method"] == row["method"]] for row in rows}
    for method, group in {**methods, "**all**": rows}.items():
        stages = [row["stage"] for row in group]
        counts = ", ".join(f"{stage} {stages.count(stage)}" for stage in dict.fromkeys(stages))
        differences = [row["difference"] for row in group if row["difference"] is not None]
        cells = [str(len(group)), "" if group is rows else counts]
        cells += [str(sum(row["writing"] is not None for row in group))]
        cells += [str(sum(not row["checkpoints"] for row in group))]
        cells += [str(sum(row[key] for row in group)) for key in ("resumed", "equal")]
        cells.append(f"{max(differences):.1g}" if differences else "–")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _memory_table(result: dict) -> str:
    """One row: the growth of memory with the steps of a run."""
    values = result["memory"]
    lines = [f"`{result['command']}`, {result['machine']}", ""]
    lines.append("| " + " | ".join(name.replace("_", " ") for name in values) + " |")
    lines.append("|---" * len(values) + "|")
    lines.append("| " + " | ".join(str(value) for value in values.values()) + " |")
    return "\n".join([*lines, ""])


def _files_table(result: dict) -> str:
    """One row per cache: the growth of memory with the files of a data set."""
    about = f"{result['method']}, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", "", *_rows("cache", result["files"], "g")]
    return "\n".join([*lines, ""])


def _startup_table(result: dict) -> str:
    """One row per method: seconds of each part of its start."""
    about = f"seconds, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", "", *_rows("method", result["startup"], ".2f")]
    parts = "; ".join(f"{part}: {text}" for part, text in result["parts"].items())
    return "\n".join([*lines, "", f"{parts}.", ""])


def _rows(first: str, rows: dict[str, dict], form: str) -> list[str]:
    """A table of values by row and column."""
    shown = list(next(iter(rows.values())))
    lines = [f"| {first} | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for row, values in rows.items():
        lines.append(f"| {row} | " + " | ".join(f"{values[n]:{form}}" for n in shown) + " |")
    return lines


def _steps_table(result: dict) -> str:
    """One row per kind of step: time, passes, memory, waiting, and times before and after."""
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
        networks = ", ".join(f"{network} {count}" for network, count in row["passes"].items())
        passes = f"{sum(row['passes'].values())} ({sum(row['needed'].values())}): {networks}"
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
    """One row per layout and size: images per second of training, and of each source."""
    rows = result["input"]
    sources = list(rows[0]["rates"])
    about = f"{result['images']} images, {result['cores']} cores, {result['machine']}"
    lines = [f"`{result['command']}`: images per second (times training), {about}", ""]
    lines.append("| layout | px | training, preset | " + " | ".join(sources) + " |")
    lines.append("|---" * (3 + len(sources)) + "|")
    for row in rows:
        rates = [f"{rate:.0f} ({rate / row['training']:.1f}×)" for rate in row["rates"].values()]
        cells = [row["layout"], f"{row['side']}", f"{row['training']:.1f}, {row['preset']}", *rates]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _verification_table(result: dict) -> str:
    """One row per model, float signature and output; one column per recipe: PSNR and SSIM."""
    recipes = list(dict.fromkeys(row["recipe"] for row in result["verification"]))
    outputs: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in result["verification"]:
        if not row["signature"].endswith("_uint8"):  # these are only in the JSON file
            key = (row["model"], row["signature"], row["output"])
            outputs.setdefault(key, {})[row["recipe"]] = row
    lines = [
        f"`{result['command']}`: PSNR in dB / SSIM on held-out images; ✗ out of tolerance",
        "",
    ]
    lines.append("| model | signature | images | " + " | ".join(recipes) + " |")
    lines.append("|---" * (3 + len(recipes)) + "|")
    for (model, signature, output), by_recipe in outputs.items():
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
    models = [
        f"{model} " + ", ".join(f"{name} {size / 1e6:.1f}" for name, size in each.items())
        for model, each in sizes.items()
    ]
    return ["", f"Megabytes: {'; '.join(models)}."]


def _not_exported(result: dict) -> list[str]:
    return [
        f"Not exported: {model}, {recipe}: {reason}"
        for model, reasons in result["not exported"].items()
        for recipe, reason in reasons.items()
    ]


def _kernels_table(result: dict) -> str:
    """One row per method and stage: the step's time, and its ratio with and without each kernel."""
    kernels = sorted({name for row in result["kernel_times"] for name in row["ratios"]} - {"all"})
    columns = ("all", *kernels)
    lines = [
        f"`{result['command']}` at {result['revision'][:7]}: {result['machine']}, "
        f"{result['rounds']} rounds in turns",
        "",
        f"| step | ms | {' | '.join(columns)} |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for row in result["kernel_times"]:
        name = row["method"] + ("" if row["stage"] == "train" else f", {row['stage']}")
        cells = [
            f"{each['ratio']:.2f} ({each['ratio_low']:.2f} to {each['ratio_high']:.2f})"
            if (each := row["ratios"].get(column))
            else "–"
            for column in columns
        ]
        lines.append(f"| {name} | {row['ms']:.1f} | {' | '.join(cells)} |")
    lines += ["", "Time with a kernel / without it: median and its 95 % interval. – is not used."]
    return "\n".join(lines) + "\n"


def _repeats_table(result: dict) -> str:
    """One row: which small presets gave equal runs, and which did not."""
    lines = [f"`{result['command']}`: runs of {result['steps']} steps, {result['machine']}", ""]
    lines += ["| method | runs | equal, bit for bit | largest difference |", "|---|---|---|---|"]
    for row in result["repeats"]:
        equal = "yes" if row["equal"] else "no"
        lines.append(f"| {row['method']} | {row['runs']} | {equal} | {row['difference']:.1g} |")
    return "\n".join([*lines, ""])


def _image_memory_table(result: dict) -> str:
    lines = [f"`{result['command']}`, {result['machine']}", ""]
    lines += ["| file | options | million pixels | peak GB | seconds |", "|---" * 5 + "|"]
    for row in result["image_memory"]:
        numbers = f"{row['megapixels']:.1f} | {row['peak GB']:.2f} | {row['seconds']:.0f}"
        lines.append(f"| {row['file']} | {row['options']} | {numbers} |")
    return "\n".join([*lines, ""])


def _parity_table(result: dict) -> str:
    """One row per method: how far its steps are from those of an independent computation."""
    lines = [f"`{result['command']}`: {result['machine']}", ""]
    columns = "loss | gradients | weights, rms in steps | largest | outliers | weights"
    lines += [f"| method | {columns} | random parts |", "|---" * 8 + "|"]
    for row in result["parity"]:
        name = row["name"] if row["passed"] else f"{row['name']} ✗"
        cells = [name, f"{row['losses']:.1g}", f"{row['gradients']:.1g}"]
        cells += [f"{row['weights rms']:.4f}", f"{row['weights largest']:.2f}"]
        cells += [f"{row['outliers']}", f"{row['weights']:,}", row["random"]]
        lines.append("| " + " | ".join(cells) + " |")
    notes = [f"{row['name']}: {row['reasons']}" for row in result["parity"] if row["reasons"]]
    if notes:
        lines += ["", f"Settings that are not the defaults. {'; '.join(notes)}."]
    failed = [
        f"{row['name']}, seed {seed}: {', '.join(failures)}"
        for row in result["parity"]
        for seed, failures in row["failed_seeds"].items()
    ]
    if failed:
        lines += ["", f"Seeds at which the sides disagreed. {'; '.join(failed)}."]
    return "\n".join([*lines, *_outliers(result["parity"]), ""])


def _outliers(rows: list[dict]) -> list[str]:
    """The weights that differ by more than the limit of an outlier, with their gradients."""
    listed = [
        f"{row['name']}, {each['weight']}: {each['steps']:.2f} steps, gradients "
        + ", ".join(f"{gradient:.1g}" for gradient in each["independent gradients"])
        + f" (typical {each['typical']:.1g})"
        for row in rows
        for stage in row["stages"].values()
        for each in stage["outliers"]["listed"][:_SHOWN_OUTLIERS]
    ]
    return ["", f"Outliers. {'; '.join(listed)}."] if listed else []


def _fuzz_table(result: dict) -> str:
    """One row: how many mutated inputs ended in which way."""
    counts = result["counts"]
    lines = [f"`{result['command']}`, {result['machine']}", ""]
    lines.append("| " + " | ".join(name.replace("_", " ") for name in counts) + " |")
    lines.append("|---" * len(counts) + "|")
    lines.append("| " + " | ".join(f"{count:,}" for count in counts.values()) + " |")
    return "\n".join([*lines, ""])


def _public_generators_table(result: dict) -> str:
    """One row for each generator: its errors by recipe, and its time beside the plain file."""
    lines = [
        f"`{result['command']}`, {result['machine']}, one thread:",
        "",
        "| generator | verified | float32 | float16 | dynamic int8 | integers | on XNNPACK "
        "| ms | × plain converter | translates images |",
        "|---" * 10 + "|",
    ]
    for name, row in result["generators"].items():
        if "psnr" not in row:
            lines.append(f"| {name} | refused: {row['refused'][0]} |" + " |" * 8)
            continue
        psnr, beside = row["psnr"], row.get("beside_plain_converter")
        integers = [f"{each} {psnr[each]:.0f}" for each in row["on_xnnpack"] if "int" in each][1:]
        failed = [" (int8_float_norm: {int8_float_norm:.1f}, fails)".format(**psnr)]
        cells = [
            name,
            "yes" if row["passed"] else "**no**",
            *(f"{psnr[each]:.0f} dB" for each in ("float32", "float16", "dynamic_int8")),
            f"{integers[0]} dB" + (failed[0] if row["refused"] else ""),
            ", ".join(sorted({f"{share:.0%}" for share in row["on_xnnpack"].values()})),
            f"{beside['median_ms']:.1f}" if beside else "–",
            "{ratio:.3f} ({ratio_p10:.3f} to {ratio_p90:.3f})".format(**beside) if beside else "–",
            "yes" if row["translated"].startswith("(") else row["translated"],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _metric_damage_table(result: dict) -> str:
    """For each task and damage, the values at strengths 0 to 5 of what makes up completeness."""
    lines = [f"`{result['command']}`, {result['machine']}", ""]
    shown = {
        "content/retrieval@1": "retrieval@1",
        "content/margin": "margin",
        "domain/accuracy": "accuracy",
        "domain/kid/judge@64": "KID",
    }
    names = next(iter(result["tasks"].values()))["damage"]["blur"]["values"][0]
    shown |= {  # by features that were learned elsewhere, if they were measured
        name: f"{name.split('/')[1].upper()} {name.split('/')[2]}"
        for name in names
        if name.startswith(("domain/kid/", "domain/fid/")) and "/judge@" not in name
    }
    shown["completeness"] = "completeness"
    for task, found in result["tasks"].items():
        lines.append(f"| {task} | lowers | " + " | ".join(shown.values()) + " |")
        lines.append("|---" * (len(shown) + 2) + "|")
        for name, damage in found["damage"].items():
            cells = [
                " ".join(_two_digits(values[metric]) for values in damage["values"])
                for metric in shown
            ]
            lines.append(f"| {name} | {', '.join(damage['lowers'])} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _seen_people_table(result: dict) -> str:
    """Scores on all held-out people, and on those that look like nobody of training."""
    titles = {
        "reciprocal_rank": "reciprocal rank ↑",
        "in_target": "taken for the target ↑",
        "l1_inside_edit": "error inside ↓",
        "l1_outside_edit": "error outside ↓",
    }
    heads = ("task", "cell", "seen in training", *titles.values())
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for task, found in result["seen_people"].items():
        for name, row in found["cells"].items():
            values = (f"{row['all'][s]:.3f} → {row['not_in_training'][s]:.3f}" for s in titles)
            cells = (task, name, f"{row['seen']} of {row['images']}", *values)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Each value is that of all inputs, then of those not seen."])


def _kinds_text(result: dict) -> str:
    """The error of glasses that are drawn perfectly, but are of another kind."""
    kinds = result["error_inside_by_kind"]
    return (
        f"Glasses that are drawn perfectly, but are of one of the {len(kinds['kinds'])} kinds by "
        f"chance, have an error inside the edit of {kinds['mean_over_kinds']:.3f}; of another kind "
        f"than the truth, {kinds['mean_of_other_kinds']:.3f}."
    )


def _rerun_table(result: dict) -> str:
    """Whether cells that were run again have the values of the published ones."""
    heads = ("cell", "published at", "run again at", "logged steps that differ", "equal metrics")
    heads += ("metrics within the range over seeds", "outside")
    lines = [f"`{result['command']}`:", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in result["reruns"]:
        metrics = row["metrics"]
        count = len(metrics)
        equal = sum(each["rerun"] == each["published"] for each in metrics.values())
        outside = [
            f"{name} {each['rerun']:.3f} ({each['range'][0]:.3f} to {each['range'][1]:.3f})"
            for name, each in metrics.items()
            if not each["within"]
        ]
        cells = [row["cell"], row["published_at_revision"], row["run_again_at_revision"]]
        cells += [f"{len(row['steps_that_differ'])} of {len(row['logged_steps'])}"]
        cells += [f"{equal} of {count}", f"{count - len(outside)} of {count}"]
        lines.append(f"| {' | '.join([*cells, ', '.join(outside) or '–'])} |")
    return "\n".join([*lines, ""])


def _two_digits(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


TABLES = {  # by the key that only this kind of result has
    "ablation": _ablation_table,
    "seen_people": _seen_people_table,
    "error_inside_by_kind": _kinds_text,
    "reruns": _rerun_table,
    "benchmark": _benchmark_table,
    "verification": _verification_table,
    "side_by_side": _side_by_side_table,
    "kills": _kills_table,
    "memory": _memory_table,
    "files": _files_table,
    "startup": _startup_table,
    "input": _input_table,
    "step_times": _steps_table,
    "kernel_times": _kernels_table,
    "repeats": _repeats_table,
    "image_memory": _image_memory_table,
    "parity": _parity_table,
    "generators": _public_generators_table,
    "tasks": _metric_damage_table,
    "counts": _fuzz_table,
}
