// Images of any size on a model's canvas of fixed size, and back. Every pixel equals that of
// exporters/inference/aspect.py. An image is {height, width, channels, data} with bytes row by row.

/**
 * Which `part` of an image of `size` goes onto which `box` of a canvas.
 *
 * With the aspect `stretch` it is all of both; `letterbox` keeps the aspect ratio; `crop` takes
 * the centre part with the canvas's aspect ratio.
 */
export function place(size, canvas, aspect) {
  if (aspect === 'crop') return {part: centrePart(size, canvas), box: whole(canvas)};
  if (aspect === 'letterbox') return {part: whole(size), box: fitted(size, canvas)};
  return {part: whole(size), box: whole(canvas)};
}

/** The largest centre part with the canvas's aspect ratio; its shorter side is rounded up. */
function centrePart(size, canvas) {
  return centred({
    height: Math.min(size.height, Math.ceil(size.width * canvas.height / canvas.width)),
    width: Math.min(size.width, Math.ceil(size.height * canvas.width / canvas.height)),
  }, size);
}

function fitted(size, canvas) {
  const scale = Math.min(canvas.height / size.height, canvas.width / size.width);
  return centred({
    height: Math.min(canvas.height, Math.max(1, roundHalfEven(size.height * scale))),
    width: Math.min(canvas.width, Math.max(1, roundHalfEven(size.width * scale))),
  }, canvas);
}

function centred({height, width}, around) {
  return {
    top: Math.floor((around.height - height) / 2),
    left: Math.floor((around.width - width) / 2),
    height,
    width,
  };
}

function whole({height, width}) {
  return {top: 0, left: 0, height, width};
}

/**
 * Brings an image to a canvas; what it leaves free is filled by reflection.
 *
 * `interpolation` is bicubic, or nearest for label maps.
 */
export function ontoCanvas(image, canvas, aspect, interpolation) {
  const {part, box} = place(image, canvas, aspect);
  const inner = resize(cut(image, part), box, interpolation);
  const rows = reflected(canvas.height, box.top, box.height);
  const columns = reflected(canvas.width, box.left, box.width);
  return gather(inner, rows, columns);
}

/**
 * Undoes `ontoCanvas` for a model's output.
 *
 * `output` is as large as `canvas` or a multiple of it. The result has the size of `size`, the
 * image that was brought onto the canvas; with `crop` of its centre part. If `output` is n times as
 * high and as wide as `canvas`, as with super-resolution, so is the result.
 */
export function offCanvas(output, canvas, size, aspect, interpolation) {
  const vertical = output.height / canvas.height;
  const horizontal = output.width / canvas.width;
  const {part, box} = place(size, canvas, aspect);
  const scale = vertical === horizontal && Number.isInteger(vertical) ? vertical : 1;
  return resize(cut(output, {
    top: roundHalfEven(box.top * vertical),
    left: roundHalfEven(box.left * horizontal),
    height: Math.max(1, roundHalfEven(box.height * vertical)),
    width: Math.max(1, roundHalfEven(box.width * horizontal)),
  }), {height: scale * part.height, width: scale * part.width}, interpolation);
}

/** A part of an image. */
export function cut(image, {top, left, height, width}) {
  if (image.height === height && image.width === width) return image;
  return gather(image, range(top, top + height, image.height),
                range(left, left + width, image.width));
}

/**
 * Pillow's bicubic resampling of bytes: antialiased, first along rows, then along columns; or with
 * `nearest` the pixel at the centre of each new one, so that no new colours appear.
 *
 * The colours of 4 channels are weighted by alpha, so that hidden ones do not bleed.
 */
export function resize(image, size, interpolation) {
  if (image.width === size.width && image.height === size.height) return image;
  if (interpolation === 'nearest') {
    return gather(image, nearest(image.height, size.height), nearest(image.width, size.width));
  }
  let result = image.channels === 4 ? weighted(image) : image;
  if (result.width !== size.width) result = alongRows(result, size.width);
  if (result.height !== size.height) result = alongColumns(result, size.height);
  return image.channels === 4 ? unweighted(result) : result;
}

/** The position in an axis at the centre of each position of the resized axis. */
function nearest(length, newLength) {
  return Array.from({length: newLength}, (_, index) =>
    Math.floor((2 * index + 1) * length / (2 * newLength)));
}

function weighted(image) {
  return ofColours(image, (level, alpha) => {
    const product = level * alpha + 128;
    return ((product >> 8) + product) >> 8;
  });
}

function unweighted(image) {
  return ofColours(image, (level, alpha) =>
    alpha === 0 || alpha === 255 ? level : Math.min(255, Math.trunc(255 * level / alpha)));
}

function ofColours(image, changed) {
  const data = new Uint8ClampedArray(image.data);
  for (let index = 0; index < data.length; index += 4) {
    const alpha = data[index + 3];
    for (let channel = index; channel < index + 3; channel++) {
      data[channel] = changed(data[channel], alpha);
    }
  }
  return {...image, data};
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
