// A stub of AndroidX's ExifInterface. The file is a stub of an image: see BitmapFactory.
package androidx.exifinterface.media

import java.io.DataInputStream
import java.io.InputStream

class ExifInterface(stream: InputStream) {
    private val orientation = DataInputStream(stream).readInt()

    fun getAttributeInt(tag: String, defaultValue: Int): Int =
        if (tag == TAG_ORIENTATION && orientation != 0) orientation else defaultValue

    companion object {
        const val TAG_ORIENTATION = "Orientation"
        const val ORIENTATION_NORMAL = 1
    }
}
