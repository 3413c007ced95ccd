// How an Android app calls the models of the bundle "flat_to_3d". Generated from its manifest.json.
//
// 1. Put float16.tflite into app/src/main/assets.
// 2. In build.gradle.kts: dependencies { implementation("com.google.ai.edge.litert:litert:1.4.0") }
//    and android { androidResources { noCompress += "tflite" } }
// 3. val translator = Translator(context)   // once: it loads the model
//    val result = translator.aToB(pixelsOf(image, 64, 64))
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

/** An image stretched to the model's size, as levels of red, green and blue. */
fun pixelsOf(image: Bitmap, width: Int, height: Int): ByteArray {
    val readable = image.copy(Bitmap.Config.ARGB_8888, false)
    val colours = IntArray(width * height)
    Bitmap.createScaledBitmap(readable, width, height, true)
        .getPixels(colours, 0, width, 0, 0, width, height)
    val pixels = ByteArray(3 * colours.size)
    colours.forEachIndexed { index, colour ->
        pixels[3 * index] = Color.red(colour).toByte()
        pixels[3 * index + 1] = Color.green(colour).toByte()
        pixels[3 * index + 2] = Color.blue(colour).toByte()
    }
    return pixels
}

/** Levels of red, green and blue as an image. */
fun bitmapOf(pixels: ByteArray, width: Int, height: Int): Bitmap {
    fun level(index: Int) = pixels[index].toInt() and 0xFF // Kotlin's bytes are signed
    val colours = IntArray(width * height) { Color.rgb(level(3 * it), level(3 * it + 1), level(3 * it + 2)) }
    return Bitmap.createBitmap(colours, width, height, Bitmap.Config.ARGB_8888)
}
