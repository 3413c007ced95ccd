"""Runs a bundle's SavedModel on its golden inputs with plain TensorFlow.

Usage: `saved_model_alone.py BUNDLE`. Prints for each output the largest difference and the range
of the golden outputs.
"""

import json
import sys
from pathlib import Path


class _BlockProject:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("exporters", "tf_translate"):
            raise ImportError(f"{name}: the project cannot be imported here")


sys.meta_path.insert(0, _BlockProject())
# The rest is all that a server needs.
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

bundle = Path(sys.argv[1])
golden = np.load(bundle / "golden.npz", allow_pickle=False)
model = tf.saved_model.load(str(bundle / "saved_model"))
found = {}
for name, function in model.signatures.items():
    inputs = {key.split("/")[2]: golden[key] for key in golden if key.startswith(f"{name}/inputs/")}
    for case in range(len(next(iter(inputs.values())))):
        given = {key: tf.constant(values[case]) for key, values in inputs.items()}
        for output, values in function(**given).items():
            expected = golden[f"{name}/outputs/{output}"]
            difference = np.abs(values.numpy().astype(np.float64) - expected[case]).max()
            largest = max(difference, found.get(f"{name}/{output}", [0.0])[0])
            found[f"{name}/{output}"] = [float(largest), float(np.ptp(expected))]
assert not {"exporters", "tf_translate"} & set(sys.modules)
print(json.dumps(found))
