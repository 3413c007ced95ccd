// The page: keeps the user's choices and shows the translated image.

import {showAbout} from './about.js';
import {place} from './canvas.js';
import {buildSliders, resetValues} from './controls.js';
import {loadModel, start} from './model.js';
import {indexInAddress, readDescription, readModels, showModels} from './models.js';
import {Painter} from './paint.js';
import {cutPixels, paint, paintPixels, pixelsOfVideo} from './pixels.js';
import {Camera, loadExample, showExamples, takeImages} from './sources.js';
import {translate} from './translate.js';

const byId = (id) => document.getElementById(id);
// `attributes` maps the label of every scalar input to its value.
// `given` is the whole image, `pixels` the part of it that is translated and shown; `isOwn` tells
// whether it is no example, so that it stays when another model is chosen.
const chosen = {
  signature: null, model: null, given: null, pixels: null, isOwn: false, exemplar: null,
  attributes: new Map(),
};
const ASPECTS = {
  stretch: 'Images of another aspect ratio are stretched to it, and back.',
  letterbox: 'Images of another aspect ratio get mirrored borders, which are cut off again.',
  crop: 'Of images of another aspect ratio only the centre part is used.',
};
const camera = new Camera();
const painter = new Painter({
  element: byId('stage'),
  canvas: byId('strokes'),
  brush: () => ({colour: byId('colour').value, size: Number(byId('brush').value)}),
}, () => refresh());
let models;
let metadata;
let running = false;
let requested = false;

let changing = main().catch(fail);  // models change one after the other

async function main() {
  models = await readModels();
  showModels(byId('models'), models);
  listen();
  await chooseDescription();
  await Promise.all([chooseSignature(), chooseRecipe()]);
  document.body.dataset.state = 'ready';
}

/** Reads and shows the description of the model that the address names, or of the first one. */
async function chooseDescription() {
  const index = indexInAddress(models);
  metadata = await readDescription(models[index]);
  document.title = metadata.title;
  byId('title').textContent = metadata.title;
  byId('models').children[index]?.setAttribute('aria-current', 'true');
  fillSelect(byId('signature'), metadata.signatures, (one) => one.title);
  fillSelect(byId('recipe'), metadata.models, (one) => one.recipe);
  byId('left-out').textContent = metadata.left_out.length === 0 ? '' :
      `Not on this page, because browsers cannot show their images: ${metadata.left_out.join(', ')}.`;
  showAbout(byId('about'), metadata.about);
}

/** Changes to the model that the address names; an image of one's own stays. */
async function changeModel() {
  document.body.dataset.state = 'loading';
  for (const button of byId('models').children) button.removeAttribute('aria-current');
  while (running) await nextFrame();
  chosen.model?.delete();
  Object.assign(chosen, {model: null, exemplar: null, attributes: new Map()});
  byId('exemplar-image').hidden = true;
  byId('others').replaceChildren();
  byId('after').width = 0;
  if (!chosen.isOwn) Object.assign(chosen, {given: null, pixels: null});
  await chooseDescription();
  await Promise.all([chooseSignature(), chooseRecipe()]);
  document.body.dataset.state = 'ready';
}

function listen() {
  window.addEventListener('hashchange', () => {
    changing = changing.then(changeModel).catch(fail);
  });
  byId('signature').addEventListener('change', () => chooseSignature().then(refresh, fail));
  byId('recipe').addEventListener('change', () => chooseRecipe().catch(fail));
  byId('camera').addEventListener('click', () => toggleCamera().catch(fail));
  byId('save').addEventListener('click', save);
  byId('reset').addEventListener('click', () => {
    resetValues(chosen.signature.scalar_inputs, chosen.attributes);
    showSliders();
    refresh();
  });
  byId('split').addEventListener('input', showSplit);
  byId('undo').addEventListener('click', () => painter.undo());
  byId('clear').addEventListener('click', () => painter.clear());
  const take = takeImages(
      {target: byId('stage'), button: byId('pick'), input: byId('file')}, setOwnImage, fail);
  takeImages(
      {target: byId('exemplar'), button: byId('pick-exemplar'), input: byId('exemplar-file')},
      setExemplar, fail);
  document.addEventListener('paste', (event) => take(event.clipboardData.files[0]));
}

async function chooseSignature() {
  chosen.signature = metadata.signatures[byId('signature').selectedIndex];
  const {exemplar, examples, image, mask} = chosen.signature;
  showSliders();
  byId('attributes').hidden = chosen.signature.scalar_inputs.length === 0;
  byId('exemplar').hidden = exemplar === null;
  byId('paint').hidden = mask === null;
  painter.use(mask !== null);
  byId('size').textContent =
      `The model's input is ${image.width} × ${image.height} pixels. ${ASPECTS[metadata.aspect]}`;
  if (chosen.given !== null) showBefore(chosen.given);  // another input may take another part
  showExamples(byId('examples'), examples.image, setExample, fail);
  showExamples(byId('exemplar-examples'), examples.exemplar ?? [], setExemplar, fail);
  await loadFirstExamples(examples);
}

