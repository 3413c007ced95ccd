// Brings images to the size of the model and its results back, for the bundle "tones".
// Generated from its manifest.json; the same arithmetic as exporters/inference/aspect.py in Python.

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import android.net.Uri
import androidx.exifinterface.media.ExifInterface
import java.io.IOException

/**
 * The image at an address, turned upright as its EXIF data say.
 *
 * @param maxPixels of a larger image every second row and column is read, or fewer, to save memory
 * @throws IOException if it cannot be read or is not an image
 */
fun uprightBitmap(resolver: ContentResolver, uri: Uri, maxPixels: Int = 16_000_000): Bitmap {
    fun <T> read(use: (java.io.InputStream) -> T): T =
        (resolver.openInputStream(uri) ?: throw IOException("cannot open $uri")).use(use)
    val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    read { BitmapFactory.decodeStream(it, null, options) }
    options.inJustDecodeBounds = false
    options.inSampleSize = 1
    while (options.outWidth.toLong() * options.outHeight / (options.inSampleSize * options.inSampleSize) > maxPixels) {
        options.inSampleSize *= 2
    }
    val image = read { BitmapFactory.decodeStream(it, null, options) } ?: throw IOException("$uri is not an image")
    val orientation = read {
        ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
    }
    return upright(image, orientation)
}

/** An image turned and mirrored as its EXIF orientation, 1 to 8, says. */
fun upright(image: Bitmap, orientation: Int): Bitmap {
    if (orientation !in 2..8) return image
    val isTurned = orientation >= 5 // its rows become columns
    val fromBottom = orientation in setOf(3, 4, 6, 7)
    val fromRight = orientation in setOf(2, 3, 7, 8)
    val width = if (isTurned) image.height else image.width
    val height = if (isTurned) image.width else image.height
    val colours = coloursOf(image, Part(0, 0, image.height, image.width))
    val turned = IntArray(colours.size) {
        val row = if (isTurned) it % width else it / width
        val column = if (isTurned) it / width else it % width
        val fromRow = if (fromBottom) image.height - 1 - row else row
        val fromColumn = if (fromRight) image.width - 1 - column else column
        colours[fromRow * image.width + fromColumn]
    }
    return Bitmap.createBitmap(turned, width, height, Bitmap.Config.ARGB_8888)
}

/**
 * An image at the model's size, as levels of red, green and blue: height and width are resized independently.
 *
 * Turn it upright first, as in training. Transparent pixels are blended with white.
 */
fun pixelsOf(image: Bitmap, width: Int, height: Int): ByteArray {
    val (part, box) = placeOf(image.width, image.height, width, height)
    val levels = levelsOf(coloursOf(image, part))
    val inner = resized(levels, part, box)
    return ByteArray(3 * width * height) {
        val row = reflected(it / 3 / width - box.top, box.height)
        val column = reflected(it / 3 % width - box.left, box.width)
        inner[3 * (row * box.width + column) + it % 3]
    }
}

/**
 * The model's result for an image, as an image: resized back to the size of `image`.
 *
 * A result that is n times as large as the model's input gives an image that is n times as large.
 *
 * @param width, height of the model's input
 * @param resultWidth, resultHeight of the model's result
 */
fun bitmapOf(
    pixels: ByteArray,
    width: Int,
    height: Int,
    image: Bitmap,
    resultWidth: Int = width,
    resultHeight: Int = height,
): Bitmap {
    val (part, input) = placeOf(image.width, image.height, width, height)
    val box = scaled(input, resultHeight.toDouble() / height, resultWidth.toDouble() / width)
    val inner = ByteArray(3 * box.width * box.height) {
        val row = box.top + it / 3 / box.width
        val column = box.left + it / 3 % box.width
        pixels[3 * (row * resultWidth + column) + it % 3]
    }
    val scale = resultHeight / height
    val times = if (scale > 1 && resultHeight == scale * height && resultWidth == scale * width) scale else 1
    val shown = Part(0, 0, times * part.height, times * part.width)
    val levels = resized(inner, box, shown)
    fun level(index: Int) = levels[index].toInt() and 0xFF // Kotlin's bytes are signed
    val colours = IntArray(levels.size / 3) { Color.rgb(level(3 * it), level(3 * it + 1), level(3 * it + 2)) }
    return Bitmap.createBitmap(colours, shown.width, shown.height, Bitmap.Config.ARGB_8888)
}

private class Part(val top: Int, val left: Int, val height: Int, val width: Int)

/** The same part of a canvas of another size. */
private fun scaled(part: Part, vertical: Double, horizontal: Double) = Part(
    Math.rint(part.top * vertical).toInt(),
    Math.rint(part.left * horizontal).toInt(),
    maxOf(1, Math.rint(part.height * vertical).toInt()),
    maxOf(1, Math.rint(part.width * horizontal).toInt()),
)

/** The colours of a part of an image, row by row, each as 0xAARRGGBB. */
private fun coloursOf(image: Bitmap, part: Part): IntArray {
    val colours = IntArray(part.width * part.height)
    image.copy(Bitmap.Config.ARGB_8888, false)
        .getPixels(colours, 0, part.width, part.left, part.top, part.width, part.height)
    return colours
}

/** Red, green and blue of colours that are blended with white where they are transparent. */
private fun levelsOf(colours: IntArray) = ByteArray(3 * colours.size) {
    val colour = colours[it / 3]
    val alpha = colour ushr 24
    val level = (colour shr (16 - 8 * (it % 3))) and 0xFF
    ((level * alpha + 255 * (255 - alpha) + 127) / 255).toByte()
}

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
