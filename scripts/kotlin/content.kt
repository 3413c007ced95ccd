// Stubs of the Android classes with which an example loads its model from the working directory.
package android.content

import android.content.res.AssetManager
import android.net.Uri
import java.io.File
import java.io.InputStream

open class Context {
    open val assets = AssetManager()
    open val contentResolver = ContentResolver()
}

class ContentResolver {
    fun openInputStream(uri: Uri): InputStream? = File(uri.path).inputStream()
}
