// Painting over an image: the target (colours over the image) and the mask of a signature.

const MIN_RADIUS = Math.SQRT1_2;  // pixels; a click then covers the centre of at least one

/**
 * Lets people paint over the image in `element`, with mouse, pen or finger.
 *
 * Strokes are drawn on `canvas` in pixels of the image, without antialiasing. `brush` returns
 * colour (#rrggbb) and size (percent of the image's longer side) at the start of a stroke;
 * `changed` is called after every change.
 */
export class Painter {
  #element;
  #canvas;
  #brush;
  #changed;
  #strokes = [];  // {colour, radius, points}
  #layer = new ImageData(1, 1);  // transparent where nothing is painted
  #paints = false;
  #pointer = null;

  constructor({element, canvas, brush}, changed) {
    this.#element = element;
    this.#canvas = canvas;
    this.#brush = brush;
    this.#changed = changed;
    element.addEventListener('pointerdown', (event) => this.#begin(event));
    element.addEventListener('pointermove', (event) => this.#extend(event));
    for (const kind of ['pointerup', 'pointercancel']) {
      element.addEventListener(kind, (event) => this.#end(event));
    }
  }

  get isEmpty() {
    return this.#strokes.length === 0;
  }

  /** Switches painting on or off. */
  use(paints) {
    this.#paints = paints;
    this.#element.classList.toggle('paints', paints);
  }

  /** Makes the layer as large as an image; strokes are kept if its size does not change. */
  fit({width, height}) {
    if (this.#layer.width === width && this.#layer.height === height) return;
    this.start({width, height});
  }

  /** Removes all strokes, for another image. */
  start({width, height}) {
    this.#layer = new ImageData(width, height);
    this.#strokes = [];
    this.#show();
  }

  undo() {
    this.#strokes.pop();
    this.#redraw();
  }

  clear() {
    this.#strokes = [];
    this.#redraw();
  }

  /** The image with strokes over it as ImageData, and the mask: 255 at strokes, else 0. */
  over(pixels) {
    const {width, height, data} = this.#layer;
    const target = new ImageData(new Uint8ClampedArray(pixels.data), width, height);
    const mask = {height, width, channels: 1, data: new Uint8ClampedArray(width * height)};
    for (let pixel = 0, index = 0; index < data.length; pixel++, index += 4) {
      if (data[index + 3] === 0) continue;
      target.data.set(data.subarray(index, index + 4), index);
      mask.data[pixel] = 255;
    }
    return {target, mask};
  }

  #begin(event) {
    const onHandle = event.target instanceof HTMLInputElement;  // between before and after
    if (!this.#paints || onHandle || event.button !== 0 || this.#pointer !== null) return;
    event.preventDefault();
    this.#pointer = event.pointerId;
    this.#element.setPointerCapture(event.pointerId);
    this.#element.classList.add('painting');
    const {colour, size} = this.#brush();
    const {width, height} = this.#layer;
    this.#strokes.push({
      colour: [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16)),
      radius: Math.max(MIN_RADIUS, size / 200 * Math.max(width, height)),
      points: [],
    });
    this.#add(event);
  }

  #extend(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#add(...event.getCoalescedEvents(), event);
  }

  #end(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.#element.classList.remove('painting');
  }

  #add(...events) {
    const stroke = this.#strokes.at(-1);
    if (stroke === undefined) return;  // cleared while it was painted
    const box = this.#element.getBoundingClientRect();
    for (const {clientX, clientY} of events) {
      const point = {
        x: (clientX - box.left) / box.width * this.#layer.width,
        y: (clientY - box.top) / box.height * this.#layer.height,
      };
      stamp(this.#layer, stroke, stroke.points.at(-1) ?? point, point);
      stroke.points.push(point);
    }
    this.#show();
    this.#changed();
  }

  #redraw() {
    this.#layer.data.fill(0);
    for (const stroke of this.#strokes) {
      stroke.points.forEach((point, index) => {
        stamp(this.#layer, stroke, stroke.points[Math.max(0, index - 1)], point);
      });
    }
    this.#show();
    this.#changed();
  }

  #show() {
    this.#canvas.width = this.#layer.width;
    this.#canvas.height = this.#layer.height;
    this.#canvas.getContext('2d').putImageData(this.#layer, 0, 0);
  }
}

/** Colours every pixel with its centre within `radius` of the line between two points. */
function stamp({width, height, data}, {colour, radius}, from, to) {
  const along = {x: to.x - from.x, y: to.y - from.y};
  const length = along.x ** 2 + along.y ** 2;  // squared
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
  const bottom = Math.min(height, Math.ceil(Math.max(from.y, to.y) + radius));
  const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius));
  const right = Math.min(width, Math.ceil(Math.max(from.x, to.x) + radius));
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const x = column + 0.5 - from.x;
      const y = row + 0.5 - from.y;
      const t = length === 0 ? 0 : Math.min(1, Math.max(0, (x * along.x + y * along.y) / length));
      if ((x - t * along.x) ** 2 + (y - t * along.y) ** 2 > radius ** 2) continue;
      data.set([...colour, 255], (row * width + column) * 4);
    }
  }
}
