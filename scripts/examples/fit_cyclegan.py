"""CycleGAN from plain Python: build, compile, fit under MirroredStrategy, predict, export.

python -m scripts.examples.fit_cyclegan [STEPS] [BUNDLE]
"""

import sys

import keras

import exporters
from tf_translate import CycleGAN, CycleGANSettings, DataConfig, make_strategy, open_domain_dataset
from tf_translate.images import grid, write

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
bundle = sys.argv[2] if len(sys.argv) > 2 else "bundles/fit_cyclegan"

keras.utils.set_random_seed(0)
data = open_domain_dataset(DataConfig(path="samples:3d_to_noto", size=(64, 64)), paired=False)
settings = CycleGANSettings(
    residual_blocks=6, base_filters=16, upsampling="resize", discriminator_layers=2
)

with make_strategy("all").scope():
    model = CycleGAN.from_settings(settings, data.shape_a, data.shape_b)
    model.compile()
model.fit(data.training(batch_size=2, seed=0), steps_per_epoch=steps, shuffle=False)

renderings, drawings = data.arrays("test", limit=8)
translated = model.predict(renderings, verbose=0)
path = exporters.export(model.signatures(), bundle)
write(path / "grid.png", grid([renderings, translated, drawings], titles=["3D", "Noto", "real"]))
print("bundle:", path)
