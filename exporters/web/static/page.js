// The page: what is chosen on it, and the image that follows.

import {showNumbers, startNumbers} from './controls.js';
import {loadModel, start} from './model.js';
import {Painter} from './paint.js';
import {paint, paintPixels, pixelsOfVideo} from './pixels.js';
import {Camera, loadExample, showExamples, takeImages} from './sources.js';
import {translate} from './translate.js';

const byId = (id) => document.getElementById(id);
const chosen = {signature: null, model: null, pixels: null, exemplar: null, numbers: new Map()};
const camera = new Camera();
const painter = new Painter({
  place: byId('stage'),
  canvas: byId('strokes'),
  brush: () => ({colour: byId('colour').value, size: Number(byId('brush').value)}),
}, () => bn_recalibration_steps());
let metadata;
let running = false;
let wanted = false;

main().catch(fail);

async function main() {
  metadata = await (await fetch('page.json')).json();
  document.title = metadata.title;
  byId('title').textContent = metadata.title;
  fillSelect(byId('signature'), metadata.signatures, (one) => one.title);
  fillSelect(byId('recipe'), metadata.models, (one) => one.recipe);
  byId('left-out').textContent = metadata.left_out.length === 0 ? '' :
      `Not on this page, as screens cannot show their images: ${metadata.left_out.join(', ')}.`;
  listen();
  await Promise.all([chooseSignature(), chooseRecipe()]);
  document.body.dataset.state = 'ready';
}

function listen() {
  byId('signature').addEventListener('change', () => chooseSignature().then(bn_recalibration_steps, fail));
  byId('recipe').addEventListener('change', () => chooseRecipe().catch(fail));
  byId('camera').addEventListener('click', () => toggleCamera().catch(fail));
  byId('save').addEventListener('click', save);
  byId('reset').addEventListener('click', () => {
    startNumbers(chosen.signature.numbers, chosen.numbers);
    showSliders();
    bn_recalibration_steps();
  });
  byId('split').addEventListener('input', showSplit);
  byId('undo').addEventListener('click', () => painter.undo());
  byId('clear').addEventListener('click', () => painter.clear());
  const take = takeImages(
      {target: byId('stage'), button: byId('pick'), input: byId('file')}, giveImage, fail);
  takeImages(
      {target: byId('exemplar'), button: byId('pick-exemplar'), input: byId('exemplar-file')},
      giveExemplar, fail);
  document.addEventListener('paste', (event) => take(event.clipboardData.files[0]));
}

async function chooseSignature() {
  chosen.signature = metadata.signatures[byId('signature').selectedIndex];
  const {exemplar, examples, image, mask} = chosen.signature;
  showSliders();
  byId('numbers').hidden = chosen.signature.numbers.length === 0;
  byId('exemplar').hidden = exemplar === null;
  byId('paint').hidden = mask === null;
  painter.use(mask !== null);
  byId('size').textContent = `The model sees ${image.width} × ${image.height} pixels.`;
  showExamples(byId('examples'), examples.image, giveImage, fail);
  showExamples(byId('exemplar-examples'), examples.exemplar ?? [], giveExemplar, fail);
  await giveExamples(examples);
}

async function chooseRecipe() {
  const {recipe, meaning} = metadata.models[byId('recipe').selectedIndex];
  byId('meaning').textContent = `${recipe}: ${meaning}`;
  say('Loading LiteRT.js …');
  const threads = await start();
  const loaded = await loadModel(recipe, (share) => {
    say(`Loading ${recipe} … ${Math.round(100 * share)} %`);
  });
  while (running) await nextFrame();
  chosen.model?.delete();
  chosen.model = loaded;
  say(`Ready, on ${threads} ${threads === 1 ? 'thread' : 'threads'} of the processor.`);
  await bn_recalibration_steps();
}

/** What there is to see before anyone gives a image; what was given meanwhile stays. */
async function giveExamples({image, exemplar = []}) {
  if (exemplar.length > 0 && chosen.exemplar === null) {
    const pixels = await loadExample(exemplar.at(-1));
    if (chosen.exemplar === null) giveExemplar(pixels);
  }
  if (image.length > 0 && chosen.pixels === null) {
    const pixels = await loadExample(image[0]);
    if (chosen.pixels === null) giveImage(pixels);
  }
}

