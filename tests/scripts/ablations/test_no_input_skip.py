"""The task file of ablations without input skip is the shipped task but for that setting."""

from pathlib import Path

from tf_translate.config.load import load
from tf_translate.config.task import load_task

FILE = Path(__file__).parents[3] / "scripts" / "ablations" / "glasses_no_input_skip.toml"


def test_it_is_the_task_glasses_with_generators_that_do_not_start_from_their_input():
    _, own = load_task(str(FILE))
    _, shipped = load_task("glasses")
    assert own.fetch == shipped.fetch
    with_skip = {
        name for name in shipped.methods if load(shipped.preset_of(name)).model.get("input_skip")
    }
    assert set(own.methods) == with_skip == {"pix2pix", "cyclegan", "dualgan"}
    for name in own.methods:
        expected = shipped.settings_of(name) | {"model.input_skip": False}
        assert own.settings_of(name) == expected
        assert own.direction_of(name) == shipped.direction_of(name)
