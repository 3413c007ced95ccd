"""Sections of docstrings become paragraphs of the site."""

from scripts.docs_pages.docstring_sections import with_own_sections

DOCSTRING = """Translates.

Batch: pairs,
    unpaired.
Departs:
    - One thing,
      at length.
    - Another.
Source: Zhu et al. 2017, eq. 1
and 2.

Args:
    images: In [-1, 1].
"""
EXPECTED = """Translates.


**Batch:** pairs,
unpaired.

**Departs:**

- One thing,
  at length.
- Another.

**Source:** Zhu et al. 2017, eq. 1
and 2.

Args:
    images: In [-1, 1]."""


def test_own_sections_become_paragraphs_and_others_stay():
    assert with_own_sections(DOCSTRING) == EXPECTED
