"""The departures that a class docstring lists."""

from tf_translate.core.departures import split_departures

BULLETS = """Translates.

    Deploys: `a_to_b`.
    Departs:
        - Weights start as in PyTorch, for
          no reason.
        - Images are RGB: not BGR.
    Weights: 1.

    Args:
        name: Not a - departure.
    """


def test_bullets_become_lines_and_the_rest_stays():
    rest, departures = split_departures(BULLETS)
    assert departures == ["Weights start as in PyTorch, for no reason.", "Images are RGB: not BGR."]
    assert rest == (
        "Translates.\n\nDeploys: `a_to_b`.\nWeights: 1.\n\nArgs:\n    name: Not a - departure."
    )


def test_a_section_without_bullets_is_one_departure():
    text = "Translates.\n\nDeparts: no antialiasing;\n    padding is ours.\n"
    assert split_departures(text) == ("Translates.\n", ["no antialiasing; padding is ours."])


def test_without_the_section_there_are_none():
    assert split_departures("Translates.\n\nSource: 2017.") == ("Translates.\n\nSource: 2017.", [])
    assert split_departures(None) == ("", [])
