// How an iOS app calls the models of the bundle "street_to_mnist". Generated from its manifest.json.
//
// Written for TensorFlowLiteSwift 2.17.0 and iOS 15.0 or newer.
// 1. Add float16.tflite to the app's target, so that it is copied into its resources, and Images.swift.
// 2. In the Podfile: platform :ios, '15.0' and pod 'TensorFlowLiteSwift', '~> 2.17.0'
// 3. let translator = try Translator()   // once: it loads the model
//    let image = try uprightImage(at: url)   // of the photo picker
//    let result = try translator.aToB(image: pixels(of: image, width: 32, height: 32))
//    Call it away from the main thread, from one thread at a time.

import Foundation
import TensorFlowLite

/// The version of the model, from the bundle's manifest; empty if none was stated.
let modelVersion = ""

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

  /// Signature `a_to_b_uint8`: street to mnist.
  ///
  /// - Parameter image: uint8 [1, 32, 32, 3] in 0..255; image 32 wide and 32 high, rows from the top, red, green, blue
  /// - Returns: image: uint8 [1, 32, 32, 1] in 0..255; image 32 wide and 32 high, rows from the top, grey
  func aToB(image: [UInt8]) throws -> [UInt8] {
    let runner = try interpreter.signatureRunner(with: "a_to_b_uint8")
    try runner.invoke(with: [
      "image": uint8(image, [1, 32, 32, 3]),
    ])
    return try uint8(runner.output(named: "image"), [1, 32, 32, 1])
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
