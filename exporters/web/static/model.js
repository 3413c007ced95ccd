// Runs a bundle's .tflite file on the processor with LiteRT.js; WebGPU is not needed.

import {loadAndCompile, loadLiteRt, supportsFeature, Tensor} from '@litertjs/core';

const LITERT = new URL('./litert/', import.meta.url).href;
const MAX_THREADS = 4;

let started;  // promise of the number of threads; LiteRT.js is loaded once

/** Loads LiteRT.js, with threads if server and browser allow them; returns their number. */
export function start() {
  started ??= (async () => {
    const threaded = await supportsFeature('threads') && await supportsFeature('relaxedSimd');
    if (threaded) {
      await loadLiteRt(LITERT, {threads: true});
      return Math.max(1, Math.min(MAX_THREADS, navigator.hardwareConcurrency ?? 1));
    }
    await loadLiteRt(`${LITERT}litert_wasm_compat_internal.js`);
    return 1;
  })();
  return started;
}

/** Loads a .tflite file; `progress` is called with fractions from 0 to 1. */
export async function loadModel(url, progress) {
  const numThreads = await start();
  const content = await download(url, progress);
  const compiled = await loadAndCompile(content, {accelerator: 'wasm', cpuOptions: {numThreads}});
  return new Model(compiled);
}

class Model {
  #compiled;

  constructor(compiled) {
    this.#compiled = compiled;
  }

  /**
   * Runs a signature once.
   *
   * `inputs` holds a typed array and a shape for every input; the result holds a typed array for
   * every output. All tensors are deleted, because nothing else frees their memory.
   */
  async run(signature, inputs) {
    const tensors = {};
    let outputs = {};
    try {
      for (const [name, {data, shape}] of Object.entries(inputs)) {
        tensors[name] = new Tensor(data, shape);
      }
      outputs = await this.#compiled.run(signature, tensors);
      const results = {};
      for (const [name, tensor] of Object.entries(outputs)) {
        results[name] = (await tensor.data()).slice();
      }
      return results;
    } finally {
      for (const tensor of [...Object.values(tensors), ...Object.values(outputs)]) tensor.delete();
    }
  }

  delete() {
    this.#compiled.delete();
  }
}

async function download(url, progress) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} cannot be loaded: ${(await response.text()).trim()}`);
  const size = Number(response.headers.get('Content-Length'));
  const parts = [];
  let done = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    done += part.value.length;
    if (size) progress(Math.min(1, done / size));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
