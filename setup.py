"""What setup.cfg cannot say: the sample images are installed with the package.

In the repository they are in assets/samples, installed in tf_translate/data/samples.
"""

from setuptools import find_packages, setup

SAMPLES = "tf_translate.data.samples"

setup(
    packages=[*find_packages(include=["tf_translate*", "exporters*"]), SAMPLES],
    package_dir={SAMPLES: "assets/samples"},
)
