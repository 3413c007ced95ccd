// Stubs of the Android classes with which an example loads its model from the working directory.
package android.content

import java.io.Closeable
import java.io.File
import java.io.FileDescriptor
import java.io.FileInputStream

class Context {
    val assets = Assets()
}

class Assets {
    fun openFd(name: String) = AssetFile(File(name))
}

class AssetFile(file: File) : Closeable {
    private val stream = FileInputStream(file)
    val fileDescriptor: FileDescriptor = stream.fd
    val startOffset = 0L
    val declaredLength = file.length()

    override fun close() = stream.close()
}
