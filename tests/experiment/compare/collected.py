"""Collected results with chosen scores, as `collect` returns them."""


def cell(
    name,
    *,
    content,
    domain,
    seed=0,
    task="glasses",
    method=None,
    error=None,
    labels=None,
    minutes=45.0,
    without=None,
    role="",
    others=(),
):
    """A finished cell with given scores from 0 to 1; `without` makes it one of an ablation.

    The fixed rows are: margin 0.1 and reciprocal rank 0 of random targets, 0.5 and 0.8 of the
    truth; accuracy 0.1 of sources and 0.9 of real targets; KID 2 of sources.
    """
    both = content + domain
    output = {
        "completeness": 2 * content * domain / both if both else 0.0,
        "content/margin": 0.1 + 0.4 * content,
        "content/reciprocal_rank": 0.8 * content,
        "domain/accuracy": 0.1 + 0.8 * domain,
        "domain/kid/judge@32": 2.0 * (1 - domain),
    }
    identity = {"content/margin": 0.6, "domain/accuracy": 0.1, "domain/kid/judge@32": 2.0}
    target = {"domain/accuracy": 0.9, "domain/kid/judge@32": 0.0}
    random = {"content/margin": 0.1, "content/reciprocal_rank": 0.0, **target}
    truth = {"content/margin": 0.5, "content/reciprocal_rank": 0.8, **target}
    if error is not None:
        output |= {"content/l1_inside_edit": 0.3 * error, "content/l1_outside_edit": 0.2 * error}
        identity |= {"content/l1_inside_edit": 0.3, "content/l1_outside_edit": 0.0}
        random |= {"content/l1_inside_edit": 0.3, "content/l1_outside_edit": 0.2}
    if labels is not None:
        output["content/label_accuracy"] = 0.1 + 0.8 * labels
        random["content/label_accuracy"] = 0.1
    rows = {"output": output, "identity": identity, "random target": random, "ground truth": truth}
    reference = {"label judge: accuracy on real held-out target images": 0.9}
    record = {
        "task": task,
        "name": name,
        "method": method or name,
        "seed": seed,
        "direction": "add",
        "steps": 100,
        "budget_minutes": minutes,
        "metrics": {
            "directions": {
                "add": {
                    "results": rows,
                    "reference_values": reference,
                    "metrics": {"completeness": {"better": "higher"}},
                }
            }
        },
    }
    if without is not None:
        terms = [without] if without else []
        about = {"of": method or name, "without": without, "terms": terms, "role": role}
        record["ablation"] = about | ({"others": list(others)} if others else {})
    return record


def ablated(method, term, role, *, content, domain, **options):
    """A cell of an ablation; the term "" is the cell with all terms."""
    name = f"{method}-without-{term}" if term else f"{method}-all-terms"
    scores = {"content": content, "domain": domain}
    return cell(name, method=method, without=term, role=role, minutes=10.0, **scores, **options)
