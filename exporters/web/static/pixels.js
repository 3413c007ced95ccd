// Converts files, videos and canvases to pixels and back. As in Python, EXIF rotation is applied
// and colour profiles are ignored.

const MAX_SIDE = 1024;  // larger images are shrunk, so that sliders respond fast

/** Reads an image file's pixels. */
export async function pixelsOfFile(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: 'none',
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

/** The middle of a video's frame, with the aspect of `shape`. */
export function pixelsOfVideo(video, shape) {
  const aspect = shape.width / shape.height;
  const width = Math.min(video.videoWidth, Math.round(video.videoHeight * aspect));
  const height = Math.min(video.videoHeight, Math.round(width / aspect));
  const left = (video.videoWidth - width) / 2;
  const top = (video.videoHeight - height) / 2;
  const context = contextOf(width, height);
  context.drawImage(video, left, top, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
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
