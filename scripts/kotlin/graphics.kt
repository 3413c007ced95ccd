// Stubs of the Android classes that an example uses for images.
package android.graphics

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

object Color {
    fun rgb(red: Int, green: Int, blue: Int): Int = 0xFF shl 24 or (red shl 16) or (green shl 8) or blue
}
