// How an iOS app calls the models of the bundle "tones". Generated from its manifest.json.
//
// Written for TensorFlowLiteSwift 2.17.0 and iOS 15.0 or newer.
// 1. Add dynamic_int8.tflite to the app's target, so that it is copied into its resources, and Images.swift.
// 2. In the Podfile: platform :ios, '15.0' and pod 'TensorFlowLiteSwift', '~> 2.17.0'
// 3. let translator = try Translator()   // once: it loads the model
//    let image = try uprightImage(at: url)   // of the photo picker
//    let result = try translator.translate(image: pixels(of: image, width: 64, height: 64), attributes: [1, 0, 0, 0, 0])
//    let shown = resultImage(of: result, width: 64, height: 64, for: image)
//    Call it away from the main thread, from one thread at a time.

import Foundation
import TensorFlowLite

/// The version of the model, from the bundle's manifest; empty if none was stated.
let modelVersion = ""

final class Translator {
  private let interpreter: Interpreter

  init(model: String = "dynamic_int8", threads: Int = 2) throws {
    guard let path = Bundle.main.path(forResource: model, ofType: "tflite") else {
      throw CocoaError(.fileNoSuchFile)
    }
    var options = Interpreter.Options()
    options.threadCount = threads
    interpreter = try Interpreter(modelPath: path, options: options)
  }

  /// Signature `translate_uint8`.
  ///
  /// - Parameter image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
  /// - Parameter attributes: float32 [1, 5] in 0..1 typically, others are allowed; attributes of the result: 0 absent, 1 present, beyond exaggerates; in order: tone=0, tone=1, tone=2, tone=3, tone=4
  /// - Returns: image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
  func translate(image: [UInt8], attributes: [Float32] = [1, 0, 0, 0, 0]) throws -> [UInt8] {
    let runner = try interpreter.signatureRunner(with: "translate_uint8")
    try runner.invoke(with: [
      "image": uint8(image, [1, 64, 64, 3]),
      "attributes": float32(attributes, [1, 5]),
    ])
    return try uint8(runner.output(named: "image"), [1, 64, 64, 3])
  }

  /// Signature `encode_uint8`.
  ///
  /// - Parameter image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
  /// - Returns: latent: float32 [1, 100], any value; the output of `encode` and input of `decode`
  func encode(image: [UInt8]) throws -> [Float32] {
    let runner = try interpreter.signatureRunner(with: "encode_uint8")
    try runner.invoke(with: [
      "image": uint8(image, [1, 64, 64, 3]),
    ])
    return try float32(runner.output(named: "latent"), [1, 100])
  }

  /// Signature `decode_uint8`.
  ///
  /// - Parameter latent: float32 [1, 100], any value; the output of `encode` and input of `decode`
  /// - Parameter attributes: float32 [1, 5] in 0..1 typically, others are allowed; attributes of the result: 0 absent, 1 present, beyond exaggerates; in order: tone=0, tone=1, tone=2, tone=3, tone=4
  /// - Returns: image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
  func decode(latent: [Float32], attributes: [Float32] = [1, 0, 0, 0, 0]) throws -> [UInt8] {
    let runner = try interpreter.signatureRunner(with: "decode_uint8")
    try runner.invoke(with: [
      "latent": float32(latent, [1, 100]),
      "attributes": float32(attributes, [1, 5]),
    ])
    return try uint8(runner.output(named: "image"), [1, 64, 64, 3])
  }

  /// Signature `translate_preserving_uint8`.
  ///
  /// - Parameter image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
  /// - Parameter ownAttributes: float32 [1, 5] in 0..1 typically, others are allowed; attributes of the input: 0 absent, 1 present; in order: own_tone=0, own_tone=1, own_tone=2, own_tone=3, own_tone=4
  /// - Parameter attributes: float32 [1, 5] in 0..1 typically, others are allowed; attributes of the result: 0 absent, 1 present, beyond exaggerates; in order: tone=0, tone=1, tone=2, tone=3, tone=4
  /// - Parameter steps: float32 [1, 1] in 0..10; how many of 10 steps towards the latent of this image take effect; all are computed anyway
  /// - Returns: image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
  func translatePreserving(image: [UInt8], ownAttributes: [Float32] = [1, 0, 0, 0, 0], attributes: [Float32] = [1, 0, 0, 0, 0], steps: [Float32] = [10]) throws -> [UInt8] {
    let runner = try interpreter.signatureRunner(with: "translate_preserving_uint8")
    try runner.invoke(with: [
      "image": uint8(image, [1, 64, 64, 3]),
      "own_attributes": float32(ownAttributes, [1, 5]),
      "attributes": float32(attributes, [1, 5]),
      "steps": float32(steps, [1, 1]),
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

private func float32(_ values: [Float32], _ shape: [Int]) -> Data {
  check(values.count, shape)
  return values.withUnsafeBufferPointer { Data(buffer: $0) }
}

private func float32(_ tensor: Tensor, _ shape: [Int]) -> [Float32] {
  let values = tensor.data.withUnsafeBytes { Array($0.bindMemory(to: Float32.self)) }
  check(values.count, shape)
  return values
}
