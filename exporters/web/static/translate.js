// Images of any size through a signature: the twin of exporters/inference/images.py.

import {offCanvas, ontoCanvas} from './canvas.js';
import {imageOf} from './pixels.js';

/**
 * Gives every image that a signature makes, by the name of its output, and the model's time.
 *
 * `signature` is one of page.json; `pixels` and `exemplar` are ImageData, `numbers` holds a value
 * for every label, `painted` is what a Painter gives. An output that is named like the exemplar's
 * input has the exemplar's size.
 */
export async function translate(model, signature, {pixels, exemplar, numbers, painted}) {
  const sources = {[signature.image.name]: {tensor: signature.image, pixels}};
  if (signature.exemplar) {
    sources[signature.exemplar.name] = {tensor: signature.exemplar, pixels: exemplar};
  }
  if (signature.target) {
    sources[signature.target.name] = {tensor: signature.target, pixels: painted.target};
  }
  const inputs = inputsOf(sources, signature.numbers, numbers);
  if (signature.mask) inputs[signature.mask.name] = sharesOf(painted.mask, signature.mask);
  const began = performance.now();
  const outputs = await model.run(signature.name, inputs);
  const milliseconds = performance.now() - began;
  const images = {};
  for (const {name, height, width, channels} of signature.results) {
    const source = sources[name] ?? sources[signature.image.name];
    const output = {height, width, channels, data: outputs[name]};
    images[name] = offCanvas(output, source.tensor, source.pixels);
  }
  return {images, milliseconds};
}

function inputsOf(sources, rows, numbers) {
  const inputs = {};
  for (const [name, {tensor, pixels}] of Object.entries(sources)) {
    const {height, width, channels, data} = fitted(pixels, tensor);
    inputs[name] = {data: new Uint8Array(data), shape: [1, height, width, channels]};
  }
  for (const name of new Set(rows.map((row) => row.input))) {
    const values = rows.filter((row) => row.input === name).map((row) => numbers.get(row.label));
    inputs[name] = {data: Float32Array.from(values), shape: [1, values.length]};
  }
  return inputs;
}

/** A mask on the model's canvas, how much of the target counts where from 0 to 1. */
function sharesOf(mask, tensor) {
  const {height, width, data} = ontoCanvas(mask, tensor);
  return {data: Float32Array.from(data, (level) => level / 255), shape: [1, height, width, 1]};
}

const known = new WeakMap();  // of pixels: what was made of them last, for sliders to be quick

function fitted(pixels, tensor) {
  const last = known.get(pixels);
  if (last?.tensor === tensor) return last.image;
  const image = ontoCanvas(imageOf(pixels, tensor.channels), tensor);
  known.set(pixels, {tensor, image});
  return image;
}
