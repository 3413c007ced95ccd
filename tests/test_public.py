import tf_translate


def test_every_public_name_is_there():
    for name in tf_translate.__all__:
        assert getattr(tf_translate, name) is not None
    assert dir(tf_translate) == sorted(tf_translate.__all__)


def test_an_unknown_name_is_an_attribute_error():
    import pytest

    with pytest.raises(AttributeError, match="no attribute 'StarGAN'"):
        _ = tf_translate.StarGAN


def test_the_command_line_answers_without_tensorflow_and_exporters():
    import subprocess
    import sys

    code = (
        "import sys, tf_translate.cli.main; "
        "print(bool({'tensorflow', 'exporters'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
