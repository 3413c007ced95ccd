// Sources of images: chosen or dropped files, examples of the bundle, the camera.

import {pixelsOfFile} from './pixels.js';

/**
 * Lets people choose an image by a button and a file input, or drop it on `target`.
 *
 * `received` is called with the ImageData, `failed` with an Error.
 */
export function takeImages({target, button, input}, received, failed) {
  const take = async (file) => {
    if (!file) return;
    try {
      received(await pixelsOfFile(file));
    } catch (error) {
      failed(error);
    }
  };
  button.addEventListener('click', () => input.click());
  input.addEventListener('change', async () => {
    await take(input.files[0]);
    input.value = '';  // the same file may be picked again
  });
  for (const kind of ['dragenter', 'dragover']) {
    target.addEventListener(kind, (event) => {
      event.preventDefault();
      target.classList.add('over');
    });
  }
  for (const kind of ['dragleave', 'drop']) {
    target.addEventListener(kind, () => target.classList.remove('over'));
  }
  target.addEventListener('drop', (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  return take;
}

/** Fills `container` with thumbnails; `received` is called with the chosen one's ImageData. */
export function showExamples(container, urls, received, failed) {
  const buttons = urls.map((url, index) => {
    const image = Object.assign(new Image(), {src: url, alt: ''});
    const button = document.createElement('button');
    button.type = 'button';
    button.ariaLabel = `Example ${index + 1}`;
    button.append(image);
    button.addEventListener('click', () => loadExample(url).then(received, failed));
    return button;
  });
  container.replaceChildren(...buttons);
}

/** Loads the pixels of an example. */
export async function loadExample(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} cannot be loaded: ${(await response.text()).trim()}`);
  return pixelsOfFile(await response.blob());
}

/** The camera: one stream, which no element of the page shows directly. */
export class Camera {
  #video = null;

  get isOn() {
    return this.#video !== null;
  }

  get video() {
    return this.#video;
  }

  /** Starts the camera; throws an Error with the reason if that fails. */
  async start() {
    if (!navigator.mediaDevices) {
      throw new Error('The camera needs a page from 127.0.0.1 or over https.');
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: {facingMode: 'user', width: {ideal: 640}, height: {ideal: 480}},
      });
    } catch (error) {
      throw new Error(reasonOf(error));
    }
    const video = Object.assign(document.createElement('video'), {
      srcObject: stream, muted: true, playsInline: true,
    });
    await video.play();
    this.#video = video;
  }

  stop() {
    for (const track of this.#video?.srcObject.getTracks() ?? []) track.stop();
    this.#video = null;
  }
}

function reasonOf(error) {
  const reasons = {
    NotAllowedError: 'This page may not use the camera; allow it in the address bar.',
    NotFoundError: 'There is no camera.',
    NotReadableError: 'Another program uses the camera.',
  };
  return reasons[error.name] ?? `The camera cannot be used: ${error.message}`;
}
