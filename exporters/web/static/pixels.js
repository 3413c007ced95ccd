// Converts files, videos and canvases to pixels and back. As in Python, EXIF rotation is applied
// and colours are converted from the profile of a file to sRGB.

import {cut} from './canvas.js';

const MAX_SIDE = 1024;  // larger images are shrunk, so that sliders respond fast

/** Reads an image file's pixels. */
export async function pixelsOfFile(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: 'default',
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
    });
  } catch {
    throw new Error(`${file.name ?? 'this'} is not an image that this browser can read.`);
  }
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const context = contextOf(width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** A video's frame. */
export function pixelsOfVideo(video) {
  const context = contextOf(video.videoWidth, video.videoHeight);
  context.drawImage(video, 0, 0);
  return context.getImageData(0, 0, video.videoWidth, video.videoHeight);
}

/** A part of an ImageData, as such. */
export function cutPixels(pixels, part) {
  const image = {height: pixels.height, width: pixels.width, channels: 4, data: pixels.data};
  const {data, width, height} = cut(image, part);
  return new ImageData(new Uint8ClampedArray(data), width, height);
}

/** Converts RGBA pixels to an image of 1, 3 or 4 channels, as tf_translate/images.py does. */
export function imageOf({height, width, data}, channels) {
  if (channels === 4) return {height, width, channels, data};
  const result = new Uint8ClampedArray(height * width * channels);
  for (let position = 0, index = 0; index < data.length; index += 4) {
    const alpha = data[index + 3] / 255;
    const red = overWhite(data[index], alpha);
    const green = overWhite(data[index + 1], alpha);
    const blue = overWhite(data[index + 2], alpha);
    if (channels === 1) {
      result[position++] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    } else {
      result[position++] = red;
      result[position++] = green;
      result[position++] = blue;
    }
  }
  return {height, width, channels, data: result};
}

/** Paints an image of 1, 3 or 4 channels on a canvas element of its size. */
export function paint(canvas, {height, width, channels, data}) {
  const image = new ImageData(width, height);
  for (let index = 0, position = 0; index < data.length; index += channels, position += 4) {
    for (let channel = 0; channel < 3; channel++) {
      image.data[position + channel] = data[index + (channels === 1 ? 0 : channel)];
    }
    image.data[position + 3] = channels === 4 ? data[index + 3] : 255;
  }
  paintPixels(canvas, image);
}

/** Paints RGBA pixels on a canvas element of their size. */
export function paintPixels(canvas, image) {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext('2d', {willReadFrequently: true}).putImageData(image, 0, 0);
}

function overWhite(level, alpha) {
  return Math.round(level * alpha + 255 * (1 - alpha));
}

function contextOf(width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.imageSmoothingQuality = 'high';
  return context;
}
