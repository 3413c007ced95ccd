// How an iOS app calls the models of the bundle "flat_to_3d". Generated from its manifest.json.
//
// 1. Add float16.tflite to the app's target, so that it is copied into its resources.
// 2. In the Podfile: pod 'TensorFlowLiteSwift'
// 3. let translator = try Translator()   // once: it loads the model
//    let result = try translator.aToB(image: pixels(of: image, width: 64, height: 64))
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

/// An image stretched to the model's size, as levels of red, green and blue.
func pixels(of image: CGImage, width: Int, height: Int) -> [UInt8] {
  var colours = [UInt8](repeating: 255, count: 4 * width * height)
  colours.withUnsafeMutableBytes { bytes in
    let context = CGContext(
      data: bytes.baseAddress, width: width, height: height, bitsPerComponent: 8,
      bytesPerRow: 4 * width, space: CGColorSpaceCreateDeviceRGB(),
      bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
    context?.interpolationQuality = .high
    context?.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
  }
  return (0..<(width * height)).flatMap { colours[(4 * $0)..<(4 * $0 + 3)] }
}

/// Levels of red, green and blue as an image.
func image(of pixels: [UInt8], width: Int, height: Int) -> CGImage? {
  guard let provider = CGDataProvider(data: Data(pixels) as CFData) else { return nil }
  return CGImage(
    width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 24, bytesPerRow: 3 * width,
    space: CGColorSpaceCreateDeviceRGB(),
    bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.none.rawValue), provider: provider,
    decode: nil, shouldInterpolate: false, intent: .defaultIntent)
}
