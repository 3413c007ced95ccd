// How an Android app calls the models of the bundle "flat_to_3d". Generated from its manifest.json.
//
// 1. Put float16.tflite into app/src/main/assets.
// 2. In build.gradle.kts: dependencies { implementation("com.google.ai.edge.litert:litert:1.4.0") }
//    and android { androidResources { noCompress += "tflite" } }
// 3. val translator = Translator(context)   // once: it loads the model
//    val result = translator.aToB(pixelsOf(image, 64, 64))
//    val shown = bitmapOf(result, 64, 64, image)
//    Call it away from the main thread, from one thread at a time.

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Color
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import org.tensorflow.lite.Interpreter

class Translator(context: Context, model: String = "float16.tflite", threads: Int = 2) : AutoCloseable {
    private val interpreter = context.assets.openFd(model).use { file ->
        val content = FileInputStream(file.fileDescriptor).channel
            .map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
        Interpreter(content, Interpreter.Options().setNumThreads(threads))
    }

    override fun close() = interpreter.close()

    /**
     * Signature `a_to_b_uint8`.
     *
     * @param image uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
     * @return image: uint8 [1, 64, 64, 3] in 0..255; image 64 wide and 64 high, rows from the top, red, green, blue
     */
    fun aToB(image: ByteArray): ByteArray {
        val inputs = mapOf<String, Any>(
            "image" to uint8(image, 1, 64, 64, 3),
        )
        val outputs = mapOf<String, Any>(
            "image" to uint8Of(1, 64, 64, 3),
        )
        interpreter.runSignature(inputs, outputs, "a_to_b_uint8")
        return (outputs.getValue("image") as ByteBuffer).array()
    }
}

private fun sizeOf(shape: IntArray) = shape.fold(1) { size, side -> size * side }

private fun check(count: Int, shape: IntArray) =
    require(count == sizeOf(shape)) { "got $count values for a tensor of shape ${shape.toList()}" }

private fun uint8(values: ByteArray, vararg shape: Int): ByteBuffer {
    check(values.size, shape)
    return ByteBuffer.wrap(values)
}

private fun uint8Of(vararg shape: Int): ByteBuffer = ByteBuffer.allocate(sizeOf(shape))

/**
 * An image at the model's size, as levels of red, green and blue: height and width are resized independently.
 *
 * Apply the rotation of its EXIF data first, as in training.
 */
fun pixelsOf(image: Bitmap, width: Int, height: Int): ByteArray {
    val (part, box) = placeOf(image.width, image.height, width, height)
    val colours = IntArray(part.width * part.height)
    image.copy(Bitmap.Config.ARGB_8888, false)
        .getPixels(colours, 0, part.width, part.left, part.top, part.width, part.height)
    val levels = ByteArray(3 * colours.size) { (colours[it / 3] shr (16 - 8 * (it % 3))).toByte() }
    val inner = resized(levels, part, box)
    return ByteArray(3 * width * height) {
        val row = reflected(it / 3 / width - box.top, box.height)
        val column = reflected(it / 3 % width - box.left, box.width)
        inner[3 * (row * box.width + column) + it % 3]
    }
}

/** The model's result for an image, as an image: resized back to the size of `image`. */
fun bitmapOf(pixels: ByteArray, width: Int, height: Int, image: Bitmap): Bitmap {
    val (part, box) = placeOf(image.width, image.height, width, height)
    val inner = ByteArray(3 * box.width * box.height) {
        val row = box.top + it / 3 / box.width
        val column = box.left + it / 3 % box.width
        pixels[3 * (row * width + column) + it % 3]
    }
    val levels = resized(inner, box, part)
    fun level(index: Int) = levels[index].toInt() and 0xFF // Kotlin's bytes are signed
    val colours = IntArray(levels.size / 3) { Color.rgb(level(3 * it), level(3 * it + 1), level(3 * it + 2)) }
    return Bitmap.createBitmap(colours, part.width, part.height, Bitmap.Config.ARGB_8888)
}

private class Part(val top: Int, val left: Int, val height: Int, val width: Int)

/** Which part of an image goes to which part of the model's input. */
private fun placeOf(imageWidth: Int, imageHeight: Int, width: Int, height: Int): Pair<Part, Part> {
    return Part(0, 0, imageHeight, imageWidth) to Part(0, 0, height, width)
}

/** The position in an axis of `size` pixels that is mirrored at its ends. */
private fun reflected(position: Int, size: Int): Int {
    val period = maxOf(1, 2 * (size - 1))
    val index = Math.floorMod(position, period)
    return if (index < size) index else period - index
}

/** Levels resized as in training: bicubic, antialiased, first along rows, then along columns. */
private fun resized(levels: ByteArray, from: Part, to: Part): ByteArray {
    val rows = resampled(levels, from.height, from.width, to.width, 3)
    return resampled(rows, 1, from.height, to.height, 3 * to.width)
}

/** Resizes the middle axis of levels in three axes: `outer`, `from`, `inner`. */
private fun resampled(levels: ByteArray, outer: Int, from: Int, to: Int, inner: Int): ByteArray {
    if (from == to) return levels
    val scale = from.toDouble() / to
    val spread = maxOf(1.0, scale)
    val result = ByteArray(outer * to * inner)
    for (index in 0 until to) {
        val centre = (index + 0.5) * scale
        val first = maxOf(0, (centre - 2 * spread + 0.5).toInt())
        val end = minOf(from, (centre + 2 * spread + 0.5).toInt())
        val values = DoubleArray(end - first) { bicubic((first + it - centre + 0.5) / spread) }
        val total = values.sum()
        val weights = IntArray(values.size) { // in units of 2^-22
            val weight = values[it] / total * (1 shl 22)
            (weight + if (weight < 0) -0.5 else 0.5).toInt()
        }
        for (line in 0 until outer) for (place in 0 until inner) {
            var sum = 1 shl 21
            for (tap in weights.indices) {
                sum += (levels[(line * from + first + tap) * inner + place].toInt() and 0xFF) * weights[tap]
            }
            result[(line * to + index) * inner + place] = (sum shr 22).coerceIn(0, 255).toByte()
        }
    }
    return result
}

private fun bicubic(distance: Double): Double {
    val x = Math.abs(distance)
    return when {
        x < 1 -> (1.5 * x - 2.5) * x * x + 1
        x < 2 -> (((x - 5) * x + 8) * x - 4) * -0.5
        else -> 0.0
    }
}
