// Translates images of any size, as exporters/inference/images.py does.

import {offCanvas, ontoCanvas} from './canvas.js';
import {imageOf} from './pixels.js';

/**
 * Returns every image output of a signature by name, and the model's time in milliseconds.
 *
 * `signature` comes from page.json. `pixels` and `exemplar` are ImageData, `attributes` maps every
 * label to its value, `painted` is the result of `Painter.over`, `aspect` says how images are
 * brought to the model's size. An output with the name of the exemplar's input has its size.
 */
export async function translate(model, signature, choices) {
  const {pixels, exemplar, attributes, painted, aspect} = choices;
  const sources = {[signature.image.name]: {tensor: signature.image, pixels}};
  if (signature.exemplar) {
    sources[signature.exemplar.name] = {tensor: signature.exemplar, pixels: exemplar};
  }
  if (signature.target) {
    sources[signature.target.name] = {tensor: signature.target, pixels: painted.target};
  }
  const inputs = inputsOf(sources, signature.scalar_inputs, choices);
  if (signature.mask) {
    inputs[signature.mask.name] = maskTensor(painted.mask, signature.mask, aspect);
  }
  const startTime = performance.now();
  const outputs = await model.run(signature.name, inputs);
  const milliseconds = performance.now() - startTime;
  const images = {};
  for (const {name, height, width, channels, interpolation} of signature.results) {
    const source = sources[name] ?? sources[signature.image.name];
    const output = {height, width, channels, data: outputs[name]};
    images[name] = offCanvas(output, source.tensor, source.pixels, aspect, interpolation);
  }
  return {images, milliseconds};
}

function inputsOf(sources, rows, {attributes, aspect}) {
  const inputs = {};
  for (const [name, {tensor, pixels}] of Object.entries(sources)) {
    const {height, width, channels, data} = onModel(pixels, tensor, aspect);
    inputs[name] = {data: new Uint8Array(data), shape: [1, height, width, channels]};
  }
  for (const name of new Set(rows.map((row) => row.input))) {
    const values = rows.filter((row) => row.input === name).map((row) => attributes.get(row.label));
    inputs[name] = {data: Float32Array.from(values), shape: [1, values.length]};
  }
  return inputs;
}

/** A mask on the model's canvas: the weight of the target at each pixel, from 0 to 1. */
function maskTensor(mask, tensor, aspect) {
  const {height, width, data} = ontoCanvas(mask, tensor, aspect);
  return {data: Float32Array.from(data, (level) => level / 255), shape: [1, height, width, 1]};
}

const cache = new WeakMap();  // of images on the canvas by pixels, so that sliders respond fast

function onModel(pixels, tensor, aspect) {
  const last = cache.get(pixels);
  if (last?.tensor === tensor) return last.image;
  const pixelsOfModel = imageOf(pixels, tensor.channels);
  const image = ontoCanvas(pixelsOfModel, tensor, aspect, tensor.interpolation);
  cache.set(pixels, {tensor, image});
  return image;
}
