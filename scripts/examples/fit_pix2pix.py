"""pix2pix from plain Python: build, compile, fit under MirroredStrategy, predict, export.

python -m scripts.examples.fit_pix2pix [STEPS] [BUNDLE]
"""

import sys

import keras
import numpy as np

import exporters
from tf_translate import DataConfig, Pix2Pix, Pix2PixSettings, make_strategy, open_domain_dataset

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
bundle = sys.argv[2] if len(sys.argv) > 2 else "bundles/fit_pix2pix"

keras.utils.set_random_seed(0)
data = open_domain_dataset(DataConfig(path="samples:flat_to_3d", size=(64, 64)), paired=True)
settings = Pix2PixSettings(
    num_downsamples=5, base_filters=32, norm="none", dropout=0.0, upsampling="resize",
    input_skip=True, discriminator_layers=2, discriminator_filters=32,
)  # fmt: skip

with make_strategy("all").scope():
    model = Pix2Pix.from_settings(settings, data.shape_a, data.shape_b)
    model.compile(
        {name: keras.optimizers.Adam(6e-4, beta_1=0.5) for name in ("discriminator", "generator")}
    )
model.fit(data.training(batch_size=8, seed=0), steps_per_epoch=steps, shuffle=False)

flat, truth = data.arrays("test")
translated = model.predict(flat, verbose=0)
print(f"held-out L1: {np.abs(translated - truth).mean():.4f}")
print(f"the input's: {np.abs(flat - truth).mean():.4f}")
print("bundle:", exporters.export(model.signatures(), bundle))
