// Stubs of the Android classes that an example uses for images; they are compiled, but never run.
package android.graphics

class Bitmap {
    enum class Config { ARGB_8888 }

    fun copy(config: Config, isMutable: Boolean): Bitmap = TODO("$config, $isMutable")

    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int): Unit =
        TODO("${pixels.size}, $offset, $stride, $x, $y, $width, $height")

    companion object {
        fun createScaledBitmap(src: Bitmap, dstWidth: Int, dstHeight: Int, filter: Boolean): Bitmap =
            TODO("$src, $dstWidth, $dstHeight, $filter")

        fun createBitmap(colors: IntArray, width: Int, height: Int, config: Config): Bitmap =
            TODO("${colors.size}, $width, $height, $config")
    }
}

object Color {
    fun red(color: Int): Int = color shr 16 and 0xFF

    fun green(color: Int): Int = color shr 8 and 0xFF

    fun blue(color: Int): Int = color and 0xFF

    fun rgb(red: Int, green: Int, blue: Int): Int = 0xFF shl 24 or (red shl 16) or (green shl 8) or blue
}
