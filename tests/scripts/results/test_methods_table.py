"""README's table of methods is the registry's."""

from scripts.results.methods_table import README, table, with_table


def test_the_table_of_methods_in_the_readme_is_that_of_the_registry():
    text = README.read_text("utf-8")
    assert with_table(text, table()) == text, "run: python -m scripts.results.methods_table"
