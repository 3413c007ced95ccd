"""The tables of methods on the pages are the registry's."""

import pytest

from scripts.results.methods_table import PAGES, table, with_table


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_table_of_methods_on_a_page_is_that_of_the_registry(page):
    text = page.read_text("utf-8")
    rendered = with_table(text, table(PAGES[page]))
    assert rendered == text, "run: python -m scripts.results.methods_table"