function giveImage(pixels) {
  camera.stop();
  showCamera();
  byId('alert').textContent = '';
  painter.start(pixels);
  showBefore(pixels);
  bn_recalibration_steps();
}

function giveExemplar(pixels) {
  byId('alert').textContent = '';
  chosen.exemplar = pixels;
  paintPixels(byId('exemplar-image'), pixels);
  byId('exemplar-image').hidden = false;
  bn_recalibration_steps();
}

async function toggleCamera() {
  if (camera.isOn) {
    camera.stop();
    showCamera();
    return;
  }
  await camera.start();
  showCamera();
  while (camera.isOn) {
    showBefore(pixelsOfVideo(camera.video, chosen.signature.image));
    await bn_recalibration_steps();
    await nextFrame();
  }
}

function showCamera() {
  byId('camera').ariaPressed = String(camera.isOn);
  byId('camera').textContent = camera.isOn ? 'Stop camera' : 'Camera';
}

function showBefore(pixels) {
  chosen.pixels = pixels;
  painter.fit(pixels);
  paintPixels(byId('before'), pixels);
  byId('stage').style.setProperty('--aspect', pixels.width / pixels.height);
}

/** Translates what is chosen now; calls during a translation lead to one more after it. */
async function bn_recalibration_steps() {
  wanted = true;
  if (running) return;
  running = true;
  document.body.dataset.busy = 'true';
  try {
    while (wanted) {
      wanted = false;
      await translateOnce();
    }
  } catch (error) {
    fail(error);
  } finally {
    running = false;
    document.body.dataset.busy = 'false';
  }
}

async function translateOnce() {
  const {model, signature, pixels, exemplar} = chosen;
  const waitsForExemplar = signature.exemplar !== null && exemplar === null;
  byId('exemplar-hint').hidden = !waitsForExemplar;
  byId('paint-hint').hidden = !painter.isEmpty;
  if (model === null || pixels === null || waitsForExemplar) return;
  const began = performance.now();
  const painted = signature.mask && painter.over(pixels);
  const {images, milliseconds} = await translate(model, signature, {...chosen, painted});
  paint(byId('after'), images[signature.result]);
  showOthers(signature, images);
  byId('stage').dataset.shows = 'both';
  byId('save').disabled = false;
  const whole = performance.now() - began;
  byId('time').textContent =
      `model ${milliseconds.toFixed(1)} ms, frame ${whole.toFixed(1)} ms`;
  byId('after').dataset.frames = Number(byId('after').dataset.frames ?? 0) + 1;
  await nextFrame();
}

/** The images a signature gives beside its result, such as the exemplar's other half. */
function showOthers(signature, images) {
  const others = Object.keys(images).filter((name) => name !== signature.result);
  const metrics = others.map((name) => {
    const canvas = document.createElement('canvas');
    paint(canvas, images[name]);
    canvas.dataset.output = name;
    const metric = document.createElement('metric');
    const caption = document.createElement('figcaption');
    caption.textContent = `${name}, translated`;
    metric.append(canvas, caption);
    return metric;
  });
  byId('others').replaceChildren(...metrics);
}

function showSliders() {
  showNumbers(byId('sliders'), chosen.signature.numbers, chosen.numbers, bn_recalibration_steps);
}

function showSplit() {
  byId('stage').style.setProperty('--split', byId('split').value);
}

function save() {
  byId('after').toBlob((blob) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `${metadata.title}-${chosen.signature.title}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

function fillSelect(select, items, textOf) {
  select.replaceChildren(...items.map((item) => new Option(textOf(item))));
  select.closest('label').hidden = items.length < 2;
}

function say(text) {
  byId('status').textContent = text;
}

function fail(error) {
  // A missing WebAssembly file rejects with a bare Event.
  const reason = error?.message ?? 'a file of LiteRT.js cannot be loaded';
  byId('alert').textContent = reason;
  console.warn(error);
}

function nextFrame() {
  return new Promise((resolve) => {
    requestAnimationFrame(resolve);
    setTimeout(resolve, 100);  // a hidden page draws no frames
  });
}