async function chooseRecipe() {
  const {recipe, meaning} = metadata.models[byId('recipe').selectedIndex];
  byId('meaning').textContent = `${recipe}: ${meaning}`;
  showStatus('Loading LiteRT.js …');
  const threads = await start();
  const {files} = metadata;
  const loaded = await loadModel(new URL(`${recipe}.tflite`, files).href, (fraction) => {
    showStatus(`Loading ${recipe} … ${Math.round(100 * fraction)} %`);
  });
  if (files !== metadata.files) {  // another model was chosen meanwhile
    loaded.delete();
    return;
  }
  while (running) await nextFrame();
  chosen.model?.delete();
  chosen.model = loaded;
  showStatus(`Ready, on ${threads} ${threads === 1 ? 'thread' : 'threads'} of the processor.`);
  await refresh();
}

/** Shows the first examples, unless the user chose images before they were loaded. */
async function loadFirstExamples({image, exemplar = []}) {
  if (exemplar.length > 0 && chosen.exemplar === null) {
    const pixels = await loadExample(exemplar.at(-1));
    if (chosen.exemplar === null) setExemplar(pixels);
  }
  if (image.length > 0 && chosen.pixels === null) {
    const pixels = await loadExample(image[0]);
    if (chosen.pixels === null) setExample(pixels);
  }
}

function setOwnImage(pixels) {
  chosen.isOwn = true;
  setImage(pixels);
}

function setExample(pixels) {
  chosen.isOwn = false;
  setImage(pixels);
}

function setImage(pixels) {
  camera.stop();
  showCamera();
  byId('alert').textContent = '';
  painter.start(pixels);
  showBefore(pixels);
  refresh();
}

function setExemplar(pixels) {
  byId('alert').textContent = '';
  chosen.exemplar = pixels;
  paintPixels(byId('exemplar-image'), pixels);
  byId('exemplar-image').hidden = false;
  refresh();
}

async function toggleCamera() {
  if (camera.isOn) {
    camera.stop();
    showCamera();
    return;
  }
  await camera.start();
  chosen.isOwn = true;
  showCamera();
  while (camera.isOn) {
    showBefore(pixelsOfVideo(camera.video));
    await refresh();
    await nextFrame();
  }
}

function showCamera() {
  byId('camera').ariaPressed = String(camera.isOn);
  byId('camera').textContent = camera.isOn ? 'Stop camera' : 'Camera';
}

/** Shows the part of an image that is translated. */
function showBefore(given) {
  const {part} = place(given, chosen.signature.image, metadata.aspect);
  const isWhole = part.width === given.width && part.height === given.height;
  const pixels = isWhole ? given : cutPixels(given, part);
  chosen.given = given;
  chosen.pixels = pixels;
  painter.fit(pixels);
  paintPixels(byId('before'), pixels);
  byId('stage').style.setProperty('--aspect', pixels.width / pixels.height);
}

/** Translates the current choices; a call during a translation causes one more after it. */
async function refresh() {
  requested = true;
  if (running) return;
  running = true;
  document.body.dataset.busy = 'true';
  try {
    while (requested) {
      requested = false;
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
  const startTime = performance.now();
  const painted = signature.mask && painter.over(pixels);
  const {images, milliseconds} = await translate(
      model, signature, {...chosen, painted, aspect: metadata.aspect});
  paint(byId('after'), images[signature.result]);
  showOthers(signature, images);
  byId('stage').dataset.shows = 'both';
  byId('save').disabled = false;
  const frameTime = performance.now() - startTime;
  byId('time').textContent =
      `model ${milliseconds.toFixed(1)} ms, frame ${frameTime.toFixed(1)} ms`;
  byId('after').dataset.frames = Number(byId('after').dataset.frames ?? 0) + 1;
  await nextFrame();
}

/** Shows the other image outputs of a signature, such as the translated exemplar. */
function showOthers(signature, images) {
  const others = Object.keys(images).filter((name) => name !== signature.result);
  const figures = others.map((name) => {
    const canvas = document.createElement('canvas');
    paint(canvas, images[name]);
    canvas.dataset.output = name;
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    caption.textContent = `${name}, translated`;
    figure.append(canvas, caption);
    return figure;
  });
  byId('others').replaceChildren(...figures);
}

function showSliders() {
  buildSliders(byId('sliders'), chosen.signature.scalar_inputs, chosen.attributes, refresh);
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

function showStatus(text) {
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
