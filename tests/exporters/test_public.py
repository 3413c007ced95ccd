import inspect

import exporters


def test_every_public_name_is_there_and_no_other():
    found = {
        name
        for name, value in vars(exporters).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and str(getattr(value, "__module__", "exporters")).startswith("exporters")
    }
    assert set(exporters.__all__) == found
