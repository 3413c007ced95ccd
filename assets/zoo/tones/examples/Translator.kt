// How an Android app calls the models of the bundle "tones". Generated from its manifest.json.
//
// Written for LiteRT 2.3.0 and Android 7.0 (minSdk 24) or newer.
// 1. Put dynamic_int8.tflite into app/src/main/assets, and Images.kt beside this file.
// 2. In build.gradle.kts: android { androidResources { noCompress += "tflite" } } and
//    dependencies {
//        implementation("com.google.ai.edge.litert:litert:2.3.0")
//        implementation("com.google.ai.edge.litert:litert-gpu:2.3.0") // without it: the CPU
//        implementation("androidx.exifinterface:exifinterface:1.4.1")
//    }
// 3. val translator = Translator(context)   // once: it loads the model
//    val image = uprightBitmap(context.contentResolver, uri)   // of the photo picker
//    val result = translator.translate(pixelsOf(image, 64, 64), floatArrayOf(1f, 0f, 0f, 0f, 0f))
//    val shown = bitmapOf(result, 64, 64, image)
//    Call it away from the main thread, from one thread at a time.

import android.content.Context
import android.content.res.AssetManager
import android.util.Log
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.TensorBuffer
import java.io.FileInputStream
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.IntBuffer
import java.nio.channels.FileChannel
import org.tensorflow.lite.Interpreter

/** The version of the model, from the bundle's manifest; empty if none was stated. */
const val MODEL_VERSION = ""

/**
 * The signatures of the bundle as functions.
 *
 * @param useGpu whether to try the GPU first; files of integers are made for the CPU
 */
class Translator(
    context: Context,
    model: String = "dynamic_int8.tflite",
    threads: Int = 2,
    useGpu: Boolean = "int" !in model,
) : AutoCloseable {
    private val gpu: GpuModel? = if (useGpu) GpuModel.load(context.assets, model) else null
    private val interpreter = lazy {
        context.assets.openFd(model).use { file ->
            val content = FileInputStream(file.fileDescriptor).channel
                .map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
            Interpreter(content, Interpreter.Options().setNumThreads(threads))
        }
    }

    /** What runs the model: GPU (CompiledModel) or CPU (Interpreter). */
    val accelerator = if (gpu != null) "GPU" else "CPU"

    init {
        Log.i(TAG, "$model runs on the $accelerator")
        if (gpu == null) interpreter.value // loads the file, so that its errors appear here
    }

    override fun close() {
        gpu?.close()
        if (interpreter.isInitialized()) interpreter.value.close()
    }

    /**
     * Signature `translate_uint8`.
     *
     * @param image uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
     * @param attributes float32 [1, 5] in 0..1 typically, others are allowed; attributes of the result: 0 absent, 1 present, beyond exaggerates; in order: tone=0, tone=1, tone=2, tone=3, tone=4
     * @return image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
     */
    fun translate(image: ByteArray, attributes: FloatArray = floatArrayOf(1f, 0f, 0f, 0f, 0f)): ByteArray {
        val inputs = mapOf(
            "image" to uint8(image, -1f..1f, 1, 64, 64, 3),
            "attributes" to float32(attributes, 1, 5),
        )
        val outputs = mapOf(
            "image" to uint8Of(-1f..1f, 1, 64, 64, 3),
        )
        run("translate_uint8", "translate", inputs, outputs)
        return (outputs.getValue("image").values as ByteBuffer).array()
    }

    /**
     * Signature `encode_uint8`.
     *
     * @param image uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
     * @return latent: float32 [1, 100], any value; the output of `encode` and input of `decode`
     */
    fun encode(image: ByteArray): FloatArray {
        val inputs = mapOf(
            "image" to uint8(image, -1f..1f, 1, 64, 64, 3),
        )
        val outputs = mapOf(
            "latent" to float32Of(1, 100),
        )
        run("encode_uint8", "encode", inputs, outputs)
        return (outputs.getValue("latent").values as FloatBuffer).array()
    }

    /**
     * Signature `decode_uint8`.
     *
     * @param latent float32 [1, 100], any value; the output of `encode` and input of `decode`
     * @param attributes float32 [1, 5] in 0..1 typically, others are allowed; attributes of the result: 0 absent, 1 present, beyond exaggerates; in order: tone=0, tone=1, tone=2, tone=3, tone=4
     * @return image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
     */
    fun decode(latent: FloatArray, attributes: FloatArray = floatArrayOf(1f, 0f, 0f, 0f, 0f)): ByteArray {
        val inputs = mapOf(
            "latent" to float32(latent, 1, 100),
            "attributes" to float32(attributes, 1, 5),
        )
        val outputs = mapOf(
            "image" to uint8Of(-1f..1f, 1, 64, 64, 3),
        )
        run("decode_uint8", "decode", inputs, outputs)
        return (outputs.getValue("image").values as ByteBuffer).array()
    }

    /**
     * Signature `translate_preserving_uint8`.
     *
     * @param image uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
     * @param ownAttributes float32 [1, 5] in 0..1 typically, others are allowed; attributes of the input: 0 absent, 1 present; in order: own_tone=0, own_tone=1, own_tone=2, own_tone=3, own_tone=4
     * @param attributes float32 [1, 5] in 0..1 typically, others are allowed; attributes of the result: 0 absent, 1 present, beyond exaggerates; in order: tone=0, tone=1, tone=2, tone=3, tone=4
     * @param steps float32 [1, 1] in 0..10; how many of 10 steps towards the latent of this image take effect; all are computed anyway
     * @return image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
     */
    fun translatePreserving(image: ByteArray, ownAttributes: FloatArray = floatArrayOf(1f, 0f, 0f, 0f, 0f), attributes: FloatArray = floatArrayOf(1f, 0f, 0f, 0f, 0f), steps: FloatArray = floatArrayOf(10f)): ByteArray {
        val inputs = mapOf(
            "image" to uint8(image, -1f..1f, 1, 64, 64, 3),
            "own_attributes" to float32(ownAttributes, 1, 5),
            "attributes" to float32(attributes, 1, 5),
            "steps" to float32(steps, 1, 1),
        )
        val outputs = mapOf(
            "image" to uint8Of(-1f..1f, 1, 64, 64, 3),
        )
        run("translate_preserving_uint8", "translate_preserving", inputs, outputs)
        return (outputs.getValue("image").values as ByteBuffer).array()
    }

    /** Runs `floatSignature` on the GPU if there is one, else `signature` on the CPU. */
    private fun run(
        signature: String,
        floatSignature: String?,
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ) {
        if (gpu != null && floatSignature != null) {
            gpu.run(floatSignature, inputs, outputs)
        } else {
            val results = outputs.mapValues { it.value.values as Any }
            interpreter.value.runSignature(inputs.mapValues { it.value.values as Any }, results, signature)
        }
    }
}

