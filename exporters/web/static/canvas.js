// Images of any size on a model's canvas of fixed size, and back. Every pixel equals that of
// exporters/inference/aspect.py. An image is {height, width, channels, data} with bytes row by row.

/** Centres an image of `size` on a canvas, as large as its aspect allows. */
export function fit(size, canvas) {
  const scale = Math.min(canvas.height / size.height, canvas.width / size.width);
  const height = Math.min(canvas.height, Math.max(1, roundHalfEven(size.height * scale)));
  const width = Math.min(canvas.width, Math.max(1, roundHalfEven(size.width * scale)));
  return {
    top: Math.floor((canvas.height - height) / 2),
    left: Math.floor((canvas.width - width) / 2),
    height,
    width,
  };
}

/** Fits an image to a canvas; the rest is padded by reflection. */
export function ontoCanvas(image, canvas) {
  const box = fit(image, canvas);
  const inner = resize(image, box);
  const rows = reflected(canvas.height, box.top, box.height);
  const columns = reflected(canvas.width, box.left, box.width);
  return gather(inner, rows, columns);
}

/**
 * Undoes `ontoCanvas` for a model's output.
 *
 * `output` is as large as `canvas` or a multiple of it. The result has the size of `size`, the
 * image that was fitted.
 */
export function offCanvas(output, canvas, size) {
  const vertical = output.height / canvas.height;
  const horizontal = output.width / canvas.width;
  const box = fit(size, canvas);
  const top = roundHalfEven(box.top * vertical);
  const left = roundHalfEven(box.left * horizontal);
  const height = Math.max(1, roundHalfEven(box.height * vertical));
  const width = Math.max(1, roundHalfEven(box.width * horizontal));
  const inner = gather(output, range(top, top + height, output.height),
                       range(left, left + width, output.width));
  return resize(inner, size);
}

/** Pillow's bicubic resampling of bytes: antialiased, first along rows, then along columns. */
export function resize(image, size) {
  let result = image;
  if (result.width !== size.width) result = alongRows(result, size.width);
  if (result.height !== size.height) result = alongColumns(result, size.height);
  return result;
}

const PRECISION = 22;  // bits of a weight, as in Pillow

function alongRows(image, width) {
  const {height, channels, data} = image;
  const taps = tapsOf(image.width, width);
  const result = new Uint8ClampedArray(height * width * channels);
  let position = 0;
  for (let row = 0; row < height; row++) {
    const start = row * image.width * channels;
    for (let column = 0; column < width; column++) {
      const first = start + taps.first[column] * channels;
      const count = taps.count[column];
      const weights = column * taps.max;
      for (let channel = 0; channel < channels; channel++) {
        let sum = 1 << (PRECISION - 1);
        for (let tap = 0, index = first + channel; tap < count; tap++, index += channels) {
          sum += Math.imul(data[index], taps.weights[weights + tap]);
        }
        result[position++] = sum >> PRECISION;
      }
    }
  }
  return {height, width, channels, data: result};
}

function alongColumns(image, height) {
  const {width, channels, data} = image;
  const taps = tapsOf(image.height, height);
  const length = width * channels;  // of a row
  const result = new Uint8ClampedArray(height * length);
  const sums = new Int32Array(length);
  for (let row = 0; row < height; row++) {
    sums.fill(1 << (PRECISION - 1));
    for (let tap = 0; tap < taps.count[row]; tap++) {
      const weight = taps.weights[row * taps.max + tap];
      const start = (taps.first[row] + tap) * length;
      for (let index = 0; index < length; index++) {
        sums[index] += Math.imul(data[start + index], weight);
      }
    }
    const start = row * length;
    for (let index = 0; index < length; index++) result[start + index] = sums[index] >> PRECISION;
  }
  return {height, width, channels, data: result};
}

/** The source pixels, and their weights, of every pixel along a resized axis. */
function tapsOf(from, to) {
  const scale = from / to;
  const spread = Math.max(1, scale);
  const max = Math.ceil(2 * spread) * 2 + 1;  // taps of one pixel
  const taps = {
    max, first: new Int32Array(to), count: new Int32Array(to), weights: new Int32Array(to * max),
  };
  for (let index = 0; index < to; index++) {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 2 * spread + 0.5));
    const end = Math.min(from, Math.trunc(centre + 2 * spread + 0.5));
    const values = Array.from(
        {length: end - first}, (_, tap) => bicubic((first + tap - centre + 0.5) / spread));
    const total = values.reduce((sum, value) => sum + value, 0);
    taps.first[index] = first;
    taps.count[index] = values.length;
    values.forEach((value, tap) => {
      const scaled = (value / total) * 2 ** PRECISION;
      taps.weights[index * max + tap] = scaled + (scaled < 0 ? -0.5 : 0.5);  // truncated
    });
  }
  return taps;
}

function bicubic(distance) {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** Source index of every pixel along an axis of `size`: `length` pixels at `start`, reflected. */
function reflected(size, start, length) {
  const period = Math.max(1, 2 * (length - 1));
  return Int32Array.from({length: size}, (_, position) => {
    const index = (((position - start) % period) + period) % period;
    return index < length ? index : period - index;
  });
}

function range(from, to, size) {
  const end = Math.min(to, size);
  return Int32Array.from({length: end - from}, (_, index) => from + index);
}

function gather({width, channels, data}, rows, columns) {
  const result = new Uint8ClampedArray(rows.length * columns.length * channels);
  let position = 0;
  for (const row of rows) {
    for (const column of columns) {
      const index = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel++) {
        result[position++] = data[index + channel];
      }
    }
  }
  return {height: rows.length, width: columns.length, channels, data: result};
}

/** Rounds halves to the even neighbour, as Python does. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
