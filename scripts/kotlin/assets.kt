// A stub of Android's AssetManager: its files are those of the working directory.
package android.content.res

import java.io.Closeable
import java.io.File
import java.io.FileDescriptor
import java.io.FileInputStream
import java.io.InputStream

class AssetManager {
    val isOpen = true

    fun openFd(fileName: String) = AssetFileDescriptor(File(fileName))

    fun open(fileName: String): InputStream = File(fileName).inputStream()
}

class AssetFileDescriptor(file: File) : Closeable {
    private val stream = FileInputStream(file)
    val fileDescriptor: FileDescriptor = stream.fd
    val startOffset = 0L
    val declaredLength = file.length()

    override fun close() = stream.close()
}
