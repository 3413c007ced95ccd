// Calls the functions of an example as standard input requests: with all arguments, or without
// those that have a default. "/images" requests its functions for images.
import android.content.Context
import android.graphics.Bitmap
import java.lang.reflect.InvocationTargetException
import org.tensorflow.lite.Pipe

fun main() {
    val translator = Translator(Context())
    val methods = Translator::class.java.declaredMethods.filter { !it.isSynthetic && it.name != "close" }
    Pipe.output.writeInt(methods.size)
    methods.forEach { Pipe.output.writeUTF(it.name) }
    Pipe.output.flush()
    while (true) {
        val name = Pipe.input.readUTF()
        if (name.isEmpty()) break
        if (name == "/images") {
            bringImage()
            continue
        }
        val defaults = Pipe.input.readInt() // a bit for each argument that is omitted
        val arguments = Array<Any>(Pipe.input.readInt()) { Pipe.read() }
        val result = try {
            if (defaults == 0) {
                methods.single { it.name == name }.invoke(translator, *arguments)
            } else {
                val method = Translator::class.java.declaredMethods.single { it.name == "$name\$default" }
                method.invoke(null, translator, *arguments, defaults, null)
            }
        } catch (failed: InvocationTargetException) {
            Pipe.output.writeUTF("failed")
            Pipe.output.writeUTF(failed.targetException.message ?: "${failed.targetException}")
            Pipe.output.flush()
            continue
        }
        val named = if (result is Map<*, *>) result else mapOf("" to result)
        Pipe.output.writeUTF("done")
        Pipe.output.writeInt(named.size)
        named.forEach { (output, values) -> Pipe.write(output as String, values!!) }
        Pipe.output.flush()
    }
    translator.close()
}

/** Brings an image to the size of the model, and a result back, by the example's functions. */
private fun bringImage() {
    val (imageHeight, imageWidth, height, width, isNearest) = IntArray(5) { Pipe.input.readInt() }
    val image = Bitmap.of(Pipe.read() as ByteArray, imageWidth, imageHeight)
    val result = Pipe.read() as ByteArray
    val functions = Class.forName("TranslatorKt").declaredMethods
    // Only the example of a bundle with label maps has the argument.
    fun call(name: String, vararg arguments: Any): Any {
        val function = functions.single { it.name == name }
        val nearest = if (function.parameterCount > arguments.size) arrayOf(isNearest == 1) else arrayOf()
        return function.invoke(null, *arguments, *nearest)
    }
    val pixels = call("pixelsOf", image, width, height)
    val shown = call("bitmapOf", result, width, height, image) as Bitmap
    Pipe.output.writeInt(shown.height)
    Pipe.output.writeInt(shown.width)
    Pipe.write("pixels", pixels)
    Pipe.write("bitmap", shown.levels())
    Pipe.output.flush()
}
