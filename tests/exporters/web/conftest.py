import pytest

from tests.exporters.web.sites import export_fakes, pack_stand_ins


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A bundle with a page whose LiteRT.js is a stand-in; do not change it."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        return export_fakes(folder / "bundle", pack_stand_ins(folder, patch))
