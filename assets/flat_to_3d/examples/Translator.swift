// How an iOS app calls the models of the bundle "flat_to_3d". Generated from its manifest.json.
//
// 1. Add float16.tflite to the app's target, so that it is copied into its resources.
// 2. In the Podfile: pod 'TensorFlowLiteSwift'
// 3. let translator = try Translator()   // once: it loads the model
//    let result = try translator.aToB(image: pixels(of: image, width: 64, height: 64))
//    let shown = image(of: result, width: 64, height: 64, for: image)
//    Call it away from the main thread, from one thread at a time.

import CoreGraphics
import Foundation
import TensorFlowLite

final class Translator {
  private let interpreter: Interpreter

  init(model: String = "float16", threads: Int = 2) throws {
    guard let path = Bundle.main.path(forResource: model, ofType: "tflite") else {
      throw CocoaError(.fileNoSuchFile)
    }
    var options = Interpreter.Options()
    options.threadCount = threads
    interpreter = try Interpreter(modelPath: path, options: options)
  }

  /// Signature `a_to_b_uint8`.
  ///
  /// - Parameter image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
  /// - Returns: image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
  func aToB(image: [UInt8]) throws -> [UInt8] {
    let runner = try interpreter.signatureRunner(with: "a_to_b_uint8")
    try runner.invoke(with: [
      "image": uint8(image, [1, 64, 64, 3]),
    ])
    return try uint8(runner.output(named: "image"), [1, 64, 64, 3])
  }
}

private func check(_ count: Int, _ shape: [Int]) {
  precondition(count == shape.reduce(1, *), "got \(count) values for a tensor of shape \(shape)")
}

private func uint8(_ values: [UInt8], _ shape: [Int]) -> Data {
  check(values.count, shape)
  return Data(values)
}

private func uint8(_ tensor: Tensor, _ shape: [Int]) -> [UInt8] {
  check(tensor.data.count, shape)
  return [UInt8](tensor.data)
}

/// An image at the model's size, as levels of red, green and blue: height and width are resized independently.
///
/// Apply the rotation of its EXIF data first, as in training.
func pixels(of image: CGImage, width: Int, height: Int) -> [UInt8] {
  let (part, box) = place(image.width, image.height, width, height)
  var colours = [UInt8](repeating: 255, count: 4 * image.width * image.height)
  colours.withUnsafeMutableBytes { bytes in
    let context = CGContext(
      data: bytes.baseAddress, width: image.width, height: image.height, bitsPerComponent: 8,
      bytesPerRow: 4 * image.width, space: CGColorSpaceCreateDeviceRGB(),
      bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
    context?.draw(image, in: CGRect(x: 0, y: 0, width: image.width, height: image.height))
  }
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
func image(of pixels: [UInt8], width: Int, height: Int, for image: CGImage) -> CGImage? {
  let (part, box) = place(image.width, image.height, width, height)
  let inner = (0..<(3 * box.width * box.height)).map { (index: Int) -> UInt8 in
    let row = box.top + index / 3 / box.width
    let column = box.left + index / 3 % box.width
    return pixels[3 * (row * width + column) + index % 3]
  }
  let levels = resized(inner, box, part)
  guard let provider = CGDataProvider(data: Data(levels) as CFData) else { return nil }
  return CGImage(
    width: part.width, height: part.height, bitsPerComponent: 8, bitsPerPixel: 24,
    bytesPerRow: 3 * part.width, space: CGColorSpaceCreateDeviceRGB(),
    bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.none.rawValue), provider: provider,
    decode: nil, shouldInterpolate: false, intent: .defaultIntent)
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
