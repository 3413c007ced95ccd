// Translates images of any size, as exporters/inference/images.py does.

import {offCanvas, ontoCanvas} from './canvas.js';
import {imageOf} from './pixels.js';

/**
 * Returns every image output of a signature by name, and the model's time in milliseconds.
 *
 * `signature` comes from page.json. `pixels` and `exemplar` are ImageData, `attributes` maps every
 * label to its value, `painted` is the result of `Painter.over`. An output with the name of the
 * exemplar's input has the exemplar's size.
 */
export async function translate(model, signature, {pixels, exemplar, attributes, painted}) {
  const sources = {[signature.image.name]: {tensor: signature.image, pixels}};
  if (signature.exemplar) {
    sources[signature.exemplar.name] = {tensor: signature.exemplar, pixels: exemplar};
  }
  if (signature.target) {
    sources[signature.target.name] = {tensor: signature.target, pixels: painted.target};
  }
  const inputs = inputsOf(sources, signature.scalar_inputs, attributes);
  if (signature.mask) inputs[signature.mask.name] = maskTensor(painted.mask, signature.mask);
  const startTime = performance.now();
  const outputs = await model.run(signature.name, inputs);
  const milliseconds = performance.now() - startTime;
  const images = {};
  for (const {name, height, width, channels} of signature.results) {
    const source = sources[name] ?? sources[signature.image.name];
    const output = {height, width, channels, data: outputs[name]};
    images[name] = offCanvas(output, source.tensor, source.pixels);
  }
  return {images, milliseconds};
}

function inputsOf(sources, rows, attributes) {
  const inputs = {};
  for (const [name, {tensor, pixels}] of Object.entries(sources)) {
    const {height, width, channels, data} = fitted(pixels, tensor);
    inputs[name] = {data: new Uint8Array(data), shape: [1, height, width, channels]};
  }
  for (const name of new Set(rows.map((row) => row.input))) {
    const values = rows.filter((row) => row.input === name).map((row) => attributes.get(row.label));
    inputs[name] = {data: Float32Array.from(values), shape: [1, values.length]};
  }
  return inputs;
}

/** A mask on the model's canvas: the weight of the target at each pixel, from 0 to 1. */
function maskTensor(mask, tensor) {
  const {height, width, data} = ontoCanvas(mask, tensor);
  return {data: Float32Array.from(data, (level) => level / 255), shape: [1, height, width, 1]};
}

const cache = new WeakMap();  // of fitted images by pixels, so that sliders respond fast

function fitted(pixels, tensor) {
  const last = cache.get(pixels);
  if (last?.tensor === tensor) return last.image;
  const image = ontoCanvas(imageOf(pixels, tensor.channels), tensor);
  cache.set(pixels, {tensor, image});
  return image;
}
