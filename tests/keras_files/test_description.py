"""Names in the description of a network that is loaded."""

import pytest

from tf_translate.errors import DataError
from tf_translate.keras_files.description import check_classes


@pytest.mark.parametrize(
    "entry",
    [
        {"module": "keras", "class_name": "layers.Lambda", "config": {}},
        {"module": "keras", "class_name": "function", "config": "datasets.mnist.load_data"},
    ],
)
def test_a_dotted_name_leads_to_no_class_or_function(entry):
    with pytest.raises(DataError, match="is not the name of one class or function"):
        check_classes({"config": entry}, {})
