// Brings images to the size of the model and its results back, for the bundle "flat_to_3d".
// Generated from its manifest.json; the same arithmetic as exporters/inference/aspect.py in Python.

import CoreGraphics
import Foundation
import ImageIO

/// The image in a file, turned upright as its EXIF data say.
func uprightImage(at url: URL) throws -> CGImage {
  guard let source = CGImageSourceCreateWithURL(url as CFURL, nil),
    let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
  else { throw CocoaError(.fileReadCorruptFile) }
  let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any]
  let orientation = (properties?[kCGImagePropertyOrientation] as? NSNumber)?.intValue ?? 1
  return upright(image, orientation: orientation) ?? image
}

/// An image turned and mirrored as its EXIF orientation, 1 to 8, says; nil without memory.
func upright(_ image: CGImage, orientation: Int) -> CGImage? {
  if !(2...8).contains(orientation) { return image }
  let isTurned = orientation >= 5  // its rows become columns
  let fromBottom = [3, 4, 6, 7].contains(orientation)
  let fromRight = [2, 3, 7, 8].contains(orientation)
  let width = isTurned ? image.height : image.width
  let height = isTurned ? image.width : image.height
  let colours = blendedWithWhite(image)
  var levels = [UInt8](repeating: 0, count: 3 * width * height)
  for index in 0..<(width * height) {
    let row = isTurned ? index % width : index / width
    let column = isTurned ? index / width : index % width
    let fromRow = fromBottom ? image.height - 1 - row : row
    let fromColumn = fromRight ? image.width - 1 - column : column
    for channel in 0..<3 {
      levels[3 * index + channel] = colours[4 * (fromRow * image.width + fromColumn) + channel]
    }
  }
  return imageOf(levels, width, height)
}

/// An image at the model's size, as levels of red, green and blue: height and width are resized independently.
///
/// Turn it upright first, as in training. Transparent pixels are blended with white.
func pixels(of image: CGImage, width: Int, height: Int) -> [UInt8] {
  let (part, box) = place(image.width, image.height, width, height)
  let colours = blendedWithWhite(image)
  let levels = (0..<(3 * part.width * part.height)).map { (index: Int) -> UInt8 in
    let row = part.top + index / 3 / part.width
    let column = part.left + index / 3 % part.width
    return colours[4 * (row * image.width + column) + index % 3]
  }
  let inner = resized(levels, part, box)
  return (0..<(3 * width * height)).map { (index: Int) -> UInt8 in
    let row = reflected(index / 3 / width - box.top, box.height)
    let column = reflected(index / 3 % width - box.left, box.width)
    return inner[3 * (row * box.width + column) + index % 3]
  }
}

/// The model's result for an image, as an image: resized back to the size of `image`.
///
/// A result that is n times as large as the model's input gives an image that is n times as large.
/// `width` and `height` are those of the model's input; the result's are given if they differ.
func resultImage(
  of pixels: [UInt8], width: Int, height: Int, for image: CGImage, resultWidth: Int? = nil,
  resultHeight: Int? = nil
) -> CGImage? {
  let resultWidth = resultWidth ?? width
  let resultHeight = resultHeight ?? height
  let (part, input) = place(image.width, image.height, width, height)
  let box = scaled(
    input, Double(resultHeight) / Double(height), Double(resultWidth) / Double(width))
  let inner = (0..<(3 * box.width * box.height)).map { (index: Int) -> UInt8 in
    let row = box.top + index / 3 / box.width
    let column = box.left + index / 3 % box.width
    return pixels[3 * (row * resultWidth + column) + index % 3]
  }
  let scale = resultHeight / height
  let isMultiple = resultHeight == scale * height && resultWidth == scale * width
  let times = scale > 1 && isMultiple ? scale : 1
  let shown = Part(top: 0, left: 0, height: times * part.height, width: times * part.width)
  let levels = resized(inner, box, shown)
  return imageOf(levels, shown.width, shown.height)
}

