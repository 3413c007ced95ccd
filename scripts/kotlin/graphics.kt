// Stubs of the Android classes that an example uses for images.
package android.graphics

import java.io.DataInputStream
import java.io.InputStream

class Bitmap private constructor(private val colours: IntArray, val width: Int, val height: Int) {
    enum class Config { ARGB_8888 }

    fun copy(config: Config, isMutable: Boolean): Bitmap =
        also { check(config == Config.ARGB_8888 && !isMutable) }

    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int) {
        for (row in 0 until height) {
            val start = (y + row) * this.width + x
            colours.copyInto(pixels, offset + row * stride, start, start + width)
        }
    }

    /** Red, green and blue of all pixels. */
    fun levels() = ByteArray(3 * colours.size) { (colours[it / 3] shr (16 - 8 * (it % 3))).toByte() }

    companion object {
        fun createBitmap(colors: IntArray, width: Int, height: Int, config: Config): Bitmap =
            Bitmap(colors, width, height).also { check(config == Config.ARGB_8888) }

        /** A bitmap with these levels of red, green and blue. */
        fun of(levels: ByteArray, width: Int, height: Int): Bitmap {
            fun level(index: Int) = levels[index].toInt() and 0xFF
            val colours = IntArray(levels.size / 3) {
                Color.rgb(level(3 * it), level(3 * it + 1), level(3 * it + 2))
            }
            return Bitmap(colours, width, height)
        }
    }
}

/** Reads stubs of images: EXIF orientation, height, width, and the colours as 0xAARRGGBB. */
object BitmapFactory {
    class Options {
        var inJustDecodeBounds = false
        var inSampleSize = 1
        var outWidth = -1
        var outHeight = -1
    }

    fun decodeStream(stream: InputStream, padding: Any?, options: Options): Bitmap? {
        check(padding == null)
        val data = DataInputStream(stream)
        data.readInt() // the orientation, which Android ignores here
        options.outHeight = data.readInt()
        options.outWidth = data.readInt()
        if (options.inJustDecodeBounds) return null
        val colours = IntArray(options.outHeight * options.outWidth) { data.readInt() }
        val step = options.inSampleSize
        val sampled = colours.indices.filter { it / options.outWidth % step == 0 && it % options.outWidth % step == 0 }
        return Bitmap.createBitmap(
            sampled.map { colours[it] }.toIntArray(),
            (options.outWidth + step - 1) / step,
            (options.outHeight + step - 1) / step,
            Bitmap.Config.ARGB_8888,
        )
    }
}

object Color {
    fun rgb(red: Int, green: Int, blue: Int): Int = 0xFF shl 24 or (red shl 16) or (green shl 8) or blue
}
