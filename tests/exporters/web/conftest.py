import numpy as np
import pytest
from PIL import Image

from tests.exporters.web.browser import open_chromium
from tests.exporters.web.sites import export_fakes, pack_stand_ins


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A bundle with a page and a stub of LiteRT.js; read only."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        return export_fakes(folder / "bundle", pack_stand_ins(folder, patch))


@pytest.fixture(scope="session")
def driver():
    """One Chromium for all tests of pages."""
    driver = open_chromium()
    yield driver
    driver.quit()


@pytest.fixture
def image(tmp_path):
    """Writes an image of smooth colours with some noise; returns its path and pixels."""

    def make(height, width, seed=0):
        random = np.random.default_rng(seed)
        soft = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8))
        pixels = np.asarray(soft.resize((width, height), Image.Resampling.BICUBIC), np.int16)
        noisy = (pixels + random.integers(-20, 21, pixels.shape)).clip(0, 255).astype(np.uint8)
        path = tmp_path / f"{height}x{width}-{seed}.png"
        Image.fromarray(noisy).save(path)
        return path, noisy

    return make