/// Red, green, blue and a fourth byte of all pixels, blended with white where they are transparent.
private func blendedWithWhite(_ image: CGImage) -> [UInt8] {
  var colours = [UInt8](repeating: 255, count: 4 * image.width * image.height)
  colours.withUnsafeMutableBytes { bytes in
    let context = CGContext(
      data: bytes.baseAddress, width: image.width, height: image.height, bitsPerComponent: 8,
      bytesPerRow: 4 * image.width, space: CGColorSpaceCreateDeviceRGB(),
      bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
    context?.draw(image, in: CGRect(x: 0, y: 0, width: image.width, height: image.height))
  }
  return colours
}

private func imageOf(_ levels: [UInt8], _ width: Int, _ height: Int) -> CGImage? {
  guard let provider = CGDataProvider(data: Data(levels) as CFData) else { return nil }
  return CGImage(
    width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 24, bytesPerRow: 3 * width,
    space: CGColorSpaceCreateDeviceRGB(),
    bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.none.rawValue), provider: provider,
    decode: nil, shouldInterpolate: false, intent: .defaultIntent)
}

/// The same part of a canvas of another size.
private func scaled(_ part: Part, _ vertical: Double, _ horizontal: Double) -> Part {
  func times(_ length: Int, _ scale: Double) -> Int {
    return Int((Double(length) * scale).rounded(.toNearestOrEven))
  }
  return Part(
    top: times(part.top, vertical), left: times(part.left, horizontal),
    height: max(1, times(part.height, vertical)), width: max(1, times(part.width, horizontal)))
}

private struct Part {
  let top: Int
  let left: Int
  let height: Int
  let width: Int
}

/// Which part of an image goes to which part of the model's input.
private func place(_ imageWidth: Int, _ imageHeight: Int, _ width: Int, _ height: Int) -> (Part, Part) {
  return (
    Part(top: 0, left: 0, height: imageHeight, width: imageWidth),
    Part(top: 0, left: 0, height: height, width: width)
  )
}

/// The position in an axis of `size` pixels that is mirrored at its ends.
private func reflected(_ position: Int, _ size: Int) -> Int {
  let period = max(1, 2 * (size - 1))
  let index = (position % period + period) % period
  return index < size ? index : period - index
}

/// Levels resized as in training: bicubic, antialiased, first along rows, then along columns.
private func resized(_ levels: [UInt8], _ from: Part, _ to: Part) -> [UInt8] {
  let rows = resampled(levels, from.height, from.width, to.width, 3)
  return resampled(rows, 1, from.height, to.height, 3 * to.width)
}

/// Resizes the middle axis of levels in three axes: `outer`, `from`, `inner`.
private func resampled(_ levels: [UInt8], _ outer: Int, _ from: Int, _ to: Int, _ inner: Int) -> [UInt8] {
  if from == to { return levels }
  let scale = Double(from) / Double(to)
  let spread = max(1, scale)
  var result = [UInt8](repeating: 0, count: outer * to * inner)
  for index in 0..<to {
    let centre = (Double(index) + 0.5) * scale
    let first = max(0, Int(centre - 2 * spread + 0.5))
    let end = min(from, Int(centre + 2 * spread + 0.5))
    let values = (first..<end).map { bicubic((Double($0) - centre + 0.5) / spread) }
    let total = values.reduce(0, +)
    let weights = values.map { Int(($0 / total * 4_194_304).rounded()) }  // in units of 2^-22
    for line in 0..<outer {
      for position in 0..<inner {
        var sum = 2_097_152
        for tap in 0..<weights.count {
          sum += Int(levels[(line * from + first + tap) * inner + position]) * weights[tap]
        }
        result[(line * to + index) * inner + position] = UInt8(min(255, max(0, sum >> 22)))
      }
    }
  }
  return result
}

private func bicubic(_ distance: Double) -> Double {
  let x = abs(distance)
  if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
  if x < 2 { return (((x - 5) * x + 8) * x - 4) * -0.5 }
  return 0
}
