"""Results of a comparison as `collect` returns them, with values that a test chooses."""

import itertools

from tf_translate.config.task import load_task

PROTOCOL = "2cd / (c + d) of content/margin and domain/accuracy; n = 512"


def cell(name, seed, value, *, task="unpaired", width=0.02, margin=0.2, **record):
    """A cell whose interval is `value` plus and minus half of `width`."""
    method = "age_cgan" if name == "age_cgan_pixelwise" else name
    half = width / 2
    directions = {
        "results": {
            "output": {"completeness": value, "content/margin": margin, "domain/accuracy": 0.9},
            "identity": {"completeness": 0.0, "content/margin": 0.5},
            "random target": {"completeness": 0.0, "content/margin": -0.5},
            "ground truth": {"completeness": 1.0, "content/margin": 0.4},
        },
        "confidence_intervals_95": {
            "output": {} if value is None else {"completeness": [value - half, value + half]}
        },
        "metrics": {
            "completeness": {"better": "higher", "protocol": record.pop("protocol", PROTOCOL)},
            "content/margin": {"better": "higher", "protocol": ""},
            "domain/accuracy": {"better": "higher", "protocol": ""},
        },
    }
    return {
        "task": task,
        "name": name,
        "method": method,
        "seed": seed,
        "direction": "a_to_b",
        "uses": load_task(task)[1].uses_of(name) if task != "mine" else ["sets"],
        "budget_minutes": 20.0,
        "steps": 10,
        "revision": "abc1234",
        "metrics": {"directions": {"a_to_b": directions}},
        **record,
    }


def results(values, *, task="unpaired", **options):
    """Results with a cell for each method and value; `values` maps a method to those of seeds.

    Two methods differ, with p = 0.01, if their values do not overlap; else p = 0.2.
    """
    known = {name: [v for v in each if v is not None] for name, each in values.items()}
    return {
        "command": "tf-translate compare collect runs",
        "date": "2026-12-01",
        "cells": [
            cell(name, seed, value, task=task, **options)
            for name, each in values.items()
            for seed, value in enumerate(each)
        ],
        "differences": {
            task: [
                difference(first, second, known[first], known[second])
                for first, second in itertools.combinations(known, 2)
                if known[first] and known[second]
            ]
        },
    }


def difference(first, second, values, others):
    overlap = max(values) >= min(others) and max(others) >= min(values)
    value = sum(values) / len(values) - sum(others) / len(others)
    p = 0.2 if overlap else 0.01
    return {
        "first": first,
        "second": second,
        "value": value,
        "interval": [value - 0.1, value + 0.1],
        "images": 512,
        "p": p,
    }