private const val TAG = "Translator"

/** A tensor's values. `range`: black and white in the float signature, if the values are pixels. */
private class Tensor(val values: Buffer, val range: ClosedFloatingPointRange<Float>? = null)

/**
 * The model compiled for the GPU; operations that a GPU lacks run on the CPU.
 *
 * LiteRT's TensorBuffer has no uint8, so pixels are scaled here and go to the float signature.
 */
private class GpuModel(private val environment: Environment, private val model: CompiledModel) :
    AutoCloseable {
    private val buffers = mutableMapOf<String, Pair<Map<String, TensorBuffer>, Map<String, TensorBuffer>>>()

    fun run(signature: String, inputs: Map<String, Tensor>, outputs: Map<String, Tensor>) {
        val (given, results) = buffers.getOrPut(signature) {
            val given = inputs.mapValues { model.createInputBuffer(it.key, signature) }
            given to outputs.mapValues { model.createOutputBuffer(it.key, signature) }
        }
        inputs.forEach { (name, tensor) -> write(tensor, given.getValue(name)) }
        model.run(given, results, signature)
        outputs.forEach { (name, tensor) -> read(results.getValue(name), tensor) }
    }

    override fun close() {
        buffers.values.forEach { (given, results) -> (given.values + results.values).forEach { it.close() } }
        model.close()
        environment.close()
    }

    companion object {
        /** The model on the GPU; null, and a line in the log, if there is none. */
        fun load(assets: AssetManager, model: String): GpuModel? = try {
            val environment = Environment.create()
            if (Accelerator.GPU in environment.getAvailableAccelerators()) {
                val options = CompiledModel.Options(Accelerator.GPU, Accelerator.CPU)
                GpuModel(environment, CompiledModel.create(assets, model, options, environment))
            } else {
                Log.w(TAG, "LiteRT finds no GPU")
                environment.close()
                null
            }
        } catch (error: LiteRtException) {
            Log.w(TAG, "the GPU cannot run $model: ${error.message}")
            null
        }
    }
}

private fun write(tensor: Tensor, buffer: TensorBuffer) = when (val values = tensor.values) {
    is FloatBuffer -> buffer.writeFloat(values.array())
    is IntBuffer -> buffer.writeInt(values.array())
    else -> buffer.writeFloat(floatsOf((values as ByteBuffer).array(), tensor.range!!))
}

private fun read(buffer: TensorBuffer, tensor: Tensor) {
    when (val values = tensor.values) {
        is FloatBuffer -> values.put(buffer.readFloat())
        is IntBuffer -> values.put(buffer.readInt())
        else -> (values as ByteBuffer).put(levelsOf(buffer.readFloat(), tensor.range!!))
    }
}

/** Levels 0 to 255 as the values of the float signature: level 0 is the start of the range. */
private fun floatsOf(levels: ByteArray, range: ClosedFloatingPointRange<Float>): FloatArray {
    val perUnit = levelsPerUnit(range)
    return FloatArray(levels.size) { (levels[it].toInt() and 0xFF) / perUnit + range.start }
}

/** Values of the float signature as levels, rounded and clipped. */
private fun levelsOf(values: FloatArray, range: ClosedFloatingPointRange<Float>): ByteArray {
    val perUnit = levelsPerUnit(range)
    return ByteArray(values.size) {
        Math.rint(((values[it] - range.start) * perUnit).toDouble()).coerceIn(0.0, 255.0).toInt().toByte()
    }
}

private fun levelsPerUnit(range: ClosedFloatingPointRange<Float>): Float =
    (255.0 / (range.endInclusive.toDouble() - range.start)).toFloat()

private fun sizeOf(shape: IntArray) = shape.fold(1) { size, side -> size * side }

private fun check(count: Int, shape: IntArray) =
    require(count == sizeOf(shape)) { "got $count values for a tensor of shape ${shape.toList()}" }

private fun uint8(values: ByteArray, range: ClosedFloatingPointRange<Float>?, vararg shape: Int): Tensor {
    check(values.size, shape)
    return Tensor(ByteBuffer.wrap(values), range)
}

private fun uint8Of(range: ClosedFloatingPointRange<Float>?, vararg shape: Int) =
    Tensor(ByteBuffer.allocate(sizeOf(shape)), range)

private fun float32(values: FloatArray, vararg shape: Int): Tensor {
    check(values.size, shape)
    return Tensor(FloatBuffer.wrap(values))
}

private fun float32Of(vararg shape: Int) = Tensor(FloatBuffer.allocate(sizeOf(shape)))
